//! The recorded histories of etcd: all together, and beside them the textbook's search.

mod textbook;

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use checker::format::{Format, Reader};
use checker::{History, ModelName, Options, check};
use criterion::{Criterion, criterion_group, criterion_main};

fn histories() -> Vec<(String, History)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories/etcd");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder")
        .map(|file| file.expect("a file").path())
        .collect();
    files.sort();
    let read = |path: &Path| {
        let mut reader = Reader::new(Format::JepsenLog);
        for line in fs::read(path).expect("a file").split(|&byte| byte == b'\n') {
            reader.line(line).expect("a line");
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        (name, reader.finish().expect("the log is whole").0)
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
        println!("textbook on {name}: {} s", textbook::seconds(history, Duration::from_secs(1)));
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(50))
        .measurement_time(Duration::from_millis(100));
    targets = recorded
}
criterion_main!(benches);
