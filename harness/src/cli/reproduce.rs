//! Runs again: the commands that do it, and what an earlier run left for it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use serde::Deserialize;

use super::{ClockChoice, FailMeaning, RESULTS, RunOptions};
use crate::campaign::earlier::read;
use crate::campaign::exact::Comparison;
use crate::fault::BeforeCall;
use crate::scenario::Era;
use crate::seed::Seed;
use crate::text::shell::{quoted, quoted_path};
use crate::verdict::{Answer, Standing};
use crate::world::Clock;

/// The parts of `verdict.json` that matter here.
#[derive(Deserialize)]
struct VerdictPart {
    answers: Vec<Answer>,
}

/// How a run ended: `valid`, or its worst question with the kind of the answer.
pub fn end(answers: &[Answer]) -> String {
    let with = |standing| answers.iter().find(|answer| answer.standing == standing);
    with(Standing::Invalid).or_else(|| with(Standing::Unknown)).map_or_else(
        || "valid".to_owned(),
        |worst| format!("{} {} ({})", worst.question.name(), worst.standing.name(), worst.kind),
    )
}

/// How the run in `folder` ended; `None` if it was never judged.
pub fn earlier_end(folder: &Path) -> Option<String> {
    read::<VerdictPart>(&folder.join("verdict.json")).ok().map(|verdict| end(&verdict.answers))
}

/// What came of the run in `folder`; nothing if it was never judged.
pub fn earlier_answers(folder: &Path) -> Vec<Answer> {
    read::<VerdictPart>(&folder.join("verdict.json")).map_or(Vec::new(), |verdict| verdict.answers)
}

/// How often the earlier verdict came again, and which others came.
pub fn summary(ends: &[String], earlier: Option<&str>) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for end in ends {
        *counts.entry(end).or_default() += 1;
    }
    let came = |earlier| {
        let same = counts.get(earlier).copied().unwrap_or(0);
        format!("the earlier verdict, {earlier}, came back {same} of {} times", ends.len())
    };
    let again = earlier.map_or_else(|| "the earlier run was never judged".to_owned(), came);
    let others: Vec<String> = counts
        .iter()
        .filter(|(end, _)| Some(**end) != earlier)
        .map(|(end, count)| format!("{end}: {count}"))
        .collect();
    let others = match others.as_slice() {
        [] => String::new(),
        others => format!("; besides, {}", others.join(", ")),
    };
    format!(
        "replay       {again}{others}\n             the plan was the same each time; processes and their \
         timing were not, so this is a rate"
    )
}

/// How the runs of a replay in virtual time compare with the earlier run.
pub fn exactness(compared: &[Comparison]) -> String {
    let same = compared.iter().filter(|it| **it == Comparison::Same).count();
    let first_other = compared.iter().find(|it| **it != Comparison::Same);
    let told = first_other.or(compared.first()).map(Comparison::told).unwrap_or_default();
    match compared.len() {
        1 => format!("replay       {told}"),
        all => format!("replay       {same} of {all} were exact; {told}"),
    }
}

/// The command that runs this workload again.
pub fn run(
    workload: &Path,
    system: Option<&Path>,
    seed: Seed,
    options: &RunOptions,
    clock: Clock,
) -> String {
    let mut words = vec!["run".to_owned(), quoted_path(workload)];
    if let Some(file) = system {
        words.extend(["--system".to_owned(), quoted_path(file)]);
    }
    words.extend(["--seed".to_owned(), seed.to_string()]);
    // What the command line says is said with all that it says.
    if clock == Clock::Virtual && options.clock != Some(ClockChoice::Virtual) {
        words.extend(["--clock".to_owned(), "virtual".to_owned()]);
    }
    command(words, options)
}

/// The command that kills the leader before this one call again.
pub fn kill_point(workload: &Path, seed: Seed, before: BeforeCall, options: &RunOptions) -> String {
    let point = format!("{}:{}", before.call.name(), before.n);
    let mut words = vec!["explore".to_owned(), quoted_path(workload)];
    words.extend(["--seed".to_owned(), seed.to_string()]);
    words.extend(["--kill-points".to_owned(), point]);
    words.extend(["--seeds", "1"].map(str::to_owned));
    command(words, options)
}

/// The command that makes this one run of the stress suite again.
pub fn stress(seed: Seed, options: &RunOptions) -> String {
    let words = ["run", "--stress", "--seeds", "1", "--seed"].map(str::to_owned);
    let mut words = words.to_vec();
    words.push(seed.to_string());
    command(words, options)
}

/// The command that runs this config of the course again.
pub fn course(config: &OsStr, era: Era, seed: Seed, options: &RunOptions) -> String {
    let mut words = vec!["course".to_owned(), quoted(config)];
    words.extend(["--era".to_owned(), era.to_string(), "--seed".to_owned(), seed.to_string()]);
    command(words, options)
}

/// The command that replays this run again.
pub fn replay(folder: &Path, options: &RunOptions) -> String {
    command(vec!["replay".to_owned(), quoted_path(folder)], options)
}

/// How this program was called.
pub fn own_name() -> OsString {
    std::env::args_os().next().unwrap_or_else(|| "harness".into())
}

fn command(words: Vec<String>, options: &RunOptions) -> String {
    let mut line = vec![quoted(own_name())];
    line.extend(words);
    if let Some(replica) = &options.replica {
        line.extend(["--replica".to_owned(), quoted_path(replica)]);
    }
    if let Some(node) = &options.node {
        line.extend(["--node".to_owned(), quoted(node)]);
    }
    if let Some(transport) = options.transport.given() {
        line.extend(["--transport".to_owned(), transport.to_string()]);
    }
    if options.fail_is == FailMeaning::Definite {
        line.extend(["--fail-is".to_owned(), "definite".to_owned()]);
    }
    if options.clock == Some(ClockChoice::Virtual) {
        line.extend(["--clock".to_owned(), "virtual".to_owned()]);
    }
    if let Some(turns) = options.turns {
        line.extend(["--turns".to_owned(), turns.to_string()]);
    }
    if let Some(promise) = options.durability {
        line.extend(["--durability".to_owned(), promise.to_string()]);
    }
    for argument in &options.replica_arguments {
        line.extend(["--replica-arg".to_owned(), quoted(argument)]);
    }
    if let Some(host) = &options.host {
        line.extend(["--host".to_owned(), quoted(host)]);
    }
    if let Some(router) = options.router {
        line.extend(["--router".to_owned(), router.name().to_owned()]);
    }
    if options.confined {
        line.push("--confined".to_owned());
    }
    for name in &options.passed_variables {
        line.extend(["--pass-env".to_owned(), quoted(name)]);
    }
    if options.results != Path::new(RESULTS) {
        line.extend(["--results".to_owned(), quoted_path(&options.results)]);
    }
    line.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_tells_the_same_kind_from_another() {
        let stale = "safety invalid (stale read)".to_owned();
        let ends = [
            stale.clone(),
            "valid".to_owned(),
            stale.clone(),
            "safety invalid (lost write)".to_owned(),
        ];
        let told = summary(&ends, Some(&stale));
        let first = "replay       the earlier verdict, safety invalid (stale read), came back 2 of 4 times; \
                     besides, safety invalid (lost write): 1, valid: 1";
        assert_eq!(told.lines().next(), Some(first));
        assert!(summary(&ends, None).contains("never judged"));
    }
}
