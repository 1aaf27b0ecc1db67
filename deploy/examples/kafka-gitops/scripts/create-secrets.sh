#!/usr/bin/env bash
# Makes the temporary clear Secrets of one environment from raw values: scripts/create-secrets.sh ENV FOLDER
# FOLDER has the four files that secrets/example shows.
set -euo pipefail
# Clear text is for nobody else to read.
umask 077

env=${1:?usage: scripts/create-secrets.sh ENV FOLDER}
from=${2:?usage: scripts/create-secrets.sh ENV FOLDER, such as secrets/mine/$1}
out=secrets/local-toseal/$env
[ -d "$out" ] || { echo "error: there is no environment $env: $out does not exist" >&2; exit 1; }

# The file is <namespace>-<name>.yaml, so that one sees what a sealed file makes without opening it.
secret() {
  local name=$1
  shift
  kubectl create secret generic "$name" --namespace=default "$@" --dry-run=client -o yaml >"$out/default-$name.yaml"
}

# A value of cloud.props. One that is left out there must not become an empty password.
value() {
  local found
  found=$(sed -n "s/^$1=//p" "$from/cloud.props")
  [ -n "$found" ] || { echo "error: $from/cloud.props lacks $1" >&2; exit 1; }
  printf %s "$found"
}

bootstrap_servers=$(value BOOTSTRAP_SERVERS)
cloud_key=$(value CLOUD_API_KEY)
cloud_secret=$(value CLOUD_API_SECRET)
cluster=$(value KAFKA_CLUSTER_ID)
key=$(value KAFKA_API_KEY)
key_secret=$(value KAFKA_API_SECRET)
registry=$(value SCHEMA_REGISTRY_ID)
registry_url=$(value SCHEMA_REGISTRY_URL)
registry_key=$(value SCHEMA_REGISTRY_API_KEY)
registry_secret=$(value SCHEMA_REGISTRY_API_SECRET)

secret connect-operator-secrets --from-env-file="$from/connect-operator-secrets.props"
secret cc.ccloud-secrets --from-env-file="$from/ccloud-secrets.props"
secret orders-bq-sink-keyfile --from-file=keyfile="$from/orders-bq-sink-keyfile.json"

jaas=org.apache.kafka.common.security.plain.PlainLoginModule

secret cc.bootstrap-servers.streaming.orders \
  --from-literal=bootstrap-servers.properties="bootstrap.servers=$bootstrap_servers"$'\n'
secret cc.sasl-jaas-config.connect-worker-client.streaming.orders \
  --from-literal=sasl-jaas-config.properties="sasl.jaas.config=$jaas required username=\"$key\" password=\"$key_secret\";"$'\n'
secret cc.schema-registry-url.streaming \
  --from-literal=schema-registry-url.properties="schema.registry.url=$registry_url"$'\n'
secret cc.schema-registry-basic-auth-user-info.schema-registry-client.streaming \
  --from-literal=schema-registry-basic-auth-user-info.properties="schema.registry.basic.auth.user.info=$registry_key:$registry_secret"$'\n'
secret cc.api-key.cloud --from-literal=key="$cloud_key" --from-literal=secret="$cloud_secret"

# As the cloud operator writes them: one JSON value, and labels by which it finds them again.
api_key() {
  local account=$1 resource=$2 category=$3 key=$4 value=$5 name=cc.api-key.$1.$2
  secret "$name" --from-literal=ccloud-api-key="{\"key\":\"$key\",\"secret\":\"$value\"}"
  kubectl label --local -f "$out/default-$name.yaml" -o yaml \
    resource_id="$resource" service_account="$account" key="$key" category="$category" >"$out/.labelled"
  mv "$out/.labelled" "$out/default-$name.yaml"
}
api_key connect-worker-client "$cluster" kafka "$key" "$key_secret"
api_key schema-registry-client "$registry" schema-registry "$registry_key" "$registry_secret"
