//! An API server that keeps of an object what differs from the others: lists, watches and writes, each with the time that it
//! takes of a core.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Method, Request, Response, StatusCode};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tower::BoxError;

use super::machine::Machine;

/// Which kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    SealedSecret,
    Secret,
}

/// What objects have in common.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// So many items of each, sealed for any name.
    pub items: usize,
    pub sealed: String,
}

/// A SealedSecret and its Secret.
#[derive(Debug, Clone, Default)]
struct Object {
    tenant: u16,
    version: u64,
    /// As JSON.
    status: Option<Box<str>>,
    secret: Option<u64>,
    /// When it was made while the controller ran, and when its Secret was.
    times: Option<Box<(Instant, Option<Instant>)>>,
}

#[derive(Debug, Default)]
struct State {
    objects: Vec<Object>,
    version: u64,
    watchers: Vec<(Kind, mpsc::UnboundedSender<Bytes>)>,
}

/// How many requests there were, by what they ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts(pub HashMap<&'static str, usize>);

/// The server. Cheap to clone.
#[derive(Clone)]
pub(super) struct Server(Arc<Inner>);

struct Inner {
    shape: Shape,
    state: Mutex<State>,
    machine: Arc<Machine>,
    /// Requests that are served at a time; more are refused for a second. (Watches do not count.)
    most: usize,
    serving: AtomicUsize,
    counts: Mutex<Counts>,
}

impl Server {
    pub(super) fn new(shape: Shape, machine: Arc<Machine>, most: usize) -> Self {
        Self(Arc::new(Inner {
            shape,
            state: Mutex::default(),
            machine,
            most,
            serving: AtomicUsize::new(0),
            counts: Mutex::default(),
        }))
    }

    /// Objects of a tenant that are there before the controller starts.
    pub(super) fn fill(&self, tenant: u16, count: usize) {
        let mut state = self.0.state.lock().unwrap();
        state.objects.reserve_exact(count);
        for _ in 0..count {
            state.version += 1;
            let version = state.version;
            state.objects.push(Object {
                tenant,
                version,
                ..Object::default()
            });
        }
    }

    /// The tenant makes an object now.
    pub(super) fn make(&self, tenant: u16) {
        let mut state = self.0.state.lock().unwrap();
        state.version += 1;
        let object = Object {
            tenant,
            version: state.version,
            times: Some(Box::new((Instant::now(), None))),
            ..Object::default()
        };
        state.objects.push(object);
        let number = state.objects.len() - 1;
        self.tell(&mut state, Kind::SealedSecret, "ADDED", number);
    }

    /// How long it took until objects that were made while the controller ran had their Secrets; `None`: it has none.
    pub(super) fn waits(&self) -> Vec<Option<Duration>> {
        let state = self.0.state.lock().unwrap();
        let times = state.objects.iter().filter_map(|object| object.times.as_ref());
        times.map(|times| Some(times.1? - times.0)).collect()
    }

    /// Objects whose Secrets are there and whose statuses tell of it, or of a failure.
    pub(super) fn served(&self) -> usize {
        let state = self.0.state.lock().unwrap();
        state.objects.iter().filter(|object| object.status.is_some()).count()
    }

    pub(super) fn secrets(&self) -> usize {
        let state = self.0.state.lock().unwrap();
        state.objects.iter().filter(|object| object.secret.is_some()).count()
    }

    /// Bytes that the objects take here.
    pub(super) fn size(&self) -> usize {
        let state = self.0.state.lock().unwrap();
        let statuses = state.objects.iter().filter_map(|object| object.status.as_ref());
        state.objects.capacity() * size_of::<Object>() + statuses.map(|status| status.len()).sum::<usize>()
    }

    /// The requests since the last question.
    pub(super) fn take_counts(&self) -> Counts {
        std::mem::take(&mut *self.0.counts.lock().unwrap())
    }

    /// What clients are built on.
    pub(super) async fn answer(self, request: Request<kube::client::Body>) -> Result<Response<Body>, BoxError> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let query: HashMap<String, String> = request
            .uri()
            .query()
            .into_iter()
            .flat_map(|query| query.split('&'))
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.replace("%3D", "=").replace("%3A", ":")))
            .collect();
        let what = what(&method, &path, &query);
        *self.0.counts.lock().unwrap().0.entry(what).or_default() += 1;
        if what.starts_with("watch") {
            return Ok(self.watch(&path, &query));
        }
        let serving = self.0.serving.fetch_add(1, Ordering::Relaxed) + 1;
        let answer = if serving > self.0.most {
            *self.0.counts.lock().unwrap().0.entry("refused for now").or_default() += 1;
            failure(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests")
        } else {
            let body = axum::body::to_bytes(Body::new(request.into_body()), usize::MAX).await?;
            self.serve(&method, &path, &query, &body).await
        };
        self.0.serving.fetch_sub(1, Ordering::Relaxed);
        Ok(answer)
    }

    async fn serve(&self, method: &Method, path: &str, query: &HashMap<String, String>, body: &[u8]) -> Response<Body> {
        let machine = &self.0.machine;
        let kind = kind(path);
        if *method == Method::GET
            && path
                .split('/')
                .next_back()
                .is_some_and(|last| last.ends_with("secrets"))
        {
            return self.list(kind, query).await;
        }
        machine.work(machine.costs.write).await;
        let sent: Value = serde_json::from_slice(body).unwrap_or_default();
        let name = sent["metadata"]["name"].as_str().unwrap_or_default();
        match (method, kind) {
            (&Method::POST, _) if path.ends_with("/events") => answered(sent),
            (&Method::POST, Kind::Secret) => self.create(name, sent.clone()),
            (&Method::PUT, Kind::SealedSecret) if path.ends_with("/status") => self.put_status(name, &sent),
            _ => failure(StatusCode::NOT_FOUND, "NotFound"),
        }
    }

    fn create(&self, name: &str, mut sent: Value) -> Response<Body> {
        let number: usize = name.rsplit('-').next().unwrap().parse().unwrap();
        let mut state = self.0.state.lock().unwrap();
        state.version += 1;
        let version = state.version;
        let object = &mut state.objects[number];
        if object.secret.is_some() {
            return failure(StatusCode::CONFLICT, "AlreadyExists");
        }
        object.secret = Some(version);
        if let Some(times) = &mut object.times {
            times.1 = Some(Instant::now());
        }
        sent["metadata"]["uid"] = json!(uid(Kind::Secret, number));
        sent["metadata"]["resourceVersion"] = json!(version.to_string());
        sent["metadata"]["creationTimestamp"] = json!(MADE);
        self.tell(&mut state, Kind::Secret, "ADDED", number);
        answered(sent)
    }

    fn put_status(&self, name: &str, sent: &Value) -> Response<Body> {
        let number: usize = name.rsplit('-').next().unwrap().parse().unwrap();
        let mut state = self.0.state.lock().unwrap();
        if sent["metadata"]["resourceVersion"] != json!(state.objects[number].version.to_string()) {
            return failure(StatusCode::CONFLICT, "Conflict");
        }
        state.version += 1;
        let version = state.version;
        let object = &mut state.objects[number];
        object.version = version;
        object.status = Some(sent["status"].to_string().into());
        let text = self.text(&state.objects[number], Kind::SealedSecret, number);
        self.tell(&mut state, Kind::SealedSecret, "MODIFIED", number);
        Response::new(Body::from(text))
    }

    /// Has all watches of this kind told of the object as it is.
    fn tell(&self, state: &mut State, kind: Kind, change: &str, number: usize) {
        let line = self.line(&state.objects[number], kind, change, number);
        state
            .watchers
            .retain(|(of, watcher)| *of != kind || watcher.send(line.clone()).is_ok());
    }

    fn line(&self, object: &Object, kind: Kind, change: &str, number: usize) -> Bytes {
        let object = self.text(object, kind, number);
        format!("{{\"type\":\"{change}\",\"object\":{object}}}\n").into()
    }

    fn watch(&self, path: &str, query: &HashMap<String, String>) -> Response<Body> {
        let since: u64 = query["resourceVersion"].parse().unwrap();
        let kind = kind(path);
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut state = self.0.state.lock().unwrap();
        for (number, object) in state.objects.iter().enumerate() {
            if version_of(object, kind).is_some_and(|version| version > since) {
                let _ = sender.send(self.line(object, kind, "MODIFIED", number));
            }
        }
        state.watchers.push((kind, sender));
        let lines = stream::unfold(receiver, |mut receiver| async move {
            Some((receiver.recv().await?, receiver))
        });
        Response::new(Body::from_stream(lines.map(Ok::<_, Infallible>)))
    }

    async fn list(&self, kind: Kind, query: &HashMap<String, String>) -> Response<Body> {
        let alone = query
            .get("fieldSelector")
            .and_then(|field| field.strip_prefix("metadata.name="));
        let token = query.get("continue").and_then(|token| token.split_once(':'));
        let start: usize = token.map_or(0, |(start, _)| start.parse().unwrap());
        let limit = query.get("limit").map_or(usize::MAX, |limit| limit.parse().unwrap());
        let (text, listed) = {
            let state = self.0.state.lock().unwrap();
            let version = token.map_or(state.version.to_string(), |(_, version)| version.to_owned());
            let numbered = state.objects.iter().enumerate();
            let only = alone.map(|name| name.rsplit('-').next().unwrap().parse::<usize>().unwrap());
            let mut there = numbered
                .skip(only.unwrap_or(start))
                .take(only.map_or(usize::MAX, |_| 1));
            let mut items = Vec::new();
            for (number, object) in there.by_ref() {
                if version_of(object, kind).is_some() {
                    items.push(self.text(object, kind, number));
                }
                if items.len() == limit {
                    break;
                }
            }
            let next = there.next().map(|(number, _)| format!("{number}:{version}"));
            let metadata = json!({"resourceVersion": version, "continue": next});
            let text = format!(
                r#"{{"apiVersion":"v1","kind":"List","metadata":{metadata},"items":[{}]}}"#,
                items.join(",")
            );
            (text, items.len())
        };
        let costs = &self.0.machine.costs;
        self.0.machine.work(costs.listed * u32::try_from(listed).unwrap()).await;
        Response::new(Body::from(text))
    }

    fn text(&self, object: &Object, kind: Kind, number: usize) -> String {
        let (name, tenant) = (format!("object-{number}"), format!("tenant-{}", object.tenant));
        let version = version_of(object, kind).unwrap_or_default();
        let metadata = format!(
            r#""metadata":{{"name":"{name}","namespace":"{tenant}","uid":"{}","resourceVersion":"{version}","creationTimestamp":"{MADE}""#,
            uid(kind, number)
        );
        match kind {
            Kind::SealedSecret => {
                let items =
                    (0..self.0.shape.items).map(|item| format!(r#""password-{item}":"{}""#, self.0.shape.sealed));
                let items = items.collect::<Vec<_>>().join(",");
                let status = object.status.as_deref().map(|status| format!(r#","status":{status}"#));
                format!(
                    r#"{{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret",{metadata},"generation":1,"annotations":{{"sealedsecrets.bitnami.com/cluster-wide":"true"}}}},"spec":{{"encryptedData":{{{items}}},"template":{{"metadata":{{"name":"{name}"}}}}}}{}}}"#,
                    status.unwrap_or_default()
                )
            }
            Kind::Secret => format!(
                r#"{{"apiVersion":"meta.k8s.io/v1","kind":"PartialObjectMetadata",{metadata},"ownerReferences":[{{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","name":"{name}","uid":"{}","controller":true}}]}}}}"#,
                uid(Kind::SealedSecret, number)
            ),
        }
    }
}

const MADE: &str = "2024-01-01T00:00:00Z";

fn version_of(object: &Object, kind: Kind) -> Option<u64> {
    match kind {
        Kind::SealedSecret => Some(object.version),
        Kind::Secret => object.secret,
    }
}

fn uid(kind: Kind, number: usize) -> String {
    format!("{number:08x}-0000-4000-8000-{:012x}", kind as u8)
}

fn kind(path: &str) -> Kind {
    match path.contains("/sealedsecrets") {
        true => Kind::SealedSecret,
        false => Kind::Secret,
    }
}

/// What a request asks, for counting.
fn what(method: &Method, path: &str, query: &HashMap<String, String>) -> &'static str {
    let of = |sealed, secrets| {
        if kind(path) == Kind::SealedSecret {
            sealed
        } else {
            secrets
        }
    };
    match *method {
        _ if query.contains_key("watch") => of("watch SealedSecrets", "watch Secrets"),
        Method::GET if query.contains_key("limit") => of("list SealedSecrets", "list Secrets"),
        Method::GET => of("read a SealedSecret", "read a Secret"),
        _ if path.ends_with("/events") => "post an event",
        _ => of("write a status", "write a Secret"),
    }
}

fn answered(object: Value) -> Response<Body> {
    Response::new(Body::from(object.to_string()))
}

fn failure(code: StatusCode, reason: &str) -> Response<Body> {
    let status = json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code.as_u16(), "reason": reason,
        "message": reason});
    let mut answer = Response::new(Body::from(status.to_string()));
    *answer.status_mut() = code;
    if code == StatusCode::TOO_MANY_REQUESTS {
        answer.headers_mut().insert("retry-after", 1.into());
    }
    answer
}

/// A service for clients.
pub(super) fn service(
    server: &Server,
) -> impl tower::Service<Request<kube::client::Body>, Response = Response<Body>, Error = BoxError, Future: Send + 'static>
+ Send
+ 'static
+ use<> {
    let server = server.clone();
    tower::service_fn(move |request| server.clone().answer(request))
}
