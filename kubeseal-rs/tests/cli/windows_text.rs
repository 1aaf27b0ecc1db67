//! Text as Windows tools write it: a byte-order mark, CRLF and UTF-16.

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

/// The text of these bytes, which are of the form with this number.
fn text_of(number: usize, bytes: &[u8]) -> String {
    let unit = |pair: &[u8]| match number {
        0 | 2 => u16::from_le_bytes([pair[0], pair[1]]),
        _ => u16::from_be_bytes([pair[0], pair[1]]),
    };
    assert_eq!(bytes.len() % 2, 0);
    let text: String = char::decode_utf16(bytes.chunks(2).map(unit))
        .map(Result::unwrap)
        .collect();
    assert_eq!(text.starts_with('\u{feff}'), number < 2, "the mark stays");
    text.trim_start_matches('\u{feff}').to_owned()
}

#[test]
fn utf16_is_read_in_every_mode() {
    let folder = Folder::with_keys();
    let sealed = folder.run(&format!("{CERT} -o yaml"), SECRET).ok();
    let broken = sealed.replace("kind: SealedSecret\n", "kind: SealedSecret\nstrange: 1\n");
    let put = |form: &dyn Fn(&str) -> Vec<u8>| {
        for (name, text) in [
            ("clear.yaml", SECRET),
            ("db.sealed.yaml", &sealed),
            ("broken.yaml", &broken),
            (".kubeseal.yaml", "clusters: {a: {cert: test-only.crt}}\n"),
        ] {
            std::fs::write(folder.path(name), form(text)).unwrap();
        }
    };
    let lines = [
        "lint db.sealed.yaml broken.yaml clear.yaml",
        "lint .",
        "unseal --recovery-private-key test-only.key db.sealed.yaml --out clear",
        "--recovery-unseal --recovery-private-key test-only.key -f db.sealed.yaml",
        "reseal --check --recovery-private-key test-only.key db.sealed.yaml",
        "doctor --offline --recovery-private-key test-only.key db.sealed.yaml",
        "doctor --offline broken.yaml",
        "render db.sealed.yaml",
        "seal --check clear.yaml",
        "--validate -f db.sealed.yaml --server http://127.0.0.1:1",
        "--re-encrypt -f db.sealed.yaml --server http://127.0.0.1:1",
    ];
    let told = |line: &str| {
        let run = folder.run(line, "");
        let opened = std::fs::read(folder.path("clear/db.yaml")).unwrap_or_default();
        let _ = std::fs::remove_dir_all(folder.path("clear"));
        (run.told, run.stdout, opened)
    };
    put(&|text| text.as_bytes().to_vec());
    let expected = lines.map(told);
    for number in 0..4 {
        put(&|text| utf16(text)[number].clone());
        for (line, expected) in lines.iter().zip(&expected) {
            assert_eq!(told(line), *expected, "{line}");
        }
        for line in ["-f clear.yaml", "seal clear.yaml"] {
            let stdout = folder.run(line, "").ok();
            let sealed = std::fs::read_to_string(folder.path("clear.sealed.yaml")).unwrap_or(stdout);
            assert_eq!(password(&folder, "test-only.key", sealed.as_bytes()), "hunter2");
        }
        std::fs::remove_file(folder.path("clear.sealed.yaml")).unwrap();
    }
}

fn password(folder: &Folder, key: &str, sealed: &[u8]) -> String {
    let line = format!("--recovery-unseal -o yaml --recovery-private-key {key}");
    let opened = folder.run_in(&[], &line.split(' ').collect::<Vec<_>>(), sealed).ok();
    let known = [("hunter2", "aHVudGVyMg=="), ("new", "bmV3")];
    let is_there = |(_, value): &&(&str, &str)| opened.contains(&format!("password: {value}"));
    known.iter().find(is_there).map(|(text, _)| (*text).to_owned()).unwrap()
}

#[test]
fn a_change_keeps_the_encoding_of_the_file() {
    let folder = Folder::with_keys();
    let sealed = folder.run(&format!("{CERT} -o yaml"), SECRET).ok();
    let sealed = format!("# für 🔑\n{sealed}").replace('\n', "\r\n");
    for (number, before) in utf16(&sealed).into_iter().enumerate() {
        let file = folder.path("db.yaml");
        std::fs::write(&file, &before).unwrap();
        folder.put("more.yaml", &SECRET.replace("password", "more"));
        let mut texts = Vec::new();
        for line in [
            format!("{CERT} --merge-into db.yaml -f more.yaml"),
            "rename db.yaml more other".to_owned(),
            "unset db.yaml other".to_owned(),
        ] {
            folder.run(&line, "").ok();
            texts.push(text_of(number, &std::fs::read(&file).unwrap()));
        }
        assert!(texts[0].contains("\r\n    more: A") && texts[1].contains("\r\n    other: A"));
        assert!(std::fs::read(&file).unwrap() == before, "byte for byte");
        for (line, key) in [
            (format!("set {CERT} db.yaml password"), "test-only.key"),
            (
                "reseal --recovery-private-key test-only.key --cert test-only-other.crt db.yaml".to_owned(),
                "test-only-other.key",
            ),
        ] {
            folder.run(&line, "new").ok();
            let after = std::fs::read(&file).unwrap();
            assert!(text_of(number, &after).starts_with("# für 🔑\r\n"), "{line}");
            assert_eq!(password(&folder, key, &after), "new", "{line}");
        }
    }
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
