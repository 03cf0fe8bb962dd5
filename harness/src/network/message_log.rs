//! `messages.jsonl`: each message with its fate, written as the run goes.
//!
//! The router only pushes a small entry into memory; a thread of its own turns entries into lines.
//! A log that cannot be written, or that reaches its limit, stops and says so in its last line: it
//! never stops the run.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use crate::files::counted::{Counted, Seal};
use crate::files::folder::Folder;
use crate::ids::NodeId;
use crate::limits;
use crate::network::counts::DropCause;
use crate::time::RunTime;

/// The file's name in the folder of a run.
pub const NAME: &str = "messages.jsonl";

/// The version of the shape of the lines.
pub const SCHEMA: u32 = 1;

/// The fate of a message that was handed to its destination.
pub const DELIVERED: &str = "delivered";

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was handed to its destination.
    Delivered,
    /// It was lost.
    Lost(DropCause),
}

impl Fate {
    fn name(self) -> &'static str {
        match self {
            Self::Delivered => DELIVERED,
            Self::Lost(cause) => cause.name(),
        }
    }
}

/// One message, once its fate is known.
#[derive(Clone, Debug)]
struct Entry {
    sent: RunTime,
    ended: RunTime,
    from: NodeId,
    to: NodeId,
    kind: u16,
    fate: Fate,
}

/// What the router tells the writing thread.
enum Batch {
    Kind(Arc<str>),
    Entries(Vec<Entry>),
    /// Entries were left out, from this limit on.
    Limit(u64),
}

/// The log of one run's messages. By default it keeps nothing.
#[derive(Default)]
pub struct MessageLog {
    now: RunTime,
    limit: u64,
    logged: u64,
    left_out: u64,
    kinds: Vec<Arc<str>>,
    entries: Vec<Entry>,
    batches: Option<Sender<Batch>>,
    thread: Option<JoinHandle<io::Result<()>>>,
    problem: Option<String>,
    seal: Option<Seal>,
}

impl MessageLog {
    /// A log in `folder`; one that cannot be made keeps nothing, and says why in the end.
    pub fn open(folder: &Folder) -> Self {
        Self::with_limit(folder, limits::MESSAGES_LOGGED).unwrap_or_else(|reason| Self {
            problem: Some(format!("{NAME} could not be made: {reason}")),
            ..Self::default()
        })
    }

    fn with_limit(folder: &Folder, limit: u64) -> io::Result<Self> {
        let (file, seal) = Counted::create(folder, NAME)?;
        let mut file = BufWriter::with_capacity(64 << 10, file);
        writeln!(
            file,
            r#"{{"schema":{SCHEMA},"kind":"messages","columns":["sent_ns","src","dst","type","fate","fate_ns"]}}"#
        )?;
        file.flush()?;
        let (batches, received) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("message-log".to_owned())
            .spawn(move || write_lines(&received, file))?;
        let (batches, thread) = (Some(batches), Some(thread));
        Ok(Self { limit, batches, thread, seal: Some(seal), ..Self::default() })
    }

    /// What the file must hold in the end, for the caller that looks at it then.
    pub fn take_seal(&mut self) -> Option<Seal> {
        self.seal.take()
    }

    /// What is noted from now on happens at this time.
    pub fn tell_time(&mut self, now: RunTime) {
        self.now = now;
    }

    /// Notes what became of a message.
    pub fn note(&mut self, sent: RunTime, from: NodeId, to: NodeId, kind: &str, fate: Fate) {
        if self.logged >= self.limit {
            self.left_out += 1;
            return;
        }
        self.logged += 1;
        let kind = self.kind(kind);
        let ended = self.now.max(sent);
        self.entries.push(Entry { sent, ended, from, to, kind, fate });
        if self.entries.len() >= limits::MESSAGES_IN_BATCH {
            self.flush();
        }
    }

    /// Hands what was noted to the writing thread.
    pub fn flush(&mut self) {
        if self.entries.is_empty() {
            return;
        }
        let room = Vec::with_capacity(self.entries.len());
        let entries = std::mem::replace(&mut self.entries, room);
        self.send(Batch::Entries(entries));
    }

    fn send(&mut self, batch: Batch) {
        // The thread ends early only where the file cannot be written: then nothing more is noted.
        if self.batches.as_ref().is_none_or(|batches| batches.send(batch).is_err()) {
            self.limit = 0;
        }
    }

    /// The number of a message type; links bound how many there are.
    fn kind(&mut self, name: &str) -> u16 {
        let known = self.kinds.iter().position(|known| &**known == name);
        let at = known.unwrap_or_else(|| {
            let name: Arc<str> = Arc::from(name);
            self.kinds.push(Arc::clone(&name));
            self.send(Batch::Kind(name));
            self.kinds.len() - 1
        });
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    /// Writes the rest. Returns why the log is not complete, if it is not.
    pub fn finish(mut self) -> Option<String> {
        self.flush();
        let left_out = if self.batches.is_some() { self.left_out } else { 0 };
        if left_out > 0 {
            self.send(Batch::Limit(left_out));
        }
        self.batches = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(reason))) => Some(format!("{NAME} ends early: {reason}")),
            Some(Err(_)) => Some(format!("{NAME} ends early: its writer panicked")),
            _ if left_out > 0 => Some(format!(
                "{NAME} ends after {} messages, its limit (MESSAGES_LOGGED); {left_out} more were \
                 counted but not written down",
                self.logged
            )),
            _ => self.problem,
        }
    }
}

fn write_lines(batches: &Receiver<Batch>, mut file: BufWriter<Counted>) -> io::Result<()> {
    let mut kinds: Vec<String> = Vec::new();
    for batch in batches {
        match batch {
            Batch::Kind(name) => kinds.push(serde_json::to_string(&*name)?),
            Batch::Entries(entries) => {
                for entry in &entries {
                    let Entry { sent, ended, from, to, kind, fate } = entry;
                    let kind = kinds.get(usize::from(*kind)).map_or(r#""(other)""#, String::as_str);
                    let (sent, ended, fate) = (sent.0, ended.0, fate.name());
                    writeln!(file, r#"[{sent},"{from}","{to}",{kind},"{fate}",{ended}]"#)?;
                }
                file.flush()?;
            }
            Batch::Limit(left_out) => {
                writeln!(file, r#"{{"limit":"MESSAGES_LOGGED","left_out":{left_out}}}"#)?;
            }
        }
    }
    file.flush()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn open(folder: &Path) -> Folder {
        Folder::open(folder).unwrap()
    }

    fn lines(folder: &Path) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(folder.join(NAME)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn note(log: &mut MessageLog, at: u64, kind: &str, fate: Fate) {
        log.tell_time(RunTime(at + 5));
        log.note(RunTime(at), NodeId(0), NodeId(1), kind, fate);
    }

    #[test]
    fn every_message_has_its_line_with_its_fate() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = MessageLog::open(&open(folder.path()));
        note(&mut log, 10, "append", Fate::Delivered);
        note(&mut log, 20, "a\"</script>\u{1b}", Fate::Lost(DropCause::Loss));
        log.flush();
        note(&mut log, 30, "append", Fate::Lost(DropCause::Partition));
        assert_eq!(log.finish(), None);
        let lines = lines(folder.path());
        assert_eq!(lines[0]["kind"], "messages");
        assert_eq!(lines[1], serde_json::json!([10, "0000", "0001", "append", "delivered", 15]));
        assert_eq!(lines[2][3], "a\"</script>\u{1b}");
        assert_eq!(lines[3][4], "partition");
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn a_log_that_is_full_says_so_by_the_limits_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = MessageLog::with_limit(&open(folder.path()), 3).unwrap();
        (0..10).for_each(|at| note(&mut log, at, "append", Fate::Delivered));
        let told = log.finish().unwrap();
        assert!(told.contains("3 messages") && told.contains("MESSAGES_LOGGED"), "{told}");
        let lines = lines(folder.path());
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[4], serde_json::json!({"limit": "MESSAGES_LOGGED", "left_out": 7}));
    }

    #[test]
    fn a_log_that_cannot_be_written_is_told_and_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        // A folder with something in it does not make room.
        std::fs::create_dir_all(folder.path().join(NAME).join("deep")).unwrap();
        let mut log = MessageLog::open(&open(folder.path()));
        note(&mut log, 1, "append", Fate::Delivered);
        let told = log.finish().unwrap();
        assert!(told.contains("messages.jsonl could not be made"), "{told}");
    }
}
