{{/*
What is scraped: every pod with a part and the annotation faultline.dev/scrape, once a second, a job for each part and in
the namespaces of that part only, so that nothing that a learner's pod exports can pass for a measurement.
*/}}
{{- define "faultline.prometheusConfig" -}}
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
{{- $limits := .Values.prometheus.limits }}
{{- $namespaces := dict "app" "lab-.+" "shared" "lab-.+" "store" "lab-.+" "harness" "harness-.+" "platform" .Release.Namespace }}
{{- range $part := list "app" "shared" "store" "harness" "platform" }}
  - job_name: {{ $part }}
    kubernetes_sd_configs:
      - role: pod
        selectors: [{role: pod, label: faultline.dev/part}]
    {{- if eq $part "app" }}
    sample_limit: {{ int $limits.samples }}
    label_limit: {{ int $limits.labels }}
    label_value_length_limit: {{ int $limits.valueLength }}
    body_size_limit: {{ $limits.bodySize }}
    # The names that objectives are graded by belong to the harness, the stores and the shared services: what an app
    # exports is called app_… whatever it calls it.
    metric_relabel_configs:
      - {source_labels: [__name__], regex: "faultline_.*", action: drop}
      - {source_labels: [__name__], regex: "(.*)", target_label: __name__, replacement: "app_$1"}
      - {source_labels: [__name__], regex: "app_(app_.*)", target_label: __name__, replacement: "$1"}
    {{- end }}
    {{- if eq $part "platform" }}
    # The meter speaks of other pods than itself.
    honor_labels: true
    {{- end }}
    relabel_configs:
      - {source_labels: [__meta_kubernetes_pod_label_faultline_dev_part], regex: {{ $part }}, action: keep}
      - {source_labels: [__meta_kubernetes_namespace], regex: {{ get $namespaces $part | quote }}, action: keep}
      - {source_labels: [__meta_kubernetes_pod_annotation_faultline_dev_scrape], regex: "[0-9]+", action: keep}
      - {source_labels: [__meta_kubernetes_pod_phase], regex: Running, action: keep}
      - source_labels: [__meta_kubernetes_pod_ip, __meta_kubernetes_pod_annotation_faultline_dev_scrape]
        separator: ":"
        target_label: __address__
      - {source_labels: [__meta_kubernetes_pod_label_faultline_dev_scenario], target_label: scenario}
      - {source_labels: [__meta_kubernetes_pod_label_faultline_dev_part], target_label: part}
      - {source_labels: [__meta_kubernetes_pod_label_app], target_label: app}
      - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}
      - {source_labels: [__meta_kubernetes_namespace], target_label: namespace}
{{- end }}
{{- end }}
