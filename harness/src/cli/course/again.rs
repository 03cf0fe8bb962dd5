//! Configs that failed while the host was disturbed: each is run again, alone.
//!
//! Slowness excuses no wrong answer and no crash, so these stand. Everything else may be the host's, which has less to
//! do for one run. Once some have failed again on a host that kept up, the failures are the program's.

use crate::campaign::job::Job;
use crate::cli::Failure;
use crate::cli::one_run::RunSummary;
use crate::cli::session::Made;
use crate::exit::Exit;
use crate::text::{counted, escape, was};

/// After so many that failed again on a host that kept up, the others are left as they are.
const ENOUGH: usize = 3;

/// Runs again what may have failed for the host's sake, one after the other; the new summaries take the places of the
/// old ones.
pub fn make(
    jobs: &[Job],
    summaries: &mut [RunSummary],
    run: impl Fn(&Job) -> Result<Made, Failure>,
) -> Result<(), Failure> {
    let mut failed_again = 0;
    let mut left = 0;
    for summary in summaries {
        let Some(job) = jobs.iter().find(|job| job.number == summary.number) else { continue };
        let Some(reason) = reason(summary) else { continue };
        if failed_again >= ENOUGH {
            left += 1;
            continue;
        }
        eprintln!("harness: {} {reason}; it is run again alone", escape(&summary.name));
        let made = run(&Job { is_again: true, ..job.clone() })?;
        let Some(again) = made.summaries.into_iter().next() else { break };
        failed_again += usize::from(is_bad(&again) && again.disturbed_by.is_none());
        let earlier = format!("before, side by side with others, it {reason}");
        *summary = RunSummary { earlier: Some(earlier), ..again };
        if summary.exit == Exit::Interrupted {
            break;
        }
    }
    if left > 0 {
        eprintln!(
            "harness: {} {} not run again: {ENOUGH} failed again on a host that kept up",
            counted(left, "more config"),
            was(left)
        );
    }
    Ok(())
}

fn is_bad(summary: &RunSummary) -> bool {
    summary.exit != Exit::Valid || summary.judgement.as_ref().is_some_and(|it| !it.passed)
}

/// How it failed, and what the host did meanwhile; nothing if it did not fail, or in a way that no host excuses.
fn reason(summary: &RunSummary) -> Option<String> {
    let disturbance = summary.disturbed_by.as_ref()?;
    let how = match summary.exit {
        Exit::Valid => "failed by the course's rules".to_owned(),
        Exit::Liveness | Exit::Environment | Exit::Vacuous | Exit::Undecided => {
            format!("failed ({})", summary.end)
        }
        _ => return None,
    };
    is_bad(summary).then(|| format!("{how} while the host was disturbed ({})", escape(disturbance)))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::network::transport::Transport;
    use crate::report::junit::JunitRun;
    use crate::report::sample::Sample;

    /// The n-th config of a command, which ended so while the host was disturbed, or was not.
    fn summary(number: usize, exit: Exit, disturbed_by: Option<&str>) -> RunSummary {
        let sample = Sample::new();
        let finished = sample.finished(Path::new("results"));
        RunSummary {
            number,
            folder: format!("run-{number}").into(),
            name: format!("config-{number}"),
            seed: sample.record.plan.seed,
            exit,
            verdict: sample.verdict.clone(),
            statistics: finished.statistics.clone(),
            judgement: None,
            end: "liveness: unanswered".to_owned(),
            reproduce: String::new(),
            line: String::new(),
            earlier: None,
            disturbed_by: disturbed_by.map(str::to_owned),
            warnings: Vec::new(),
            junit: JunitRun::of(&finished),
        }
    }

    /// The numbers of what was run again, and what became of the summaries, where each run that is made again ends so.
    fn made_again(
        mut summaries: Vec<RunSummary>,
        exit: Exit,
        disturbed_by: Option<&str>,
    ) -> (Vec<usize>, Vec<RunSummary>) {
        let plan = Arc::clone(&Sample::new().record.plan);
        let job = |number| Job {
            number,
            source: "config".into(),
            plan: Arc::clone(&plan),
            reproduce: String::new(),
            is_again: false,
        };
        let jobs: Vec<Job> = summaries.iter().map(|it| job(it.number)).collect();
        let numbers = RefCell::new(Vec::new());
        let run = |job: &Job| {
            assert!(job.is_again);
            numbers.borrow_mut().push(job.number);
            let summaries = vec![summary(job.number, exit, disturbed_by)];
            Ok(Made { exits: vec![exit], summaries, transport: Transport::default() })
        };
        make(&jobs, &mut summaries, run).map_err(|failure| failure.error).unwrap();
        (numbers.into_inner(), summaries)
    }

    const LATE: Option<&str> = Some("replica 0001 got no processor for 5.7 s");

    fn failed() -> Vec<RunSummary> {
        (1..=6).map(|number| summary(number, Exit::Liveness, LATE)).collect()
    }

    #[test]
    fn once_three_failed_again_on_a_host_that_kept_up_the_others_are_left() {
        let (numbers, summaries) = made_again(failed(), Exit::Liveness, None);
        assert_eq!(numbers, [1, 2, 3]);
        let is_replaced: Vec<bool> = summaries.iter().map(|it| it.earlier.is_some()).collect();
        assert_eq!(is_replaced, [true, true, true, false, false, false]);
    }

    #[test]
    fn what_passes_alone_or_fails_on_a_disturbed_host_once_more_is_no_reason_to_stop() {
        assert_eq!(made_again(failed(), Exit::Valid, None).0, [1, 2, 3, 4, 5, 6]);
        assert_eq!(made_again(failed(), Exit::Liveness, LATE).0, [1, 2, 3, 4, 5, 6]);
        assert_eq!(made_again(failed(), Exit::Interrupted, None).0, [1]);
    }

    #[test]
    fn what_no_host_excuses_stands() {
        let stands = [
            summary(1, Exit::Safety, LATE),
            summary(2, Exit::Process, LATE),
            summary(3, Exit::Liveness, None),
            summary(4, Exit::Valid, LATE),
        ];
        let (numbers, summaries) = made_again(stands.to_vec(), Exit::Valid, None);
        assert!(numbers.is_empty() && summaries.iter().all(|it| it.earlier.is_none()));
    }
}
