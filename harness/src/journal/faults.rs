//! `faults.jsonl`: each fault, planned and as it happened, one JSON object a line.
//!
//! While a run goes on a fault that has changed is written again, behind what stands there: of the lines with one
//! `index` the last counts. When the run is over the file is written anew, a line for each fault in the order of
//! the plan.

use std::collections::BTreeMap;
use std::io;

use super::lines::{Header, Lines};
use crate::files::counted::Seal;
use crate::files::folder::Folder;
use crate::nemesis::happened::FaultRecord;

/// The name in a run's folder.
pub const NAME: &str = "faults.jsonl";

/// The version of the shape of the lines.
pub const SCHEMA: u32 = 1;

/// The open file.
pub struct FaultsFile {
    lines: Lines,
}

impl FaultsFile {
    /// Creates the file in a run's folder, with all faults of the plan.
    pub fn create(folder: &Folder, faults: &[FaultRecord]) -> io::Result<Self> {
        Ok(Self { lines: write(faults, folder, NAME)? })
    }

    /// A fault has changed.
    pub fn append(&mut self, fault: &FaultRecord) -> io::Result<()> {
        self.lines.write(fault)?;
        self.lines.flush()
    }

    /// The run is over, and what became of the file was looked at: each fault once. It is replaced as a whole.
    pub fn finish(folder: &Folder, faults: &[FaultRecord]) -> io::Result<()> {
        const BESIDE: &str = "faults.jsonl.new";
        write(faults, folder, BESIDE)?;
        folder.rename(BESIDE, NAME)
    }

    /// No more is written while the run goes on.
    pub fn close(self) -> Seal {
        self.lines.close()
    }
}

/// Writes a header line with the schema's number, then a line for each fault, in the order of the
/// plan.
fn write(faults: &[FaultRecord], folder: &Folder, name: &str) -> io::Result<Lines> {
    let mut lines = Lines::create(folder, name, &Header { schema: SCHEMA, kind: "faults" })?;
    for fault in faults {
        lines.write(fault)?;
    }
    lines.flush()?;
    Ok(lines)
}

/// Of lines with one `index` the last, where the first stood; lines without one as they are.
pub fn latest<T>(lines: Vec<T>, index: impl Fn(&T) -> Option<u64>) -> Vec<T> {
    let mut places: BTreeMap<u64, usize> = BTreeMap::new();
    let mut kept: Vec<T> = Vec::new();
    for line in lines {
        let place = index(&line).map(|index| *places.entry(index).or_insert(kept.len()));
        match place.and_then(|place| kept.get_mut(place)) {
            Some(earlier) => *earlier = line,
            None => kept.push(line),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use super::*;
    use crate::record::sample;
    use crate::time::RunTime;

    #[test]
    fn the_faults_come_back_from_their_lines() {
        let folder = tempfile::tempdir().unwrap();
        let faults = sample::record().faults;
        FaultsFile::create(&Folder::open(folder.path()).unwrap(), &faults).unwrap();
        let text = std::fs::read_to_string(folder.path().join(NAME)).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(r#"{"schema":1,"kind":"faults"}"#));
        let read: Vec<FaultRecord> =
            lines.map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, faults);
    }

    #[test]
    fn a_run_that_was_killed_leaves_the_last_state_of_each_fault() {
        let folder = tempfile::tempdir().unwrap();
        let mut faults = sample::record().faults;
        let mut file = FaultsFile::create(&Folder::open(folder.path()).unwrap(), &faults).unwrap();
        for (index, time) in [(1, 5), (0, 6), (1, 7)] {
            faults[index].ended_ns = Some(RunTime(time));
            file.append(&faults[index]).unwrap();
        }
        let read = |path: &Path| {
            let text = std::fs::read_to_string(path).unwrap();
            let lines = text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap());
            latest(lines.collect(), |line: &Value| line["index"].as_u64())
        };
        let path = folder.path().join(NAME);
        let expected: Vec<Value> =
            faults.iter().map(|fault| serde_json::to_value(fault).unwrap()).collect();
        assert_eq!(read(&path), expected);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1 + 3 + 3);
        drop(file.close());
        FaultsFile::finish(&Folder::open(folder.path()).unwrap(), &faults).unwrap();
        assert_eq!(read(&path), expected);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1 + 3);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing stays beside it");
    }
}
