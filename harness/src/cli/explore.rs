//! `harness explore`: many runs of a workload in virtual time, until one fails: many seeds, or all kill points of one.

use std::fmt::Write as _;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;

use super::{ClockChoice, Failure, Format, RunOptions, reproduce, session};
use crate::campaign::exact::{self, Comparison};
use crate::campaign::explore::{Explore, Explored};
use crate::campaign::job::Job;
use crate::campaign::kill_point::{self, KillPoints};
use crate::campaign::{Guard, signals};
use crate::exit::Exit;
use crate::fault::BeforeCall;
use crate::plan;
use crate::scenario::Scenario;
use crate::seed::Seed;
use crate::text::counted;
use crate::world::{self, Clock};

/// `harness explore`.
#[derive(Debug, Args)]
pub struct ExploreArgs {
    /// Workload file (JSON)
    #[arg(value_name = "WORKLOAD")]
    workload: PathBuf,
    /// Real time that it may take: `60s`, `5m`, `1h`
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = time)]
    budget: Duration,
    /// Number of seeds, or kill points, at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// The first seed; the others follow it [default: the workload's, else 1]
    #[arg(long)]
    seed: Option<u64>,
    /// Kill the leader before its first call of a kind (`send`, `fsync`, `rename`), in the next run before its second, and
    /// so on until there are no more, all with one seed; `send:44` begins with the 44th
    #[arg(long, value_name = "CALL")]
    kill_points: Option<KillPoints>,
    /// Go on after a finding, to the end of the budget
    #[arg(long)]
    go_on: bool,
    #[command(flatten)]
    options: RunOptions,
}

/// A time with its unit: seconds where there is none.
fn time(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let seconds = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => 0,
    };
    let time = number.parse::<u64>().ok().and_then(|number| number.checked_mul(seconds));
    match time {
        Some(1..=31_536_000) => Ok(Duration::from_secs(time.unwrap_or_default())),
        _ => Err("give a time such as `60s`, `5m` or `1h`, at most a year".to_owned()),
    }
}

/// Explores; prints the first finding as a run that was made twice.
pub fn run(arguments: &ExploreArgs) -> Result<Exit, Failure> {
    let options = &arguments.options;
    if options.clock == Some(ClockChoice::Real) {
        let problem = "explore has its runs in virtual time; leave `--clock real` out";
        return Err(Failure::usage(anyhow::anyhow!(problem)));
    }
    let scenario =
        Scenario::load_as(&arguments.workload, options.system().naming).map_err(Failure::usage)?;
    let host = session::simulated_host(options)?;
    let first = Seed(arguments.seed.or(scenario.seed).unwrap_or(1));
    let keeps_data = plan::keeps_data(&options.replica_arguments);
    let draw = |number: u64| match arguments.kill_points {
        None => options.draw(&scenario, Seed(first.0.wrapping_add(number)), host.as_ref()),
        Some(points) => {
            let mut scenario = scenario.clone();
            kill_point::add_to(&mut scenario, points.point(number), keeps_data);
            options.draw(&scenario, first, host.as_ref())
        }
    };
    let job = |number: u64| {
        let (plan, workload) = (Arc::new(draw(number)), &arguments.workload);
        let reproduce = match arguments.kill_points {
            None => reproduce::run(workload, None, plan.seed, options, Clock::Virtual),
            Some(points) => reproduce::kill_point(workload, first, points.point(number), options),
        };
        Job { number: 0, is_again: false, source: workload.clone(), plan, reproduce }
    };
    let is_shown = !options.quiet && options.format == Format::Human;
    let guard = Guard::begin(signals::TO_JUDGE)?;
    let mut program = session::program(options)?;
    program.transport = match options.way() {
        Some(transport) => transport,
        None => session::find_transport(&program, &[job(0)], &guard, is_shown)?,
    };
    draw(0).check_program(&program.arguments).map_err(Failure::usage)?;
    if let Some(why) = world::obstacle(&draw(0)) {
        return Err(Failure::usage(anyhow::anyhow!("cannot explore: {why}")));
    }
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let bar = if is_shown { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    let explore = Explore {
        program: program.clone(),
        guard,
        draw: &draw,
        jobs: options.jobs.map_or(processors, usize::from),
        budget: arguments.budget,
        most: arguments.seeds.unwrap_or(u64::MAX),
        is_finding: if arguments.go_on { |_| false } else { |exit| exit != Exit::Valid },
    };
    let explored = explore.run(|explored| bar.set_message(told(explored, arguments)))?;
    let is_interrupted = explore.guard.is_interrupted();
    drop(explore);
    bar.finish_and_clear();
    if options.format == Format::Human {
        super::print(&format!("explored     {}\n", told(&explored, arguments)))?;
        super::print(&failures(&explored, arguments))?;
    }
    let Some(found) = explored.failed.first() else {
        return Ok(if is_interrupted { Exit::Interrupted } else { Exit::Valid });
    };
    // Twice: only then is it said to be exact. The second is shown by what it adds.
    let transport = program.transport;
    let making = |is_silent| session::Making {
        at_once: 1,
        is_silent,
        until: |_| false,
        way: Some(transport),
        clock: Clock::Virtual,
    };
    let shown = session::make_all(&[job(found.number)], program.clone(), options, &making(false))?;
    let again = session::make_all(&[job(found.number)], program, options, &making(true))?;
    let compared: Vec<Comparison> = shown
        .summaries
        .iter()
        .zip(&again.summaries)
        .map(|(shown, again)| exact::compare(&shown.folder, &again.folder))
        .collect();
    if options.format == Format::Human {
        super::print(&format!(
            "made again   {}\n",
            compared.first().map(Comparison::told).unwrap_or_default()
        ))?;
    }
    Ok(session::worst(&shown.exits))
}

/// How far it is.
fn told(explored: &Explored, arguments: &ExploreArgs) -> String {
    let took = explored.took.as_secs_f64().max(1e-9);
    let mut text = format!(
        "{} in {took:.1} s: {:.0} a minute, {:.0} virtual seconds a second; {} did something new",
        counted(
            usize::try_from(explored.runs).unwrap_or(usize::MAX),
            if arguments.kill_points.is_some() { "kill point" } else { "seed" }
        ),
        explored.runs as f64 * 60.0 / took,
        explored.virtual_time.as_secs_f64() / took,
        explored.new,
    );
    if explored.not_exact > 0 {
        let _ = write!(text, "; {} not exact", explored.not_exact);
    }
    text
}

/// A line for each run that failed.
fn failures(explored: &Explored, arguments: &ExploreArgs) -> String {
    let line = |it: &crate::campaign::explore::Failed| {
        let end = reproduce::end(&it.verdict.answers);
        match arguments.kill_points.map(|points| points.point(it.number)) {
            None => format!("  seed {}: {end}\n", it.seed),
            Some(BeforeCall { call, n }) => {
                format!("  leader killed before its {} {n}: {end}\n", call.name())
            }
        }
    };
    explored.failed.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        let seconds = |text| time(text).ok().map(|time| time.as_secs());
        let times = ["60s", "5m", "1h", "7"].map(seconds);
        assert_eq!(times, [Some(60), Some(300), Some(3_600), Some(7)]);
        let wrong = ["", "s", "0s", "-1s", "1.5s", "60 s", "99999999999999999999h", "ten"];
        assert!(wrong.into_iter().all(|text| time(text).is_err()));
    }
}
