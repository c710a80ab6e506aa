{{/* What the operator's container and that of the connection test have in common. */}}
{{- define "operator.environmentFrom" -}}
- configMapRef:
    name: {{ include "operator.fullname" . }}-config
    optional: true
{{- with .Values.extraEnvFrom }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "operator.credentialsEnvironment" -}}
- name: ZSTACK_CREDENTIALS_DIR
  value: /var/run/secrets/zstack
# What is mounted there, for messages.
- name: ZSTACK_CREDENTIALS_SECRET
  value: {{ include "operator.secretName" . }}
{{- end -}}

{{- define "operator.volumeMounts" -}}
- name: zstack
  mountPath: /var/run/secrets/zstack
  readOnly: true
{{- with .Values.zstack.ca }}
{{- if or .pem .existingConfigMap .existingSecret }}
- name: zstack-ca
  mountPath: /var/run/zstack-ca
  readOnly: true
{{- end }}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "operator.volumes" -}}
- name: zstack
  secret:
    secretName: {{ include "operator.secretName" . }}
    # A missing Secret is a condition on the objects, not a pod that does not start.
    optional: true
{{- with .Values.zstack.ca }}
{{- if .existingSecret }}
- name: zstack-ca
  secret:
    secretName: {{ .existingSecret }}
    optional: true
{{- else if or .pem .existingConfigMap }}
- name: zstack-ca
  configMap:
    name: {{ default (printf "%s-ca" (include "operator.fullname" $)) .existingConfigMap }}
    optional: true
{{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Where a pod runs, and as whom it pulls. */}}
{{- define "operator.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* DNS, wherever it is served: kube-dns, or a cache on the node. */}}
{{- define "operator.dnsEgress" -}}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- end -}}

{{- define "operator.zstackEgress" -}}
- ports:
    - port: {{ include "operator.zstackPort" . }}
{{- end -}}
