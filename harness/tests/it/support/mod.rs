//! What the tests of the command line share: a harness that is called as a user would, in a
//! folder of its own.

mod finished;
pub mod room;
mod skip;
mod walk;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use finished::{Finished, Message, Seen};
use room::Turn;
pub use skip::{has, skip};
pub use walk::{files_below, pages, top};

/// A folder with workloads and results, gone with its guard.
pub struct Bench {
    folder: TempDir,
    /// Room that the test holds already; otherwise each call waits for its own.
    turn: Option<Arc<Turn>>,
}

/// What a finished harness left.
pub struct Ended {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// A small workload of our own that takes some three seconds.
pub const SHORT: &str = r#"{
    "lifetime": 5, "start_wait": 0, "end_wait": 0, "replicas": 5,
    "clients": {"count": 4, "keys": 2, "rate": 200, "timeout_ms": 500},
    "liveness": {"bound_ms": 2000}
}"#;

/// How often a run is made again that a slow host left open.
const AGAIN: usize = 2;

impl Bench {
    /// An empty folder.
    pub fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder"), turn: None }
    }

    /// An empty folder; no other test has a cluster while it is there.
    pub fn alone() -> Self {
        Self::within(&Arc::new(room::no_other_cluster()))
    }

    /// An empty folder, for clusters that have room already.
    pub fn within(turn: &Arc<Turn>) -> Self {
        Self { turn: Some(Arc::clone(turn)), ..Self::new() }
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and returns its path.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("a file in a temporary folder");
        path
    }

    /// The harness with these arguments, working in the folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
        command.args(arguments);
        if arguments.iter().any(|argument| shares_its_memory(argument)) {
            command.args(["--durability", "off"]);
        }
        command
            .current_dir(self.folder.path())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Calls the harness, once there is room for its clusters, and waits for its end.
    pub fn harness(&self, arguments: &[&str]) -> Ended {
        if arguments.iter().any(|argument| ["auto", "virtual"].contains(argument)) {
            // Virtual time computes: it does not wait for any clock.
            let _turn = self.turn.is_none().then(room::spare_processor);
            return Ended::from(self.command(arguments).output().expect("the harness starts"));
        }
        let clusters = if starts_clusters(arguments) { at_once(arguments) } else { 0 };
        self.finish(&mut self.command(arguments), clusters)
    }

    /// Calls the harness where it refuses to start anything, and waits for its end.
    pub fn refused(&self, arguments: &[&str]) -> Ended {
        self.finish(&mut self.command(arguments), 0)
    }

    /// Runs a command, once there is room for so many clusters, and waits for its end. What a busy host left open
    /// is asked again, with no other cluster beside it.
    pub fn finish(&self, command: &mut Command, clusters: usize) -> Ended {
        let needs_room = clusters > 0 && self.turn.is_none();
        let once = |command: &mut Command, enter: &dyn Fn() -> Turn| {
            let _turn = needs_room.then(enter);
            Ended::from(command.output().expect("the harness starts"))
        };
        let mut ended = once(command, &|| room::clusters(clusters));
        for _ in 0..AGAIN {
            if !self.is_left_open_by_a_slow_host(command, &ended) {
                break;
            }
            ended = once(command, &room::no_other_cluster);
        }
        ended
    }

    /// Whether this was one run in real time whose verdict says of the host that it was slow, and is open.
    fn is_left_open_by_a_slow_host(&self, command: &Command, ended: &Ended) -> bool {
        command.get_args().next().is_some_and(|first| first == "run")
            && [13, 14, 15].contains(&ended.code)
            && self.path("results/latest/verdict.json").exists()
            && self.answer("environment").1 == "slow"
    }

    /// The harness on a workload, with the odd replica in one of its ways.
    pub fn odd_command(&self, way: &str, workload: &str) -> Command {
        let workload = self.file("odd.json", workload);
        let (workload, odd) = (workload.to_string_lossy(), odd_replica());
        let replica = ["--replica", &odd.to_string_lossy(), "--replica-arg", way];
        let first = ["run", &workload, "--seed", "7", "--quiet"];
        self.command(&[&first[..], &replica[..]].concat())
    }

    /// Calls it and waits for its end.
    pub fn odd(&self, way: &str, workload: &str) -> Ended {
        self.finish(&mut self.odd_command(way, workload), 1)
    }

    /// The newest run.
    pub fn run(&self) -> Finished {
        Finished::new(&self.path("results/latest"))
    }

    /// The verdict of the newest run.
    pub fn verdict(&self) -> serde_json::Value {
        self.run().json("verdict.json")
    }

    /// Asserts that the newest run ended with the exit code that belongs to its verdict.
    #[track_caller]
    pub fn expect_code_of_verdict(&self, ended: &Ended) {
        ended.expect(self.run().code());
    }

    /// Standing and kind of the newest run's answer to `question`.
    pub fn answer(&self, question: &str) -> (String, String) {
        self.run().answer(question)
    }
}

impl Ended {
    /// Asserts the exit code, and tells the whole story if it is another.
    #[track_caller]
    pub fn expect(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Whether it said these words on either stream, wherever the lines broke.
    pub fn says(&self, words: &str) -> bool {
        let in_one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = in_one_line(words);
        [&self.stdout, &self.stderr].into_iter().any(|text| in_one_line(text).contains(&words))
    }

    /// Asserts that it did.
    #[track_caller]
    pub fn expect_words(&self, words: &str) -> &Self {
        assert!(self.says(words), "{words:?} in\n{}\n{}", self.stdout, self.stderr);
        self
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Whether this command of the harness starts clusters.
fn starts_clusters(arguments: &[&str]) -> bool {
    let commands = [
        "attach",
        "course",
        "diagnose",
        "explore",
        "flake",
        "grade",
        "maelstrom",
        "mutants",
        "replay",
        "run",
        "shrink",
    ];
    arguments.first().is_some_and(|command| commands.contains(command))
        || arguments.contains(&"--attribute")
}

/// The clusters that it starts at the same time.
fn at_once(arguments: &[&str]) -> usize {
    let jobs = arguments.iter().skip_while(|argument| **argument != "--jobs").nth(1);
    jobs.map_or(1, |jobs| jobs.parse().expect("a number of jobs"))
}

/// Each of these side by side.
pub fn each<T: Sync>(those: &[T], test: impl Fn(&T) + Sync) {
    std::thread::scope(|scope| {
        for one in those {
            scope.spawn(|| test(one));
        }
    });
}

/// The program that is wrong in many ways: cargo builds examples for the tests.
pub fn odd_replica() -> PathBuf {
    let harness = Path::new(env!("CARGO_BIN_EXE_harness"));
    harness.with_file_name("examples").join("odd_replica")
}

/// Whether this is a program of the tests whose replicas share one memory, or hold nothing, instead of sending
/// one another what they are asked: durability is not what its tests are about.
fn shares_its_memory(program: &str) -> bool {
    let those = [
        "odd_replica",
        "talking_replica",
        "stamping_replica",
        "host_meter.py",
        "vacuous-run.py",
        "store.py",
    ];
    Path::new(program).file_name().is_some_and(|name| those.iter().any(|it| name == *it))
}

/// Waits until `condition` holds, with a deadline.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The living processes that the harness with this process id started, and their descendants: they
/// carry its mark in their environment.
pub fn processes_of(harness: &Child) -> Vec<i32> {
    processes_of_pid(harness.id())
}

/// The same, of a harness that has ended.
pub fn processes_of_pid(harness: u32) -> Vec<i32> {
    let prefix = format!("{}=", harness::cluster::sweep::MARK);
    let mark = format!("{prefix}{harness}-");
    let entries = std::fs::read_dir("/proc").expect("/proc");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let is_marked = |pid: &i32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable.starts_with(mark.as_bytes()))
    };
    pids.filter(is_marked).collect()
}
