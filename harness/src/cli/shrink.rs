//! `harness shrink`: the smallest workload that fails as a run did, and the smallest history.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::{Failure, reproduce};
use crate::campaign::Guard;
use crate::campaign::earlier::Earlier;
use crate::campaign::shrinking::{Found, Shrinking};
use crate::campaign::trials::{Target, Trials};
use crate::check::{self, Question};
use crate::cluster::program::Program;
use crate::durability::promise::Promise;
use crate::exit::Exit;
use crate::network::course_2016::RouterKind;
use crate::network::transport::Transport;
use crate::plan::FailIs;
use crate::shrink::{candidates, history, workload};
use crate::system::Port;
use crate::text::counted;
use crate::text::shell::{quoted, quoted_path};
use crate::world::Clock;

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

/// Shrinks. Returns 0 if something that fails was written, "undecided" if nothing failed again.
pub fn run(arguments: &ShrinkArgs) -> Result<Exit, Failure> {
    let earlier = Earlier::load(&arguments.run).map_err(Failure::usage)?;
    let target = Target::of_run(&arguments.run).map_err(Failure::usage)?;
    let (path, words) = match &arguments.replica {
        Some(path) => (path, &arguments.replica_arguments),
        None => (&earlier.replica.path, &earlier.replica.arguments),
    };
    let program = Program::find(path, words.clone()).map_err(Failure::usage)?;
    let program = earlier.as_started(program);
    let plan = &earlier.plan;
    let whole = workload::of(&plan.scenario, plan.seed, plan.system.naming);
    let whole =
        whole.map_err(|why| Failure::usage(anyhow!("{}: {why}", arguments.run.display())))?;
    let over = smallest_history(arguments, &earlier, target)?;
    let guard = Guard::begin("with the smallest that failed so far")?;
    let trials = Trials::new(earlier.plan, program, target, guard, (earlier.clock, arguments.jobs));
    let cut = over.and_then(|over| candidates::until(&whole, over));
    let (bar, begin) = (bar(arguments), Instant::now());
    let shrinking = Shrinking {
        trials: &trials,
        begin,
        budget: Duration::from_secs(arguments.budget),
        each: &|workload, what| show(&bar, begin, &trials, workload, what),
    };
    let outcome = shrinking.shrink(&whole, cut.as_ref());
    bar.finish_and_clear();
    let Some(found) = outcome? else { return Ok(Exit::Interrupted) };
    conclude(arguments, &trials, &found)
}

/// Writes the smallest history, if the failure is one of the history; returns when its counterexample was over.
fn smallest_history(
    arguments: &ShrinkArgs,
    earlier: &Earlier,
    target: Target,
) -> Result<Option<Duration>, Failure> {
    if !target.is_of_safety() {
        return Ok(None);
    }
    let question = Question::of_scenario(&earlier.plan.scenario);
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

fn conclude(arguments: &ShrinkArgs, trials: &Trials, found: &Found) -> Result<Exit, Failure> {
    let (base, again) = (&found.base, &found.again);
    let Target { question, kind } = trials.target;
    let question = question.name();
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
    let rest = if found.is_out_of_time {
        "; the budget ended first, so it may not be the smallest"
    } else {
        ""
    };
    let program = reproduce::own_name();
    let words = words(trials);
    super::print(&format!(
        "shrink       {question}{} came in {} of {} runs of the whole workload\n\
         smallest     {}, {}, {}, {}, {} s, after {}{rest}\n\
         fails        {} of {} runs, in the same way{}\n\
         workload     {}\n\
         try it       {} run {}{words}\n",
        base.told_kinds(),
        base.failed,
        base.of,
        counted(candidates::events(smallest).len(), "fault"),
        count(smallest, "/replicas", "replica"),
        count(smallest, "/clients/count", "client"),
        count(smallest, "/clients/keys", "key"),
        smallest["lifetime"],
        counted(found.runs, "run"),
        again.failed,
        again.of,
        again.told_kinds(),
        path.display(),
        quoted(&program),
        quoted_path(&path),
    ))?;
    Ok(if again.failed == 0 { Exit::Undecided } else { Exit::Valid })
}

/// How many of something a workload has: `3 replicas`; `- keys` where it names no number.
fn count(workload: &Value, pointer: &str, noun: &str) -> String {
    match workload.pointer(pointer).and_then(Value::as_u64) {
        Some(number) => counted(number, noun),
        None => format!("- {noun}s"),
    }
}

/// What a command line says of the program and its world.
fn words(trials: &Trials) -> String {
    let mut words = vec![String::new()];
    let program = quoted_path(&trials.program.path);
    if trials.program.transport == Transport::Stdio {
        let node = trials.program.arguments.iter().map(quoted);
        let node: Vec<String> = std::iter::once(program).chain(node).collect();
        words.extend(["--node".to_owned(), quoted(node.join(" "))]);
    } else {
        words.extend(["--replica".to_owned(), program]);
        for word in &trials.program.arguments {
            words.extend(["--replica-arg".to_owned(), quoted(word)]);
        }
    }
    if trials.clock == Clock::Virtual {
        words.extend(["--clock", "virtual"].map(str::to_owned));
    }
    if let Some(changes) = trials.earlier.changes_of_priorities() {
        words.extend(["--turns".to_owned(), format!("priorities:{changes}")]);
    }
    if trials.earlier.fail_is == FailIs::Definite {
        words.extend(["--fail-is".to_owned(), "definite".to_owned()]);
    }
    let is_asked = trials.earlier.system.port == Port::Course;
    if is_asked && trials.earlier.durability != Promise::default() {
        words.extend(["--durability".to_owned(), trials.earlier.durability.to_string()]);
    }
    if let Some(host) = &trials.earlier.host {
        words.extend(["--host".to_owned(), quoted(&host.profile.name)]);
    }
    if trials.earlier.router != RouterKind::default() {
        words.extend(["--router".to_owned(), trials.earlier.router.name().to_owned()]);
    }
    if trials.program.is_confined {
        words.push("--confined".to_owned());
    }
    for name in &trials.program.passed_variables {
        words.extend(["--pass-env".to_owned(), quoted(name)]);
    }
    words.join(" ")
}

fn bar(arguments: &ShrinkArgs) -> ProgressBar {
    if arguments.quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} s  {msg}");
    ProgressBar::new(arguments.budget)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Which workload is tried now, and what for.
fn show(bar: &ProgressBar, begin: Instant, trials: &Trials, workload: &Value, what: &str) {
    let runs = trials.runs.load(Ordering::SeqCst);
    bar.set_position(begin.elapsed().as_secs());
    bar.set_message(format!(
        "{what}: {}, {}, {} ({})",
        counted(candidates::events(workload).len(), "fault"),
        count(workload, "/replicas", "replica"),
        count(workload, "/clients/count", "client"),
        counted(runs, "run")
    ));
}
