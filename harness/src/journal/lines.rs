//! A file of JSON lines that is written while a run goes on.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::Serialize;

/// The first line of a file: the version of the shape of the others, and what they are.
#[derive(Debug, Serialize)]
pub struct Header {
    /// The version.
    pub schema: u32,
    /// What the lines are.
    pub kind: &'static str,
}

/// The open file.
pub struct Lines(BufWriter<File>);

impl Lines {
    /// Creates the file, with this as its first line.
    pub fn create(path: &Path, header: &impl Serialize) -> io::Result<Self> {
        let mut lines = Self(BufWriter::new(File::create(path)?));
        lines.write(header)?;
        lines.flush()?;
        Ok(lines)
    }

    /// Writes a line; it may wait in memory for the next [`Lines::flush`].
    pub fn write(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, value)?;
        self.0.write_all(b"\n")
    }

    /// Hands all lines to the system: what was flushed survives the harness.
    pub fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
