{{/* The variables of the operator. One that is left out takes the operator's default. */}}
{{- define "operator.config" -}}
{{- with .Values.zstack -}}
{{- if .endpoint -}}
ZSTACK_ENDPOINT: {{ .endpoint | quote }}
{{- else -}}
ZSTACK_HOST: {{ .host | quote }}
ZSTACK_PORT: {{ .port | int | quote }}
{{- end }}
{{- if or .ca.pem .ca.existingConfigMap .ca.existingSecret }}
ZSTACK_CA_FILE: {{ printf "/var/run/zstack-ca/%s" .ca.key | quote }}
{{- end }}
ZSTACK_INSECURE_SKIP_TLS_VERIFY: {{ .insecureSkipTlsVerify | quote }}
ZSTACK_REQUEST_BODY: {{ .requestBody | quote }}
ZSTACK_REQUEST_TIMEOUT: {{ .requestTimeout | quote }}
ZSTACK_MAX_IN_FLIGHT: {{ .maxInFlight | int | quote }}
{{- end }}
POLL_INTERVAL: {{ .Values.pollInterval | quote }}
{{- with .Values.watchNamespaces }}
WATCH_NAMESPACES: {{ join "," . | quote }}
{{- end }}
{{- with .Values.watchLabelSelector }}
WATCH_LABEL_SELECTOR: {{ . | quote }}
{{- end }}
MAX_CONCURRENT_RECONCILES: {{ .Values.maxConcurrentReconciles | int | quote }}
LEADER_ELECTION: {{ .Values.leaderElection.enabled | quote }}
METRICS_PORT: {{ .Values.metrics.port | int | quote }}
HEALTH_PORT: {{ .Values.health.port | int | quote }}
LOG_LEVEL: {{ .Values.log.level | quote }}
LOG_FORMAT: {{ .Values.log.format | quote }}
{{- end -}}
