{{/* Labels of a pod and of what manages it. Takes the app's name. */}}
{{- define "faultline.labels" -}}
app: {{ . }}
faultline.dev/part: platform
{{- end }}

{{/* Where there are several nodes, the platform goes to the control plane's: labs may lose the others. */}}
{{- define "faultline.affinity" -}}
affinity:
  nodeAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        preference:
          matchExpressions: [{key: node-role.kubernetes.io/control-plane, operator: Exists}]
{{- end }}

{{- define "faultline.podSecurity" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "faultline.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "faultline.container" -}}
imagePullPolicy: IfNotPresent
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "faultline.prometheusUrl" -}}
{{ .Values.prometheus.url | default (printf "http://prometheus.%s.svc.cluster.local:9090" .Release.Namespace) }}
{{- end }}
