//! Text as Windows tools write it: a byte-order mark, CRLF and UTF-16 are read, or refused with what to do about it.

use crate::items::CERT;
use crate::program::{Folder, command};

const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData:\n  password: hunter2\n";

/// The forms in which UTF-16 is written, with and without a mark.
fn utf16(text: &str) -> [Vec<u8>; 4] {
    let units: Vec<u16> = text.encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    [
        [&[0xFF, 0xFE], &little[..]].concat(),
        [&[0xFE, 0xFF], &big[..]].concat(),
        little,
        big,
    ]
}

#[test]
fn utf16_is_refused_in_every_mode_that_reads_objects() {
    let folder = Folder::with_keys();
    let sealed = folder.run(CERT, SECRET).ok();
    for (number, bytes) in utf16(SECRET).into_iter().enumerate() {
        std::fs::write(folder.path("utf16.yaml"), &bytes).unwrap();
        std::fs::write(folder.path("utf16.json"), &utf16(&sealed)[number]).unwrap();
        std::fs::write(
            folder.path(".kubeseal.yaml"),
            &utf16("clusters: {a: {cert: a.pem}}\n")[number],
        )
        .unwrap();
        let lines = [
            format!("{CERT} -f utf16.yaml"),
            format!("{CERT} seal utf16.yaml").replace(&format!("{CERT} seal"), &format!("seal {CERT}")),
            format!("{CERT} --merge-into utf16.json -f more.yaml"),
            format!("set {CERT} utf16.json password"),
            "unset utf16.json password".to_owned(),
            "--re-encrypt -f utf16.json".to_owned(),
            "--validate -f utf16.json".to_owned(),
            "--recovery-unseal --recovery-private-key test-only.key -f utf16.json".to_owned(),
            "unseal --recovery-private-key test-only.key utf16.json".to_owned(),
            "reseal --recovery-private-key test-only.key --cert test-only.crt utf16.json".to_owned(),
            "doctor --offline utf16.json".to_owned(),
            "render utf16.json".to_owned(),
            "-f more.yaml".to_owned(),
        ];
        folder.put("more.yaml", SECRET);
        let before = folder.listing();
        for line in lines {
            let run = folder.run(&line, "x");
            assert_eq!(run.code, 1, "{line}: {}", run.told);
            assert!(
                run.told.contains("is UTF-16 text: save it as UTF-8"),
                "{line}: {}",
                run.told
            );
            assert!(!run.told.contains("hunter2"));
        }
        assert_eq!(folder.listing(), before);
    }
    std::fs::remove_file(folder.path(".kubeseal.yaml")).unwrap();
    let lint = folder.run("lint utf16.json", "");
    assert!(lint.code == 1 && lint.stdout.contains("UTF-16"), "{}", lint.stdout);
}

/// `kubeseal --fetch-cert > cert.pem` in PowerShell.
#[test]
fn certificates_and_private_keys_are_read_in_utf16_and_with_a_mark() {
    let folder = Folder::with_keys();
    let (cert, key) = (folder.text("test-only.crt"), folder.text("test-only.key"));
    let keys = folder.text("test-only-keys.yaml");
    let forms = |text: &str| {
        let text = text.replace('\n', "\r\n");
        let [little, big, ..] = utf16(&text);
        [format!("\u{feff}{text}").into_bytes(), little, big, text.into_bytes()]
    };
    for ((cert, key), keys) in forms(&cert).into_iter().zip(forms(&key)).zip(forms(&keys)) {
        for (name, bytes) in [("w.crt", cert), ("w.key", key), ("w.yaml", keys)] {
            std::fs::write(folder.path(name), bytes).unwrap();
        }
        let sealed = folder.run("--cert w.crt", SECRET).ok();
        for file in ["w.key", "w.yaml"] {
            let clear = folder
                .run(&format!("--recovery-unseal --recovery-private-key {file}"), &sealed)
                .ok();
            assert!(clear.contains("\"password\": \"aHVudGVyMg==\""), "{file}: {clear}");
        }
    }
}

#[test]
fn a_mark_and_crlf_change_nothing_of_what_is_sealed() {
    let folder = Folder::with_keys();
    let block = SECRET.replace("password: hunter2", "password: |\n    two\n    lines");
    for (text, value) in [(SECRET, "aHVudGVyMg=="), (block.as_str(), "dHdvCmxpbmVzCg==")] {
        let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        folder.put("w.yaml", &windows);
        folder.run(&format!("seal {CERT} w.yaml"), "").ok();
        let sealed = [folder.run(CERT, &windows).ok(), folder.text("w.sealed.yaml")];
        for sealed in sealed {
            let clear = folder
                .run("--recovery-unseal --recovery-private-key test-only.key", &sealed)
                .ok();
            assert!(clear.contains(&format!("\"password\": \"{value}\"")), "{clear}");
        }
    }
}

#[test]
fn a_raw_value_is_bytes_whatever_they_mean() {
    let folder = Folder::with_keys();
    for bytes in utf16("hunter2\r\n") {
        let words = "--raw --cert test-only.crt --name db -n shop";
        let sealed = folder.run_in(&[], &words.split(' ').collect::<Vec<_>>(), &bytes).ok();
        folder.put("value", &sealed);
        let line = "unseal --raw --name db -n shop --recovery-private-key test-only.key value";
        let opened = command(&folder.path("")).args(line.split(' ')).output().unwrap();
        assert_eq!((opened.stdout, opened.stderr), (bytes, Vec::new()));
    }
}
