//! A repository that was cloned can hold a file of any name: no terminal obeys it, no line of output begins with it, and
//! commands that are suggested take it as one word.

use crate::program::{Folder, command};

const NAME: &str = "a \u{1b}]0;title\u{7}\n::error::b;id\u{202e}.yaml";
const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {a: hunter2}\n";

/// What is said on both ways.
fn said(folder: &Folder, words: &[&str]) -> String {
    let output = command(&folder.path("")).args(words).output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn names_of_files_are_shown_and_not_obeyed() {
    const KEY: &str = "--recovery-private-key=test-only.key";
    const CERT: &str = "--cert=test-only.crt";
    let folder = Folder::with_keys();
    let sealed = folder.run(CERT, SECRET).ok();
    let broken = format!("{sealed}---\nkind: SealedSecret\nspec: [\n");
    let lines: [&[&str]; 16] = [
        &["lint", "."],
        &["lint", NAME],
        &["seal", CERT, "."],
        &["seal", "--check", "."],
        &["reseal", KEY, CERT, "--check", "."],
        &["unseal", KEY, "--out=clear", "."],
        &["doctor", "--offline", KEY, NAME],
        &["doctor", "--offline", NAME],
        &["render", NAME],
        &["set", CERT, NAME, "item"],
        &["unset", NAME, "item"],
        &[CERT, "-f", NAME],
        &["--recovery-unseal", KEY, "-f", NAME],
        &["keys", "restore", NAME],
        &["lint", "--cert", NAME, "."],
        &["lint", "gone\u{1b}\n.yaml"],
    ];
    let mut told = 0;
    for text in [SECRET, &sealed, &broken, ""] {
        for words in lines {
            folder.put(NAME, text);
            let said = said(&folder, words);
            told += usize::from(said.contains("::error::b"));
            let obeyed = |sign: char| sign != '\n' && sign.is_control() || sign == '\u{202e}';
            assert!(!said.contains(obeyed), "{words:?}: {said:?}");
            assert!(
                !said.contains("\n::error") && !said.contains("\n.yaml"),
                "{words:?}: {said}"
            );
        }
        let _ = std::fs::remove_dir_all(folder.path("clear"));
    }
    assert!(told > 40, "{told} runs name the file");
}

#[test]
fn a_command_that_is_suggested_takes_the_file_as_one_word() {
    let folder = Folder::with_keys();
    for (name, word) in [
        ("it's here.yaml", r"'it'\''s here.yaml'"),
        (NAME, r"$'a \u001b]0;title\u0007\u000a::error::b;id\u202e.yaml'"),
    ] {
        folder.put(name, SECRET);
        let said = said(&folder, &["lint", name]);
        assert!(said.contains(&format!("kubeseal seal {word})")), "{said}");
        std::fs::remove_file(folder.path(name)).unwrap();
    }
}
