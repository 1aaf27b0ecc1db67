//! Files and folders that only their owner may open, on Windows: what mode 0600 is elsewhere.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// Takes away what the file or folder has inherited from its folder, and lets its owner do everything, alone. What is made in a
/// folder afterwards inherits that.
///
/// Windows' own program does it, of the system's folder and not of the `PATH`: its functions cannot be called safely.
///
/// # Errors
/// The program cannot be started, or refuses.
pub(crate) fn restrict(path: &Path) -> io::Result<()> {
    // `OWNER RIGHTS`, whoever that is.
    const OWNER: &str = "*S-1-3-4";
    let root = std::env::var_os("SystemRoot").unwrap_or_else(|| r"C:\Windows".into());
    let inherited = if path.is_dir() { ":(OI)(CI)F" } else { ":F" };
    let status = Command::new(Path::new(&root).join(r"System32\icacls.exe"))
        .arg(path)
        .args(["/inheritance:r", "/grant:r", &format!("{OWNER}{inherited}"), "/q"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!(
            "icacls cannot make it its owner's alone ({status})"
        )))
    }
}
