//! After the replicas have ended: whether the files of the run still hold what the harness wrote, and nothing else.

use std::io::{self, Write};

use crate::files::counted::{Found, Seal};
use crate::files::folder::Folder;
use crate::journal::faults::{self, FaultsFile};
use crate::journal::history::{self, About, Kept};
use crate::journal::leaders::LeadersFile;
use crate::journal::sightings;
use crate::record::{FileChange, Interference, RunRecord};

/// What the files must hold that are written while a run goes on.
pub(super) struct Seals {
    pub(super) history: Seal,
    pub(super) leaders: Seal,
    pub(super) faults: Seal,
    /// Of files that only explain: memory does not hold what is in them.
    pub(super) others: Vec<Seal>,
}

/// What was found.
pub(super) struct Secured {
    /// The history that is to be judged.
    pub(super) history: Kept,
    /// What was changed by others.
    pub(super) interference: Vec<Interference>,
    /// What could not be put right, a sentence each.
    pub(super) problems: Vec<String>,
}

impl Seals {
    /// Looks at each file of a run that is over, and puts right what was changed. The history comes from memory where
    /// the file does not hold all of it.
    pub(super) fn secure(self, place: &Folder, record: &RunRecord, is_complete: bool) -> Secured {
        let is_whole = is_complete && found(&self.history, place) != Found::Altered;
        let history = match self.history.reopened() {
            Ok(file) if is_whole => Kept::File(file),
            _ => Kept::Memory(from_memory(record)),
        };
        let mut secured = Secured { history, interference: Vec::new(), problems: Vec::new() };
        // Where the folder itself is gone there is nothing to put right, and no sign of the culprit.
        if place.path().is_none() {
            return secured;
        }
        let rewritten = |history: &Kept| match history {
            Kept::Memory(bytes) => place.replace(history::NAME, |file| file.write_all(bytes)),
            Kept::File(_) => Ok(()),
        };
        let written = |_: &Kept| LeadersFile::rewrite(place, &record.leadership_claims);
        secured.look(&self.history, place, FileChange::Rewritten, rewritten);
        secured.look(&self.leaders, place, FileChange::Rewritten, written);
        for seal in &self.others {
            let aside = format!("{}.changed", seal.name());
            let set_aside = |_: &Kept| place.rename(seal.name(), &aside);
            secured.look(seal, place, FileChange::SetAside, set_aside);
        }
        // It is written anew in any case.
        secured.look(&self.faults, place, FileChange::Rewritten, |_| Ok(()));
        if let Err(error) = sightings::write(place, &record.sightings) {
            secured.problems.push(format!("writing {}: {error}", sightings::NAME));
        }
        if let Err(error) = FaultsFile::finish(place, &record.faults) {
            secured.problems.push(format!("writing {}: {error}", faults::NAME));
        }
        secured
    }
}

impl Secured {
    /// Notes what became of a file; one that was altered is put right by `remedy`.
    fn look(
        &mut self,
        seal: &Seal,
        place: &Folder,
        altered: FileChange,
        remedy: impl FnOnce(&Kept) -> io::Result<()>,
    ) {
        let (change, put_right) = match found(seal, place) {
            Found::Untouched => return,
            Found::Replaced => (FileChange::Replaced, seal.restore(place)),
            Found::Altered => (altered, remedy(&self.history)),
        };
        let name = seal.name().to_owned();
        if let Err(error) = put_right {
            self.problems.push(format!("writing {name} again: {error}"));
        }
        self.interference.push(Interference::File { name, change });
    }
}

/// A file that cannot be read is as good as altered.
fn found(seal: &Seal, place: &Folder) -> Found {
    seal.check(place).unwrap_or(Found::Altered)
}

fn from_memory(record: &RunRecord) -> Vec<u8> {
    let mut bytes = Vec::new();
    history::from_memory(&record.operations, About::of(&record.plan), &mut bytes)
        .expect("memory takes what is written to it");
    bytes
}
