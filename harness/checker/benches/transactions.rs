//! Large histories of transactions from their files to all levels, each in a process of its own: time,
//! processor time and peak memory, as CSV on standard output. `cargo bench -p checker --bench
//! transactions`; a name as an argument runs only that one.
//!
//! Twenty clients run transactions of one to four micro-operations on ten keys at a time; a key is retired
//! after 32 appends, as Jepsen's generator does it. Transactions take effect at one point in their time, so
//! the history is strict serializable; one that is broken reads a list that lacks its last element near the
//! end.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use checker::format::transactions::Reader;
use checker::transactional::{Level, Standing, check};
use nix::time::{ClockId, clock_gettime};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

struct Case {
    name: &'static str,
    transactions: usize,
    is_json: bool,
    is_broken: bool,
}

const CASES: [Case; 4] = [
    Case { name: "list-append", transactions: 1_000_000, is_json: false, is_broken: false },
    Case { name: "list-append-json", transactions: 1_000_000, is_json: true, is_broken: false },
    Case { name: "list-append-broken", transactions: 1_000_000, is_json: false, is_broken: true },
    Case { name: "list-append-large", transactions: 10_000_000, is_json: false, is_broken: false },
];

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with("--")).collect();
    let folder = std::env::temp_dir().join(format!("transactions-{}", std::process::id()));
    match &asked[..] {
        [file, path] if file == "file" => return judge(Path::new(path)),
        // Keeps the file, for other checkers.
        [write, name, path] if write == "write" => {
            let case = CASES.iter().find(|case| case.name == name).expect("a case of that name");
            return generate(case, Path::new(path));
        }
        _ => {}
    }
    fs::create_dir_all(&folder).expect("a temporary folder");
    println!(
        "history,transactions,mb,reading_s,all_s,processor_s,peak_memory_mb,strict_serializable"
    );
    for case in
        CASES.iter().filter(|case| asked.is_empty() || asked.iter().any(|it| it == case.name))
    {
        let path = folder.join("history");
        generate(case, &path);
        print!("{},{},", case.name, case.transactions);
        std::io::stdout().flush().expect("standard output is there");
        let program = std::env::current_exe().expect("this program has a path");
        let status = Command::new(program).arg("file").arg(&path).status();
        assert!(status.expect("it starts").success());
    }
    fs::remove_dir_all(&folder).expect("the folder is ours");
}

fn judge(path: &Path) {
    let begin = Instant::now();
    let mut file = File::open(path).expect("the history is there");
    let mut reader = Reader::new();
    let mut piece = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        let length = file.read(&mut piece).expect("the history can be read");
        if length == 0 {
            break;
        }
        bytes += length;
        reader.feed(&piece[..length]).expect("it is a history");
    }
    let read = reader.finish().expect("it is a history");
    let reading = begin.elapsed().as_secs_f64();
    let outcome = check(&read.transactions, read.model.expect("it has a model"));
    let all = begin.elapsed().as_secs_f64();
    let spent = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("there is such a clock");
    let processor = spent.tv_sec() as f64 + spent.tv_nsec() as f64 / 1e9;
    let verdict = match outcome.standing(Level::StrongSerializable) {
        Standing::Kept => "kept".to_owned(),
        Standing::Refuted(place) => outcome.found[*place].anomaly.name().to_owned(),
        Standing::Undecided(_) => "undecided".to_owned(),
    };
    let mb = bytes as f64 / 1e6;
    println!("{mb:.0},{reading:.2},{all:.2},{processor:.2},{},{verdict}", peak_memory_mb());
}

fn peak_memory_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("there is such a file");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let kb: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of kB");
    kb / 1000
}

enum Op {
    Append(u64, u64),
    Read(u64),
}

fn generate(case: &Case, path: &Path) {
    const CLIENTS: usize = 20;
    const KEYS: u64 = 10;
    const APPENDS: u64 = 32;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut out = BufWriter::new(File::create(path).expect("there is room"));
    let mut keys: Vec<u64> = (0..KEYS).collect();
    let mut next_key = KEYS;
    let mut appended: HashMap<u64, u64> = HashMap::new();
    let mut lists: HashMap<u64, Vec<u64>> = HashMap::new();
    let mut open: Vec<Option<(Vec<Op>, String)>> = (0..CLIENTS).map(|_| None).collect();
    let (mut index, mut done, mut begun) = (0_u64, 0, 0);
    let mut is_broken = case.is_broken;
    while done < case.transactions {
        let client = rng.random_range(0..CLIENTS);
        let event = match open[client].take() {
            None if begun == case.transactions => continue,
            None => {
                begun += 1;
                let ops: Vec<Op> = (0..rng.random_range(1..=4))
                    .map(|_| {
                        let slot = rng.random_range(0..keys.len());
                        let key = keys[slot];
                        if rng.random_bool(0.5) {
                            return Op::Read(key);
                        }
                        let count = appended.entry(key).or_default();
                        *count += 1;
                        if *count == APPENDS {
                            keys[slot] = next_key;
                            next_key += 1;
                        }
                        Op::Append(key, *count)
                    })
                    .collect();
                let asked = shown(case.is_json, &ops, |_| None);
                open[client] = Some((ops, String::new()));
                ("invoke", asked)
            }
            Some((ops, told)) if told.is_empty() => {
                // It takes effect now, and is told later.
                let cut = is_broken && done > case.transactions / 100 * 99;
                let mut results = Vec::new();
                for op in &ops {
                    match op {
                        Op::Append(key, element) => lists.entry(*key).or_default().push(*element),
                        Op::Read(key) => {
                            let list = lists.get(key).cloned().unwrap_or_default();
                            let of_key = |op: &&Op| matches!(op, Op::Append(of, _) | Op::Read(of) if of == key);
                            let is_alone = ops.iter().filter(of_key).count() == 1;
                            let hides =
                                cut && is_broken && is_alone && ops.len() > 2 && list.len() > 4;
                            let shown = list.len() - usize::from(hides);
                            is_broken &= !hides;
                            results.push(list[..shown].to_vec());
                        }
                    }
                }
                let mut results = results.into_iter();
                let told = shown(case.is_json, &ops, |_| results.next());
                open[client] = Some((ops, told));
                continue;
            }
            Some((_, told)) => {
                done += 1;
                ("ok", told)
            }
        };
        let (kind, value) = event;
        let time = index * 1_000;
        if case.is_json {
            writeln!(out, "{{\"index\":{index},\"type\":\"{kind}\",\"f\":\"txn\",\"value\":{value},\"process\":{client},\"time\":{time}}}")
        } else {
            writeln!(out, "{{:index {index}, :time {time}, :type :{kind}, :process {client}, :f :txn, :value {value}}}")
        }
        .expect("there is room");
        index += 1;
    }
    out.flush().expect("there is room");
}

fn shown(is_json: bool, ops: &[Op], mut read: impl FnMut(u64) -> Option<Vec<u64>>) -> String {
    let between = if is_json { "," } else { " " };
    let mut told = Vec::new();
    for op in ops {
        let (name, key, value) = match op {
            Op::Append(key, element) => ("append", key, element.to_string()),
            Op::Read(key) => {
                let list = read(*key).map(|list| {
                    let list: Vec<String> = list.iter().map(u64::to_string).collect();
                    format!("[{}]", list.join(between))
                });
                let nothing = if is_json { "null" } else { "nil" };
                ("r", key, list.unwrap_or_else(|| nothing.to_owned()))
            }
        };
        let name = if is_json { format!("\"{name}\"") } else { format!(":{name}") };
        told.push(format!("[{name}{between}{key}{between}{value}]"));
    }
    format!("[{}]", told.join(between))
}
