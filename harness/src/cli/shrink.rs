//! `harness shrink`: the smallest workload that fails as a run did, and the smallest history.

mod trials;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::Value;

use trials::{Tally, Target, Trials, Until};

use super::{Failure, reproduce};
use crate::campaign::Guard;
use crate::campaign::earlier::Earlier;
use crate::check::{self, Question};
use crate::cluster::program::Program;
use crate::exit::Exit;
use crate::network::course_2016::RouterKind;
use crate::plan::{FailIs, Plan};
use crate::scenario::Scenario;
use crate::shrink::{candidates, history, reduce, search, workload};
use crate::verdict::answer::AnswerPart;

/// `harness shrink`.
#[derive(Debug, Args)]
pub struct ShrinkArgs {
    /// Folder of a run that was not valid
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Time limit of the search, in seconds; measuring the result comes on top
    #[arg(long, default_value_t = 120, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    budget: u64,
    /// Number of parallel runs
    #[arg(long, default_value_t = 2, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// File for the workload [default: `smallest.json` in the run's folder]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replica program [default: the run's]
    #[arg(long, value_name = "PATH")]
    replica: Option<PathBuf>,
    /// Extra argument for each replica of `--replica`. Can be given several times
    #[arg(
        long = "replica-arg",
        value_name = "ARG",
        allow_hyphen_values = true,
        requires = "replica"
    )]
    replica_arguments: Vec<String>,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Deserialize)]
struct VerdictPart {
    answers: Vec<AnswerPart>,
}

/// Shrinks. Returns 0 if something that fails was written, "undecided" if nothing failed again.
pub fn run(arguments: &ShrinkArgs) -> Result<Exit, Failure> {
    let earlier = Earlier::load(&arguments.run).map_err(Failure::usage)?;
    let target = target(&arguments.run).map_err(Failure::usage)?;
    let (path, words) = match &arguments.replica {
        Some(path) => (path, &arguments.replica_arguments),
        None => (&earlier.replica.path, &earlier.replica.arguments),
    };
    let program = Program::find(path, words.clone()).map_err(Failure::usage)?;
    let whole = workload::of(&earlier.plan.scenario, earlier.plan.seed);
    let whole =
        whole.map_err(|why| Failure::usage(anyhow!("{}: {why}", arguments.run.display())))?;
    let over = smallest_history(arguments, &earlier, &target)?;
    let runner = Runner::start(arguments, earlier.plan, program, target)?;
    let cut = over.and_then(|over| candidates::until(&whole, over));
    let outcome = runner.shrink(&whole, cut.as_ref());
    runner.bar.finish_and_clear();
    let Some(found) = outcome? else { return Ok(Exit::Interrupted) };
    conclude(arguments, &runner, &found)
}

fn target(folder: &Path) -> anyhow::Result<Target> {
    let path = folder.join("verdict.json");
    let shown = path.display();
    let text = fs::read(&path).with_context(|| {
        format!("{shown} cannot be read: a run that was never judged has no failure to keep")
    })?;
    let verdict: VerdictPart =
        serde_json::from_slice(&text).with_context(|| format!("{shown} is no verdict"))?;
    let with = |standing: &str| verdict.answers.iter().find(|it| it.standing == standing);
    let worst = with("invalid").or_else(|| with("unknown"));
    let worst = worst.ok_or_else(|| {
        anyhow!("{}: the run was valid, there is no failure to keep", folder.display())
    })?;
    Ok(Target { question: worst.question.clone(), kind: worst.kind.clone() })
}

/// Writes the smallest history, if the failure is one of the history; returns when its counterexample was over.
fn smallest_history(
    arguments: &ShrinkArgs,
    earlier: &Earlier,
    target: &Target,
) -> Result<Option<Duration>, Failure> {
    if !target.is_of_safety() {
        return Ok(None);
    }
    let question = Question::of_run(earlier.plan.scenario.checker);
    let read = check::read(&arguments.run, &question).map_err(Failure::usage)?.read.history;
    let Some(few) = history::fewest(&read, &question) else {
        super::print(&format!(
            "history      no part of {} shows the failure by itself; the history may have been changed since\n",
            arguments.run.join("history.jsonl").display()
        ))?;
        return Ok(None);
    };
    let path = arguments.run.join("smallest-history.jsonl");
    fs::write(&path, few.text).with_context(|| format!("writing {}", path.display()))?;
    super::print(&format!(
        "history      {} of {} operations are a counterexample ({}): {}\n",
        few.count,
        read.operations().len(),
        target.kind,
        path.display()
    ))?;
    Ok(Some(few.over))
}

/// What the search came to.
struct Found {
    /// How often the whole failed, of how many runs.
    base: Tally,
    smallest: Value,
    /// How often the smallest failed, of how many runs.
    again: Tally,
    runs: u32,
    is_out_of_time: bool,
}

fn conclude(arguments: &ShrinkArgs, runner: &Runner, found: &Found) -> Result<Exit, Failure> {
    let (base, again) = (&found.base, &found.again);
    let Target { question, kind } = &runner.trials.target;
    if base.failed == 0 {
        super::print(&format!(
            "shrink       the whole workload did not fail as {question} ({kind}) in {} runs: \
             there is nothing to make smaller; try again, or with a larger --budget\n",
            base.of
        ))?;
        return Ok(Exit::Undecided);
    }
    let path = arguments.output.clone().unwrap_or_else(|| arguments.run.join("smallest.json"));
    let mut text = serde_json::to_string_pretty(&found.smallest)?;
    text.push('\n');
    fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    let smallest = &found.smallest;
    let of_it = |pointer: &str| smallest.pointer(pointer).map_or("-".to_owned(), Value::to_string);
    let rest = if found.is_out_of_time {
        "; the budget ended first, so it may not be the smallest"
    } else {
        ""
    };
    let program = std::env::args().next().unwrap_or_else(|| "harness".to_owned());
    let words = runner.words();
    super::print(&format!(
        "shrink       {question}{} came in {} of {} runs of the whole workload\n\
         smallest     {} faults, {} replicas, {} clients, {} keys, {} s, after {} runs{rest}\n\
         fails        {} of {} runs, in the same way{}\n\
         workload     {}\n\
         try it       {} run {} --replica {}{words}\n",
        base.told_kinds(),
        base.failed,
        base.of,
        candidates::events(smallest).len(),
        of_it("/replicas"),
        of_it("/clients/count"),
        of_it("/clients/keys"),
        of_it("/lifetime"),
        found.runs,
        again.failed,
        again.of,
        again.told_kinds(),
        path.display(),
        reproduce::quoted(&program),
        reproduce::quoted(&path.display().to_string()),
        reproduce::quoted(&runner.trials.program.path.display().to_string()),
    ))?;
    Ok(if again.failed == 0 { Exit::Undecided } else { Exit::Valid })
}

/// Searches by making runs.
struct Runner {
    trials: Trials,
    begin: Instant,
    budget: Duration,
    bar: ProgressBar,
}

impl Runner {
    fn start(
        arguments: &ShrinkArgs,
        earlier: Plan,
        program: Program,
        target: Target,
    ) -> Result<Self, Failure> {
        let guard = Guard::begin("with the smallest that failed so far")?;
        let bar = if arguments.quiet {
            ProgressBar::hidden()
        } else {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} s  {msg}");
            ProgressBar::new(arguments.budget)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        };
        let trials = Trials {
            earlier,
            program,
            target,
            guard,
            jobs: usize::from(arguments.jobs),
            runs: AtomicUsize::new(0),
        };
        let budget = Duration::from_secs(arguments.budget);
        Ok(Self { trials, begin: Instant::now(), budget, bar })
    }

    /// The search, which tries `cut` first; `None` if it was interrupted.
    fn shrink(&self, whole: &Value, cut: Option<&Value>) -> Result<Option<Found>, Failure> {
        const LEAST_RUNS: usize = 4;
        const AGAIN: usize = 2;
        let at_once = self.trials.jobs.max(LEAST_RUNS);
        self.show(whole, "measuring how often it fails");
        let mut base = self.trials.fails(whole, at_once, Until::All)?;
        // A failure that comes now and then may have stayed away.
        for _ in 0..AGAIN {
            if base.failed == 0 && !self.is_interrupted() && self.begin.elapsed() < self.budget / 2
            {
                base = base.and(self.trials.fails(whole, at_once, Until::All)?);
            }
        }
        let mut smallest = whole.clone();
        let mut again = base.clone();
        let mut is_out_of_time = false;
        if base.failed > 0 {
            let (taken, is_late) = self.search(whole, cut, &base)?;
            is_out_of_time = is_late;
            if !self.is_interrupted() && taken.len() > 1 {
                (smallest, again) = self.reliable(taken, &base, at_once)?;
            }
        }
        if self.is_interrupted() && smallest == *whole {
            return Ok(None);
        }
        let runs = u32::try_from(self.trials.runs.load(Ordering::SeqCst)).unwrap_or(u32::MAX);
        Ok(Some(Found { base, smallest, again, runs, is_out_of_time }))
    }

    /// The workloads that failed, each smaller than the one before, the whole one first; and whether the time
    /// was over before the search was.
    fn search(
        &self,
        whole: &Value,
        cut: Option<&Value>,
        base: &Tally,
    ) -> Result<(Vec<Value>, bool), Failure> {
        let mut taken = vec![whole.clone()];
        let (mut problem, mut is_out_of_time) = (None, false);
        let tries =
            usize::try_from(reduce::tries(base.failed, base.of)).unwrap_or(1).max(self.trials.jobs);
        search::search(whole, cut, &mut |candidate| {
            if problem.is_some() || self.is_interrupted() {
                return None;
            }
            if self.begin.elapsed() > self.budget {
                is_out_of_time = true;
                return None;
            }
            // What is no workload (a heal without a partition) is no smaller failure.
            if Scenario::parse("smallest.json", &candidate.to_string()).is_err() {
                return Some(false);
            }
            self.show(candidate, "trying");
            match self.trials.fails(candidate, tries, Until::OneFails) {
                Ok(tally) if tally.failed == 0 => Some(false),
                Ok(_) => {
                    taken.push(candidate.clone());
                    Some(true)
                }
                Err(failure) => {
                    problem = Some(failure);
                    None
                }
            }
        });
        problem.map_or(Ok((taken, is_out_of_time)), Err)
    }

    /// The smallest of these that fails again: one that was taken after a single failure may have failed by
    /// rare luck, and one that fails now and then may have passed by chance. How often, of how many runs.
    fn reliable(
        &self,
        mut taken: Vec<Value>,
        base: &Tally,
        runs: usize,
    ) -> Result<(Value, Tally), Failure> {
        let mut at = taken.len() - 1;
        while at > 0 {
            self.show(&taken[at], "measuring how often the smallest fails");
            let mut again = self.trials.fails(&taken[at], runs, Until::All)?;
            if again.failed == 0 && !self.is_interrupted() {
                again = again.and(self.trials.fails(&taken[at], runs, Until::All)?);
            }
            if again.failed > 0 || self.is_interrupted() {
                return Ok((taken.swap_remove(at), again));
            }
            at /= 2;
        }
        Ok((taken.swap_remove(0), base.clone()))
    }

    fn is_interrupted(&self) -> bool {
        self.trials.guard.is_interrupted()
    }

    /// What a command line says of the program and its world.
    fn words(&self) -> String {
        let mut words = vec![String::new()];
        for word in &self.trials.program.arguments {
            words.extend(["--replica-arg".to_owned(), reproduce::quoted(word)]);
        }
        if self.trials.earlier.fail_is == FailIs::Definite {
            words.extend(["--fail-is".to_owned(), "definite".to_owned()]);
        }
        if let Some(host) = &self.trials.earlier.host {
            words.extend(["--host".to_owned(), reproduce::quoted(&host.profile.name)]);
        }
        if self.trials.earlier.router != RouterKind::default() {
            words.extend(["--router".to_owned(), self.trials.earlier.router.name().to_owned()]);
        }
        words.join(" ")
    }

    fn show(&self, workload: &Value, what: &str) {
        let events = candidates::events(workload).len();
        let of_it =
            |pointer: &str| workload.pointer(pointer).map_or("-".to_owned(), Value::to_string);
        let runs = self.trials.runs.load(Ordering::SeqCst);
        self.bar.set_position(self.begin.elapsed().as_secs());
        self.bar.set_message(format!(
            "{what}: {events} faults, {} replicas, {} clients ({runs} runs)",
            of_it("/replicas"),
            of_it("/clients/count")
        ));
    }
}
