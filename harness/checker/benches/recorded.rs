//! The recorded histories of etcd: all together, and beside them the textbook's search
//! and `stateright`'s tester.

mod tester;
mod textbook;

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use checker::format::{self, Format};
use checker::{History, ModelName, Options, Reading, check};
use criterion::{Criterion, criterion_group};

fn histories() -> Vec<(String, History)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories/etcd");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder")
        .map(|file| file.expect("a file").path())
        .collect();
    files.sort();
    let read = |path: &Path| {
        let text = fs::read(path).expect("a file");
        let read = format::read(&text, Format::JepsenLog, Reading::default()).expect("a whole log");
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        (name, read.history)
    };
    files.iter().map(|path| read(path)).collect()
}

fn recorded(criterion: &mut Criterion) {
    let histories = histories();
    let options = Options { model: ModelName::CasRegister, witness: false, ..Options::default() };
    criterion.bench_function("etcd together", |bencher| {
        bencher.iter(|| {
            for (_, history) in &histories {
                black_box(check(history, &options));
            }
        });
    });
    for (name, history) in &histories {
        criterion.bench_function(name, |bencher| bencher.iter(|| check(history, &options)));
    }
    for (name, history) in &histories {
        println!(
            "{name}: textbook {} s, stateright {} s",
            textbook::seconds(history, Duration::from_secs(1)),
            seconds_of_tester(name)
        );
    }
}

/// How long `stateright`'s tester may take for one history.
const TESTER_LIMIT: Duration = Duration::from_millis(500);

/// In a process of its own, which can be ended.
fn seconds_of_tester(name: &str) -> String {
    let program = std::env::current_exe().expect("this program has a path");
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(["stateright", name])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    while start.elapsed() < TESTER_LIMIT {
        if let Some(status) = child.try_wait().expect("a child") {
            let seconds = start.elapsed().as_secs_f64();
            return if status.success() {
                format!("{seconds:.3}")
            } else {
                "broken off".to_owned()
            };
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("a child");
    child.wait().expect("a child");
    format!("more than {}", TESTER_LIMIT.as_secs_f64())
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(50))
        .measurement_time(Duration::from_millis(100));
    targets = recorded
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [tester, wanted] = &arguments[..]
        && tester == "stateright"
    {
        let histories = histories();
        let (_, history) = histories.iter().find(|(name, _)| name == wanted).expect("a history");
        black_box(tester::is_consistent(history, usize::MAX));
        return;
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
