//! Everything has a limit, here, each with its reason. Reaching one is reported by name.

use std::time::Duration;

/// The course's simulator always has eight clients.
pub const COURSE_CLIENTS: usize = 8;

/// A replica program that has shown no sign of life by then does not speak the protocol at all. A virtual machine
/// that loads its classes from a network file system takes some ten seconds, and there may be eighty of them.
pub const FIRST_CONNECT_DEADLINE: Duration = Duration::from_secs(45);

/// The slowest start of a whole cluster that is waited for, once one replica is there.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(50);

/// How long a trial start waits for a sign of life, first in every way of the three, then again, in all at once
/// where the program neither ended nor spoke.
pub const PROBE_PATIENCE: [Duration; 2] = [Duration::from_secs(4), Duration::from_secs(50)];

/// A start later than this is reported as a disturbance of the host.
pub const LATE_START: Duration = Duration::from_secs(5);

/// How long a fault that cannot strike yet (no leader known) waits before it counts as not applied.
pub const FAULT_PATIENCE: Duration = Duration::from_secs(2);

/// How long a fault waits for a new leader that it would cut off: the slowest elections in use take a second and a
/// half.
pub const ELECTION_PATIENCE: Duration = Duration::from_secs(2);

/// How long a fault waits for the first answer of a leader that it would cut off.
pub const ANSWER_PATIENCE: Duration = Duration::from_millis(200);

/// The time of an election, for the planning of what comes after it.
pub const USUAL_ELECTION: Duration = Duration::from_millis(250);

/// How long after a fault clients must have been answered again: the slowest elections in use are
/// over then.
pub const FAULT_AFTERMATH: Duration = ELECTION_PATIENCE;

/// A fault that lasts as long as this leaves time for a usual election and some answers.
pub const LONG_FAULT: Duration = Duration::from_secs(1);

/// How long before a fault a store that works has answered some client.
pub const FAULT_FOREGROUND: Duration = Duration::from_secs(1);

/// How long after their beginning clients of a workload hold back: a system that is slow to begin is not flooded before
/// it has done anything.
pub const GENTLE_START: Duration = Duration::from_millis(500);

/// By how much they hold back.
pub const GENTLE_FACTOR: u32 = 2;

/// So often an operation is redirected, then its client gives it up.
pub const MOST_REDIRECTS: u32 = 20;

/// How often a waiting fault is tried again.
pub const FAULT_RETRY: Duration = Duration::from_millis(20);

/// Packets that wait for one replica which does not read, on top of the kernel's buffer of some
/// 200 kB. A replica that stopped for two seconds at 1,000 messages a second catches up; one that
/// stopped reading for good holds no more memory than this.
pub const OUTBOX_MESSAGES: usize = 4096;

/// Bytes that wait for one replica, for the same reason.
pub const OUTBOX_BYTES: usize = 16 << 20;

/// The longest time that a rule delays a message: a longer one is a loss.
pub const LONGEST_DELAY: Duration = Duration::from_secs(600);

/// Messages on their way at the same time, on all links together; what comes on top is lost, under
/// the same cause as in a replica's full queue.
pub const UNDERWAY_MESSAGES: usize = 1 << 20;

/// Their bytes.
pub const UNDERWAY_BYTES: usize = 256 << 20;

/// Events that the readers may be ahead of the run, for the whole cluster: beyond that
/// the senders wait in their own sockets.
pub const EVENTS_AHEAD: usize = 512;

/// Packets taken from one replica before the others have their turn.
pub const READ_BURST: usize = 32;

/// The largest packet that is read whole: a `SOCK_SEQPACKET` sender's buffer is 212,992 bytes
/// unless it raised it.
pub const PACKET_BYTES: usize = 256 << 10;

/// The buffer asked of the system for each replica's datagrams: what arrives while it is full is
/// lost without a word.
pub const UDP_RECEIVE_BYTES: usize = 4 << 20;

/// The largest answer of a system to one operation: beyond, the answer is as good as none.
pub const ANSWER_BYTES: usize = 1 << 20;

/// What the course's simulator reads of a packet.
pub const COURSE_PACKET_BYTES: usize = 16_384;

/// Distinct message types counted apart on one link; a replica that invents a new type for each
/// message is counted under `(other)` from there on.
pub const MESSAGE_TYPES: usize = 64;

/// The longest message type that is kept.
pub const MESSAGE_TYPE_BYTES: usize = 40;

/// Messages written down one by one in `messages.jsonl`, some 120 MB: a run that sends more is a
/// benchmark, which is not read arrow by arrow; its counts stay complete.
pub const MESSAGES_LOGGED: u64 = 2_000_000;

/// Messages that are handed to the log's writer at once: few enough that the writer keeps up
/// within a batch, many enough that handing over costs nothing.
pub const MESSAGES_IN_BATCH: usize = 4096;

/// Leadership claims that are kept, some 100 bytes each: a replica that
/// changes its word with every message fills no disk.
pub const LEADERSHIP_CLAIMS: usize = 50_000;

/// Bytes kept of each output stream of a replica; the rest is read, counted and thrown away.
pub const OUTPUT_BYTES: u64 = 8 << 20;

/// Bytes of standard error that are shown when a replica died.
pub const STDERR_TAIL_BYTES: usize = 2000;

/// Length to which an example of an odd message is cut.
pub const EXAMPLE_CHARS: usize = 200;

/// The operations that ended last, which the clients still know, some 13 MB: those of some seconds. An answer that comes
/// later than that is only known to be late.
pub const ENDED_OPERATIONS: usize = 1 << 16;

/// Latencies of requests of which the median is made: those of a run of the course are fewer.
pub const LATENCIES: usize = 1 << 17;

/// Redirects and refusals that a client follows at once; after that it waits, longer each time,
/// so that two replicas which point at each other cannot turn the run into a busy loop.
pub const FAST_RETRIES: u32 = 2;

/// The first such wait; it doubles up to [`RETRY_WAIT_MAX`].
pub const RETRY_WAIT_MIN: Duration = Duration::from_millis(10);

/// The longest such wait: well below any election, so that little latency is added.
pub const RETRY_WAIT_MAX: Duration = Duration::from_millis(80);

/// The longest that clients wait for the answers of a program that answers no client in time.
pub const SLOW_ANSWER: Duration = Duration::from_secs(5);

/// How often the history is written through to the file: a kill of the harness loses less than
/// the last second.
pub const FLUSH_INTERVAL: Duration = Duration::from_millis(200);

/// How often the loop measures by how much it is late, and the progress line is renewed.
pub const TICK: Duration = Duration::from_millis(100);

/// A loop that is late by this much has disturbed what it measured: elections take 100 to 300 ms,
/// and two seconds of silence end any leadership whatever the replicas do.
pub const LOOP_LAG: Duration = Duration::from_secs(2);

/// A loop that is late by this much is named: the shortest election timeout in use is 100 ms, and a
/// quarter of a second of silence starts elections that were not planned.
pub const LOOP_LAG_NAMED: Duration = Duration::from_millis(250);

/// What a disk fault may read of a data directory, and how long that may take: the run stands still meanwhile, and from
/// [`LOOP_LAG`] on it would be disturbed.
pub const DISK_BYTES: u64 = 512 << 20;

/// The time for it.
pub const DISK_TIME: Duration = Duration::from_secs(1);

/// How deep the folders of a data directory may be: each one on the way is open meanwhile.
pub const DISK_DEPTH: usize = 32;

/// How often the harness samples its host: a sample costs some hundred microseconds, and a
/// disturbance shorter than half a second is shorter than what clients are promised.
pub const HOST_INTERVAL: Duration = Duration::from_millis(500);

/// A replica that was ready to run and waited this long for a processor within one interval had
/// less than half of it; elections time out after 100 to 350 ms.
pub const STARVED: Duration = Duration::from_millis(250);

/// A host that took this long from one process at a stretch did not keep up, whether anything failed or not: several
/// elections time out meanwhile.
pub const SLOW_HOST: Duration = Duration::from_secs(1);

/// A replica that waited this long for a processor until it was connected was late by half of the shortest
/// election timeout in use, 100 ms: a later one may miss the first vote requests.
pub const STARVED_AT_START: Duration = Duration::from_millis(50);

/// Above this share of time some process waited for a processor. A single build beside the run does
/// that too, so it is named and blamed for nothing.
pub const CPU_PRESSURE: f64 = 0.95;

/// Above this share of time some process waited for a disk: programs that start read files.
pub const IO_PRESSURE: f64 = 0.5;

/// Above this share of time some process waited for memory: any such waiting is rare on a sound host.
pub const MEMORY_PRESSURE: f64 = 0.1;

/// Above this share of the processors was given to other virtual machines: half a timeslice each.
pub const STEAL: f64 = 0.25;

/// A system that slept this long let every timeout pass.
pub const ASLEEP: Duration = Duration::from_millis(500);

/// A replica that may have fewer descriptors than this is short of them by its host's doing; one that uses up more
/// leaks them. It is what systems give each process, unless told otherwise.
pub const FEW_DESCRIPTORS: u64 = 1024;

/// The most bytes of a file of a run that is read as a whole: the plan of the largest workload has a tenth.
pub const STORED_BYTES: u64 = 1 << 30;

/// Above this share of its descriptors the harness may soon be unable to accept a replica.
pub const DESCRIPTORS_PERCENT: u64 = 90;

/// Less room than this on the disk of the results, in kB, and the next write may fail.
pub const DISK_FREE_KB: u64 = 1024;

/// Disturbances kept of one run; the first thousand tell the story.
pub const DISTURBANCES: usize = 1000;

/// Disturbances told in one sentence; the others are counted.
pub const DISTURBANCES_TOLD: usize = 6;

/// Threads of a replica that are sampled, and descriptors that are counted: a sample stays cheap
/// whatever a replica does.
pub const COUNTED_THREADS: usize = 64;

/// See [`COUNTED_THREADS`].
pub const COUNTED_DESCRIPTORS: usize = 10_000;

/// A wall clock that leaves the monotonic one by this much was set.
pub const CLOCK_JUMP_MS: i64 = 1000;

/// How long the course's simulator of 2016 may block on one socket before the watchdog calls it a
/// deadlock: a replica that was slow has read something by then.
pub const DEADLOCK: Duration = Duration::from_secs(10);

/// Between the closing of the sockets and the kills, where the sockets are closed first: the moment
/// in which replicas print that their connection was reset.
pub const CLOSE_BEFORE_KILL: Duration = Duration::from_millis(40);

/// How long killed processes may take to be reaped before that is an error.
pub const REAP_DEADLINE: Duration = Duration::from_secs(10);

/// How often the replicas are asked for their state when the run is over.
pub const STATE_COMPARISON_INTERVAL: Duration = Duration::from_millis(50);

/// A cluster in which no replica has reported its state by then does not know the question.
pub const STATE_COMPARISON_SILENCE: Duration = Duration::from_millis(300);

/// Reads (and writes) after the healing, all clients together.
pub const FINAL_OPERATIONS: usize = 10_000;

/// Different clients that read each key after the healing.
pub const FINAL_READERS: usize = 3;

/// Where an operation after the healing has waited too long, the run goes on only while others are answered: in this
/// time at least one.
pub const FINAL_SILENCE: Duration = Duration::from_secs(1);

/// The whole of the operations after the healing takes at most this many liveness bounds.
pub const FINAL_BOUNDS: u32 = 3;

/// Data in `report.html`: with script and style the file stays below 15 MB, which a browser opens
/// within three seconds.
pub const REPORT_BYTES: usize = 14_000_000;

/// Operations in `report.html`, some 60 bytes each; of a longer run a window around the violation.
pub const REPORT_OPERATIONS: usize = 150_000;

/// Messages in `report.html`, some 25 bytes each, around the violation.
pub const REPORT_MESSAGES: usize = 150_000;

/// Rows of a table in `report.html`: 21 replicas and 256 clients with ten message types are fewer.
pub const REPORT_ROWS: usize = 150_000;

/// Samples of the host and its processes in `report.html`, some 80 bytes each; of a longer run each n-th:
/// no picture is as wide.
pub const REPORT_SAMPLES: usize = 20_000;

/// Bytes of each output of a replica in `report.html`: some 60 lines.
pub const REPORT_LOG_BYTES: u64 = 6_000;

/// What an untrusted program may use while it is graded.
pub mod confined {
    use std::time::Duration;

    /// Processes and threads of the grading user, all together: the system counts no other way, and not at all
    /// for root.
    pub const USER_PROCESSES: u64 = 4096;

    /// The largest file of a replica.
    pub const FILE_BYTES: u64 = 64 << 20;

    /// Open files of a process.
    pub const OPEN_FILES: u64 = 1024;

    /// CPU time of a process: several times the length of the longest run.
    pub const CPU_SECONDS: u64 = 240;

    /// Processes of one run with all that its replicas started: five times a shell, its program and some children.
    pub const RUN_PROCESSES: usize = 100;

    /// Memory in use by the processes of one run: five virtual machines of 600 MB.
    pub const RUN_BYTES: u64 = 3 << 30;

    /// What the system itself allows the processes of one run, where it has control groups: more, so that a run which
    /// is sampled in time is ended with a note.
    pub const GROUP_BYTES: u64 = 4 << 30;

    /// Their processes and threads there: five virtual machines with four hundred threads.
    pub const GROUP_TASKS: u64 = 2000;

    /// What the processes of one run may write to disks, and leave in their working directory.
    pub const RUN_DISK_BYTES: u64 = 1 << 30;

    /// Files that are sampled in a working directory.
    pub const RUN_FILES: usize = 10_000;

    /// How often it is sampled.
    pub const LOOK: Duration = Duration::from_millis(200);
}
/// Connections that `harness serve` answers at once: a browser opens six.
pub const SERVE_CONNECTIONS: usize = 64;

/// The longest request that `harness serve` reads: a line and a browser's headers.
pub const SERVE_REQUEST_BYTES: usize = 16_384;

/// What a client may still send that gets no other answer: a body, the rest of a line that is too long.
pub const SERVE_LEFT_BYTES: usize = 1 << 20;

/// How much of it is read at once.
pub const SERVE_READ_BYTES: usize = 1024;

/// How long `harness serve` waits for a request, all in all: a browser sends it at once.
pub const SERVE_REQUEST_TIME: Duration = Duration::from_secs(10);

/// How long `harness serve` waits before it accepts again, when the system had nothing left for a connection.
pub const SERVE_PAUSE: Duration = Duration::from_millis(50);

/// Without any answer for so long, bursts give way to a gentle load: the timers of some programs run only when a packet
/// arrives, and many at the same moment let all their replicas stand for election at once.
pub const SILENCE: Duration = Duration::from_secs(2);

/// The operations a second of the gentle load.
pub const GENTLE_RATE: f64 = 150.0;

/// Keys that are written once (`clients.one_shot_keys`): a third of what is asked after the healing.
pub const ONE_SHOT_KEYS: usize = 3_000;

/// How often each replica gets a probe read.
pub const PROBE_READ_INTERVAL: Duration = Duration::from_millis(20);

/// The newest acknowledged puts whose values are looked for in messages.
pub const PUTS_LOOKED_FOR: usize = 20_000;
