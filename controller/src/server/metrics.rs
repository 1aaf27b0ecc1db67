//! `/metrics`. The text grows with the SealedSecrets, so one text serves many requests, and few texts exist at a time.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, stream};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::Shared;

/// How long a text is served.
const FRESH: Duration = Duration::from_millis(250);
/// Texts that are being sent at a time; further requests get the newest of them.
const MOST_TEXTS: usize = 4;
/// Bytes that are sent in one piece.
const PIECE: usize = 16 << 10;
/// How long sending a text may take: as long as Prometheus waits by default.
const LONGEST_ANSWER: Duration = Duration::from_secs(10);

/// The texts that are being sent, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Texts(Arc<Mutex<Vec<(Instant, Bytes)>>>);

impl Texts {
    /// `make` runs off the async threads. `None`: it failed.
    async fn newest(&self, make: impl FnOnce() -> Option<Vec<u8>> + Send + 'static) -> Option<Bytes> {
        let mut texts = self.0.clone().lock_owned().await;
        texts.retain(|(made, text)| made.elapsed() < FRESH || !text.is_unique());
        let is_full = texts.len() >= MOST_TEXTS;
        let newest = texts.last().filter(|(made, _)| made.elapsed() < FRESH || is_full);
        if let Some((_, text)) = newest {
            return Some(text.clone());
        }
        // The task takes the lock along: if the request is cancelled, no second text is made beside this one.
        let made = tokio::task::spawn_blocking(move || {
            let text = Bytes::from(make()?);
            texts.push((Instant::now(), text.clone()));
            Some(text)
        });
        made.await.ok().flatten()
    }
}

/// The text format 0.0.4.
pub(crate) async fn scrape(State(shared): State<Shared>, Extension(texts): Extension<Arc<Texts>>) -> Response {
    let text = move || shared.metrics.text(shared.leadership.leads()).ok();
    let Some(text) = texts.newest(text).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let head = [
        (header::CONTENT_TYPE, prometheus::TEXT_FORMAT.to_owned()),
        (header::CONTENT_LENGTH, text.len().to_string()),
    ];
    // In pieces, so that the rest can be withheld when the time is over.
    let pieces = (0..text.len())
        .step_by(PIECE)
        .map(move |from| Ok::<_, Infallible>(text.slice(from..text.len().min(from + PIECE))));
    let sent = stream::iter(pieces).take_until(sleep(LONGEST_ANSWER));
    (head, Body::from_stream(sent)).into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn few_texts_are_kept_however_many_are_being_taken() {
        let (texts, made) = (Texts::default(), Arc::new(AtomicU8::new(0)));
        let newest = async || {
            let made = made.clone();
            let make = move || Some(vec![made.fetch_add(1, Ordering::Relaxed) + 1; 10]);
            texts.newest(make).await.unwrap()
        };
        let first = newest().await;
        assert_eq!(newest().await, first, "made a moment ago");
        let mut taken = vec![first];
        for _ in 0..3 * MOST_TEXTS {
            tokio::time::advance(FRESH).await;
            taken.push(newest().await);
        }
        let newest_made = u8::try_from(MOST_TEXTS).unwrap();
        assert_eq!(taken.last().unwrap().first(), Some(&newest_made));
        taken.drain(..1);
        tokio::time::advance(FRESH).await;
        assert_eq!(
            newest().await.first(),
            Some(&(newest_made + 1)),
            "one was taken to its end"
        );
    }

    #[tokio::test]
    async fn other_work_goes_on_while_a_text_is_made() {
        let texts = Texts::default();
        let (go, wait) = std::sync::mpsc::channel();
        let make = move || wait.recv_timeout(Duration::from_secs(30)).ok().map(|()| vec![1]);
        let (text, sent) = tokio::join!(texts.newest(make), async { go.send(()) });
        assert!(sent.is_ok() && text.is_some());
    }

    #[tokio::test]
    async fn whoever_gives_up_leaves_one_text_behind() {
        let texts = Texts::default();
        let (go, wait) = std::sync::mpsc::channel();
        let make = move || wait.recv_timeout(Duration::from_secs(30)).ok().map(|()| vec![1]);
        let given_up = tokio::time::timeout(Duration::from_millis(10), texts.newest(make)).await;
        assert!(given_up.is_err());
        let next = texts.newest(|| Some(vec![2]));
        tokio::pin!(next);
        let waits = tokio::time::timeout(Duration::from_millis(10), &mut next).await;
        assert!(waits.is_err(), "the other one is still being made");
        go.send(()).unwrap();
        assert!(next.await.is_some());
    }
}
