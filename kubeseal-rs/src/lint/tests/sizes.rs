//! Objects that are too large.

use super::*;

/// A SealedSecret whose items hold so many bytes in clear.
fn holding(lengths: &[usize]) -> String {
    let mut text = format!(
        "{}  encryptedData:\n",
        sound().split("  encryptedData:").next().unwrap()
    );
    for (item, length) in lengths.iter().enumerate() {
        let sealed = [&[2, 0][..], &vec![7; 512 + 16 + length]].concat();
        text += &format!("    item{item}: {}\n", STANDARD.encode(sealed));
    }
    text
}

#[test]
fn sizes_are_those_of_the_api_server() {
    const MIB: usize = 1 << 20;
    let found = |lengths: &[usize]| found(&[source("f", &holding(lengths))]);
    let both = ["f:11:3 apply-size"];
    assert_eq!(found(&[100, 1000]), [""; 0]);
    assert_eq!(found(&[MIB - 1, 1]), both);
    assert_eq!(found(&[MIB, 1]), ["f:11:3 too-large", "f:11:3 apply-size"]);
    // Many values of a byte: the Secret is small, and the object is not.
    assert_eq!(found(&vec![1; 2300]), ["f:11:3 too-large"]);
}

#[test]
fn a_copy_for_kubectl_apply_fits_exactly_or_not() {
    let message = |length: usize| {
        let report = judge(&[source("f", &holding(&[length]))], &[], &|_| false);
        report.findings.first().map(|finding| finding.message.clone())
    };
    // Three bytes in clear are four letters in base64.
    let lengths: Vec<_> = (100_000..200_000).step_by(3).collect();
    let at_limit = lengths[lengths.partition_point(|length| message(*length).is_none())];
    let told = message(at_limit).unwrap();
    assert!(told.contains("which makes 2621"), "{told}");
}
