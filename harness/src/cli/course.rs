//! `harness course`: the course's configs as the course judges them, and what it cannot say.

mod again;

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::one_run::{self, RunSummary};
use super::session::{self, Made, Making};
use super::{Failure, Format, RunOptions, reproduce};
use crate::campaign::job::Job;
use crate::course::configs::{self, Config, UnknownConfig};
use crate::exit::Exit;
use crate::scenario::host::profile::Profile;
use crate::scenario::{Era, Scenario};
use crate::seed::Seed;
use crate::text::{bytes_shown, escape};
use crate::verdict::{Question, Standing};

/// `harness course`.
#[derive(Debug, Args)]
pub struct CourseArgs {
    /// Name of a published config (`simple-1`), a config file, several with commas between, or `all`
    #[arg(value_name = "CONFIG")]
    config: OsString,
    /// Era of the configs and rules
    #[arg(long, value_enum, default_value_t = CourseEra::Y2021)]
    era: CourseEra,
    /// Seed of every random choice [default: the config's, else a new one]
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    options: RunOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CourseEra {
    /// Limits on failures, messages and mean latency, by test
    #[value(name = "2016")]
    Y2016,
    /// Correctness and tiers
    #[value(name = "2021")]
    Y2021,
}

impl From<CourseEra> for Era {
    fn from(era: CourseEra) -> Self {
        match era {
            CourseEra::Y2016 => Self::Y2016,
            CourseEra::Y2021 => Self::Y2021,
        }
    }
}

/// Seeds of the trial that follows all configs.
const TRIALS: u64 = 3;

/// Runs the configs side by side, and what the course does not ask; returns the worst exit code.
///
/// The trial's runs stand behind the configs: each begins when one of those is over, so that there are never more
/// at a time than the configs alone would be, and none waits for the longest config.
pub fn run(arguments: &CourseArgs) -> Result<Exit, Failure> {
    let options = &arguments.options;
    let era = arguments.era.into();
    let (configs, shared) = scenarios(arguments, era)?;
    let program = session::program(options)?;
    let host = session::simulated_host(options)?;
    let asked = configs.len();
    // One config and its twin need no more time than one of them.
    let side_by_side = if asked == 1 { 2 } else { asked };
    let mut jobs = jobs(arguments, configs, 0, host.as_ref());
    jobs.extend(self::jobs(arguments, shared, asked, host.as_ref()));
    let is_human = options.format == Format::Human;
    let making = Making {
        at_once: options.jobs.map_or(side_by_side, usize::from),
        is_silent: is_human,
        until: |_| false,
        way: options.transport.given(),
        clock: crate::world::Clock::Real,
    };
    let Made { exits, mut summaries, transport } =
        session::make_all(&jobs, program.clone(), options, &making)?;
    let mut worst = session::worst(&exits);
    if making.at_once > 1 && !exits.contains(&Exit::Interrupted) {
        let alone = Making { at_once: 1, way: Some(transport), ..making };
        again::make(&jobs[..asked], &mut summaries, |job| {
            session::make_all(std::slice::from_ref(job), program.clone(), options, &alone)
        })?;
        worst = summaries.iter().map(|summary| summary.exit).fold(Exit::Valid, Exit::join);
    }
    if is_human {
        for summary in &summaries {
            one_run::warn(&summary.name, summary.seed, &summary.warnings);
        }
        let (course, shared): (Vec<&RunSummary>, Vec<&RunSummary>) =
            summaries.iter().partition(|summary| summary.number < asked);
        super::print(&course_text(&course, era))?;
        super::print(&shared_text(&shared))?;
    }
    session::write_junit(&summaries, options);
    Ok(worst)
}

type Scenarios = Vec<(OsString, Scenario)>;

/// What is run for the course, and what is run besides.
fn scenarios(arguments: &CourseArgs, era: Era) -> Result<(Scenarios, Scenarios), Failure> {
    let names = configs::listed(&arguments.config);
    let mut configs = Vec::new();
    let mut shared = Vec::new();
    for name in names {
        let (course, twin) = config(name, era)?;
        configs.push((name.to_owned(), course));
        shared.push((name.to_owned(), twin));
    }
    if configs.len() > 1 {
        shared = trials(arguments.seed.map_or_else(Seed::from_entropy, Seed))?;
    }
    Ok((configs, shared))
}

/// The stress suite with seeds that follow one another.
fn trials(first: Seed) -> Result<Scenarios, Failure> {
    let trial = |n| {
        let seed = Seed(first.0.wrapping_add(n));
        let scenario = configs::stress(seed).map_err(Failure::usage)?;
        Ok((OsString::from("stress"), Scenario { seed: Some(seed.0), ..scenario }))
    };
    (0..TRIALS).map(trial).collect()
}

/// A published config, or that in a file; and the same with shared keys.
fn config(name: &OsStr, era: Era) -> Result<(Scenario, Scenario), Failure> {
    if let Some(config) = Config::named(name) {
        let course = config.scenario(era).map_err(Failure::usage)?;
        return Ok((course, config.shared(era).map_err(Failure::usage)?));
    }
    let path = Path::new(name);
    if !path.exists() && !name.as_bytes().iter().any(|byte| b"/.".contains(byte)) {
        return Err(Failure::usage(UnknownConfig(bytes_shown(name))));
    }
    let course = Scenario::load(path).map_err(Failure::usage)?;
    let text = std::fs::read_to_string(path).map_err(Failure::usage)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok((course, configs::with_shared_keys(&stem, &text).map_err(Failure::usage)?))
}

fn jobs(
    arguments: &CourseArgs,
    scenarios: Scenarios,
    from: usize,
    host: Option<&Profile>,
) -> Vec<Job> {
    let job = |(n, (name, scenario)): (usize, (OsString, Scenario))| {
        let is_trial = name == "stress";
        let given = if is_trial { scenario.seed } else { arguments.seed.or(scenario.seed) };
        let seed = given.map_or_else(Seed::from_entropy, Seed);
        let reproduce = if is_trial {
            reproduce::stress(seed, &arguments.options)
        } else {
            reproduce::course(&name, Era::from(arguments.era), seed, &arguments.options)
        };
        let plan = Arc::new(arguments.options.draw(&scenario, seed, host));
        Job { number: from + n, source: name.into(), plan, reproduce, is_again: false }
    };
    scenarios.into_iter().enumerate().map(job).collect()
}

/// What the course prints of each, and a table of them.
fn course_text(summaries: &[&RunSummary], era: Era) -> String {
    let mut text = String::new();
    let mut rows = String::new();
    let mut passed = 0;
    for summary in summaries {
        let _ = writeln!(text, "{}", escape(&summary.name));
        for line in summary.statistics.lines() {
            let _ = writeln!(text, "    {}", escape(&line));
        }
        let word = match &summary.judgement {
            None => "not judged",
            Some(judgement) if judgement.passed => "passed",
            Some(_) => "failed",
        };
        passed += usize::from(word == "passed");
        let judged = summary.judgement.iter().flat_map(crate::course::CourseJudgement::lines);
        for line in judged {
            let _ = writeln!(text, "    {}", escape(&line));
        }
        for answer in summary.verdict.answers.iter().filter(|it| it.standing != Standing::Valid) {
            let (question, standing) = (answer.question.name(), answer.standing.name());
            let sentence = escape(&answer.sentence);
            let _ = writeln!(text, "    {question} {standing}: {sentence}");
        }
        if let Some(earlier) = &summary.earlier {
            let _ = writeln!(text, "    run again alone: {}", escape(earlier));
        }
        let _ = write!(text, "    reproduce: {}\n\n", summary.reproduce);
        let tiers = summary.judgement.as_ref().and_then(|it| it.tiers.as_ref()).map(|tiers| {
            let numbers = tiers.each().map(|(_, tier)| {
                tier.map_or_else(|| "-".to_owned(), |tier| tier.number().to_string())
            });
            numbers.join(" ")
        });
        let _ = writeln!(
            rows,
            "{:<28} {:<10} {:<10} {:>9} {:>9} {:>9.3} ms",
            escape(&summary.name),
            word,
            tiers.unwrap_or_else(|| "-".to_owned()),
            summary.statistics.messages_sent,
            summary.statistics.failures(),
            summary.statistics.median_latency_s * 1e3,
        );
    }
    if summaries.len() > 1 {
        let header = format!(
            "{:<28} {:<10} {:<10} {:>9} {:>9} {:>12}\n",
            "config", "course", "tiers", "messages", "failures", "median"
        );
        text.push_str(&header);
        text.push_str(&rows);
    }
    let of = summaries.len();
    let _ = writeln!(text, "{passed} of {of} passed by the course's rules of {era}");
    text.push_str(&besides(summaries));
    text.push('\n');
    text
}

/// What the harness found wrong that the course's rules do not ask for: by question, in which runs.
fn besides(summaries: &[&RunSummary]) -> String {
    let mut text = String::new();
    for question in Question::OWED {
        let is_wrong = |summary: &&&RunSummary| {
            let answer = summary.verdict.answer(question);
            answer.is_some_and(|answer| answer.standing == Standing::Invalid)
        };
        let runs: Vec<_> =
            summaries.iter().filter(is_wrong).map(|summary| escape(&summary.name)).collect();
        if !runs.is_empty() {
            let _ = writeln!(text, "but {} invalid in {}", question.name(), runs.join(", "));
        }
    }
    text
}

/// What the course cannot say.
fn shared_text(summaries: &[&RunSummary]) -> String {
    let mut text = "with shared keys\n".to_owned();
    for summary in summaries {
        for answer in &summary.verdict.answers {
            let is_news = answer.standing != Standing::Valid;
            if answer.question != Question::Safety && !is_news {
                continue;
            }
            let _ = writeln!(
                text,
                "    {:<24} {:<12} {:<8} {} ({})",
                format!("{} seed {}", escape(&summary.name), summary.seed),
                answer.question.name(),
                answer.standing.name(),
                escape(&answer.sentence),
                answer.kind
            );
            if is_news {
                for line in &answer.details {
                    let _ = writeln!(text, "        {}", escape(line));
                }
            }
        }
        if summary.exit != Exit::Valid {
            let _ = writeln!(text, "        reproduce: {}", summary.reproduce);
        }
    }
    let broken = summaries.iter().any(|summary| {
        summary.verdict.answers.iter().any(|answer| {
            answer.question == Question::Safety && answer.standing == Standing::Invalid
        })
    });
    let word = match (summaries.is_empty(), broken) {
        (true, _) => "not tried",
        (_, true) => "not linearizable",
        _ => "linearizable in what was seen",
    };
    let _ = writeln!(text, "the store is {word}");
    text.push_str(&besides(summaries));
    text
}
