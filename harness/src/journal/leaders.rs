//! `leaders.jsonl`: leadership claims with their times, written during the run.
//!
//! A header, then a line for each change of a replica's own claim, [`LeadershipClaim`], in the order of
//! their times. Two that name themselves at once are two leaders at once. If there were more changes
//! than are kept, the last line is `{"limit": N}`, and what came later is not known.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::Serialize;

use crate::leadership::claims::{LeadershipClaim, LeadershipClaims};
use crate::limits;

/// The name in a run's folder.
pub const NAME: &str = "leaders.jsonl";

/// The version of the shape of the lines.
pub const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Header {
    schema: u32,
    kind: &'static str,
}

#[derive(Serialize)]
struct Limit {
    limit: usize,
}

/// The open file.
pub struct LeadersFile {
    file: BufWriter<File>,
    written: usize,
    is_closed: bool,
}

impl LeadersFile {
    /// Creates the file with its header in a run's folder.
    pub fn create(folder: &Path) -> io::Result<Self> {
        let file = BufWriter::new(File::create(folder.join(NAME))?);
        let mut leaders = Self { file, written: 0, is_closed: false };
        line(&mut leaders.file, &Header { schema: SCHEMA, kind: "leaders" })?;
        leaders.file.flush()?;
        Ok(leaders)
    }

    /// Writes what is new, and hands it to the system.
    pub fn write(&mut self, claims: &LeadershipClaims) -> io::Result<()> {
        let new: &[LeadershipClaim] = claims.changes().get(self.written..).unwrap_or_default();
        for claim in new {
            line(&mut self.file, claim)?;
        }
        self.written += new.len();
        if claims.is_full() && !self.is_closed {
            line(&mut self.file, &Limit { limit: limits::LEADERSHIP_CLAIMS })?;
            self.is_closed = true;
        }
        self.file.flush()
    }
}

fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;
    use crate::time::RunTime;

    #[test]
    fn what_was_written_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = LeadersFile::create(folder.path()).unwrap();
        let mut claims = LeadershipClaims::default();
        claims.hear(RunTime(5), NodeId(0), Some(NodeId(1)));
        file.write(&claims).unwrap();
        file.write(&claims).unwrap();
        claims.died(RunTime(9), NodeId(0), "killed by SIGKILL");
        file.write(&claims).unwrap();
        assert_eq!(
            std::fs::read_to_string(folder.path().join(NAME)).unwrap(),
            r#"{"schema":1,"kind":"leaders"}
{"time_ns":5,"replica":"0000","leader":"0001"}
{"time_ns":9,"replica":"0000","leader":null,"died":"killed by SIGKILL"}
"#
        );
    }
}
