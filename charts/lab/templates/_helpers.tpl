{{/* Labels of a pod and of what manages it. Takes a dict: root, app, part. */}}
{{- define "lab.labels" -}}
app: {{ .app }}
faultline.dev/scenario: {{ .root.Values.scenario }}
faultline.dev/part: {{ .part }}
{{- end }}

{{/* What finds the pods of one app. Takes a dict: app. Other labs are in other namespaces. */}}
{{- define "lab.selector" -}}
app: {{ .app }}
{{- end }}

{{/* What every pod has in common: no API token unless asked for, no root, names looked up in one step. Where
there are several nodes, the harness goes to the control plane's and the lab to the others, one of which may be lost
(fault node_loss). Takes a dict: token, harness. */}}
{{- define "lab.pod" -}}
automountServiceAccountToken: {{ .token | default false }}
enableServiceLinks: false
terminationGracePeriodSeconds: 5
affinity:
  nodeAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        preference:
          matchExpressions:
            - {key: node-role.kubernetes.io/control-plane, operator: {{ ternary "Exists" "DoesNotExist" (.harness | default false) }}}
# Every name in a lab is complete: without this each look-up would first try four search domains.
dnsConfig:
  options: [{name: ndots, value: "1"}]
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "lab.container" -}}
imagePullPolicy: IfNotPresent
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{/*
Small requests, so that twenty labs fit on one node: the limits are what a scenario teaches about. Takes a dict: cpu,
memory.
*/}}
{{- define "lab.resources" -}}
resources:
  requests: {cpu: 2m, memory: 16Mi}
  limits: {cpu: {{ .cpu }}, memory: {{ .memory }}}
{{- end }}

{{/*
What a container of the lab begins with: a whole core, since most have much to do at their start, until the operator
gives it the limit that the pod's annotation faultline.dev/cpu names, scaled to the machine (faultline.lab.limits). Takes
a dict: cpu, memory.
*/}}
{{- define "lab.startResources" -}}
{{- $own := trimSuffix "m" .cpu | int }}
{{- include "lab.resources" (dict "cpu" (printf "%dm" (max $own 1000)) "memory" .memory) }}
{{- end }}

{{/*
The egress allow-list of a pod: its own edges and DNS, everything else refused at once. It is the only container in the
lab's namespace with a capability and the only root: nftables wants NET_ADMIN, which Kubernetes grants to root alone, and it reaches
no further than this pod's own network. Takes a dict: root, ports.
*/}}
{{- define "lab.netguard" -}}
- name: netguard
  image: {{ .root.Values.images.netguard }}
  imagePullPolicy: IfNotPresent
  command: [netguard]
  args:
    {{- range .ports }}
    - {{ include "lab.edgesHost" $.root }}:{{ . }}
    {{- else }}
    []
    {{- end }}
  securityContext:
    runAsUser: 0
    runAsGroup: 0
    runAsNonRoot: false
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities: {drop: [ALL], add: [NET_ADMIN]}
  resources:
    requests: {cpu: 2m, memory: 16Mi}
    limits: {memory: 64Mi}
  volumeMounts: [{name: tmp, mountPath: /tmp}]
{{- end }}

{{- define "lab.edgesHost" -}}
edges.{{ .Values.harnessNamespace }}.svc.cluster.local
{{- end }}

{{/* An exporter next to its data store; it takes no part in the pod's readiness. Its command and environment follow. */}}
{{- define "lab.exporter" -}}
name: exporter
image: {{ .Values.images.exporters }}
{{ include "lab.container" . }}
{{ include "lab.resources" (dict "cpu" "50m" "memory" "48Mi") }}
{{- end }}

{{/* One thread and few collections: bursts are what a small limit punishes. */}}
{{- define "lab.exporterEnv" -}}
- {name: GOMAXPROCS, value: "1"}
- {name: GOGC, value: "400"}
{{- end }}

{{/* Made from the token, so that it is as secret and stays the same from upgrade to upgrade. */}}
{{- define "lab.adminPassword" -}}
{{ printf "postgres %s" .Values.token | sha256sum | trunc 40 }}
{{- end }}

{{/*
The requests and limits of what measures. A request is a share of a busy machine: what has to be on time (the load
generator, the injector) gets the most, twice that of the control plane (host/cluster.py) and twenty times that of an
app, and yet twenty labs fit on a node of two cores. Takes a dict: cpu, memory.
*/}}
{{- define "lab.harnessResources" -}}
resources:
  requests: {cpu: {{ .cpu }}, memory: 48Mi}
  limits: {memory: {{ .memory }}}
{{- end }}
