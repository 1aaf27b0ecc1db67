//! How long the API server is asked to keep a watch up.

/// How long a watch is asked for. The API server ends it then, so one that is silent for longer is dead, whatever its
/// connection says.
pub(crate) const WATCH_SECONDS: u32 = 30;
/// The longest that is asked for; the API server's own limit is 5 min and more.
const LONGEST_WATCH_SECONDS: u32 = 290;

/// How long each of so many watches is asked for: all together ask for a new one at most once a second.
pub(super) fn watch_seconds(watches: usize) -> u32 {
    u32::try_from(watches)
        .unwrap_or(u32::MAX)
        .clamp(WATCH_SECONDS, LONGEST_WATCH_SECONDS)
}
