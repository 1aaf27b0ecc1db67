//! An admission webhook that a test controls: it delays and changes the writes of the controller.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use harness::cluster::Cluster;
use harness::implementation::{CONTROLLER, NAMESPACE};
use harness::peers;
use harness::process::Process;
use serde_json::{Value, json};

use crate::fixture::SOON;

/// Answers by a file: `{"seconds": 4, "patch": [ … ], "status": { … }}`. A status is a refusal.
const WEBHOOK: &str = r#"
import base64, json, ssl, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
host, port, certificate, key, file = sys.argv[1], int(sys.argv[2]), *sys.argv[3:6]

class Review(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))["request"]
        orders = json.load(open(file))
        time.sleep(orders.get("seconds", 0))
        print("asked", request["resource"]["resource"], request["operation"], flush=True)
        response = {"uid": request["uid"], "allowed": "status" not in orders, "status": orders.get("status")}
        if "patch" in orders:
            response["patchType"] = "JSONPatch"
            response["patch"] = base64.b64encode(json.dumps(orders["patch"]).encode()).decode()
        body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

server = ThreadingHTTPServer((host, port), Review)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print("listens", flush=True)
server.serve_forever()
"#;
/// Where it listens.
const PORT: u16 = 19443;

/// A webhook for new Secrets of these namespaces that takes connections, and never answers; until the result is dropped.
pub(crate) fn silent_in(cluster: &Cluster, namespaces: &[String]) -> Result<Process> {
    const SILENT: &str = "import socket, time; s = socket.create_server((\"\", 9443)); s.listen(500); time.sleep(600)";
    let silent = cluster.launch("silent", "python3").args(["-c", SILENT]).spawn()?;
    let webhook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "silent"},
        "webhooks": [{
            "name": "silent.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "timeoutSeconds": 20, "failurePolicy": "Fail",
            "clientConfig": {"url": format!("https://{}:9443/", cluster.address())},
            "namespaceSelector": {"matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces},
            ]},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["secrets"]}],
        }],
    });
    cluster.apply(&webhook.to_string())?;
    Ok(silent)
}

/// The webhook while it runs.
pub(crate) struct Webhook {
    process: Process,
    orders: PathBuf,
}

impl Webhook {
    /// One that is asked about everything that the controller writes to these resources (`group/resource`), and lets it pass.
    pub(crate) fn start(cluster: &Cluster, resources: &[&str]) -> Result<Webhook> {
        let orders = cluster.state().join("webhook.json");
        let file = |name: &str| cluster.state().join(name).display().to_string();
        let (host, _) = cluster.api_server_address();
        let process = cluster
            .launch("webhook", peers::python()?)
            .args(["-c", WEBHOOK, &host.to_string(), &PORT.to_string()])
            .args([file("server.crt"), file("server.key"), file("webhook.json")])
            .spawn()?;
        cluster.eventually(SOON, "webhook", || {
            anyhow::ensure!(process.log()?.contains("listens"));
            Ok(())
        })?;
        let webhook = Webhook { process, orders };
        webhook.order(&json!({}))?;
        let rules: Vec<Value> = resources
            .iter()
            .map(|resource| {
                let (group, resource) = resource.split_once('/').unwrap_or_default();
                json!({"apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": [resource]})
            })
            .collect();
        let account = format!("request.userInfo.username == 'system:serviceaccount:{NAMESPACE}:{CONTROLLER}'");
        let ca = std::fs::read(cluster.state().join("ca.crt"))?;
        let ca = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, ca);
        let configuration = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "steered"},
            "webhooks": [{
                "name": "steered.example.com", "rules": rules, "sideEffects": "None", "admissionReviewVersions": ["v1"],
                "timeoutSeconds": 30, "matchConditions": [{"name": "the-controller", "expression": account}],
                "clientConfig": {"url": format!("https://{host}:{PORT}/"), "caBundle": ca},
            }],
        });
        cluster.apply(&configuration.to_string())?;
        // The API server takes up a new configuration within about a second.
        std::thread::sleep(Duration::from_secs(2));
        Ok(webhook)
    }

    /// The number of its requests.
    pub(crate) fn asked(&self) -> Result<usize> {
        Ok(self.process.log()?.matches("asked").count())
    }

    /// Sets its answer.
    pub(crate) fn order(&self, orders: &Value) -> Result<()> {
        let new = self.orders.with_extension("new");
        std::fs::write(&new, orders.to_string())?;
        Ok(std::fs::rename(new, &self.orders)?)
    }
}
