//! In which order a program's functions are called.
//!
//! A short-lived program spends its time, and its memory, on the pages that it touches. The linker spreads the few functions
//! of an ordinary run over the whole program; told their order, it puts them side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::c_int;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SectionKind, SymbolKind};

/// The instruction `int3`.
const BREAKPOINT: u8 = 0xCC;

/// A program, its functions by address, and the bytes of the section that they are in.
pub(super) struct Functions {
    program: PathBuf,
    names: BTreeMap<u64, Vec<String>>,
    address: u64,
    code: Vec<u8>,
}

impl Functions {
    /// Of a program with symbols that is loaded where they say (no position-independent one).
    pub(super) fn of(program: &Path) -> Result<Functions> {
        let bytes = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
        let file = object::File::parse(&*bytes)?;
        let section = file.section_by_name(".text").context("no section .text")?;
        ensure!(section.kind() == SectionKind::Text, ".text is no code");
        let mut names: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text) {
            if symbol.section_index() == Some(section.index()) && symbol.size() > 0 {
                names
                    .entry(symbol.address())
                    .or_default()
                    .push(symbol.name()?.to_owned());
            }
        }
        ensure!(!names.is_empty(), "{} has no symbols", program.display());
        Ok(Functions {
            program: program.to_owned(),
            names,
            address: section.address(),
            code: section.data()?.to_vec(),
        })
    }

    /// The names of those that a run with these arguments calls, in the order of their first calls. One thread is followed.
    pub(super) fn called_by(&self, arguments: &[&str], stdin: &Path) -> Result<Vec<String>> {
        let child = Command::new("sh")
            // It waits to be traced.
            .args(["-c", "kill -STOP $$; exec \"$@\"", "sh"])
            .arg(&self.program)
            .args(arguments)
            .env_clear()
            .stdin(File::open(stdin)?)
            .stdout(Stdio::null())
            .spawn()
            .context("cannot run sh")?;
        let traced = Pid::from_raw(i32::try_from(child.id())?);
        let called = self.trace(traced);
        if called.is_err() {
            // It may have ended already.
            let _ = kill(traced, Signal::SIGKILL);
            let _ = waitpid(traced, None);
        }
        called
    }

    fn trace(&self, traced: Pid) -> Result<Vec<String>> {
        waitpid(traced, Some(WaitPidFlag::WUNTRACED))?;
        ptrace::seize(traced, Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_EXITKILL)
            .context("this process may not trace another")?;
        kill(traced, Signal::SIGCONT)?;
        await_exec(traced)?;

        let memory = OpenOptions::new()
            .read(true)
            .write(true)
            .open(Path::new("/proc").join(traced.to_string()).join("mem"))?;
        let mut marked = self.code.clone();
        for offset in self.names.keys().filter_map(|address| self.offset(*address)) {
            if let Some(byte) = marked.get_mut(offset) {
                *byte = BREAKPOINT;
            }
        }
        memory.write_all_at(&marked, self.address)?;

        let mut called = Vec::new();
        loop {
            ptrace::cont(traced, None)?;
            match waitpid(traced, None)? {
                WaitStatus::Stopped(_, Signal::SIGTRAP) => called.extend_from_slice(self.enter(traced, &memory)?),
                WaitStatus::Exited(_, 0) => return Ok(called),
                other => bail!("the traced run did not succeed: {other:?}"),
            }
        }
    }

    /// The process stopped at the beginning of a function for the first time: takes the mark away. Gives the function's names.
    fn enter(&self, traced: Pid, memory: &File) -> Result<&[String]> {
        let mut registers = ptrace::getregs(traced)?;
        registers.rip -= 1;
        let address = registers.rip;
        let names = self.names.get(&address).context("a stop where no function begins")?;
        let original = self.offset(address).and_then(|offset| self.code.get(offset));
        memory.write_all_at(&[*original.context("code")?], address)?;
        ptrace::setregs(traced, registers)?;
        Ok(names)
    }

    fn offset(&self, address: u64) -> Option<usize> {
        usize::try_from(address.checked_sub(self.address)?).ok()
    }
}

fn await_exec(traced: Pid) -> Result<()> {
    loop {
        match waitpid(traced, None)? {
            WaitStatus::PtraceEvent(_, _, event) if event == Event::PTRACE_EVENT_EXEC as c_int => return Ok(()),
            WaitStatus::PtraceEvent(..) | WaitStatus::Stopped(_, Signal::SIGCONT) => ptrace::cont(traced, None)?,
            other => bail!("the program did not start: {other:?}"),
        }
    }
}

/// What comes of several runs: each name once, where it came first.
pub(super) fn merged(runs: impl IntoIterator<Item = Vec<String>>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    runs.into_iter()
        .flatten()
        .filter(|name| seen.insert(name.clone()))
        .collect()
}
