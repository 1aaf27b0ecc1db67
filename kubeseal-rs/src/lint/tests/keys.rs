//! What is found by the keys that hints name.

use super::*;

#[test]
fn a_key_is_that_of_another_cluster_or_an_old_one_or_right() {
    let findings = |keys: &[char], certificate: Option<Certificate>| {
        let source = Source {
            certificate,
            ..source("f", &hinted(keys))
        };
        found(&[source])
    };
    let own = || Some(certificate(4096));
    assert_eq!(findings(&['A'], own()), [""; 0]);
    assert_eq!(findings(&['A', 'B'], own()), ["f:6:17 old-key"]);
    for keys in [&['D'][..], &['A', 'D'], &['B', 'D']] {
        assert_eq!(findings(keys, own()), ["f:6:17 other-cluster"], "{keys:?}");
    }
    // The cluster's own certificate is on a web server.
    assert_eq!(findings(&['D'], None), ["f:6:17 other-cluster"]);
    assert_eq!(findings(&['B'], None), [""; 0]);
}
