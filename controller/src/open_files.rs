//! The limit on open files: raised as far as it goes, divided among the ports, and checked against what the watches need.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Ports that are served at most.
const PORTS: u64 = 3;
/// Connections of a port at a time, where there are files for them.
const CONNECTIONS: u64 = 1024;
/// Connections of a port without which it could not be probed under load.
const FEWEST_CONNECTIONS: u64 = 16;
/// Files for everything else, at least and at most: requests to the API server (256 passes, the Lease, events), its watches of the
/// controller's own objects, the runtime.
const FEWEST_OTHERS: u64 = 128;
const OTHERS: u64 = 384;

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
/// With `labelled` namespaces, their watches have a share as a port has.
pub(crate) fn connections(files: u64, watching: u64, labelled: bool) -> Option<u64> {
    let shares = PORTS + u64::from(labelled);
    let left = files.checked_sub(watching.saturating_add(others(files, watching)))? / shares;
    (left >= FEWEST_CONNECTIONS).then_some(left.min(CONNECTIONS))
}

/// Files that are left when each port has so many connections.
pub(crate) fn left(files: u64, watching: u64, connections: u64) -> u64 {
    files.saturating_sub(watching.saturating_add(others(files, watching) + PORTS * connections))
}

/// A third of what the watches leave, within bounds: connections of strangers must not take those of the Lease.
fn others(files: u64, watching: u64) -> u64 {
    (files.saturating_sub(watching) / 3).clamp(FEWEST_OTHERS, OTHERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_divided() {
        assert_eq!(connections(1 << 20, 2, false), Some(1024));
        assert_eq!(connections(1024, 2, false), Some(227));
        assert_eq!(connections(1024, 800, false), Some(32));
        assert_eq!(connections(1024, 1040, false), None);
        assert_eq!(connections(1024, 2, true), Some(170));
        assert_eq!(left(1024, 2, 170), 172);
    }
}
