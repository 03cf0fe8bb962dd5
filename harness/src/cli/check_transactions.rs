//! `harness check` of a history of transactions: which isolation levels it keeps.

use std::path::Path;

use checker::transactional::explain::Levels;
use checker::transactional::{Evidence, Explanation, Level};
use serde::Serialize;

use super::check::{CheckArgs, Way};
use super::{Failure, Format};
use crate::check::transactions::{Asked, DEFAULT_LEVEL};
use crate::exit::Exit;
use crate::report;
use crate::verdict::{Verdict, transactions};

/// The line of one history, for machines.
#[derive(Serialize)]
struct Line<'a> {
    history: String,
    model: &'static str,
    level: Level,
    exit_code: u8,
    #[serde(flatten)]
    verdict: &'a Verdict,
    levels: Levels,
    anomalies: Vec<Explanation>,
    transactions: Evidence,
}

/// Judges a history that is read, and prints the verdict.
pub(super) fn one(
    path: &Path,
    asked: &Asked,
    arguments: &CheckArgs,
    is_one: bool,
) -> Result<Exit, Failure> {
    refuse(arguments)?;
    let history = path.display();
    if let Some(line) = asked.torn {
        eprintln!("harness: {history}: the end is torn at line {line}; what is torn is left out");
    }
    let level = arguments.level.unwrap_or(DEFAULT_LEVEL);
    let outcome = asked.judge();
    let (mut safety, explanation) = match &asked.cut {
        Some(sentence) => (transactions::cut(sentence), None),
        None => transactions::safety(&asked.transactions, &outcome, level),
    };
    let evidence = match &asked.cut {
        Some(_) => transactions::unfinished(&safety),
        None => transactions::evidence(&outcome, &safety),
    };
    safety.details.extend(asked.found.clone());
    let verdict = Verdict { answers: vec![safety, evidence], is_interrupted: false };
    let text = match arguments.output {
        Format::Json => {
            let others = outcome.found.iter().map(|found| {
                let level = found.refutes.first().copied().unwrap_or(level);
                checker::transactional::explain(&asked.transactions, &outcome, found, level)
            });
            // What refutes the level asked for comes first.
            let mut anomalies: Vec<Explanation> = explanation.into_iter().collect();
            for other in others {
                let is_known =
                    |it: &Explanation| it.edges == other.edges && it.anomaly == other.anomaly;
                if !anomalies.iter().any(is_known) {
                    anomalies.push(other);
                }
            }
            let line = Line {
                history: history.to_string(),
                model: asked.model.name(),
                level,
                exit_code: verdict.exit().code(),
                verdict: &verdict,
                levels: Levels::of(&outcome),
                anomalies,
                transactions: outcome.evidence,
            };
            format!("{}\n", serde_json::to_string(&line)?)
        }
        Format::Human => {
            let title = if is_one { String::new() } else { format!("{history}\n") };
            format!("{title}{}", report::verdict_lines(&verdict, super::style()))
        }
    };
    super::print(&text)?;
    Ok(verdict.exit())
}

/// Options that mean nothing here.
fn refuse(arguments: &CheckArgs) -> Result<(), Failure> {
    let given = [
        (arguments.initial.is_some(), "--initial"),
        (arguments.algorithm != Way::Auto, "--algorithm"),
        (arguments.show_order, "--show-order"),
        (arguments.all_keys, "--all-keys"),
        (arguments.lenient, "--lenient"),
        (arguments.strict_time, "--strict-time"),
        (arguments.failed_cas.is_some(), "--failed-cas"),
    ];
    match given.iter().find(|it| it.0) {
        None => Ok(()),
        Some((_, option)) => {
            let sentence = format!("{option} is not for histories of transactions; leave it out");
            Err(Failure::usage(anyhow::anyhow!(sentence)))
        }
    }
}
