{{- define "tekton-integrations.flags" }}
{{- with index .Values.flags "watch-namespace" }}
- name: TEKTON_INTEGRATIONS_WATCH_NAMESPACE
  value: {{ join "," . | quote }}
{{- end }}
{{- with index .Values.flags "log-level" }}
- name: TEKTON_INTEGRATIONS_LOG_LEVEL
  value: {{ . | quote }}
{{- end }}
{{- with index .Values.flags "run-url-template" }}
- name: TEKTON_INTEGRATIONS_RUN_URL_TEMPLATE
  value: {{ . | quote }}
{{- end }}
{{- with index .Values.flags "lease-duration" }}
- name: TEKTON_INTEGRATIONS_LEASE_DURATION
  value: {{ . | quote }}
{{- end }}
{{- with index .Values.flags "delivery-deadline" }}
- name: TEKTON_INTEGRATIONS_DELIVERY_DEADLINE
  value: {{ . | quote }}
{{- end }}
{{- with index .Values.flags "ambient-credentials-namespaces" }}
- name: TEKTON_INTEGRATIONS_AMBIENT_CREDENTIALS_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- with index .Values.flags "require-secret-opt-in" }}
- name: TEKTON_INTEGRATIONS_REQUIRE_SECRET_OPT_IN
  value: {{ toString . | quote }}
{{- end }}
{{- with index .Values.flags "egress-allow-hosts" }}
- name: TEKTON_INTEGRATIONS_EGRESS_ALLOW_HOSTS
  value: {{ join "," . | quote }}
{{- end }}
{{- with index .Values.flags "egress-allow-http" }}
- name: TEKTON_INTEGRATIONS_EGRESS_ALLOW_HTTP
  value: {{ toString . | quote }}
{{- end }}
{{- with index .Values.flags "egress-deny-cidrs" }}
- name: TEKTON_INTEGRATIONS_EGRESS_DENY_CIDRS
  value: {{ join "," . | quote }}
{{- end }}
{{- with index .Values.flags "cluster-domain" }}
- name: TEKTON_INTEGRATIONS_CLUSTER_DOMAIN
  value: {{ . | quote }}
{{- end }}
{{- end }}
