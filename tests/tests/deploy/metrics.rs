//! The metrics component: the Prometheus operator's own kinds take its objects, Prometheus' own parsers read its queries, and
//! what they ask for is in what a controller really tells.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{CONTROLLER, Implementation, NAMESPACE, repository};
use harness::output::run_with_input;
use harness::peers::{self, PeerSet};
use serde_json::{Value, json};

use crate::chart::{ours, template};
use crate::kustomize::{SOON, built};

/// Labels that Prometheus gives to whatever it scrapes.
const OF_THE_TARGET: [&str; 2] = ["job", "instance"];

/// What the controller tells of its own process. It reads that in `/proc`, which in a cluster's namespace is the one outside:
/// there it does not find itself. A unit test of the controller holds that it tells them elsewhere.
const OF_THE_PROCESS: [&str; 1] = ["process_resident_memory_bytes"];

const WITH_METRICS: &str = "resources: [../../deploy/base]\ncomponents: [../../deploy/components/metrics]\n";

/// The base with the component.
fn manifests(cluster: &Cluster) -> Result<String> {
    // Kustomize takes no absolute paths.
    let folder = tempfile::tempdir_in(repository().join("target"))?;
    std::fs::write(folder.path().join("kustomization.yaml"), WITH_METRICS)?;
    built(cluster, folder.path())
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Result<&'a Value> {
    let mut found = objects.iter().filter(|object| object["kind"] == kind);
    found.next().with_context(|| format!("no {kind}"))
}

/// A cluster with our base and the operator's kinds in it.
fn cluster() -> Result<Cluster> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let operator = "github.com/prometheus-operator/prometheus-operator";
    let definitions = peers::manifests_folder("prometheus-operator", operator)?.join("example/prometheus-operator-crd");
    for kind in ["servicemonitors", "prometheusrules"] {
        let file = definitions.join(format!("monitoring.coreos.com_{kind}.yaml"));
        cluster.kubectl_ok(&["apply", "--server-side", "-f", &file.display().to_string()])?;
        cluster.await_crd(&format!("{kind}.monitoring.coreos.com"))?;
    }
    Ok(cluster)
}

#[test]
fn the_operators_kinds_take_the_objects_and_the_chart_has_the_same() -> Result<()> {
    let cluster = cluster()?;
    let component = manifests(&cluster)?;
    cluster.apply(&component)?;
    let component = cluster.objects_in(&component)?;
    let enabled =
        "metrics.serviceMonitor.enabled=true,metrics.prometheusRule.enabled=true,metrics.dashboards.create=true";
    let values = ["--set", enabled, "-s", "templates/monitoring.yaml"];
    let chart = template(&ours(), &values)?.success()?.stdout;
    cluster.apply(&chart)?;
    let chart = cluster.objects_in(&chart)?;
    let rules = |objects: &[Value]| Ok::<_, anyhow::Error>(of_kind(objects, "PrometheusRule")?["spec"].clone());
    ensure!(rules(&component)? == rules(&chart)?, "the chart has other rules");
    let dashboards = |objects: &[Value]| -> Vec<Value> {
        let mut found: Vec<_> = objects
            .iter()
            .map(|object| object["data"]["sealed-secrets.json"].clone())
            .collect();
        found.retain(Value::is_string);
        found
    };
    let text = |all: Vec<Value>| Ok::<_, anyhow::Error>(all[0].as_str().context("a text")?.trim_end().to_owned());
    ensure!(
        text(dashboards(&component))? == text(dashboards(&chart))?,
        "the chart has another dashboard"
    );

    // The monitor selects the Service of the metrics, and a port of the right name.
    let monitor = of_kind(&component, "ServiceMonitor")?;
    let wanted = monitor["spec"]["selector"]["matchLabels"]
        .as_object()
        .context("labels")?;
    let selected: Vec<_> = component
        .iter()
        .filter(|object| object["kind"] == "Service")
        .filter(|service| {
            wanted
                .iter()
                .all(|(label, value)| service["metadata"]["labels"][label] == *value)
        })
        .collect();
    ensure!(selected.len() == 1, "{selected:?}");
    ensure!(
        selected[0]["spec"]["ports"][0]["name"] == monitor["spec"]["endpoints"][0]["port"],
        "no such port"
    );
    Ok(())
}

/// The metrics of an expression, as Prometheus parses it.
fn asked(rules: &Value, queries: &[String]) -> Result<Vec<Value>> {
    let peers = PeerSet::installed(&[peers::PROMQL])?;
    let mut promql = std::process::Command::new(peers.path(&peers::PROMQL)?);
    // JSON is YAML.
    let input = json!({"rules": rules.to_string(), "queries": queries});
    let answer = run_with_input(&mut promql, input.to_string().as_bytes())?
        .success()?
        .json()?;
    Ok(answer.as_array().context("a list")?.clone())
}

/// The queries of a dashboard, with Grafana's variables filled in; none is left out.
fn queries(dashboard: &Value) -> Result<Vec<String>> {
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().context("panels")? {
        let targets = panel["targets"].as_array().context("targets")?;
        ensure!(!targets.is_empty(), "{} shows nothing", panel["title"]);
        for target in targets {
            let query = target["expr"].as_str().context("a query")?;
            queries.push(query.replace("$__rate_interval", "5m").replace("$job", ".*"));
        }
    }
    Ok(queries)
}

/// The label names of each metric in a scrape.
fn scraped(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let series = line.rsplit_once(' ').map_or(line, |(series, _)| series);
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.trim_end_matches('}').split("\",");
        let labels = labels.filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
        found.entry(name.to_owned()).or_default().extend(labels);
    }
    found
}

#[test]
fn all_that_rules_and_dashboard_ask_for_is_told() -> Result<()> {
    let cluster = cluster()?;
    let service = format!("{CONTROLLER}-metrics");
    cluster.publish_service(NAMESPACE, &service, 8081)?;
    let _controller = cluster.start_controller(Implementation::Ours, &["--key-size=2048"])?;
    // Something of everything: one that opens, one that does not, and the request for the certificate at the start.
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "good", "namespace": "default"},
        "stringData": {"item": "value"}});
    let mut sealed = cluster.seal(Implementation::Ours, &[], &secret)?;
    cluster.apply(&sealed.to_string())?;
    sealed["metadata"]["name"] = json!("broken");
    cluster.apply(&sealed.to_string())?;
    let told = cluster.eventually(SOON, "metrics of one that opens and one that does not", || {
        let path = format!("/api/v1/namespaces/{NAMESPACE}/services/http:{service}:metrics/proxy/metrics");
        let told = scraped(&cluster.kubectl_ok(&["get", "--raw", &path])?.stdout);
        for metric in ["unseal_errors_total", "objects", "condition_info"] {
            ensure!(
                told.contains_key(&format!("sealed_secrets_controller_{metric}")),
                "no {metric} yet"
            );
        }
        Ok(told)
    })?;

    let component = cluster.objects_in(&manifests(&cluster)?)?;
    let rules = &of_kind(&component, "PrometheusRule")?["spec"];
    let mut dashboards = component
        .iter()
        .filter_map(|object| object["data"]["sealed-secrets.json"].as_str());
    let dashboard: Value = serde_json::from_str(dashboards.next().context("a dashboard")?)?;
    let queries = queries(&dashboard)?;
    let alerts = rules["groups"][0]["rules"].as_array().context("rules")?.len();
    let asked = asked(rules, &queries)?;
    ensure!(asked.len() == alerts + queries.len() && alerts > 5, "{asked:?}");
    for expression in asked {
        let texts = |list: &Value| -> Vec<String> {
            let list = list.as_array().into_iter().flatten();
            list.filter_map(|text| Some(text.as_str()?.to_owned())).collect()
        };
        let metrics = expression["metrics"].as_array().context("metrics")?;
        ensure!(!metrics.is_empty(), "{expression} asks for nothing");
        for metric in metrics {
            let name = metric["name"].as_str().context("a name")?;
            if OF_THE_PROCESS.contains(&name) {
                continue;
            }
            let labels = told
                .get(name)
                .with_context(|| format!("nothing is called {name}: {expression}"))?;
            for label in texts(&metric["labels"])
                .into_iter()
                .chain(texts(&expression["grouping"]))
            {
                ensure!(
                    labels.contains(&label) || OF_THE_TARGET.contains(&label.as_str()),
                    "{name} has no label {label}: {expression}"
                );
            }
        }
    }
    Ok(())
}
