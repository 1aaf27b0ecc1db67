//! `cargo xtask cross`: kubeseal for Windows, macOS and Linux on ARM: compiled without warnings, and run as far as this machine can.

mod macho;

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use harness::implementation::repository;
use harness::output::run as run_command;

use crate::bench::release::{cargo, target as target_folder};
use crate::dist;
use crate::test::{self, Step, Steps};

/// A target of Rust, the tools that it takes, and the steps that show kubeseal for it.
struct Target(
    &'static str,
    &'static [Tool],
    fn(&mut Steps, &'static str) -> Result<()>,
);

const TARGETS: [Target; 4] = [
    Target("x86_64-pc-windows-gnu", &[MINGW, WINE], windows),
    Target("aarch64-unknown-linux-gnu", &[ARM64_GCC, QEMU], linux_arm64),
    Target(APPLE_SILICON, &[ZIG, ZIGBUILD], macos),
    Target("x86_64-apple-darwin", &[ZIG, ZIGBUILD], macos),
];

const APPLE_SILICON: &str = "aarch64-apple-darwin";

/// A program that must be on this machine, under any of these names, and the command that installs it.
struct Tool(&'static [&'static str], &'static str);

const MINGW: Tool = Tool(&["x86_64-w64-mingw32-gcc"], "apt-get install gcc-mingw-w64-x86-64");
// Debian's package puts it where no PATH leads.
const WINE: Tool = Tool(&["/usr/lib/wine/wine64", "wine64", "wine"], "apt-get install wine64");
const ARM64_GCC: Tool = Tool(
    &["aarch64-linux-gnu-gcc"],
    "apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
);
const QEMU: Tool = Tool(
    &["qemu-aarch64-static", "qemu-aarch64"],
    "apt-get install qemu-user-static",
);
const ZIG: Tool = Tool(&["zig", "python-zig"], "pip install ziglang");
const ZIGBUILD: Tool = Tool(&["cargo-zigbuild"], "pip install cargo-zigbuild");

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these targets of Rust. A target that lacks a tool fails, with the command that installs it.
    #[arg(long, value_name = "TARGET", value_parser = clap::builder::PossibleValuesParser::new(TARGETS.map(|target| target.0)))]
    only: Vec<String>,
}

/// Shows every target, whatever became of the ones before it; the last line is `N passed, N failed`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut steps = Steps::default();
    for Target(name, tools, show) in TARGETS {
        if args.only.is_empty() || args.only.iter().any(|only| only == name) {
            match missing(name, tools) {
                Some(message) => steps.cannot_run(name, &message),
                None => show(&mut steps, name)?,
            }
        }
    }
    test::finish(&steps)
}

/// The missing tools of a target, with the commands that install them.
fn missing(target: &str, tools: &[Tool]) -> Option<String> {
    let library = dist::add_library(target).err();
    let tools = tools.iter().filter_map(|tool| tool.find().err());
    let all = library.into_iter().chain(tools);
    let all: Vec<_> = all.map(|error| error.to_string()).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

impl Tool {
    /// Where the program is.
    ///
    /// # Errors
    /// None of them is there; the message names the package.
    fn find(&self) -> Result<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        for program in self.0 {
            let mut places = std::env::split_paths(&path).map(|folder| folder.join(program));
            if let Some(found) = places.find(|place| place.is_file()) {
                return Ok(found);
            }
        }
        bail!("{} is not installed: {}", self.0.join(" or "), self.1)
    }
}

/// A folder of this command, in cargo's target folder.
fn folder(name: &str) -> Result<PathBuf> {
    let folder = target_folder()?.join("cross").join(name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

const PROGRAM: [&str; 2] = ["--bin", "kubeseal"];
const COMMAND_LINES: [&str; 2] = ["--test", "cli"];

/// `cargo SUBCOMMAND` on parts of kubeseal's package for a target. A warning is an error.
fn kubeseal(subcommand: &str, target: &str, parts: &[&str]) -> Result<Command> {
    let mut cargo = cargo(&[subcommand, "--locked", "--package", "kubeseal-rs", "--target", target])?;
    cargo
        .args(parts)
        .env("RUSTFLAGS", "-D warnings")
        // Cargo, which would be asked for it, is not there under Wine.
        .env("INSTA_WORKSPACE_ROOT", repository().canonicalize()?)
        .env("INSTA_UPDATE", "no");
    Ok(cargo)
}

/// The command lines whose tests are run under Wine, by module: those that change files, and Windows' encodings. All of them would
/// take half an hour, and many are about Git, shells and the words of Unix.
const UNDER_WINE: [&str; 4] = ["items::", "concurrent_edit::", "seal_in_place::", "windows_text::"];

/// Unit tests, and command lines, under Wine.
fn windows(steps: &mut Steps, target: &'static str) -> Result<()> {
    let mut compile = kubeseal("test", target, &PROGRAM)?;
    compile.args(COMMAND_LINES).arg("--no-run");
    if !steps.run(Step::check("compile for Windows", compile)) {
        return Ok(());
    }
    let under_wine = |parts: &[&str]| -> Result<Command> {
        let mut cargo = kubeseal("test", target, parts)?;
        cargo.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", WINE.find()?);
        cargo.envs(wine_variables()?);
        Ok(cargo)
    };
    steps.run(Step::tests("unit tests under Wine", under_wine(&PROGRAM)?));
    let mut lines = under_wine(&COMMAND_LINES)?;
    lines.arg("--").args(UNDER_WINE);
    steps.run(Step::tests("command lines under Wine", lines));
    Ok(())
}

/// Wine's own settings: a C: drive in the target folder, without Mono, Gecko and Wine's log.
fn wine_variables() -> Result<[(&'static str, OsString); 3]> {
    // Wine 8 has no bcryptprimitives.dll, which Rust's standard library takes random bytes from.
    const RANDOM: &str = "__declspec(dllimport) unsigned char SystemFunction036(void *, unsigned long);\n\
        __declspec(dllexport) int ProcessPrng(void *to, unsigned long long bytes) { return SystemFunction036(to, bytes); }\n";
    let drive = folder("wine")?;
    let variables = [
        ("WINEPREFIX", drive.clone().into_os_string()),
        ("WINEDLLOVERRIDES", "mscoree,mshtml=".into()),
        ("WINEDEBUG", "-all".into()),
    ];
    let system = drive.join("drive_c/windows/system32");
    if !system.is_dir() {
        let mut boot = Command::new(WINE.find()?);
        run_command(boot.args(["wineboot", "--init"]).envs(variables.clone()))?.success()?;
    }
    let library = system.join("bcryptprimitives.dll");
    if !library.exists() {
        let source = drive.join("random.c");
        fs::write(&source, RANDOM)?;
        let mut gcc = Command::new("x86_64-w64-mingw32-gcc");
        gcc.arg("-shared").arg(&source).args(["-ladvapi32", "-o"]).arg(&library);
        run_command(&mut gcc)?.success()?;
    }
    Ok(variables)
}

/// Unit tests under QEMU; the command lines' tests on this machine, with kubeseal under QEMU.
fn linux_arm64(steps: &mut Steps, target: &'static str) -> Result<()> {
    let qemu = format!("{} -L /usr/aarch64-linux-gnu", QEMU.find()?.display());
    let under_qemu = |subcommand: &str| -> Result<Command> {
        let mut cargo = kubeseal(subcommand, target, &PROGRAM)?;
        dist::use_debian_compiler(&mut cargo, target);
        cargo.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", &qemu);
        Ok(cargo)
    };
    if !steps.run(Step::check("compile for Linux on ARM", under_qemu("build")?)) {
        return Ok(());
    }
    steps.run(Step::tests("unit tests under QEMU", under_qemu("test")?));
    // The tests start the program by its path, without any environment; a shell would complain where its folder is gone.
    let program = target_folder()?.join(target).join("debug/kubeseal");
    let script = folder("qemu")?.join("kubeseal");
    let text = format!("#!/usr/bin/perl\nexec qw({qemu}), '{}', @ARGV;\n", program.display());
    fs::write(&script, text)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    let mut lines = cargo(&["test", "--locked", "--package", "kubeseal-rs"])?;
    lines.args(COMMAND_LINES).env("KUBESEAL_UNDER_TEST", script);
    steps.run(Step::tests("command lines under QEMU", lines));
    Ok(())
}

/// Linked by zig, and looked at: nothing here runs it.
fn macos(steps: &mut Steps, target: &'static str) -> Result<()> {
    let mut zigbuild = kubeseal("zigbuild", target, &PROGRAM)?;
    zigbuild.env(
        "RUSTFLAGS",
        "-D warnings -C link-arg=-undefined -C link-arg=dynamic_lookup",
    );
    if std::env::var_os("SDKROOT").is_none() {
        zigbuild.env("SDKROOT", sdk()?);
    }
    let (link, check) = match target {
        APPLE_SILICON => ("link for macOS on Apple silicon", "Mach-O program for Apple silicon"),
        _ => ("link for macOS on Intel", "Mach-O program for Intel"),
    };
    if steps.run(Step::check(link, zigbuild)) {
        let program = target_folder()?.join(target).join("debug/kubeseal");
        steps.run_here(check, || macho::check(&fs::read(&program)?, target));
    }
    Ok(())
}

/// Apple's frameworks by name alone, where its SDK is not at hand: what kubeseal takes from them is looked up when it starts, and
/// [`macho::check`] says whose each symbol is.
fn sdk() -> Result<PathBuf> {
    let root = folder("sdk")?;
    for name in macho::FRAMEWORKS {
        let folder = root.join(format!("System/Library/Frameworks/{name}.framework"));
        fs::create_dir_all(&folder)?;
        let stub = format!(
            "--- !tapi-tbd\ntbd-version: 4\ntargets: [ x86_64-macos, arm64-macos ]\n\
             install-name: '/System/Library/Frameworks/{name}.framework/Versions/A/{name}'\n...\n"
        );
        fs::write(folder.join(format!("{name}.tbd")), stub)?;
    }
    Ok(root)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn missing_tool_names_its_package() {
        let none = Tool(&["no-such-program", "/no/such/program"], "apt-get install something");
        let message = "no-such-program or /no/such/program is not installed: apt-get install something";
        assert_eq!(none.find().unwrap_err().to_string(), message);
        let shell = Tool(&["no-such-program", "/bin/sh"], "");
        assert_eq!(shell.find().unwrap(), Path::new("/bin/sh"));
    }
}
