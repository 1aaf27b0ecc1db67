//! The time of the API server's last answer, for each kind of repeated request.
//!
//! A process that receives nothing looks like one where nothing happens. The metrics show the difference, and so does `/livez`,
//! if the API server answers some requests and has not answered others for long: then a new process may work.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use tokio::time::Instant;
use tower::{Layer, Service};

use crate::lease::fence::is_election;

/// The API server counts as reachable if its last answer is no older.
const REACHED: Duration = Duration::from_secs(60);

/// A kind of repeated request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Asked {
    /// For SealedSecrets, by a watch in each namespace.
    SealedSecrets,
    /// For Secrets, the same.
    Secrets,
    /// For namespaces with labels.
    Namespaces,
    /// For the sealing keys.
    SealingKeys,
    /// For the Lease.
    Lease,
    /// The look at whether the API server's data were restored.
    Version,
}

impl Asked {
    /// The name in metrics and messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SealedSecrets => "sealedsecrets",
            Self::Secrets => "secrets",
            Self::Namespaces => "namespaces",
            Self::SealingKeys => "sealing-keys",
            Self::Lease => "leases",
            Self::Version => "version",
        }
    }

    /// What a request of the watching client asks, and of which namespaces: from its path.
    pub(crate) fn by_watch(request: &Parts<'_>) -> Option<Question> {
        let asked = match request.path.rsplit('/').next()? {
            "sealedsecrets" => Self::SealedSecrets,
            "secrets" => Self::Secrets,
            "namespaces" => Self::Namespaces,
            _ => return None,
        };
        Some((asked, request.path.to_owned()))
    }

    /// What a request of the other client asks, if it is repeated. Requests that are sent once must not count: their answer would
    /// be awaited without end. Objects may have the name of a kind, and some lists ask for one object.
    pub(crate) fn by_request(request: &Parts<'_>) -> Option<Question> {
        let lists = |kind: &str, with: &str| {
            let is_list = request.path.rsplit('/').next() == Some(kind);
            is_list && request.method == Method::GET && request.query.contains(with)
        };
        let asked = if request.is_election {
            Self::Lease
        } else if lists("sealedsecrets", "limit=1") {
            Self::Version
        } else if lists("secrets", "labelSelector=") {
            Self::SealingKeys
        } else {
            return None;
        };
        Some((asked, String::new()))
    }

    /// Whether an answer is good. Denied Secrets are: the controller reads each before it writes. So are denied leases: it is the
    /// only replica.
    fn is_contact(self, status: StatusCode) -> bool {
        let works_without = matches!(self, Self::Secrets | Self::Lease);
        status.is_success() || (works_without && status.is_client_error() && status != StatusCode::UNAUTHORIZED)
    }
}

/// What is asked, and in which namespace if it is asked in several.
pub(crate) type Question = (Asked, String);

/// Tells from a request what it asks.
pub(crate) struct Parts<'r> {
    method: &'r Method,
    path: &'r str,
    query: &'r str,
    is_election: bool,
}

/// One repeated request: a watch of one namespace, or a request.
#[derive(Debug)]
struct Contact {
    asked: Instant,
    answered: Option<Instant>,
    /// The last good answer; at first, the time of the request.
    well: Timestamp,
}

/// The times of the API server's last answers.
#[derive(Debug, Default)]
pub(crate) struct Contacts(Mutex<BTreeMap<Question, Contact>>);

impl Contacts {
    fn asks(&self, question: &Question) {
        let mut contacts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        contacts.entry(question.clone()).or_insert_with(|| Contact {
            asked: Instant::now(),
            answered: None,
            well: Timestamp::now(),
        });
    }

    fn answered(&self, question: &Question, status: StatusCode) {
        let mut contacts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A namespace that does not exist is no longer asked.
        if let Some(contact) = contacts.get_mut(question) {
            contact.answered = Some(Instant::now());
            if question.0.is_contact(status) {
                contact.well = Timestamp::now();
            }
        }
    }

    /// Nothing of `namespace` is asked any more.
    pub(crate) fn forget(&self, namespace: &str) {
        let part = format!("/namespaces/{namespace}/");
        let mut contacts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        contacts.retain(|(asked, path), _| {
            !matches!(asked, Asked::SealedSecrets | Asked::Secrets) || !path.contains(&part)
        });
    }

    /// The last good answer, as Unix time: of the watches of several namespaces, the oldest.
    pub(crate) fn oldest(&self) -> BTreeMap<Asked, i64> {
        let mut oldest = BTreeMap::new();
        let contacts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for ((asked, _), contact) in contacts.iter().filter(|((asked, _), _)| *asked != Asked::Version) {
            let well = contact.well.as_second();
            let known = oldest.entry(*asked).or_insert(well);
            *known = well.min(*known);
        }
        oldest
    }

    /// What has had no answer for longer than `longest`, and for how long, while something else had one. If nothing is answered,
    /// another process would not work either.
    pub(crate) fn stuck(&self, longest: Duration) -> BTreeMap<Asked, Duration> {
        let contacts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stuck = BTreeMap::new();
        if !contacts
            .values()
            .any(|contact| contact.answered.is_some_and(|at| at.elapsed() < REACHED))
        {
            return stuck;
        }
        for ((asked, _), contact) in contacts.iter() {
            let silence = contact.answered.unwrap_or(contact.asked).elapsed();
            if silence > longest {
                let known = stuck.entry(*asked).or_insert(silence);
                *known = silence.max(*known);
            }
        }
        stuck
    }
}

/// Notes the answers of a client. `of` tells what its requests ask.
pub(crate) struct ContactLayer {
    pub contacts: Arc<Contacts>,
    pub of: fn(&Parts<'_>) -> Option<Question>,
}

impl<S> Layer<S> for ContactLayer {
    type Service = Noting<S>;

    fn layer(&self, inner: S) -> Noting<S> {
        Noting {
            inner,
            contacts: self.contacts.clone(),
            of: self.of,
        }
    }
}

pub(crate) struct Noting<S> {
    inner: S,
    contacts: Arc<Contacts>,
    of: fn(&Parts<'_>) -> Option<Question>,
}

impl<S, A, B> Service<Request<A>> for Noting<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let parts = Parts {
            method: request.method(),
            path: request.uri().path(),
            query: request.uri().query().unwrap_or_default(),
            is_election: is_election(&request),
        };
        let noted = (self.of)(&parts).map(|question| (question, self.contacts.clone()));
        let sent = self.inner.call(request);
        Box::pin(async move {
            if let Some((question, contacts)) = &noted {
                contacts.asks(question);
            }
            let answer = sent.await?;
            if let Some((question, contacts)) = noted {
                contacts.answered(&question, answer.status());
            }
            Ok(answer)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(200);
    const A: &str = "/apis/bitnami.com/v1alpha1/namespaces/a/sealedsecrets";
    const B: &str = "/apis/bitnami.com/v1alpha1/namespaces/b/sealedsecrets";

    fn contacts() -> Contacts {
        let contacts = Contacts::default();
        for (asked, path) in [
            (Asked::SealedSecrets, A),
            (Asked::SealedSecrets, B),
            (Asked::Lease, "l"),
        ] {
            contacts.asks(&(asked, path.to_owned()));
        }
        contacts
    }

    fn answer(contacts: &Contacts, asked: Asked, path: &str, status: u16) {
        contacts.answered(&(asked, path.to_owned()), StatusCode::from_u16(status).unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_answered_is_stuck_where_something_else_is() {
        let contacts = contacts();
        answer(&contacts, Asked::SealedSecrets, A, 200);
        tokio::time::advance(LONGEST * 2).await;
        assert!(contacts.stuck(LONGEST).is_empty(), "the API server cannot be reached");
        answer(&contacts, Asked::Lease, "l", 500);
        let stuck: Vec<_> = contacts.stuck(LONGEST).into_keys().collect();
        assert_eq!(stuck, [Asked::SealedSecrets]);
        answer(&contacts, Asked::SealedSecrets, A, 403);
        assert!(
            !contacts.stuck(LONGEST).is_empty(),
            "one namespace of two was never answered"
        );
        contacts.forget("b");
        assert!(contacts.stuck(LONGEST).is_empty());
    }

    #[test]
    fn the_worst_of_the_watches_is_told() {
        let contacts = contacts();
        let past = Timestamp::from_second(1_000).unwrap();
        for contact in contacts.0.lock().unwrap().values_mut() {
            contact.well = past;
        }
        answer(&contacts, Asked::SealedSecrets, A, 200);
        answer(&contacts, Asked::SealedSecrets, B, 403);
        answer(&contacts, Asked::Lease, "l", 409);
        let oldest = contacts.oldest();
        assert_eq!(
            oldest[&Asked::SealedSecrets],
            1_000,
            "a denial is an answer, and nothing is well"
        );
        assert!(oldest[&Asked::Lease] > 1_000);
        answer(&contacts, Asked::SealedSecrets, B, 200);
        assert!(contacts.oldest()[&Asked::SealedSecrets] > 1_000);
    }

    #[test]
    fn requests_are_told_apart() {
        let parts = |method, path, query| Parts {
            method,
            path,
            query,
            is_election: false,
        };
        let get = |path, query| Asked::by_request(&parts(&Method::GET, path, query)).map(|(asked, _)| asked);
        let keys = "&labelSelector=sealedsecrets.bitnami.com%2Fsealed-secrets-key&watch=true";
        let secrets = "/api/v1/namespaces/kube-system/secrets";
        assert_eq!(get(secrets, keys), Some(Asked::SealingKeys));
        assert_eq!(get(secrets, ""), None);
        assert_eq!(get("/api/v1/namespaces/a/secrets/one", ""), None);
        assert_eq!(get(A, "&limit=1"), Some(Asked::Version));
        let watch = |path| Asked::by_watch(&parts(&Method::GET, path, "watch=true"));
        assert_eq!(watch(A), Some((Asked::SealedSecrets, A.to_owned())));
        assert_eq!(watch(secrets), Some((Asked::Secrets, secrets.to_owned())));
    }

    /// Otherwise the process would count as stuck without end.
    #[test]
    fn no_question_is_asked_once() {
        let election = |method, path| {
            Asked::by_request(&Parts {
                method,
                path,
                query: "",
                is_election: true,
            })
        };
        let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
        assert_eq!(
            election(&Method::POST, leases),
            election(&Method::PUT, &format!("{leases}/sealed-secrets-controller"))
        );
        let once = [
            ("/api/v1/namespaces/a/secrets/sealedsecrets", ""),
            ("/api/v1/namespaces/a/secrets/secrets", ""),
            (A, "&fieldSelector=metadata.name%3Done"),
            (
                "/apis/bitnami.com/v1alpha1/namespaces/a/sealedsecrets/sealedsecrets",
                "",
            ),
        ];
        for (path, query) in once {
            let asked = Asked::by_request(&Parts {
                method: &Method::GET,
                path,
                query,
                is_election: false,
            });
            assert_eq!(asked, None, "{path}?{query}");
        }
    }
}
