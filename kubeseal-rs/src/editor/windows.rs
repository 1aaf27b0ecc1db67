//! How the user's editor is started on Windows, where no shell takes its command line apart.

use std::io;
use std::path::{Path, PathBuf};

use tokio::process::{Child, Command};

use crate::environment::Environment;

/// Starts the editor on the file.
pub(super) fn start(editor: &str, file: &Path, environment: &Environment) -> io::Result<Child> {
    let (program, arguments) = parts(editor, Path::is_file);
    Command::new(found(program, environment).unwrap_or_else(|| program.into()))
        .raw_arg(arguments)
        .arg(file)
        .spawn()
}

/// The program and its arguments. The program may stand in quotes; without them, blanks in the path of a file belong to it.
fn parts(editor: &str, is_file: impl Fn(&Path) -> bool) -> (&str, &str) {
    let editor = editor.trim();
    let quoted = editor.strip_prefix('"').and_then(|rest| rest.split_once('"'));
    if let Some((program, arguments)) = quoted {
        return (program, arguments.trim_start());
    }
    let blanks = editor.match_indices(' ').map(|(at, _)| at);
    let cuts: Vec<_> = blanks.chain([editor.len()]).collect();
    let is_program = |at: &&usize| editor.get(..**at).is_some_and(|text| is_file(Path::new(text)));
    let cut = cuts.iter().rev().find(is_program).or(cuts.first());
    let (program, arguments) = editor.split_at_checked(*cut.unwrap_or(&0)).unwrap_or((editor, ""));
    (program, arguments.trim_start())
}

/// The file of a program that is named without a folder. Editors with a window of their own are started by scripts (`code.cmd`),
/// which only a shell would find.
fn found(program: &str, environment: &Environment) -> Option<PathBuf> {
    const ENDINGS: [&str; 4] = ["exe", "cmd", "bat", "com"];
    if program.contains(['\\', '/', ':']) {
        return None;
    }
    std::env::split_paths(environment.get("PATH")?)
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| ENDINGS.map(|ending| folder.join(format!("{program}.{ending}"))))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_part_a_command_line_where_they_are_not_of_the_programs_path() {
        let is_file = |path: &Path| path == Path::new(r"C:\Program Files\Editor\edit.exe");
        for (editor, expected) in [
            ("notepad", ("notepad", "")),
            ("code --wait", ("code", "--wait")),
            (
                r#""C:\My Editor\e.exe" -a "b c""#,
                (r"C:\My Editor\e.exe", r#"-a "b c""#),
            ),
            (
                r"C:\Program Files\Editor\edit.exe",
                (r"C:\Program Files\Editor\edit.exe", ""),
            ),
            (
                r"C:\Program Files\Editor\edit.exe -n  -w",
                (r"C:\Program Files\Editor\edit.exe", "-n  -w"),
            ),
        ] {
            assert_eq!(parts(editor, is_file), expected);
        }
    }

    #[test]
    fn a_script_is_found_and_edits() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("appends.cmd"), "@echo b>>%2\r\n").unwrap();
        let path = folder.path().to_str().unwrap();
        let environment = Environment::from([("EDITOR", "appends --wait"), ("PATH", path)]);
        let text = super::super::edit(b"a\r\n", &environment).unwrap();
        assert_eq!(*text, b"a\r\nb\r\n");
    }
}
