//! The machine of a measurement.

use std::fs;
use std::path::Path;
use std::process::Command;

use harness::implementation::repository;

use super::table::Table;

/// The machine, the system, the compiler and the commit, as a table.
pub(crate) fn here() -> String {
    let mut table = Table::new(["machine", ""]);
    let mut row = |what: &str, text: String| table.row([what.to_owned(), text]);
    row("processor", field("/proc/cpuinfo", "model name", ':'));
    row("cores", cores().to_string());
    row("memory", memory());
    row("system", field("/etc/os-release", "PRETTY_NAME", '='));
    row("kernel", first_line(Path::new("/proc/sys/kernel/osrelease")));
    row("compiler", said("rustc", &["--version"]));
    row("commit", commit());
    table.text()
}

/// How many threads can run at once.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

const UNKNOWN: &str = "unknown";

/// The first value of a `name SEPARATOR value` file.
fn field(path: &str, name: &str, separator: char) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut pairs = text.lines().filter_map(|line| line.split_once(separator));
    pairs
        .find(|(found, _)| found.trim() == name)
        .map_or(UNKNOWN, |(_, value)| value)
        .trim()
        .trim_matches('"')
        .to_owned()
}

fn memory() -> String {
    let text = field("/proc/meminfo", "MemTotal", ':');
    let kibibytes = text.trim_end_matches(" kB").parse::<f64>();
    kibibytes.map_or_else(
        |_| UNKNOWN.to_owned(),
        |kib| format!("{:.1} GiB", kib / 1024.0 / 1024.0),
    )
}

fn first_line(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or(UNKNOWN).to_owned()
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(repository()).output();
    output
        .ok()
        .filter(|output| output.status.success())
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_else(|| UNKNOWN.to_owned())
}

/// The commit, marked when the files differ from it.
fn commit() -> String {
    let commit = said("git", &["rev-parse", "--short", "HEAD"]);
    let changed = said("git", &["status", "--porcelain", "--untracked-files=no"]);
    if changed.is_empty() {
        commit
    } else {
        format!("{commit} with changes")
    }
}
