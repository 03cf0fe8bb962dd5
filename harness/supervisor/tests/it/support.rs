//! Compiles programs, and runs them in virtual time.

use std::ffi::CString;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};

use supervisor::{ProcessId, ProcessSpec, Settings, Stop, Supervisor, VirtualTime};

/// What came of a program.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    pub output: String,
    pub end: VirtualTime,
    pub calls: u64,
    pub hash: u64,
    pub status: Option<ExitStatus>,
    pub remarks: Vec<String>,
    pub is_stuck: bool,
}

/// The program of this name, compiled; none: there is no compiler here, which is said.
pub fn compiled(name: &str) -> Option<PathBuf> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(name);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "{}-{}-{number}",
        name.replace('.', "-"),
        std::process::id()
    ));
    let compiler = Command::new("cc")
        .args(["-O1", "-w", "-pthread", "-o"])
        .arg(&program)
        .arg(&source)
        .spawn_alone()
        .and_then(|mut child| child.wait());
    match compiler {
        Ok(status) if status.success() => Some(program),
        why => {
            eprintln!("skipped: cc does not compile {name} here ({why:?})");
            None
        }
    }
}

/// The first of these interpreters that is there; none: that is said.
pub fn interpreter(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&paths).map(|path| path.join(name)).find(|path| path.is_file());
    if found.is_none() {
        eprintln!("skipped: there is no {name} here");
    }
    found
}

pub fn words(words: &[&str]) -> Vec<CString> {
    words.iter().map(|word| CString::new(*word).expect("no zero byte")).collect()
}

fn word(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).expect("no zero byte")
}

/// Runs a program with this seed, to its end, in a thread of its own.
pub fn run(seed: u64, program: &Path, arguments: &[&str]) -> Ran {
    // What a test compiled is seen also where the project lies below /tmp.
    let kept = vec![PathBuf::from(env!("CARGO_TARGET_TMPDIR"))];
    let settings = Settings { seed, kept, ..Settings::default() };
    run_with(settings, program, arguments)
}

pub fn run_with(settings: Settings, program: &Path, arguments: &[&str]) -> Ran {
    run_halting(settings, program, arguments, |_, _| None)
}

/// The same. `halted` is called at its beginning, and whenever it halts: after what that returned, and before the calls
/// that it waits for.
pub fn run_halting(
    settings: Settings,
    program: &Path,
    arguments: &[&str],
    mut halted: impl FnMut(&mut Supervisor, ProcessId) -> Option<VirtualTime> + Send,
) -> Ran {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| supervised(settings, program, arguments, &mut halted));
        thread.join().expect("it does not panic")
    })
}

fn supervised(
    mut settings: Settings,
    program: &Path,
    arguments: &[&str],
    halted: &mut dyn FnMut(&mut Supervisor, ProcessId) -> Option<VirtualTime>,
) -> Ran {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    // Also where the project itself is under /tmp.
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs");
    let beside = program.parent().expect("a folder").to_owned();
    settings.kept.extend([directory.path().to_owned(), beside, programs]);
    let path = directory.path().join("output");
    let (output, null) =
        (File::create(&path).expect("a file"), File::open("/dev/null").expect("it is there"));
    let mut supervisor = Supervisor::new(settings).expect("a supervisor");
    let mut all = vec![word(program)];
    all.extend(words(arguments));
    let spec = ProcessSpec {
        words: all,
        environment: words(&["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/"]),
        directory: word(directory.path()),
        standard: [null.as_raw_fd(), output.as_raw_fd(), output.as_raw_fd()],
        label: "it".into(),
        ..ProcessSpec::default()
    };
    let process = supervisor.spawn(spec).expect("a process");
    let (mut status, mut is_stuck) = (None, false);
    let first = halted(&mut supervisor, process);
    supervisor.halt_after(first.unwrap_or(VirtualTime::NEVER));
    loop {
        // A day is more than any of them takes.
        match supervisor.run_until(VirtualTime(86_400_000_000_000)) {
            Stop::Exited(of, how) if of == process => {
                status = Some(how);
                break;
            }
            Stop::Ready(_) | Stop::Exited(..) => {}
            Stop::Stuck(_) => {
                is_stuck = true;
                break;
            }
            Stop::Halted | Stop::AtCall(_) => {
                let next = halted(&mut supervisor, process);
                supervisor.halt_after(next.unwrap_or(VirtualTime::NEVER));
            }
            Stop::Reached | Stop::Idle => break,
            Stop::Failed(why) => panic!("{why}"),
        }
    }
    let mut text = String::new();
    File::open(&path).expect("a file").read_to_string(&mut text).expect("text");
    Ran {
        output: text,
        end: supervisor.now(),
        calls: supervisor.calls(),
        hash: supervisor.schedule_hash(),
        status,
        remarks: supervisor.remarks().map(ToString::to_string).collect(),
        is_stuck,
    }
}

/// So often with the same seed: the same each time. Returns what that is.
pub fn same(times: usize, program: &Path, arguments: &[&str]) -> Ran {
    let first = run(7, program, arguments);
    for _ in 1..times {
        assert_eq!(run(7, program, arguments), first);
    }
    first
}

pub trait SpawnAlone {
    /// Starts it while no supervisor looks: for a moment it has all descriptors of this process.
    fn spawn_alone(&mut self) -> std::io::Result<std::process::Child>;
}

impl SpawnAlone for Command {
    fn spawn_alone(&mut self) -> std::io::Result<std::process::Child> {
        let _alone = supervisor::sys::a_birth();
        self.spawn()
    }
}

/// Processes that compute without end, as long as this lives.
pub struct Busy(Vec<std::process::Child>);

impl Busy {
    pub fn start(count: usize) -> Self {
        let start = |_| Command::new("sh").args(["-c", "while :; do :; done"]).spawn_alone();
        Self((0..count).map(start).collect::<Result<_, _>>().expect("a shell"))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may be gone.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
