//! One chain: runs side by side until one of them catches the bug.
//!
//! A cluster under faults waits more than it computes, and what shows a bug is a matter of luck: several
//! short runs at a time find it sooner than a long one, also on few processors.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::{CONTROL, Mutants, SCENARIO, STRESS_SUITE};
use crate::exit::Exit;
use crate::os;
use crate::seed::Seed;
use crate::verdict::{Answer, AnswerKind, Question, Standing};
use crate::world::Clock;

/// What became of one chain.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// The verdict that caught it: question and kind.
    pub caught: Option<(String, String)>,
    /// Runs that came to an end, the one that caught it included.
    pub runs: usize,
    /// Until it was caught, or else until the last run was over.
    pub seconds: f64,
    /// Runs whose host was disturbed: they count neither way.
    pub disturbed: usize,
}

/// How a chain goes.
pub struct Way<'a> {
    /// What all chains share.
    pub mutants: &'a Mutants,
    /// The bug.
    pub name: &'a str,
    /// Which of the bug's chains.
    pub seed: u64,
}

/// What the runs of a chain share.
#[derive(Default)]
struct Shared {
    chain: Chain,
    begun: u64,
    /// Those under way, each in its place, until they are waited for: no other process has their ids so long.
    under_way: Vec<Option<Child>>,
    failed: Option<anyhow::Error>,
}

impl Shared {
    fn is_over(&self) -> bool {
        self.chain.caught.is_some() || self.failed.is_some()
    }

    /// As Ctrl-C would: each ends its replicas, and says nothing of use any more.
    fn end_the_others(&self) {
        for child in self.under_way.iter().flatten() {
            if let Ok(pid) = i32::try_from(child.id()) {
                // One that has ended meanwhile hears nothing.
                let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
            }
        }
    }
}

impl Way<'_> {
    /// Runs until one catches the bug, or the time is over.
    pub fn walk(&self) -> anyhow::Result<Chain> {
        let begin = Instant::now();
        let places = usize::from(self.mutants.side_by_side);
        let under_way = (0..places).map(|_| None).collect();
        let shared = Mutex::new(Shared { under_way, ..Shared::default() });
        thread::scope(|scope| {
            for place in 0..places {
                let shared = &shared;
                scope.spawn(move || {
                    let limit = self.mutants.time;
                    while begin.elapsed() < limit && !lock(shared).is_over() {
                        let (seed, outcome) = self.run(place, shared);
                        let mut shared = lock(shared);
                        if shared.is_over() {
                            return self.forget(seed);
                        }
                        match outcome {
                            Ok(line) => note(&mut shared.chain, &line, begin.elapsed()),
                            Err(error) => shared.failed = Some(error),
                        }
                        if !shared.is_over() {
                            self.forget(seed);
                        }
                        if shared.is_over() {
                            shared.end_the_others();
                        }
                    }
                });
            }
        });
        let shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        shared.failed.map_or(Ok(shared.chain), Err)
    }

    /// One run: its seed, and what it says at its end.
    fn run(&self, place: usize, shared: &Mutex<Shared>) -> (u64, anyhow::Result<Value>) {
        let number = {
            let mut shared = lock(shared);
            shared.begun += 1;
            shared.begun - 1
        };
        let seeds = Seed(self.mutants.seed).derive(self.name).derive(&self.seed.to_string());
        // One that a person can type again.
        let seed = seeds.draw(number) >> 32;
        (seed, self.run_with(seed, place, shared))
    }

    fn run_with(&self, seed: u64, place: usize, shared: &Mutex<Shared>) -> anyhow::Result<Value> {
        let (mut stdout, mut stderr) = {
            let mut shared = lock(shared);
            anyhow::ensure!(!shared.is_over(), "no more runs are needed");
            let mut child = self.command(seed)?.spawn().context("starting a run")?;
            let pipes = (child.stdout.take(), child.stderr.take());
            shared.under_way[place] = Some(child);
            (pipes.0.context("a run's output")?, pipes.1.context("a run's errors")?)
        };
        let (mut line, mut errors) = (Vec::new(), String::new());
        stdout.read_to_end(&mut line).context("reading a run's line")?;
        stderr.read_to_string(&mut errors).context("reading a run's errors")?;
        let status = {
            let child = lock(shared).under_way[place].take();
            child.context("a run that is under way")?.wait()?
        };
        let code = status.code().unwrap_or(1);
        anyhow::ensure!(
            ![1, 2, i32::from(Exit::Interrupted.code())].contains(&code),
            "a run of {} ended with exit code {code}: {}",
            self.name,
            errors.trim_end()
        );
        serde_json::from_slice(&line).context("reading a run's line")
    }

    /// Hundreds of runs that found nothing would fill a disk: some twenty megabytes each.
    fn forget(&self, seed: u64) {
        let Ok(folders) = std::fs::read_dir(self.mutants.results.join(SCENARIO)) else { return };
        let suffix = format!("-{seed}");
        let is_it = |name: &str| name.ends_with(&suffix);
        for folder in folders.filter_map(Result::ok) {
            if folder.file_name().to_str().is_some_and(is_it) {
                // What stays is no harm to the table.
                let _ = std::fs::remove_dir_all(folder.path());
            }
        }
    }

    fn command(&self, seed: u64) -> anyhow::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([
            "run",
            STRESS_SUITE,
            "--quiet",
            "--format",
            "json",
            "--transport",
            "seqpacket",
        ]);
        command.args(["--seed", &seed.to_string()]);
        if self.mutants.clock == Clock::Virtual {
            command.args(["--clock", "virtual"]);
        }
        command
            .arg("--replica")
            .arg(&self.mutants.replica)
            .arg("--results")
            .arg(&self.mutants.results);
        let mut words = vec!["--data-dir", "{data}"];
        if self.name != CONTROL {
            words.extend(["--bug", self.name]);
        }
        for word in words {
            command.args(["--replica-arg", word]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // The thread that starts it waits for its end.
        os::die_with_parent(&mut command);
        Ok(command)
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run is over.
fn note(chain: &mut Chain, line: &Value, after: Duration) {
    chain.runs += 1;
    chain.seconds = after.as_secs_f64();
    let answers: Vec<Answer> = serde_json::from_value(line["answers"].clone()).unwrap_or_default();
    chain.disturbed += usize::from(bad(&answers, Question::Environment).is_some());
    let told = |question: Question| {
        Some((question.name().to_owned(), bad(&answers, question)?.name().to_owned()))
    };
    chain.caught = Question::OWED.into_iter().find_map(told);
}

/// The kind of the answer to `question`, if it is a bad one.
fn bad(answers: &[Answer], question: Question) -> Option<AnswerKind> {
    let answer = answers.iter().find(|answer| answer.question == question)?;
    (answer.standing == Standing::Invalid).then_some(answer.kind)
}
