//! The operations that have ended, out of memory: in a file without a name, which no program can open by a path. They
//! are what the history says, and what it leaves out; they judge a run whose history was changed.

use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::sync::Arc;

use checker::Datum;
use rustc_hash::FxHashSet;

use crate::files::counted::{Counted, Seal};
use crate::files::folder::Folder;
use crate::ids::NodeId;
use crate::op::{F, OperationError, OperationRecord, Outcome};
use crate::time::RunTime;

/// So much is written at once.
const PIECE_BYTES: usize = 1 << 16;

/// The longest key or value that is read again: no message is as long.
const TEXT_BYTES: u64 = 1 << 30;

/// The operations of a run that have ended.
pub struct EndedOperations {
    /// `None`: the system gives no such file.
    file: Option<(Counted, Seal)>,
    /// What is not in the file: what comes next, or what there was no room for.
    rest: Vec<u8>,
    /// How long the rest must be before it is written.
    due: usize,
}

impl EndedOperations {
    /// None yet. They go to the disk of this folder.
    pub fn create(folder: &Folder) -> Self {
        Self { file: Counted::unnamed(folder).ok(), rest: Vec::new(), due: PIECE_BYTES }
    }

    /// Keeps an operation that has ended. What no file takes stays in memory.
    pub fn add(&mut self, operation: &OperationRecord) {
        write(operation, &mut self.rest);
        if self.rest.len() < self.due {
            return;
        }
        if let Some((file, _)) = &mut self.file {
            let mut written = 0;
            while written < self.rest.len() {
                match file.write(&self.rest[written..]) {
                    Ok(0) => break,
                    Ok(bytes) => written += bytes,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
            self.rest.drain(..written);
        }
        // Where there is no room, it is not tried for each operation.
        self.due = self.rest.len() + PIECE_BYTES;
    }

    /// All operations of the run in the order of their invocations, with these, which were `open` in the end.
    pub fn into_all(self, open: Vec<OperationRecord>) -> io::Result<Vec<OperationRecord>> {
        let mut all = open;
        match &self.file {
            Some((_, seal)) => {
                if !seal.is_intact()? {
                    return Err(io::Error::other("another process changed them"));
                }
                read(seal.reopened()?.chain(&*self.rest), &mut all)?;
            }
            None => read(&*self.rest, &mut all)?,
        }
        all.sort_unstable_by_key(|operation| operation.index);
        Ok(all)
    }
}

fn read(bytes: impl Read, into: &mut Vec<OperationRecord>) -> io::Result<()> {
    let mut reader = Reader { bytes: BufReader::new(bytes), texts: FxHashSet::default() };
    while let Some(operation) = reader.operation()? {
        into.push(operation);
    }
    Ok(())
}

// An operation is a row of numbers, each as long as it must be. What may be missing is 0, or the number and one.

fn write(operation: &OperationRecord, out: &mut Vec<u8>) {
    let OperationRecord {
        index,
        process,
        client,
        f,
        key,
        value,
        answer,
        node,
        invoked,
        completed,
        outcome,
        leader,
        redirects,
        error,
        is_final_read,
    } = operation;
    let place = |error: &OperationError| {
        let place = OperationError::ALL.iter().position(|it| it == error);
        place.unwrap_or(OperationError::ALL.len())
    };
    let function = F::NAMES.iter().position(|(_, it)| it == f).unwrap_or_default();
    let id = |id: &Option<NodeId>| id.map_or(0, |id| u64::from(id.0) + 1);
    let numbers = [
        *index + 1,
        *process,
        u64::from(client.0),
        function as u64,
        id(node),
        invoked.0,
        completed.map_or(0, |at| at.0 - invoked.0 + 1),
        match outcome {
            Outcome::Ok => 0,
            Outcome::Fail => 1,
            Outcome::Info => 2,
        },
        id(leader),
        u64::from(*redirects),
        error.as_ref().map_or(0, |error| place(error) as u64 + 1),
        u64::from(*is_final_read),
    ];
    for of in numbers {
        number(of, out);
    }
    if let Some(OperationError::Told(text)) = error {
        bytes(text.as_bytes(), out);
    }
    optional(key.as_deref().map(str::as_bytes), out);
    bytes(&value.to_bytes(), out);
    optional(answer.as_ref().map(Datum::to_bytes).as_deref(), out);
}

fn bytes(of: &[u8], out: &mut Vec<u8>) {
    number(of.len() as u64, out);
    out.extend_from_slice(of);
}

fn optional(of: Option<&[u8]>, out: &mut Vec<u8>) {
    number(of.map_or(0, |of| of.len() as u64 + 1), out);
    out.extend_from_slice(of.unwrap_or_default());
}

/// Seven bits a byte, the low ones first; the eighth says that more follow.
fn number(mut of: u64, out: &mut Vec<u8>) {
    while of > 0x7F {
        out.push(of.to_le_bytes()[0] | 0x80);
        of >>= 7;
    }
    out.push(of.to_le_bytes()[0]);
}

struct Reader<R> {
    bytes: BufReader<R>,
    /// The keys: each text once.
    texts: FxHashSet<Arc<str>>,
}

impl<R: Read> Reader<R> {
    /// The next one, if there is one.
    fn operation(&mut self) -> io::Result<Option<OperationRecord>> {
        let index = match self.number() {
            Ok(above) => above.checked_sub(1).ok_or_else(unreadable)?,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        };
        let process = self.number()?;
        let client = NodeId(self.small()?);
        let function = F::NAMES.get(self.small::<usize>()?).ok_or_else(unreadable)?.1;
        let node = self.id()?;
        let invoked = RunTime(self.number()?);
        let completed = self.number()?.checked_sub(1).map(|took| RunTime(invoked.0 + took));
        let outcome = match self.number()? {
            0 => Outcome::Ok,
            1 => Outcome::Fail,
            _ => Outcome::Info,
        };
        let leader = self.id()?;
        let redirects = self.small()?;
        let error = self.small::<usize>()?.checked_sub(1);
        let error = error.map(|place| OperationError::ALL.get(place).cloned());
        let is_final_read = self.number()? == 1;
        let error = match error {
            Some(None) => {
                let length = self.number()?;
                Some(OperationError::Told(self.text(length)?.into()))
            }
            known => known.flatten(),
        };
        let key = match self.number()?.checked_sub(1) {
            None => None,
            Some(length) => {
                let key = self.text(length)?;
                Some(self.known(key))
            }
        };
        let length = self.number()?;
        let value = self.datum(length)?;
        let answer = match self.number()?.checked_sub(1) {
            None => None,
            Some(length) => Some(self.datum(length)?),
        };
        Ok(Some(OperationRecord {
            index,
            process,
            client,
            f: function,
            key,
            value,
            answer,
            node,
            invoked,
            completed,
            outcome,
            leader,
            redirects,
            error,
            is_final_read,
        }))
    }

    fn number(&mut self) -> io::Result<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let mut byte = [0];
            self.bytes.read_exact(&mut byte)?;
            number |= u64::from(byte[0] & 0x7F) << shift;
            if byte[0] < 0x80 {
                return Ok(number);
            }
        }
        Err(unreadable())
    }

    fn small<T: TryFrom<u64>>(&mut self) -> io::Result<T> {
        T::try_from(self.number()?).map_err(|_| unreadable())
    }

    fn id(&mut self) -> io::Result<Option<NodeId>> {
        let above: u64 = self.number()?;
        let id = above.checked_sub(1).map(u16::try_from).transpose();
        Ok(id.map_err(|_| unreadable())?.map(NodeId))
    }

    fn bytes(&mut self, length: u64) -> io::Result<Vec<u8>> {
        if length > TEXT_BYTES {
            return Err(unreadable());
        }
        let mut bytes = Vec::new();
        (&mut self.bytes).take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(unreadable()) }
    }

    fn text(&mut self, length: u64) -> io::Result<String> {
        String::from_utf8(self.bytes(length)?).map_err(|_| unreadable())
    }

    fn datum(&mut self, length: u64) -> io::Result<Datum> {
        Ok(Datum::from_bytes(&self.bytes(length)?))
    }

    /// The one text that stands for all that are equal.
    fn known(&mut self, text: String) -> Arc<str> {
        if let Some(known) = self.texts.get(&*text) {
            return Arc::clone(known);
        }
        let text = Arc::<str>::from(text);
        self.texts.insert(Arc::clone(&text));
        text
    }
}

fn unreadable() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "they are not what was written")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;

    fn operations() -> Vec<OperationRecord> {
        let mut operations = sample::record().operations;
        for (operation, error) in operations.iter_mut().zip(OperationError::ALL) {
            operation.error = Some(error);
        }
        let mut large = operations[0].clone();
        large.index = u64::from(u32::MAX);
        large.process = u64::MAX;
        large.invoked = RunTime(u64::MAX - 1);
        large.completed = Some(RunTime(u64::MAX));
        large.value = Datum::text(&"ü".repeat(PIECE_BYTES));
        large.error = Some(OperationError::Told("it said so".into()));
        (large.key, large.answer) = (None, Some(Datum::List(vec![Datum::Nil, 7.into()])));
        (large.leader, large.node) = (Some(NodeId::ANY), None);
        (large.redirects, large.is_final_read) = (u32::MAX, true);
        operations.push(large);
        operations
    }

    /// What is read again of these, of which the last was open in the end.
    fn kept(mut ended: EndedOperations, operations: &[OperationRecord]) -> Vec<OperationRecord> {
        let (last, others) = operations.split_last().unwrap();
        for operation in others.iter().rev() {
            ended.add(operation);
        }
        ended.into_all(vec![last.clone()]).unwrap()
    }

    #[test]
    fn all_operations_come_back_in_order() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        let mut operations = operations();
        operations.push(OperationRecord { index: u64::MAX - 1, ..operations[1].clone() });
        let ended = EndedOperations::create(&folder);
        assert!(ended.file.is_some());
        let read = kept(ended, &operations);
        assert_eq!(format!("{read:?}"), format!("{operations:?}"));
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0, "the file has no name");
    }

    #[test]
    fn what_no_file_takes_stays_in_memory() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        let operations = operations();
        // One that cannot be written, and none at all.
        std::fs::write(root.path().join("readable"), "").unwrap();
        let (_, seal) = Counted::create(&folder, "other").unwrap();
        let refuses = Counted::writing_to(folder.read("readable").unwrap());
        for file in [Some((refuses, seal)), None] {
            let ended = EndedOperations { file, rest: Vec::new(), due: PIECE_BYTES };
            let read = kept(ended, &operations);
            assert_eq!(format!("{read:?}"), format!("{operations:?}"));
        }
    }

    #[test]
    fn what_another_process_changed_is_not_believed() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        let mut ended = EndedOperations::create(&folder);
        ended.due = 0;
        ended.add(&operations()[0]);
        assert!(ended.rest.is_empty());
        let file = ended.file.as_ref().unwrap().1.reopened().unwrap();
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        std::fs::write(path, "nothing").unwrap();
        assert!(ended.into_all(Vec::new()).is_err());
    }
}
