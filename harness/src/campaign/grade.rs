//! Many programs graded, each by a harness of its own, so that none disturbs the judging of another.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter};
use std::path::{Component, Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::watch;

use super::{share_out, signals};
use crate::cluster::owner::Owner;
use crate::cluster::{excess, sweep};
use crate::course::configs::{Config, UnknownConfig, listed};
use crate::course::grade::{Row, RunPart};
use crate::durability::promise::Promise;
use crate::files::stored;
use crate::limits::confined as limits;
use crate::network::transport::Transport;
use crate::os;
use crate::plan::FailIs;
use crate::report::index;
use crate::scenario::Era;
use crate::text::{self, cell, escape};
use crate::world::Clock;

/// The file with a row for each program, in the folder of the results.
pub const NAME: &str = "grade.csv";

/// What is graded, and how.
#[derive(Clone, Debug)]
pub struct Grading {
    /// The folder with a subfolder for each program.
    pub folder: PathBuf,
    /// The file name of the program in each subfolder.
    pub replica_name: PathBuf,
    /// Names of configs or files with commas between, or `all`.
    pub configs: OsString,
    /// The era of the configs and rules.
    pub era: Era,
    /// The seed of every random choice; each config has its own if there is none.
    pub seed: Option<u64>,
    /// How many programs are graded in parallel.
    pub jobs: usize,
    /// How many runs of a program are made in parallel; all its configs if that is open.
    pub side_by_side: Option<u16>,
    /// How long one program may take.
    pub time_limit: Duration,
    /// Whether programs are graded again that have a row.
    pub again: bool,
    /// The transport of the programs; found out for each if it is open.
    pub transport: Option<Transport>,
    /// Whose time the runs have.
    pub clock: Clock,
    /// What a failed put means.
    pub fail_is: FailIs,
    /// What is promised of a put that is acknowledged.
    pub durability: Promise,
    /// The variables of the harness's environment that the programs get too.
    pub passed_variables: Vec<String>,
    /// The folder of `grade.csv`, with a folder for each program.
    pub results: PathBuf,
}

/// What a grading came to.
pub struct Graded {
    /// A row for each program that was ever graded, by name.
    pub rows: Vec<Row>,
    /// Where they are written.
    pub csv: PathBuf,
    /// How many programs are not graded yet, because the grading was interrupted.
    pub missing: usize,
    /// How many there are.
    pub of: usize,
}

/// A program that is to be graded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Program {
    /// Its name in the table and among the results: that of its folder, with the bytes that are no text written out.
    pub name: String,
    /// The name of its folder, as the system has it.
    pub folder: OsString,
}

impl Grading {
    /// Grades what is not graded yet, and writes the rows as they come; `each` hears of them.
    pub fn run(&self, programs: &[Program], each: impl Fn(&Row) + Sync) -> anyhow::Result<Graded> {
        let csv = self.results.join(NAME);
        let earlier = self.earlier()?;
        let is_due = |it: &&Program| self.again || !earlier.iter().any(|row| row.is_of(&it.name));
        let due: Vec<&Program> = programs.iter().filter(is_due).collect();
        let rows = Mutex::new(earlier);
        let interrupt = signals::listen(signals::TO_JUDGE).context("listening for Ctrl-C")?;
        let goes_on = || !*interrupt.borrow();
        let graded = share_out(&due, self.jobs, goes_on, |program| {
            let Some(row) = self.grade(program, &interrupt)? else { return Ok(()) };
            each(&row);
            let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
            rows.retain(|it| !it.is_of(&row.program));
            rows.push(row);
            rows.sort_by(|a, b| a.program.cmp(&b.program));
            write(&csv, &rows)
        });
        graded.into_iter().collect::<anyhow::Result<()>>()?;
        let rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
        let is_missing = |it: &&Program| !rows.iter().any(|row| row.is_of(&it.name));
        let missing = programs.iter().filter(is_missing).count();
        Ok(Graded { rows, csv, missing, of: programs.len() })
    }

    /// Refuses what no program could be graded with.
    pub fn check(&self, programs: &[Program]) -> anyhow::Result<()> {
        let name = &self.replica_name;
        let is_plain = name.components().all(|it| matches!(it, Component::Normal(_)));
        anyhow::ensure!(
            is_plain && !name.as_os_str().is_empty(),
            "`--replica-name {}` leads out of the programs' folders; give the path of the program within its folder",
            escape(&name.display().to_string())
        );
        anyhow::ensure!(
            programs.iter().any(|program| self.folder.join(&program.folder).join(name).exists()),
            "no subfolder of {} has a file {}; give its name by --replica-name",
            self.folder.display(),
            escape(&name.display().to_string())
        );
        let is_known = |it: &&OsStr| Config::named(it).is_some() || Path::new(it).exists();
        if let Some(unknown) = listed(&self.configs).into_iter().find(|it| !is_known(it)) {
            return Err(UnknownConfig(text::bytes_shown(unknown)).into());
        }
        Ok(())
    }

    /// The rows of an earlier grading.
    pub fn earlier(&self) -> anyhow::Result<Vec<Row>> {
        let csv = self.results.join(NAME);
        if !csv.exists() {
            return Ok(Vec::new());
        }
        anyhow::ensure!(
            csv.is_file(),
            "{} is no regular file; rename or remove it, or give other --results",
            csv.display()
        );
        let reader = csv::Reader::from_path(&csv).with_context(|| {
            format!("reading {}, the rows of an earlier grading", csv.display())
        })?;
        let rows = reader.into_deserialize().collect::<Result<_, _>>();
        rows.with_context(|| {
            format!(
                "{} is not what a grading wrote; remove it or give other --results",
                csv.display()
            )
        })
    }

    /// One program, by a harness of its own; nothing if the grading is interrupted.
    fn grade(
        &self,
        program: &Program,
        interrupt: &watch::Receiver<bool>,
    ) -> anyhow::Result<Option<Row>> {
        let begun = Instant::now();
        let results = self.results.join(&program.name);
        fs::create_dir_all(&results)
            .with_context(|| format!("making the results folder {}", results.display()))?;
        let (lines, words) = (results.join("runs.jsonl"), results.join("harness.log"));
        let mut command = self.command(program, &results);
        command.stdin(Stdio::null()).stdout(made(&lines)?).stderr(made(&words)?);
        os::die_with_parent(&mut command);
        // The system shares the processors out among sessions: a program that spins leaves the others their part.
        os::begin_session(&mut command);
        let mut child = command.spawn().context("starting a harness for a program")?;
        let note = match watch(&mut child, self.time_limit, interrupt)? {
            Watched::Interrupted => return Ok(None),
            Watched::Over(note) => note,
        };

        let of = listed(&self.configs).len();
        let lines = BufReader::new(stored::open(&lines)?).lines().map_while(Result::ok);
        let runs: Vec<RunPart> =
            lines.filter_map(|line| serde_json::from_str(&line).ok()).collect();
        let mut row = Row::of(&program.name, of, &runs);
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

    fn command(&self, program: &Program, results: &Path) -> Command {
        let mut command =
            Command::new(std::env::current_exe().unwrap_or_else(|_| "harness".into()));
        command
            .arg("course")
            .arg(&self.configs)
            .args(["--format", "json", "--quiet", "--confined", "--era"])
            .arg(self.era.to_string())
            .arg("--replica")
            .arg(self.folder.join(&program.folder).join(&self.replica_name))
            .arg("--results")
            .arg(results);
        if let Some(seed) = self.seed {
            command.args(["--seed", &seed.to_string()]);
        }
        if let Some(n) = self.side_by_side {
            command.args(["--jobs", &n.to_string()]);
        }
        if let Some(transport) = self.transport {
            command.args(["--transport", &transport.to_string()]);
        }
        if self.clock == Clock::Virtual {
            command.args(["--clock", "virtual"]);
        }
        if self.fail_is == FailIs::Definite {
            command.args(["--fail-is", "definite"]);
        }
        if self.durability != Promise::default() {
            command.args(["--durability", &self.durability.to_string()]);
        }
        for name in &self.passed_variables {
            command.args(["--pass-env", name]);
        }
        command
    }
}

/// The subfolders, by name.
pub fn subfolders(folder: &Path) -> anyhow::Result<Vec<Program>> {
    let entries = fs::read_dir(folder).with_context(|| {
        format!("reading {}; give a folder with a subfolder for each program", folder.display())
    })?;
    let mut programs: Vec<Program> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| Program {
            name: text::bytes_shown(&entry.file_name()),
            folder: entry.file_name(),
        })
        .filter(|program| !program.name.starts_with('.'))
        .collect();
    anyhow::ensure!(!programs.is_empty(), "{} has no subfolders", folder.display());
    programs.sort();
    if let Some(two) = programs.windows(2).find(|two| two[0].name == two[1].name) {
        anyhow::bail!(
            "{}: two subfolders would both be called `{}` in the table; rename the one whose name is no UTF-8 text",
            folder.display(),
            escape(&two[0].name)
        );
    }
    Ok(programs)
}

fn made(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| format!("writing {}", path.display()))
}

/// Writes them whole or not at all.
fn write(csv: &Path, rows: &[Row]) -> anyhow::Result<()> {
    let temporary = csv.with_extension("csv.new");
    let mut writer = csv::Writer::from_writer(made(&temporary)?);
    for row in rows {
        let (program, note) = (cell(&row.program), cell(&row.note));
        writer.serialize(Row { program, note, ..row.clone() })?;
    }
    writer.flush()?;
    fs::rename(&temporary, csv).with_context(|| format!("writing {}", csv.display()))
}

/// One page of all runs of a program.
fn report(results: &Path) -> anyhow::Result<String> {
    let rows = index::rows(results).context("reading the runs of a program")?;
    let page = results.join(index::NAME);
    let out = BufWriter::new(made(&page)?);
    index::write(&rows, out).with_context(|| format!("writing {}", page.display()))?;
    Ok(page.display().to_string())
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
    let harness = Owner::of(child.id());
    let mut note = None;
    loop {
        if child.try_wait()?.is_some() {
            return Ok(Watched::Over(note));
        }
        for (mark, pids) in sweep::runs_of(harness) {
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
            for (mark, pids) in sweep::runs_of(harness) {
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
    let text = stored::text(log).unwrap_or_default();
    let line = text.lines().rev().find_map(|line| line.strip_prefix("harness: "));
    line.map_or_else(|| "the harness ended early; see harness.log".to_owned(), escape)
}
