#!/usr/bin/env bash
# Seals the temporary Secrets of an environment, or of all: scripts/seal-secrets.sh ENV|all
# The same in one line, for all at once:
#   kubeseal seal secrets/local-toseal/ENV --out secrets/sealed/ENV --delete-clear
set -euo pipefail

seal() {
  local env=$1 certificate=secrets/keys/$1.crt secret file named
  [ -f "$certificate" ] || { echo "error: $certificate is missing; get it with: kubeseal --fetch-cert -w $certificate" >&2; exit 1; }
  for secret in secrets/local-toseal/"$env"/*.yaml; do
    [ -e "$secret" ] || { echo "error: nothing to seal in secrets/local-toseal/$env; make it with: scripts/create-secrets.sh $env secrets/mine/$env" >&2; exit 1; }
    file=$(basename "$secret")
    # A patch of nothing, as it is the one command of kubectl that reads a file and asks no cluster about it.
    named=$(kubectl patch --local -f "$secret" --type=merge -p '{}' -o jsonpath='{.metadata.namespace}-{.metadata.name}.yaml')
    [ "$file" = "$named" ] || { echo "error: $secret should be called $named" >&2; exit 1; }
    # Written whole or not at all: nothing half-sealed is ever committed.
    # The hint names the key, so that `kubeseal lint` knows a file that was sealed for another environment.
    kubeseal --format=yaml --cert="$certificate" --key-hint -w "secrets/sealed/$env/${file%.yaml}.sealed.yaml" <"$secret"
    rm "$secret"
    echo "INFO - Successfully sealed $secret"
  done
}

case ${1:?usage: scripts/seal-secrets.sh ENV|all} in
  all) for env in dev stag prod; do seal "$env"; done ;;
  *)
    [ -d "secrets/local-toseal/$1" ] || { echo "error: there is no environment $1" >&2; exit 1; }
    seal "$1" ;;
esac
