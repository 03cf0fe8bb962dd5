//! A file of JSON lines that is written while a run goes on.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use crate::files::counted::{Counted, Seal};
use crate::files::folder::Folder;

/// The first line of a file: the version of the shape of the others, and what they are.
#[derive(Debug, Serialize)]
pub struct Header {
    /// The version.
    pub schema: u32,
    /// What the lines are.
    pub kind: &'static str,
}

/// The open file.
pub struct Lines {
    out: BufWriter<Counted>,
    seal: Seal,
}

impl Lines {
    /// Creates the file `name` in a folder, with this as its first line.
    pub fn create(folder: &Folder, name: &str, header: &impl Serialize) -> io::Result<Self> {
        let (file, seal) = Counted::create(folder, name)?;
        let mut lines = Self { out: BufWriter::new(file), seal };
        lines.write(header)?;
        lines.flush()?;
        Ok(lines)
    }

    /// Writes a line; it may wait in memory for the next [`Lines::flush`].
    pub fn write(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        self.out.write_all(b"\n")
    }

    /// Hands all lines to the system: what was flushed survives the harness.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// No more is written. What could not be written before is not tried again.
    pub fn close(self) -> Seal {
        drop(self.out.into_parts());
        self.seal
    }
}
