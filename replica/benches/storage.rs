//! How long it takes to make entries durable: in the replica's own log file, and in redb.
//!
//! Five stores at once, as a cluster on one machine has them. Everyone commits the same entries to its
//! log file and then to its database, commit by commit, so that both meet the same disk at the same
//! time.
//!
//! `cargo bench -p replica --bench storage [-- COMMITS]`

use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use redb::{Database, Durability, TableDefinition};
use replica::core::{Command, Entry, Id, Index, RequestId, Term};
use replica::storage::{Disk, Storage};

/// The log: an entry's bytes by its index.
const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");

/// Stores that write at the same time.
const STORES: u16 = 5;

/// How many entries a commit has.
const BATCHES: [u64; 3] = [1, 10, 60];

fn main() {
    let counts: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let commits = counts.first().copied().unwrap_or(1_500);
    println!("\n| entries a commit | store | commits | p50 µs | p90 µs | p99 µs |");
    println!("|---|---|---|---|---|---|");
    for batch in BATCHES {
        let (mut file, mut redb) = compare(commits, batch);
        for (name, spans) in [("log file", &mut file), ("redb", &mut redb)] {
            spans.sort_unstable();
            let micros = |share: usize| spans[(spans.len() - 1) * share / 100].as_micros();
            let (p50, p90, p99) = (micros(50), micros(90), micros(99));
            println!("| {batch} | {name} | {} | {p50} | {p90} | {p99} |", spans.len());
        }
    }
}

/// What each commit took, in log files and in databases.
fn compare(commits: u64, batch: u64) -> (Vec<Duration>, Vec<Duration>) {
    // Beside the replicas' data, and not where a system keeps temporary files in memory.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let directory = tempfile::tempdir_in(target).expect("a place for stores");
    let together = Arc::new(Barrier::new(usize::from(STORES)));
    let stores: Vec<_> = (0..STORES)
        .map(|id| {
            let path = directory.path().join(id.to_string());
            let together = Arc::clone(&together);
            thread::spawn(move || store(&path, Id(id), &together, commits, batch))
        })
        .collect();
    let (mut file, mut redb) = (Vec::new(), Vec::new());
    for store in stores {
        let (of_file, of_redb) = store.join().expect("a store that works");
        file.extend(of_file);
        redb.extend(of_redb);
    }
    (file, redb)
}

fn store(
    path: &Path,
    id: Id,
    together: &Barrier,
    commits: u64,
    batch: u64,
) -> (Vec<Duration>, Vec<Duration>) {
    let mut disk = Disk::open(path, id).expect("a log file");
    disk.load().expect("an empty log file");
    let database = Database::create(path.join("redb")).expect("a database");
    let (mut of_file, mut of_redb) = (Vec::new(), Vec::new());
    for commit in 0..commits {
        let first = commit * batch + 1;
        let entries: Vec<Entry> = (first..first + batch).map(entry).collect();
        together.wait();
        let began = Instant::now();
        disk.store(None, Some((Index(first), &entries))).expect("a write");
        of_file.push(began.elapsed());
        together.wait();
        let began = Instant::now();
        write_redb(&database, first, &entries).expect("a commit");
        of_redb.push(began.elapsed());
    }
    (of_file, of_redb)
}

fn write_redb(database: &Database, first: u64, entries: &[Entry]) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    {
        let mut log = transaction.open_table(LOG)?;
        for (index, entry) in (first..).zip(entries) {
            if let Command::Put { id, key, value } = &entry.command {
                let text = format!("{} {} {} {key} {value}", entry.term.0, id.client, id.mid);
                log.insert(index, text.as_bytes())?;
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

/// An entry as the course's clients make them.
fn entry(number: u64) -> Entry {
    let id = RequestId { client: Id(0x15), mid: format!("{number:032X}").into() };
    let (key, value) = (format!("{number:032x}").into(), format!("{number:032x}").into());
    Entry { term: Term(1), command: Command::Put { id, key, value } }
}
