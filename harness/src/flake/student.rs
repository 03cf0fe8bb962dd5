//! The program that the experiment starts: a replica as a student writes it. What matters is how it starts (an
//! interpreter that looks up a hundred files) and when it first speaks to all (after 200 to 350 ms).

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

const SOURCE: &str = include_str!("student.py");

/// The program, in a folder that is gone with this.
pub struct Student {
    folder: TempDir,
}

impl Student {
    /// Writes it down; `None` where there is no Python.
    pub fn write() -> io::Result<Option<Self>> {
        let Some(interpreter) = interpreter() else { return Ok(None) };
        let student = Self { folder: TempDir::new()? };
        // Without installed packages, which differ on each machine.
        fs::write(student.path(), format!("#!{interpreter} -IS\n{SOURCE}"))?;
        fs::set_permissions(student.path(), fs::Permissions::from_mode(0o755))?;
        Ok(Some(student))
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("student.py")
    }
}

/// The interpreter itself: `python3` may be a script that finds it, slowly.
fn interpreter() -> Option<String> {
    let asked = Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let path = String::from_utf8(asked.stdout).ok()?.trim().to_owned();
    // A first line has no room for more, nor for a path with a space.
    let is_usable = path.starts_with('/') && path.len() < 100 && !path.contains(' ');
    (asked.status.success() && is_usable).then_some(path)
}
