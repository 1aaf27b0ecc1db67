//! From the command line to an exit code: 0 stopped by a signal, 1 could not run, 2 not understood.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use tokio::runtime::{Builder, Runtime};
use tracing::error;

use crate::args::{Args, version_line};
use crate::error::chain;
use crate::settings::Settings;
use crate::{lanes, logging, runtime, strip_status};

const NOT_UNDERSTOOD: u8 = 2;
/// How long threads that are busy are waited for at the end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs the controller with the process's own arguments.
pub(crate) fn run() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Where the usage cannot be printed, the code still tells.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(NOT_UNDERSTOOD));
        }
    };
    if args.version {
        let printed = writeln!(std::io::stdout(), "{}", version_line());
        return if printed.is_ok() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    }
    let strips = args.strip_status;
    let settings = match Settings::new(args) {
        Ok(settings) => settings,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            return ExitCode::from(NOT_UNDERSTOOD);
        }
    };
    logging::start(settings.log);
    let runtime = match threads() {
        Ok(runtime) => runtime,
        Err(error) => {
            error!(%error, "no threads can be started");
            return ExitCode::FAILURE;
        }
    };
    let outcome: Result<(), Box<dyn std::error::Error>> = if strips {
        runtime.block_on(strip_status::run(&settings)).map_err(Into::into)
    } else {
        runtime.block_on(runtime::run(settings)).map_err(Into::into)
    };
    // A key that is still being generated would hold up the end by seconds.
    runtime.shutdown_timeout(LAST_WORDS);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!(error = chain(error.as_ref()), "cannot run");
            ExitCode::FAILURE
        }
    }
}

fn threads() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(lanes::blocking_threads())
        .build()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    use super::*;

    /// Waits until so many have begun. Gives how many have.
    fn wait(begun: &AtomicUsize, all: usize) -> usize {
        begun.fetch_add(1, Ordering::Relaxed);
        let start = Instant::now();
        while begun.load(Ordering::Relaxed) < all && start.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(10));
        }
        begun.load(Ordering::Relaxed)
    }

    #[test]
    fn every_pass_has_a_thread_at_the_same_time() {
        let threads = threads().unwrap();
        let (all, begun) = (lanes::blocking_threads(), Arc::new(AtomicUsize::new(0)));
        let works: Vec<_> = (0..all)
            .map(|_| {
                let begun = begun.clone();
                threads.spawn_blocking(move || wait(&begun, all))
            })
            .collect();
        for work in works {
            assert_eq!(threads.block_on(work).unwrap(), all);
        }
    }
}
