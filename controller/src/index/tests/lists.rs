//! What a list shows to have gone.

use super::*;

#[test]
fn a_deletion_that_the_watch_missed_is_told_from_what_was_kept() {
    let index = index(None);
    index.secret_applied(&secret("1", Some("u1"), Value::Null), Instant::now());
    for (namespace, missing) in [("other", &[][..]), ("ns", &[name()])] {
        index.secret_list_begins(Some(namespace));
        assert_eq!(index.secrets_not_listed(None), missing);
    }
    assert_eq!(index.secret_gone(&name(), None, Instant::now()), Some(Wake::Now));
    assert_eq!(index.secret_gone(&name(), None, Instant::now()), None);
}

#[test]
fn what_a_list_does_not_have_is_told_from_what_was_known() {
    let index = index(None);
    index.secret_applied(&secret("1", Some("u1"), Value::Null), Instant::now());
    let other = |o: Value| {
        let mut other = sealed(o, Value::Null);
        other.metadata.name = Some("two".to_owned());
        other
    };
    apply(&index, &other(json!({})));
    index.sealed_list_begins(None);
    index.secret_list_begins(None);
    apply(&index, &other(json!({})));
    assert_eq!(index.sealed_not_listed(Some("ns")), [name()]);
    assert_eq!(index.secrets_not_listed(Some("ns")), [name()]);
    apply(&index, &sealed(json!({}), Value::Null));
    index.secret_applied(&secret("1", Some("u1"), Value::Null), Instant::now());
    assert_eq!(
        (index.sealed_not_listed(None), index.secrets_not_listed(None)),
        (vec![], vec![])
    );
}
