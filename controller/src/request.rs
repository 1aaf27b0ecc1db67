//! Requests to the API server that end.

use std::future::Future;
use std::time::Duration;

use crate::error::ApiFailure;

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
