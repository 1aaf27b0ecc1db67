//! Requests from inside a cluster's namespace, to what listens on its address.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::output::run_with_input;
use crate::peers;

/// An HTTP response.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub code: u64,
    /// The headers, their names in lower case.
    pub headers: Value,
    /// The body, which must be text.
    pub body: String,
}

const ASK: &str = r#"
import http.client, json, sys
method, port, path, headers = json.loads(sys.argv[2])
connection = http.client.HTTPConnection(sys.argv[1], port, timeout=60)
try:
    connection.request(method, path, sys.stdin.buffer.read(), headers)
except BrokenPipeError:
    pass  # Refused before the end of the body; the answer says why.
answer = connection.getresponse()
print(json.dumps({
    "code": answer.status, "body": answer.read().decode(),
    "headers": {name.lower(): value for name, value in answer.getheaders()},
}))
"#;

impl Cluster {
    /// Sends one request to that port of the cluster's address. `headers` is an object.
    pub fn http(&self, method: &str, port: u16, path: &str, headers: &Value, body: &str) -> Result<Answer> {
        let request = json!([method, port, path, headers]);
        let mut command = self.command(peers::python()?);
        command.args(["-c", ASK, &self.address().to_string(), &request.to_string()]);
        let answer = run_with_input(&mut command, body.as_bytes())?.success()?.json()?;
        let field = |name: &str| answer.get(name).with_context(|| format!("no {name}"));
        Ok(Answer {
            code: field("code")?.as_u64().context("a code")?,
            headers: field("headers")?.clone(),
            body: field("body")?.as_str().context("a body")?.to_owned(),
        })
    }
}
