use super::*;

#[test]
fn smoke() {
    let documents = read(b"a: 1\n---\nb: yes\n").unwrap();
    assert_eq!(documents.len(), 2);
    assert_eq!(to_yaml(&documents[1].value).unwrap(), "---\nb: true\n");
}
