{{/* What a schema cannot say: each mistake ends the render with a sentence that names the values. */}}
{{- define "operator.checks" -}}
{{- with .Values.zstack -}}
{{- if and (not .endpoint) (not .host) -}}
{{- fail "Set zstack.endpoint to the base URL of ZStack, such as http://zstack.example.com:8080/zstack, or zstack.host to its address." -}}
{{- end -}}
{{- if not (regexMatch "^(https?://[^/?#@]+(/[^?#]*)?)?$" .endpoint) -}}
{{- fail (printf "zstack.endpoint is %s; it must be an http or https URL without credentials, query or fragment, such as http://zstack.example.com:8080/zstack." .endpoint) -}}
{{- end -}}
{{- if and .endpoint .host -}}
{{- fail "zstack.endpoint and zstack.host are both set; set one of the two." -}}
{{- end -}}
{{- with .credentials -}}
{{- $ways := list -}}
{{- if .existingSecret }}{{ $ways = append $ways "existingSecret" }}{{ end -}}
{{- if or .accessKeyId .accessKeySecret }}{{ $ways = append $ways "accessKeyId" }}{{ end -}}
{{- if or .accountName .accountPassword }}{{ $ways = append $ways "accountName" }}{{ end -}}
{{- if not $ways -}}
{{- fail "Set zstack.credentials.existingSecret to the name of a Secret with ZSTACK_ACCESS_KEY_ID and ZSTACK_ACCESS_KEY_SECRET (or ZSTACK_ACCOUNT_NAME and ZSTACK_ACCOUNT_PASSWORD), or give accessKeyId and accessKeySecret, or accountName and accountPassword." -}}
{{- end -}}
{{- if gt (len $ways) 1 -}}
{{- fail (printf "zstack.credentials has %s: these are several ways to authenticate; set one." (join " and " $ways)) -}}
{{- end -}}
{{- if ne (empty .accessKeyId) (empty .accessKeySecret) -}}
{{- fail "zstack.credentials: an access key is accessKeyId and accessKeySecret; one of them is missing." -}}
{{- end -}}
{{- if ne (empty .accountName) (empty .accountPassword) -}}
{{- fail "zstack.credentials: an account is accountName and accountPassword; one of them is missing." -}}
{{- end -}}
{{- end -}}
{{- if and .ca.pem (not (contains "-----BEGIN CERTIFICATE-----" .ca.pem)) -}}
{{- fail "zstack.ca.pem holds no PEM certificate; give the text of the certificate, not a file name." -}}
{{- end -}}
{{- if gt (len (compact (list .ca.pem .ca.existingConfigMap .ca.existingSecret))) 1 -}}
{{- fail "zstack.ca has more than one of pem, existingConfigMap and existingSecret; set one." -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := dict "pollInterval" .Values.pollInterval "zstack.requestTimeout" .Values.zstack.requestTimeout -}}
{{- if not (regexMatch "^[0-9]{1,9}([.][0-9]{1,3})?(ms|s|m|h)$" $value) -}}
{{- fail (printf "%s is %s; it must be a duration such as 30s or 5m." $name $value) -}}
{{- end -}}
{{- end -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.leaderElection.enabled) -}}
{{- fail "replicas is above 1 while leaderElection.enabled is false: every replica would write to ZStack. Turn leader election on, or set replicas to 1." -}}
{{- end -}}
{{- if and .Values.metrics.port (eq (int .Values.metrics.port) (int .Values.health.port)) -}}
{{- fail "metrics.port and health.port are the same; give each a port of its own." -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.port) -}}
{{- fail "metrics.serviceMonitor.enabled needs metrics: metrics.port is 0, which turns them off." -}}
{{- end -}}
{{- if and .Values.metrics.podMonitor.enabled (not .Values.metrics.port) -}}
{{- fail "metrics.podMonitor.enabled needs metrics: metrics.port is 0, which turns them off." -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled -}}
{{- fail "metrics.serviceMonitor and metrics.podMonitor are both enabled: every pod would be scraped twice. Enable one of the two." -}}
{{- end -}}
{{- if .Values.leaderElection.enabled }}{{ include "operator.leaseCheck" . }}{{ end -}}
{{- $namespaces := dict -}}
{{- range .Values.rbac.valueSources -}}
{{- if hasKey $namespaces .namespace -}}
{{- fail (printf "rbac.valueSources names namespace %s more than once; put all of its Secrets and ConfigMaps into one entry." .namespace) -}}
{{- end -}}
{{- $_ := set $namespaces .namespace true -}}
{{- if eq (empty .all) (and (empty .secrets) (empty .configMaps)) -}}
{{- fail (printf "rbac.valueSources of namespace %s must have names in secrets or configMaps, or all: true in place of names." .namespace) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The Lease has one name: two operators with it in one namespace would be taken for replicas of one. */}}
{{- define "operator.leaseCheck" -}}
{{- $lease := include "operator.leaseNamespace" . -}}
{{- range (lookup "apps/v1" "Deployment" .Release.Namespace "").items -}}
{{- $name := index (.metadata.labels | default dict) "app.kubernetes.io/name" | default "" -}}
{{- if and (eq $name (include "operator.name" $)) (ne .metadata.name (include "operator.fullname" $)) -}}
{{- $theirs := .metadata.namespace -}}
{{- range .spec.template.spec.containers }}{{ range .env -}}
{{- if eq .name "LEADER_ELECTION_NAMESPACE" }}{{ $theirs = .value | default $theirs }}{{ end -}}
{{- end }}{{ end -}}
{{- if eq $theirs $lease -}}
{{- fail (printf "Deployment %s of namespace %s is an operator too, and both would agree on one leader through the Lease modelservice-operator in namespace %s. Install this release in a namespace of its own, or set leaderElection.namespace." .metadata.name .metadata.namespace $lease) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
