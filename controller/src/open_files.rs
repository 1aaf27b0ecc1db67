//! The limit on open files: raised as far as it goes, divided among the ports, and checked against what the watches need.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Ports that are served at most.
const PORTS: u64 = 3;
/// Connections of a port at a time, where there are files for them.
const CONNECTIONS: u64 = 1024;
/// Connections of a port without which it could not be probed under load.
const FEWEST_CONNECTIONS: u64 = 16;
/// Files for everything else: requests to the API server, its watches of the controller's own objects, the runtime.
const OTHERS: u64 = 128;

/// How many files may be open; raises that to what the system allows.
pub(crate) fn raise() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let limit = setrlimit(Resource::Nofile, raised).map_or(limit, |()| raised);
    limit.current.unwrap_or(u64::MAX)
}

/// How many connections each port may have, beside so many to the API server for watches; `None`: there are not enough files.
pub(crate) fn connections(files: u64, watching: u64) -> Option<u64> {
    let left = files.checked_sub(watching.saturating_add(OTHERS))? / PORTS;
    (left >= FEWEST_CONNECTIONS).then_some(left.min(CONNECTIONS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_divided() {
        assert_eq!(connections(1 << 20, 2), Some(1024));
        assert_eq!(connections(1024, 2), Some(298));
        assert_eq!(connections(1024, 800), Some(32));
        assert_eq!(connections(1024, 1040), None);
    }
}
