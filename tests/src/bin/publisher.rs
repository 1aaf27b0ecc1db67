//! Git repositories over HTTP, and what Flux's source-controller would do with them, for the tests:
//! `publisher ADDRESS:PORT FOLDER KUBECTL`.
//!
//! source-controller cannot be built from what its module needs, so this stands in for it, and only for it: it serves the bare
//! repositories in FOLDER with Git's own HTTP server program, fetches from there what the cluster's GitRepository objects
//! name, serves it as an archive, and says so in their status as the API asks of a source. kustomize-controller, which
//! applies, prunes and judges, is the real one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path as UrlPath, Request, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Far above any push of a test's.
const LARGEST_BODY: usize = 64 << 20;

/// How often the repositories are asked whether there is something new.
const INTERVAL: Duration = Duration::from_millis(500);

#[derive(Debug)]
struct Publisher {
    address: SocketAddr,
    repositories: PathBuf,
    kubectl: PathBuf,
    /// Archives by their name in the URL.
    archives: Mutex<BTreeMap<String, Bytes>>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let publisher = Arc::new(Publisher {
        address: arguments.next().context("which address?")?.parse()?,
        repositories: arguments.next().context("which folder of repositories?")?.into(),
        kubectl: arguments.next().context("which kubectl?")?.into(),
        archives: Mutex::default(),
    });
    let listener = tokio::net::TcpListener::bind(publisher.address).await?;
    let routes = Router::new()
        .route("/git/{*path}", any(serve_git))
        .route("/archives/{name}", get(serve_archive))
        .with_state(publisher.clone());
    tokio::spawn(async move {
        loop {
            // An API server that is away is back later.
            if let Err(error) = publisher.publish_all().await {
                eprintln!("{error:#}");
            }
            tokio::time::sleep(INTERVAL).await;
        }
    });
    Ok(axum::serve(listener, routes).await?)
}

impl Publisher {
    async fn publish_all(&self) -> Result<()> {
        let all = self.kubectl(&["get", "gitrepositories", "-A", "-o", "json"]).await?;
        let all: Value = serde_json::from_slice(&all)?;
        for source in all.get("items").and_then(Value::as_array).into_iter().flatten() {
            self.publish(source).await?;
        }
        Ok(())
    }

    /// Fetches one source if its branch has moved, and says in its status where the archive is.
    async fn publish(&self, source: &Value) -> Result<()> {
        let text = |pointer: &str| source.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (url, branch) = (text("/spec/url"), text("/spec/ref/branch"));
        let head = output(
            "git",
            &["ls-remote", "--exit-code", url, &format!("refs/heads/{branch}")],
        )
        .await?;
        let head = String::from_utf8(head)?;
        let commit = head.split_whitespace().next().context("a commit")?;
        let revision = format!("{branch}@sha1:{commit}");
        let name = format!("{commit}.tar.gz");
        let is_served = self.archives().contains_key(&name);
        if is_served && text("/status/artifact/revision") == revision {
            return Ok(());
        }
        let archive = fetch(url, branch, commit).await?;
        let digest = format!("{:x}", Sha256::digest(&archive));
        let now = jiff::Timestamp::now().to_string();
        let generation = source.pointer("/metadata/generation");
        let status = json!({"status": {
            "observedGeneration": generation,
            "artifact": {
                "digest": format!("sha256:{digest}"), "lastUpdateTime": now, "path": name, "revision": revision,
                "size": archive.len(), "url": format!("http://{}/archives/{name}", self.address),
            },
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "Succeeded", "observedGeneration": generation,
                "lastTransitionTime": now, "message": format!("stored artifact for revision '{revision}'"),
            }],
        }});
        self.archives().insert(name, archive.into());
        let (namespace, object) = (text("/metadata/namespace"), text("/metadata/name"));
        let patch = status.to_string();
        self.kubectl(&[
            "patch",
            "gitrepository",
            object,
            "-n",
            namespace,
            "--subresource=status",
            "--type=merge",
            "-p",
            &patch,
        ])
        .await?;
        println!("published {namespace}/{object} at {revision}");
        Ok(())
    }

    fn archives(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.archives.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn kubectl(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        output(&self.kubectl, arguments).await
    }
}

/// The commit as a compressed archive, over HTTP like any client.
async fn fetch(url: &str, branch: &str, commit: &str) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let clone = folder.path().to_str().context("a path in UTF-8")?;
    output(
        "git",
        &[
            "clone",
            "-q",
            "--depth=1",
            "--single-branch",
            "--branch",
            branch,
            url,
            clone,
        ],
    )
    .await?;
    output("git", &["-C", clone, "archive", "--format=tar.gz", commit]).await
}

/// The stdout of a program; an error with its stderr when it fails.
async fn output(program: impl AsRef<Path>, arguments: &[&str]) -> Result<Vec<u8>> {
    let program = program.as_ref();
    let ended = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .await
        .with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(
        ended.status.success(),
        "{} {}: {}",
        program.display(),
        arguments.first().copied().unwrap_or_default(),
        String::from_utf8_lossy(&ended.stderr).trim()
    );
    Ok(ended.stdout)
}

async fn serve_archive(State(publisher): State<Arc<Publisher>>, UrlPath(name): UrlPath<String>) -> Response {
    match publisher.archives().get(&name) {
        Some(archive) => archive.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn serve_git(
    State(publisher): State<Arc<Publisher>>,
    UrlPath(path): UrlPath<String>,
    request: Request,
) -> Response {
    match git_http_backend(&publisher.repositories, &path, request).await {
        Ok(response) => response,
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}\n")).into_response(),
    }
}

/// Runs Git's CGI program (RFC 3875) for one request.
async fn git_http_backend(repositories: &Path, path: &str, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", repositories)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        // Without a user, pushing is refused.
        .env("REMOTE_USER", "test")
        .env("REMOTE_ADDR", "127.0.0.1")
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", format!("/{path}"))
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("HTTP_GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let body = to_bytes(body, LARGEST_BODY).await?;
    let mut stdin = child.stdin.take().context("a pipe")?;
    let (_, ended) = tokio::join!(
        async move {
            // A program that has read enough closes the pipe.
            stdin.write_all(&body).await.ok();
        },
        child.wait_with_output()
    );
    let stdout = ended?.stdout;
    let end = stdout
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .context("no end of the headers")?;
    let (head, rest) = stdout.split_at(end);
    let mut response = Response::new(Body::from(rest.get(4..).unwrap_or_default().to_vec()));
    for line in std::str::from_utf8(head)?.lines() {
        let (name, value) = line.split_once(':').context("a header line")?;
        if name.eq_ignore_ascii_case("status") {
            let code = value.split_whitespace().next().context("a status code")?;
            *response.status_mut() = code.parse()?;
        } else {
            response
                .headers_mut()
                .insert(HeaderName::from_bytes(name.as_bytes())?, value.trim().parse()?);
        }
    }
    Ok(response)
}
