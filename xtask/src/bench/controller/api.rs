//! A small client of the API server: blocking, many threads, nothing kept. What it costs is part of the bound, so it does as
//! little as can be done.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// Of a watch only the metadata.
pub(crate) const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
/// Of a list only the metadata.
pub(crate) const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const JSON: &str = "application/json";
/// Objects in one page of a list, as the controllers ask for them.
const PAGE: usize = 500;
const LARGEST: u64 = 1 << 30;
/// How far from its ends a page's own metadata are looked for, in bytes.
const END: usize = 4096;

/// Where the SealedSecrets of a namespace are.
pub(crate) fn sealed_secrets(namespace: &str) -> String {
    format!("/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets")
}

/// Where the core objects of a namespace are.
pub(crate) fn core(namespace: &str, plural: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/{plural}")
}

/// The administrator's way to the API server.
#[derive(Clone)]
pub(crate) struct Api {
    agent: Agent,
    server: String,
    authorization: String,
}

impl Api {
    /// From the kubeconfig that the harness writes: JSON, one cluster, one token.
    pub(crate) fn connect(kubeconfig: &Path) -> Result<Api> {
        let config: Value = serde_json::from_slice(&std::fs::read(kubeconfig)?)?;
        let text = |path: &str| {
            let found = config.pointer(path).and_then(Value::as_str);
            found.with_context(|| format!("the kubeconfig has no {path}"))
        };
        let ca = STANDARD.decode(text("/clusters/0/cluster/certificate-authority-data")?)?;
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .root_certs(RootCerts::new_with_certs(&[Certificate::from_pem(&ca)?]))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_idle_connections_per_host(64)
            .max_idle_connections(64)
            .build()
            .new_agent();
        Ok(Api {
            agent,
            server: text("/clusters/0/cluster/server")?.to_owned(),
            authorization: format!("Bearer {}", text("/users/0/user/token")?),
        })
    }

    /// POST. Gives the answer as it came.
    pub(crate) fn create(&self, path: &str, object: &Value) -> Result<Vec<u8>> {
        let request = self.agent.post(format!("{}{path}", self.server));
        let request = request.header("Authorization", &self.authorization).content_type(JSON);
        answer(path, request.send(&serde_json::to_vec(object)?)?)
    }

    /// PUT. Gives the answer as it came.
    pub(crate) fn replace(&self, path: &str, object: &Value) -> Result<Vec<u8>> {
        let request = self.agent.put(format!("{}{path}", self.server));
        let request = request.header("Authorization", &self.authorization).content_type(JSON);
        answer(path, request.send(&serde_json::to_vec(object)?)?)
    }

    /// The pages of a list as they came; `accept` as in HTTP, plain JSON if `None`.
    pub(crate) fn list(&self, path: &str, accept: Option<&str>) -> Result<Vec<Vec<u8>>> {
        let (mut pages, mut token) = (Vec::new(), String::new());
        loop {
            let url = format!("{}{path}?limit={PAGE}&continue={token}", self.server);
            let request = self.agent.get(url).header("Authorization", &self.authorization);
            let page = answer(path, request.header("Accept", accept.unwrap_or(JSON)).call()?)?;
            token = next_token(&page);
            pages.push(page);
            if token.is_empty() {
                return Ok(pages);
            }
        }
    }

    /// Begins a watch of what comes from now on; gives its lines.
    pub(crate) fn watch(&self, path: &str, accept: Option<&str>) -> Result<impl Iterator<Item = String> + use<>> {
        let mut url = format!("{}{path}?watch=true", self.server);
        let first = self.agent.get(format!("{}{path}?limit=1", self.server));
        let first = first
            .header("Authorization", &self.authorization)
            .header("Accept", METADATA_LIST)
            .call()?;
        let first: Value = serde_json::from_slice(&answer(path, first)?)?;
        let version = first["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        url.push_str(&format!("&resourceVersion={version}"));
        let request = self.agent.get(url).header("Authorization", &self.authorization);
        let reply = request.header("Accept", accept.unwrap_or(JSON)).call()?;
        ensure!(
            reply.status().is_success(),
            "{path} cannot be watched: {}",
            reply.status()
        );
        let reader = reply.into_body().into_with_config().limit(LARGEST).reader();
        Ok(BufReader::new(reader).lines().map_while(Result::ok))
    }

    /// The text at a plain address.
    pub(crate) fn text(&self, url: &str) -> Result<String> {
        Ok(self.agent.get(url).call()?.body_mut().read_to_string()?)
    }
}

/// Where the next page of a list begins; empty after the last. Nothing but the list's own metadata is read: they come before
/// the items of built-in types, and after those of the others.
fn next_token(page: &[u8]) -> String {
    let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or(page)).into_owned();
    let (first, last) = (text(page.get(..END)), text(page.get(page.len().saturating_sub(END)..)));
    let before = first.split("\"items\":").next();
    let after = last.rsplit_once("],\"kind\":").map(|(_, rest)| rest);
    let mut own = before.into_iter().chain(after);
    let token = own.find_map(|own| own.split("\"continue\":\"").nth(1)?.split('"').next());
    token.unwrap_or_default().to_owned()
}

fn answer(path: &str, mut reply: ureq::http::Response<ureq::Body>) -> Result<Vec<u8>> {
    let body = reply.body_mut().with_config().limit(LARGEST).read_to_vec()?;
    ensure!(
        reply.status().is_success(),
        "{path}: {} {}",
        reply.status(),
        String::from_utf8_lossy(&body)
    );
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::next_token;

    #[test]
    fn the_next_page_is_found_before_and_after_the_items() {
        let built_in = r#"{"kind":"SecretList","metadata":{"resourceVersion":"1","continue":"abc","remainingItemCount":2},"items":[{"continue":"no"}]}"#;
        let custom = r#"{"apiVersion":"v","items":[{"a":[],"kind":"S","continue":"no"}],"kind":"SList","metadata":{"continue":"abc","resourceVersion":"1"}}"#;
        for page in [built_in, custom] {
            assert_eq!(next_token(page.as_bytes()), "abc");
            let last = page
                .replace(r#""continue":"abc","#, "")
                .replace(r#","continue":"abc""#, "");
            assert_eq!(next_token(last.as_bytes()), "", "{last}");
        }
    }
}
