//! The real Go engine with sprig's functions (`gotmpl/oracle`), as a program that answers line by line.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A template and the values it is rendered with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendering {
    /// The template.
    pub template: String,
    /// Names and values, which may be any bytes.
    pub data: BTreeMap<String, Vec<u8>>,
}

/// What Go made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The output.
    Output(Vec<u8>),
    /// Where it failed, and Go's words.
    Failure(Failure),
    /// No answer in time, or none at all: the program has died and is restarted.
    Silence,
}

/// A failure, as the oracle tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// `parse` or `execute`.
    pub stage: String,
    /// Counted from 1.
    pub line: u64,
    /// Which function failed, where one did.
    pub function: Option<String>,
    /// Go's words.
    pub message: String,
}

/// The running program.
pub struct Oracle {
    program: PathBuf,
    running: Running,
}

struct Running {
    child: Child,
    questions: ChildStdin,
    answers: Receiver<String>,
}

/// Templates that are meant to run long are not asked about.
const PATIENCE: Duration = Duration::from_secs(20);

/// A file or folder of gotmpl.
pub(crate) fn of_gotmpl(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Builds the program (needs Go); gives its path.
///
/// # Errors
/// There is no Go, or it does not build.
pub fn build() -> Result<PathBuf> {
    let program = of_gotmpl("../target/template-oracle");
    let mut build = Command::new("go");
    build.current_dir(of_gotmpl("oracle"));
    build.args(["build", "-trimpath", "-o"]).arg(&program).arg(".");
    let built = build.status().context("the oracle is a Go program")?;
    ensure!(built.success(), "go build of the oracle: {built}");
    Ok(program)
}

impl Rendering {
    /// As the program reads it: JSON on one line, the values in base64.
    pub fn question(&self) -> String {
        let encoded = |(name, value): (&String, &Vec<u8>)| (name.clone(), STANDARD.encode(value));
        let data: BTreeMap<_, _> = self.data.iter().map(encoded).collect();
        json!({ "template": self.template, "data": data }).to_string()
    }
}

impl Oracle {
    /// Builds the program (needs Go) and starts it.
    ///
    /// # Errors
    /// As [`build`]; or it does not start.
    pub fn start() -> Result<Oracle> {
        let program = build()?;
        let running = Running::start(&program)?;
        Ok(Oracle { program, running })
    }

    /// Asks for one rendering.
    ///
    /// # Errors
    /// It gave something other than an answer, or does not restart after a timeout.
    pub fn ask(&mut self, rendering: &Rendering) -> Result<Answer> {
        if writeln!(self.running.questions, "{}", rendering.question()).is_ok()
            && let Some(line) = self.running.answer()
        {
            return parse(&line);
        }
        self.running.end();
        self.running = Running::start(&self.program)?;
        Ok(Answer::Silence)
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        self.running.end();
    }
}

impl Running {
    fn start(program: &Path) -> Result<Running> {
        // A template may ask for more memory than the machine has; Go gives up at this limit.
        let mut command = Command::new("prlimit");
        // The zone of a container that has none of its own, as the reference's.
        command.arg("--as=6442450944").arg(program).env("TZ", "UTC");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let questions = child.stdin.take().context("no stdin")?;
        let output = BufReader::new(child.stdout.take().context("no stdout")?);
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        Ok(Running {
            child,
            questions,
            answers,
        })
    }

    fn answer(&self) -> Option<String> {
        self.answers.recv_timeout(PATIENCE).ok()
    }

    fn end(&mut self) {
        // Both fail only when it has ended already.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

fn parse(line: &str) -> Result<Answer> {
    let answer: Value = serde_json::from_str(line)?;
    if let Some(output) = answer.get("output").and_then(Value::as_str) {
        return Ok(Answer::Output(STANDARD.decode(output)?));
    }
    let Some(error) = answer.get("error") else {
        bail!("the oracle said {line}")
    };
    let text = |name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Answer::Failure(Failure {
        stage: text("stage").unwrap_or_default(),
        line: error.get("line").and_then(Value::as_u64).unwrap_or_default(),
        function: text("function"),
        message: text("message").unwrap_or_default(),
    }))
}
