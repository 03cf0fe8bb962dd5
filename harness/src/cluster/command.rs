//! The command of a system file: its program is found, its places are filled in, and its files are written.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// A command that can be started.
#[derive(Clone, Debug)]
pub struct Command {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(String, OsString)>,
    directory: PathBuf,
    files: Vec<(PathBuf, Vec<u8>)>,
}

/// Where a program is: by its path below `here`, or by its name in `PATH`.
pub fn find(program: &str, here: &Path) -> PathBuf {
    if program.contains('/') {
        return here.join(program);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).map(|folder| folder.join(program));
    found.find(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(program))
}

impl Command {
    /// The program, its arguments, and where it works.
    pub fn new(program: PathBuf, arguments: Vec<OsString>, directory: &Path) -> Self {
        let directory = directory.to_owned();
        Self { program, arguments, environment: Vec::new(), directory, files: Vec::new() }
    }

    /// With these variables.
    #[must_use]
    pub fn with_environment(mut self, environment: Vec<(String, OsString)>) -> Self {
        self.environment = environment;
        self
    }

    /// With these files, which are written before each start.
    #[must_use]
    pub fn with_files(mut self, files: Vec<(PathBuf, Vec<u8>)>) -> Self {
        self.files = files;
        self
    }

    /// The program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Writes the files.
    pub fn write_files(&self) -> io::Result<()> {
        for (path, content) in &self.files {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(path, content)?;
        }
        Ok(())
    }

    /// As the system starts it, but for its environment.
    pub fn build(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.directory);
        command
    }

    /// Gives it its variables.
    pub fn set_environment(&self, command: &mut std::process::Command) {
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
    }
}
