{{- /* Names and labels. They are those of the reference's chart: a Deployment's selector can never change, so an upgrade of a
release of that chart needs the same. */ -}}

{{- define "name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "namespace" -}}
{{ default .Release.Namespace .Values.namespace }}
{{- end -}}

{{- define "serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{- define "selector" -}}
app.kubernetes.io/name: {{ include "name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "labels" -}}
{{ include "selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: sealed-secrets
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end -}}

{{- /* The metadata that every object starts with. Call with (dict "root" $ "name" … "labels" … "annotations" … "namespace" …);
"namespace" is "-" for cluster-wide objects. */ -}}
{{- define "metadata" -}}
{{- $root := .root -}}
name: {{ .name }}
{{- if ne (default "" .namespace) "-" }}
namespace: {{ default (include "namespace" $root) .namespace }}
{{- end }}
labels:
  {{- include "labels" $root | nindent 2 }}
  {{- with .labels }}
  {{- tpl (toYaml .) $root | nindent 2 }}
  {{- end }}
{{- $annotations := merge (dict) (default dict .annotations) $root.Values.commonAnnotations }}
{{- with $annotations }}
annotations:
  {{- tpl (toYaml .) $root | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* A whole values file of the reference's names the reference's image: what it says of that is as good as nothing. */ -}}
{{- define "image" -}}
{{- with .Values.image -}}
{{- $theirs := eq .repository "bitnami/sealed-secrets-controller" -}}
{{- $registry := and $theirs (eq .registry "docker.io") | ternary "localhost" .registry -}}
{{- $tag := $theirs | ternary "" .tag -}}
{{- if $registry }}{{ $registry }}/{{ end }}{{ $theirs | ternary "sealed-secrets-controller" .repository }}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ default $.Chart.AppVersion $tag }}{{ end }}
{{- end -}}
{{- end -}}

{{- /* A flag for each value that is set, in the order of values.yaml. What the Roles are written for is told by variables, which
`args` does not replace. */ -}}
{{- define "arguments" -}}
{{- $flags := list -}}
{{- $flags = append $flags (printf "--update-status=%t" .Values.updateStatus) -}}
{{- $flags = append $flags (printf "--key-prefix=%s" .Values.secretName) -}}
{{- $flags = append $flags (printf "--listen-addr=:%v" .Values.containerPorts.http) -}}
{{- $flags = append $flags (printf "--listen-metrics-addr=:%v" .Values.containerPorts.metrics) -}}
{{- range $flag, $value := dict
    "key-renew-period" .Values.keyrenewperiod
    "key-ttl" .Values.keyttl
    "key-cutoff-time" .Values.keycutofftime
    "key-size" .Values.keySize
    "key-order-priority" .Values.keyOrderPriority
    "hybrid" .Values.hybrid
    "accept-formats" .Values.acceptFormats
    "my-cn" .Values.commonName
    "rate-limit" .Values.rateLimit
    "rate-limit-burst" .Values.rateLimitBurst
    "label-selector" .Values.labelSelector
    "namespace-selector" .Values.namespaceSelector
    "log-level" .Values.logLevel
    "log-format" .Values.logFormat
    "max-unseal-retries" .Values.maxRetries
    "kubeclient-qps" .Values.kubeClientQPS
    "kubeclient-burst" .Values.kubeClientBurst
-}}
{{- /* 0 is a value (no renewal); only the empty text says "your default". */ -}}
{{- if ne (toString $value) "" -}}
{{- $flags = append $flags (printf "--%s=%v" $flag $value) -}}
{{- end -}}
{{- end -}}
{{- range $flag, $on := dict
    "skip-recreate" .Values.skipRecreate
    "watch-for-secrets" .Values.watchForSecrets
    "log-info-stdout" .Values.logInfoStdout
    "metrics-omit-secret-labels" .Values.metricsOmitSecretLabels
-}}
{{- if $on -}}
{{- $flags = append $flags (printf "--%s" $flag) -}}
{{- end -}}
{{- end -}}
{{- with .Values.additionalNamespaces -}}
{{- $flags = append $flags (printf "--additional-namespaces=%s" (join "," .)) -}}
{{- end -}}
{{- range $flag, $pairs := dict "privatekey-annotations" .Values.privateKeyAnnotations "privatekey-labels" .Values.privateKeyLabels -}}
{{- $words := list -}}
{{- range $key, $value := $pairs -}}
{{- $words = append $words (printf "%s=%s" $key (toString $value)) -}}
{{- end -}}
{{- with $words -}}
{{- $flags = append $flags (printf "--%s=%s" $flag (join "," .)) -}}
{{- end -}}
{{- end -}}
{{- toYaml $flags -}}
{{- end -}}
