//! Runs a program with this process's own ends, and writes what it used: `measured REPORT PROGRAM ARGUMENT…`.
//!
//! Linux counts the memory of the parent process into the peak of its child, so the parent is this minimal program. The
//! report holds three numbers, one a line: wall time and processor time in nanoseconds, peak of resident memory in bytes.

use std::env;
use std::error::Error;
use std::fs;
use std::process::Command;
use std::time::Instant;

use wait4::Wait4 as _;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let (Some(report), Some(program)) = (arguments.next(), arguments.next()) else {
        return Err("measured REPORT PROGRAM ARGUMENT…".into());
    };
    let start = Instant::now();
    let used = Command::new(program).args(arguments).spawn()?.wait4()?;
    let wall = start.elapsed();
    if !used.status.success() {
        return Err(used.status.to_string().into());
    }
    let processor = used.rusage.utime + used.rusage.stime;
    let (wall, processor, peak) = (wall.as_nanos(), processor.as_nanos(), used.rusage.maxrss);
    Ok(fs::write(report, format!("{wall}\n{processor}\n{peak}\n"))?)
}
