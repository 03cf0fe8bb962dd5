//! `harness grade`: many programs, each by a harness of its own, so that none disturbs the judging of another.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::watch;

use super::course::CourseEra;
use super::{FailMeaning, Failure, TransportChoice};
use crate::campaign::signals;
use crate::cluster::{excess, sweep};
use crate::course::configs::CONFIGS;
use crate::course::grade::{Row, RunPart, table};
use crate::exit::Exit;
use crate::limits::confined as limits;
use crate::os;
use crate::report::index;
use crate::text::escape;

/// `harness grade`.
#[derive(Debug, Args)]
pub struct GradeArgs {
    /// Folder with a subfolder for each program
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// File name of the program in each subfolder
    #[arg(long, value_name = "NAME")]
    replica_name: PathBuf,
    /// `all`, or names of published configs or config files, with commas between. Two or more are followed by three
    /// seeds of the stress suite; a single one is run with shared keys too
    #[arg(long, default_value = "all", value_name = "CONFIGS")]
    configs: String,
    /// Era of the configs and rules
    #[arg(long, value_enum, default_value_t = CourseEra::Y2021)]
    era: CourseEra,
    /// Seed of every random choice [default: the config's, else a new one]
    #[arg(long)]
    seed: Option<u64>,
    /// Number of programs graded in parallel
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// Number of parallel runs of a program [default: all its configs]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=256))]
    side_by_side: Option<u16>,
    /// Time limit for each program, in seconds
    #[arg(long, default_value_t = 900, value_name = "SECONDS")]
    time_limit: u64,
    /// Grade programs again that have a row in `grade.csv`
    #[arg(long)]
    again: bool,
    /// Transport of the programs; `auto` finds it out for each
    #[arg(long, value_enum, default_value_t = TransportChoice::Auto)]
    transport: TransportChoice,
    /// Treat a failed put as indeterminate (`info`) or as not applied (`definite`)
    #[arg(long, value_enum, default_value_t = FailMeaning::Info)]
    fail_is: FailMeaning,
    /// Folder for `grade.csv` and a folder of each program
    #[arg(long, default_value = "results/grade", value_name = "DIR")]
    results: PathBuf,
}

/// Grades what is not graded yet; the exit code is 0 whatever the programs are, and 130 if some are left.
pub fn run(arguments: &GradeArgs) -> Result<Exit, Failure> {
    let programs = subfolders(&arguments.folder).map_err(Failure::usage)?;
    fs::create_dir_all(&arguments.results)
        .with_context(|| format!("making the results folder {}", arguments.results.display()))
        .map_err(Failure::usage)?;
    let csv = arguments.results.join("grade.csv");
    let earlier = read(&csv).map_err(Failure::usage)?;
    let is_due =
        |name: &&String| arguments.again || !earlier.iter().any(|row| row.program == name.as_str());
    let due: Vec<&String> = programs.iter().filter(is_due).collect();
    if due.len() < programs.len() {
        eprintln!(
            "harness: {} of {} programs have a row in {} already; --again grades them again",
            programs.len() - due.len(),
            programs.len(),
            csv.display()
        );
    }
    let grading = Grading {
        arguments,
        csv: &csv,
        due,
        next: AtomicUsize::new(0),
        rows: Mutex::new(earlier),
        interrupt: signals::listen(signals::TO_JUDGE).context("listening for Ctrl-C")?,
    };
    thread::scope(|scope| -> anyhow::Result<()> {
        let workers: Vec<_> = (0..arguments.jobs).map(|_| scope.spawn(|| grading.work())).collect();
        for worker in workers {
            worker.join().map_err(|_| anyhow::anyhow!("a worker of the grading ended early"))??;
        }
        Ok(())
    })?;
    let rows = grading.rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    super::print(&format!("{}{}\n", table(&rows), csv.display()))?;
    let missing = programs.iter().filter(|name| !rows.iter().any(|row| row.program == **name));
    match missing.count() {
        0 => Ok(Exit::Valid),
        missing => {
            eprintln!(
                "harness: {missing} of {} programs are not graded yet; the same command goes on with them",
                programs.len()
            );
            Ok(Exit::Interrupted)
        }
    }
}

/// A grading under way.
struct Grading<'a> {
    arguments: &'a GradeArgs,
    csv: &'a Path,
    due: Vec<&'a String>,
    next: AtomicUsize,
    rows: Mutex<Vec<Row>>,
    /// Becomes true at Ctrl-C.
    interrupt: watch::Receiver<bool>,
}

impl Grading<'_> {
    /// Grades one program after the other until none is left.
    fn work(&self) -> anyhow::Result<()> {
        while let Some(program) = self.due.get(self.next.fetch_add(1, Ordering::SeqCst)) {
            let Some(row) = grade(self.arguments, program, &self.interrupt)? else { break };
            eprint!("{}", table(std::slice::from_ref(&row)));
            let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
            rows.retain(|it| it.program != row.program);
            rows.push(row);
            rows.sort_by(|a, b| a.program.cmp(&b.program));
            write(self.csv, &rows)?;
        }
        Ok(())
    }
}

/// The names of the subfolders, in order.
fn subfolders(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| {
        format!("reading {}; give a folder with a subfolder for each program", folder.display())
    })?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.'))
        .collect();
    anyhow::ensure!(!names.is_empty(), "{} has no subfolders", folder.display());
    names.sort();
    Ok(names)
}

/// The rows of an earlier grading.
fn read(csv: &Path) -> anyhow::Result<Vec<Row>> {
    if !csv.exists() {
        return Ok(Vec::new());
    }
    let rows = csv::Reader::from_path(csv)?.deserialize().collect::<Result<_, _>>();
    rows.with_context(|| {
        format!("{} is not what a grading wrote; remove it or give other --results", csv.display())
    })
}

/// Writes them whole or not at all.
fn write(csv: &Path, rows: &[Row]) -> anyhow::Result<()> {
    let temporary = csv.with_extension("csv.new");
    let mut writer = csv::Writer::from_path(&temporary)?;
    for row in rows {
        writer.serialize(row)?;
    }
    writer.flush()?;
    fs::rename(&temporary, csv).with_context(|| format!("writing {}", csv.display()))
}

/// One program, by a harness of its own; nothing if the grading is interrupted.
fn grade(
    arguments: &GradeArgs,
    program: &str,
    interrupt: &watch::Receiver<bool>,
) -> anyhow::Result<Option<Row>> {
    let begun = Instant::now();
    let results = arguments.results.join(program);
    fs::create_dir_all(&results)?;
    let (lines, words) = (results.join("runs.jsonl"), results.join("harness.log"));
    let mut command = command(arguments, program, &results);
    command.stdin(Stdio::null()).stdout(File::create(&lines)?).stderr(File::create(&words)?);
    os::die_with_parent(&mut command);
    // The system shares the processors out among sessions: a program that spins leaves the others their part.
    os::begin_session(&mut command);
    let mut child = command.spawn().context("starting a harness for a program")?;
    let limit = Duration::from_secs(arguments.time_limit);
    let note = match watch(&mut child, limit, interrupt)? {
        Watched::Interrupted => return Ok(None),
        Watched::Over(note) => note,
    };

    let of = if arguments.configs == "all" {
        CONFIGS.len()
    } else {
        arguments.configs.split(',').count()
    };
    let lines = BufReader::new(File::open(&lines)?).lines().map_while(Result::ok);
    let runs: Vec<RunPart> = lines.filter_map(|line| serde_json::from_str(&line).ok()).collect();
    let mut row = Row::of(program, of, &runs);
    row.note = match note {
        Some(note) => note,
        // A harness that ended early says why in its last line.
        None if matches!(child.wait()?.code(), Some(0 | 10..)) => String::new(),
        None => last_words(&words),
    };
    row.seconds = begun.elapsed().as_secs();
    row.report = report(&results)?;
    Ok(Some(row))
}

/// One page of all runs of a program.
fn report(results: &Path) -> anyhow::Result<String> {
    let rows = index::rows(results).context("reading the runs of a program")?;
    let page = results.join(index::NAME);
    let out = BufWriter::new(File::create(&page)?);
    index::write(&rows, out).with_context(|| format!("writing {}", page.display()))?;
    Ok(page.display().to_string())
}

fn command(arguments: &GradeArgs, program: &str, results: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap_or_else(|_| "harness".into()));
    command
        .args(["course", &arguments.configs, "--format", "json", "--quiet", "--confined", "--era"])
        .arg(crate::scenario::Era::from(arguments.era).to_string())
        .arg("--replica")
        .arg(arguments.folder.join(program).join(&arguments.replica_name))
        .arg("--results")
        .arg(results);
    if let Some(seed) = arguments.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    if let Some(n) = arguments.side_by_side {
        command.args(["--jobs", &n.to_string()]);
    }
    if let Some(transport) = arguments.transport.given() {
        command.args(["--transport", &transport.to_string()]);
    }
    if arguments.fail_is == FailMeaning::Definite {
        command.args(["--fail-is", "definite"]);
    }
    command
}

/// How a grading of one program ended.
enum Watched {
    /// It is over; which limit was met.
    Over(Option<String>),
    /// There is no time left.
    Interrupted,
}

/// Waits for its end and samples meanwhile what its runs use.
fn watch(
    child: &mut Child,
    time_limit: Duration,
    interrupt: &watch::Receiver<bool>,
) -> anyhow::Result<Watched> {
    let begun = Instant::now();
    let mut note = None;
    loop {
        if child.try_wait()?.is_some() {
            return Ok(Watched::Over(note));
        }
        for (mark, pids) in sweep::runs_of(child.id()) {
            if let Some(excess) = excess::of(&pids) {
                sweep::kill_run(&mark, &pids);
                note = Some(format!("a run was ended: {excess}"));
            }
        }
        let is_interrupted = *interrupt.borrow();
        if is_interrupted || begun.elapsed() > time_limit {
            // Its watchdog ends what it started.
            let _ = kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGKILL);
            child.wait()?;
            for (mark, pids) in sweep::runs_of(child.id()) {
                sweep::kill_run(&mark, &pids);
            }
            let seconds = time_limit.as_secs();
            if is_interrupted {
                return Ok(Watched::Interrupted);
            }
            let note = format!("it was given up after {seconds} s (--time-limit)");
            return Ok(Watched::Over(Some(note)));
        }
        thread::sleep(limits::LOOK);
    }
}

/// The last thing that the harness said, if it was an error.
fn last_words(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let line = text.lines().rev().find_map(|line| line.strip_prefix("harness: "));
    line.map_or_else(|| "the harness ended early; see harness.log".to_owned(), escape)
}
