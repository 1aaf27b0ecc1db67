//! Requests to the API server that end.

use std::future::Future;
use std::time::Duration;

use crate::error::ApiFailure;

/// How long a watch is asked for. The API server ends it then, so one that is silent for longer is dead, whatever its
/// connection says.
pub(crate) const WATCH_SECONDS: u32 = 30;
/// The longest that is asked for; the API server's own limit is 5 min and more.
const LONGEST_WATCH_SECONDS: u32 = 290;

/// How long each of so many watches is asked for: all together ask for a new one at most once a second.
pub(crate) fn watch_seconds(watches: usize) -> u32 {
    u32::try_from(watches)
        .unwrap_or(u32::MAX)
        .clamp(WATCH_SECONDS, LONGEST_WATCH_SECONDS)
}

/// Longest silence on a connection that something is expected from. The API server itself ends a request after a minute.
pub(crate) fn longest_silence(watch_seconds: u32) -> Duration {
    Duration::from_secs(u64::from(watch_seconds) + 35)
}

/// Longest time for one request.
const LONGEST_REQUEST: Duration = Duration::from_secs(30);

/// Waits for a request, but not for ever.
pub(crate) async fn in_time<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, ApiFailure> {
    within(LONGEST_REQUEST, request).await
}

/// Waits for a request, `longest` at most.
pub(crate) async fn within<T>(
    longest: Duration,
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, ApiFailure> {
    match tokio::time::timeout(longest, request).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(ApiFailure::Unreachable(format!(
            "no answer within {} s",
            longest.as_secs()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_without_an_answer_ends() {
        let failure = in_time(std::future::pending::<kube::Result<()>>()).await;
        let expected = "no answer within 30 s".to_owned();
        assert_eq!(failure, Err(ApiFailure::Unreachable(expected)));
    }
}
