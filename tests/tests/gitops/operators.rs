//! The two operators of the example: what their scripts make of what was unsealed, and the API keys that one of them makes,
//! sealed back into Git.

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::peers;
use serde_json::Value;

use crate::flux::{Flux, RECONCILED};
use crate::kubelet::{IMAGE, Image, Pod};
use crate::repository::WorkingCopy;

/// How an operator made of shell commands reads its files and variables: it cuts lines at `=` and blanks, and takes the quotes
/// off. JSON goes through a program that reads JSON.
const CONNECT_OPERATOR: &str = r#"
files=/etc/config/connect-operator
jaas=$(grep -h sasl.jaas.config $files/*.properties | cut -d= -f2-)
echo "KAFKA_API_KEY=$(echo "$jaas" | cut -d' ' -f3 | cut -d= -f2 | tr -d '"')"
echo "KAFKA_API_SECRET=$(echo "$jaas" | cut -d' ' -f4 | cut -d= -f2 | tr -d '";')"
grep -h -e '^schema' -e '^security' $files/*.properties | while read -r line; do
  echo "$(echo "$line" | cut -d= -f1 | tr a-z. A-Z_)=$(echo "$line" | cut -d= -f2)"
done
echo "PROJECT=$(printf %s "$ORDERS_BQ_SINK_KEYFILE" | python3 -c 'import json, sys; print(json.load(sys.stdin)["project_id"])')"
echo "CONNECTION=$MYSQL_CONNECTION_USER:$MYSQL_CONNECTION_PASSWORD"
echo "REST=$CONNECT_REST_KEY:$CONNECT_REST_SECRET@$CONNECT_REST_URL"
"#;

/// What comes of it with the example's values.
const CONNECT_OPERATOR_READS: &str = "\
KAFKA_API_KEY=EXAMPLEKAFKAKEY0
KAFKA_API_SECRET=example/kafka+secret
SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO=EXAMPLESCHEMAKEY:example/schema+secret
SCHEMA_REGISTRY_URL=https://psrc-00000.region.provider.example.invalid
SECURITY_PROTOCOL=SASL_SSL
PROJECT=example
CONNECTION=connect:example-password
REST=EXAMPLECLOUDKEY0:example/cloud+secret@http://connect
";

/// How the operator of the cloud finds the API key that an account has for a cluster, by labels, and reads it.
const FIND_API_KEY: &str = r#"
echo "$CCLOUD_EMAIL:$CCLOUD_PASSWORD"
name=$(kubectl get secrets -l category=kafka,resource_id=lkc-00000 -o name)
echo "$name"
kubectl get "$name" -o jsonpath='{.data.ccloud-api-key}' | base64 -d |
  python3 -c 'import json, sys; found = json.load(sys.stdin); print(found["key"], found["secret"])'
kubectl get secret cc.api-key.cloud -o jsonpath='{.data.secret}' | base64 -d
"#;

const FOUND_API_KEY: &str = "\
operator@example.invalid:example-password
secret/cc.api-key.connect-worker-client.lkc-00000
EXAMPLEKAFKAKEY0 example/kafka+secret
example/cloud+secret";

/// How it writes a new one into the cluster; the label has no value there either.
const WRITE_API_KEY: &str = r#"
kubectl create secret generic "$1" --from-literal=ccloud-api-key='{"key":"MADEBYOPERATOR00","secret":"made/by+operator=="}' \
  --dry-run=client -o yaml |
  kubectl label --local -f - -o yaml \
    resource_id=lkc-00000 service_accont= service_account_id=123456 key=MADEBYOPERATOR00 category=kafka |
  kubectl apply -f -
"#;

/// Both operators read what was sealed with the example's own values.
pub(crate) fn read_what_was_sealed(cluster: &Cluster) -> Result<()> {
    let pod = Pod::of_deployment(cluster, "connect-operator", "connect-operator")?;
    let read = pod.run(&Vec::new(), &["sh", "-euc", CONNECT_OPERATOR])?.success()?;
    ensure!(read.stdout == CONNECT_OPERATOR_READS, "{read}");
    let found = cloud_operator(cluster, FIND_API_KEY, "")?;
    ensure!(found == FOUND_API_KEY, "{found}");
    Ok(())
}

/// Runs a script in the operator's Pod, with the rights that the example gives it; gives its output.
fn cloud_operator(cluster: &Cluster, script: &str, argument: &str) -> Result<String> {
    let image: Image = vec![
        (cluster.peer(&peers::KUBECTL)?.to_owned(), "bin/kubectl"),
        (
            cluster.service_account_kubeconfig("default", "ccloud-operator")?,
            "kubeconfig",
        ),
    ];
    let pod = Pod::of_deployment(cluster, "ccloud-operator", "ccloud-operator")?;
    let kubeconfig = format!("KUBECONFIG={IMAGE}/kubeconfig");
    let command = ["env", "HOME=/tmp", &kubeconfig, "sh", "-euc", script, "sh", argument];
    Ok(pod.run(&image, &command)?.success()?.stdout)
}

/// API keys that the operator wrote into the cluster come under Git's rule by one command: one survives its deletion, the
/// other is taken over as it is.
pub(crate) fn seal_back(flux: &Flux, copy: &WorkingCopy<'_>) -> Result<()> {
    let (lost, kept) = ("cc.api-key.orders.lkc-00000", "cc.api-key.customers.lkc-00000");
    let mut before = Vec::new();
    for name in [lost, kept] {
        cloud_operator(&flux.cluster, WRITE_API_KEY, name)?;
        before.push(flux.cluster.get_json(&["secret", name])?);
        let file = format!("secrets/sealed/dev/default-{name}.sealed.yaml");
        let command = format!("kubectl get secret {name} -o yaml | kubeseal -w {file}");
        copy.run("sh", &["-ec", &command])?.success()?;
        let sealed = std::fs::read_to_string(copy.path(&file))?;
        let of_the_cluster = [
            "resourceVersion:",
            "uid:",
            "managedFields:",
            "creationTimestamp:",
            "last-applied",
        ];
        for word in of_the_cluster {
            ensure!(!sealed.contains(word), "{word} is no business of Git's:\n{sealed}");
        }
    }
    copy.run("kubeseal", &["lint", "--strict", "."])?.success()?;
    flux.cluster.kubectl_ok(&["delete", "secret", lost])?;
    flux.cluster
        .kubectl_ok(&["annotate", "secret", kept, "sealedsecrets.bitnami.com/managed=true"])?;
    let commit = copy.push("Take the cloud's keys into Git")?;
    flux.await_ready("secrets", &commit)?;
    for (name, before) in [lost, kept].into_iter().zip(&before) {
        flux.cluster.eventually(RECONCILED, "Secret of Git's", || {
            is_the_same(before, &flux.cluster.get_json(&["secret", name])?).with_context(|| name.to_owned())
        })?;
    }
    Ok(())
}

/// The same items, labels and type; and now a SealedSecret owns it.
fn is_the_same(before: &Value, now: &Value) -> Result<()> {
    for field in ["/data", "/type", "/metadata/labels"] {
        ensure!(before.pointer(field) == now.pointer(field), "another {field}");
    }
    let owner = &now["metadata"]["ownerReferences"][0]["kind"];
    ensure!(owner == "SealedSecret", "{owner} owns it");
    Ok(())
}
