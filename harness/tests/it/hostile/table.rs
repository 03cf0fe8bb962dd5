//! The attacks: what each program does, and the verdict that it deserves.

/// An attack.
pub struct Attack {
    /// The mode of `tests/hostile/hostile.py`.
    pub mode: &'static str,
    /// What it does.
    pub does: &'static str,
    /// Whether the store forgets puts besides: then safety is refuted, whatever else it does.
    pub forgets: bool,
    /// The faults of the run.
    pub events: &'static str,
    /// The exit code that it deserves; `None` if only harmlessness is at stake.
    pub code: Option<i32>,
    /// The kind of the answer to the question about the processes; empty if it does not matter.
    pub process: &'static str,
    /// Words that the console says.
    pub says: &'static str,
    /// Whether it is an attack only where there are UNIX sockets; by UDP it must be harmless.
    pub needs_sockets: bool,
    /// Whether `make test` has it, too.
    pub is_always: bool,
}

/// It changes the run itself.
const INTERFERES: Attack = Attack {
    mode: "",
    does: "",
    forgets: false,
    events: "",
    code: Some(12),
    process: "interference",
    says: "the program changed the run itself",
    needs_sockets: false,
    is_always: false,
};

/// It does no harm, and is no reason to accuse it.
const HARMLESS: Attack = Attack { code: Some(0), process: "sound", says: "", ..INTERFERES };

/// It sends what no protocol allows.
const ILL_SPOKEN: Attack = Attack { process: "protocol", says: "replicas sent", ..INTERFERES };

/// A replica dies.
const DIES: Attack = Attack { process: "died", says: "0000 died by itself", ..INTERFERES };

const CRASHES: &str = r#"{"type": "crash", "target": "0001", "time": 2.5, "duration": 0.2},
    {"type": "crash", "target": "0002", "time": 2.5, "duration": 0.2}"#;
const TRUNCATES: &str =
    r#"{"type": "disk", "target": "0001", "disk_fault": "truncate", "time": 1.5, "duration": 0.2}"#;
const READ_ONLY: &str = r#"{"type": "disk", "target": "0001", "disk_fault": "read_only", "time": 1.5, "duration": 0.4}"#;
const OLD_COPY: &str =
    r#"{"type": "disk", "target": "0001", "disk_fault": "old_copy", "time": 1.5, "duration": 0.4}"#;

macro_rules! attack {
    ($kind:ident, $mode:literal, $does:literal $(, $field:ident: $value:expr)*) => {
        Attack { mode: $mode, does: $does, $($field: $value,)* ..$kind }
    };
}

/// Each attack.
#[rustfmt::skip]
pub const ATTACKS: &[Attack] = &[
    attack!(HARMLESS, "does-nothing", "nothing", is_always: true),
    // The run's folder.
    attack!(INTERFERES, "replaces-history", "a beginning of the history takes its place"),
    attack!(INTERFERES, "replaces-history", "the same, to hide what it forgot",
        forgets: true, code: Some(10), is_always: true),
    attack!(INTERFERES, "overwrites-history", "empty lines take the place of operations"),
    attack!(INTERFERES, "overwrites-history", "the same, to hide what it forgot",
        forgets: true, code: Some(10), is_always: true),
    attack!(INTERFERES, "cuts-history", "the history is cut off, to hide what it forgot",
        forgets: true, code: Some(10)),
    attack!(INTERFERES, "removes-history", "the history has no name any more, to hide what it forgot",
        forgets: true, code: Some(10), is_always: true),
    attack!(INTERFERES, "replaces-plan", "plan.json is cut off", is_always: true),
    attack!(INTERFERES, "replaces-leaders", "leaders.jsonl is cut off"),
    attack!(INTERFERES, "overwrites-messages", "messages.jsonl holds something else", is_always: true),
    attack!(INTERFERES, "removes-faults", "faults.jsonl is gone", events: CRASHES, is_always: true),
    attack!(HARMLESS, "links-reports", "symbolic links wait for the reports to be written through them", is_always: true),
    attack!(HARMLESS, "takes-the-names-of-reports", "directories stand where reports are to be written",
        process: "", says: "cannot write"),
    attack!(HARMLESS, "links-logs", "a link leads the logs of a replica that is started again elsewhere",
        events: CRASHES, is_always: true),
    attack!(INTERFERES, "removes-its-logs", "the folder for the logs of a replica that is started again is gone",
        events: CRASHES, says: "the folder of 0001"),
    attack!(INTERFERES, "takes-the-names-of-logs", "a pipe and a directory stand where it is to print",
        events: CRASHES, says: "the folder of 0001"),
    attack!(HARMLESS, "locks-files", "it locks all files of the run"),
    attack!(HARMLESS, "forbids-the-run", "nobody may enter the run's folder", code: None),
    attack!(HARMLESS, "moves-the-folder", "the run's folder has another name", code: None, is_always: true),
    attack!(HARMLESS, "removes-the-folder", "the run's folder is gone", code: None),
    // Its data.
    attack!(HARMLESS, "links-data", "a link leads a disk fault elsewhere", events: TRUNCATES, code: None, is_always: true),
    attack!(HARMLESS, "links-a-file", "a link to a file leads it elsewhere", events: TRUNCATES, code: None),
    attack!(HARMLESS, "links-a-file-hard", "a file in the data directory has another name elsewhere",
        events: TRUNCATES, code: None, is_always: true),
    attack!(HARMLESS, "links-a-file-hard", "the same, under permissions that change", events: READ_ONLY, code: None),
    attack!(HARMLESS, "has-a-sparse-file", "256 GB that are mostly holes are to be copied", events: OLD_COPY,
        code: None, process: "", is_always: true),
    attack!(HARMLESS, "has-special-files", "a pipe, a socket and a device are to be copied", events: OLD_COPY, is_always: true),
    attack!(HARMLESS, "has-deep-directories", "six hundred directories in one another are to be copied",
        events: OLD_COPY, code: Some(14), says: "its folders are too deep"),
    attack!(HARMLESS, "has-odd-names", "names that are no text are to be copied", events: OLD_COPY),
    attack!(HARMLESS, "has-many-files", "a thousand files are to be copied", events: OLD_COPY, code: None),
    attack!(HARMLESS, "forbids-its-data", "nobody may read what is to be copied", events: OLD_COPY, code: None),
    // The directory with the sockets.
    attack!(INTERFERES, "removes-sockets", "all sockets are gone", needs_sockets: true, is_always: true),
    attack!(INTERFERES, "takes-sockets", "sockets of its own stand in their places", needs_sockets: true),
    attack!(INTERFERES, "removes-its-directory", "the directory in which replicas start is gone", events: CRASHES, is_always: true),
    attack!(INTERFERES, "moves-its-directory", "the directory in which replicas start has another name",
        events: CRASHES, is_always: true),
    attack!(HARMLESS, "removes-the-mark", "the mark by which the directory is deleted is gone", is_always: true),
    attack!(HARMLESS, "fills-its-directory", "it holds hundreds of files, a pipe, a link to the root"),
    attack!(HARMLESS, "forbids-its-directory", "nobody may enter it any more", events: CRASHES, code: None, process: ""),
    // The harness, and the other replicas.
    attack!(INTERFERES, "stops-its-parent", "the harness is to stand still", says: "it was refused", is_always: true),
    attack!(INTERFERES, "kills-its-parent", "the harness is to end", says: "it was refused", is_always: true),
    attack!(INTERFERES, "interrupts-its-parent", "the harness is to take it for the user's Ctrl-C", says: "it was refused"),
    attack!(INTERFERES, "kills-its-parents-group", "the harness is to end with all that was started beside it",
        says: "it was refused"),
    attack!(INTERFERES, "signals-everyone", "a signal goes to all processes", says: "it was refused"),
    attack!(INTERFERES, "stops-itself", "it stops itself", says: "by a process of its own"),
    attack!(INTERFERES, "stops-its-group", "it stops itself with all its children", says: "by a process of its own"),
    attack!(INTERFERES, "stops-by-a-child", "its child stops it for a while", says: "by a process of its own", is_always: true),
    attack!(INTERFERES, "stops-by-a-daemon", "the same, by a process that hides where it comes from",
        says: "by a process of its own", is_always: true),
    attack!(INTERFERES, "stops-a-sibling", "another replica is stopped", says: "0001 was stopped", is_always: true),
    attack!(INTERFERES, "kills-a-sibling", "another replica is killed", says: "0001 was sent a signal", is_always: true),
    attack!(INTERFERES, "traces-a-sibling", "another replica is traced, and so stopped", says: "0001 was stopped"),
    // Its own processes.
    attack!(HARMLESS, "forks-many", "a hundred children that sleep", is_always: true),
    attack!(HARMLESS, "leaves-zombies", "a hundred dead children that nobody waits for"),
    attack!(HARMLESS, "leaves-a-daemon", "a process with a session of its own and an empty environment", is_always: true),
    attack!(DIES, "goes-on-as-its-child", "it ends, and its child goes on in its place"),
    attack!(HARMLESS, "ignores-signals", "no signal but the last one ends it"),
    attack!(HARMLESS, "takes-another-name", "its name looks like a line of the system's own"),
    attack!(HARMLESS, "changes-its-directory", "it works elsewhere"),
    attack!(HARMLESS, "lowers-its-priority", "it lets all others go first"),
    attack!(HARMLESS, "computes", "a thread computes for nothing"),
    attack!(HARMLESS, "eats-memory", "it holds 300 MB"),
    attack!(HARMLESS, "opens-files", "it opens all files that it may"),
    attack!(HARMLESS, "closes-everything", "its standard streams are closed"),
    attack!(HARMLESS, "becomes-another-user", "it goes on as another user"),
    attack!(HARMLESS, "exits-at-once", "it ends before it has said anything", code: Some(2), process: "",
        says: "it exits at once (exit status 0)"),
    attack!(DIES, "exits", "it ends as if all were well"),
    attack!(DIES, "exits-by-a-signal", "it crashes"),
    attack!(DIES, "prints-garbage", "megabytes that are no text, and then it ends", is_always: true),
    attack!(HARMLESS, "prints-much", "200 MB on its standard output"),
    // What it says.
    attack!(HARMLESS, "floods-a-replica", "thousands of messages to a replica"),
    attack!(HARMLESS, "floods-all", "thousands of messages to all"),
    attack!(HARMLESS, "floods-clients", "thousands of answers to one request", process: ""),
    attack!(ILL_SPOKEN, "says-nonsense", "what is no object", is_always: true),
    attack!(ILL_SPOKEN, "says-nothing", "an empty packet", code: None, process: ""),
    attack!(HARMLESS, "nests-deeply", "five thousand lists in one another"),
    attack!(ILL_SPOKEN, "says-keys-twice", "a message with two senders and two receivers"),
    attack!(ILL_SPOKEN, "says-nan", "a number that JSON does not have"),
    attack!(HARMLESS, "says-a-lone-surrogate", "half a character"),
    attack!(ILL_SPOKEN, "says-wrong-types", "numbers where texts belong"),
    attack!(HARMLESS, "says-a-byte-too-much", "16,385 bytes"),
    attack!(HARMLESS, "says-much", "60,000 bytes"),
    attack!(ILL_SPOKEN, "forges-its-name", "another replica is said to have sent it", is_always: true),
    attack!(HARMLESS, "forges-a-client", "a client is said to have sent it"),
    attack!(HARMLESS, "forges-a-leader", "a leader that does not exist"),
    attack!(HARMLESS, "forges-a-leader-that-is-none", "a leader that is no id"),
    attack!(HARMLESS, "claims-that-all-lead", "each replica is said to lead"),
    attack!(HARMLESS, "answers-twice", "each answer comes twice"),
    attack!(ILL_SPOKEN, "answers-nobody", "an answer to a request that was never sent"),
    attack!(ILL_SPOKEN, "answers-with-another-type", "an answer that is none"),
    attack!(ILL_SPOKEN, "answers-another-client", "an answer to another client's request"),
    attack!(HARMLESS, "answers-late", "some answers come after their time"),
    attack!(HARMLESS, "answers-never", "it reads all, and answers nothing", code: Some(11)),
    attack!(HARMLESS, "does-not-read", "it is there, and reads nothing", code: Some(11)),
    // How it is connected.
    attack!(HARMLESS, "reconnects", "it connects again and again", code: None, process: "", is_always: true),
    attack!(HARMLESS, "closes-and-reopens", "it connects again once", needs_sockets: true),
    attack!(HARMLESS, "hangs-up", "it ends its connection, and lives on", code: Some(12), process: "protocol",
        needs_sockets: true),
    attack!(HARMLESS, "connects-often", "hundreds of connections that it does not use", code: None, process: "",
        needs_sockets: true),
    attack!(INTERFERES, "connects-as-another", "it speaks at another replica's socket", needs_sockets: true,
        says: "connected to the socket of 0001", is_always: true),
];
