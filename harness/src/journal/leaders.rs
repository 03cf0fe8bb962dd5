//! `leaders.jsonl`: leadership claims with their times, written during the run.
//!
//! A header, then a line for each change of a replica's own claim, [`LeadershipClaim`], in the order of
//! their times. Two that name themselves at once are two leaders at once. If there were more changes
//! than are kept, the last line is `{"limit": N}`, and what came later is not known.

use std::io;

use serde::Serialize;

use super::lines::{Header, Lines};
use crate::files::counted::Seal;
use crate::files::folder::Folder;
use crate::leadership::claims::{LeadershipClaim, LeadershipClaims};
use crate::limits;

/// The name in a run's folder.
pub const NAME: &str = "leaders.jsonl";

/// The version of the shape of the lines.
pub const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Limit {
    limit: usize,
}

/// The open file.
pub struct LeadersFile {
    lines: Lines,
    written: usize,
    is_closed: bool,
}

impl LeadersFile {
    /// Creates the file with its header in a run's folder.
    pub fn create(folder: &Folder) -> io::Result<Self> {
        let header = Header { schema: SCHEMA, kind: "leaders" };
        let lines = Lines::create(folder, NAME, &header)?;
        Ok(Self { lines, written: 0, is_closed: false })
    }

    /// Writes what is new, and hands it to the system.
    pub fn write(&mut self, claims: &LeadershipClaims) -> io::Result<()> {
        let new: &[LeadershipClaim] = claims.changes().get(self.written..).unwrap_or_default();
        for claim in new {
            self.lines.write(claim)?;
        }
        self.written += new.len();
        if claims.is_full() && !self.is_closed {
            self.lines.write(&Limit { limit: limits::LEADERSHIP_CLAIMS })?;
            self.is_closed = true;
        }
        self.lines.flush()
    }

    /// Writes all claims of a run anew, in place of the file.
    pub fn rewrite(folder: &Folder, claims: &[LeadershipClaim]) -> io::Result<()> {
        const BESIDE: &str = "leaders.jsonl.new";
        let header = Header { schema: SCHEMA, kind: "leaders" };
        let mut lines = Lines::create(folder, BESIDE, &header)?;
        claims.iter().try_for_each(|claim| lines.write(claim))?;
        if claims.len() >= limits::LEADERSHIP_CLAIMS {
            lines.write(&Limit { limit: limits::LEADERSHIP_CLAIMS })?;
        }
        lines.flush()?;
        folder.rename(BESIDE, NAME)
    }

    /// No more is written.
    pub fn close(self) -> Seal {
        self.lines.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;
    use crate::time::RunTime;

    #[test]
    fn what_was_written_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = LeadersFile::create(&Folder::open(folder.path()).unwrap()).unwrap();
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
