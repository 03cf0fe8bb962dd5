//! Which fault did it: a run is made again without each of its faults in turn, with the same plan otherwise.
//!
//! Rules of the workload's `network` and its `drops` are faults here too: see [`candidate`].
//! Processes are not deterministic, so each plan is run several times, and what counts are rates.

pub mod candidate;

use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use super::trials::{Tally, Trials, Until};
use crate::plan::Plan;
use crate::text::listed;
use candidate::Candidate;

/// How often the failure came back in the runs of one plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rate {
    /// Runs that failed in the same way.
    pub failed: u32,
    /// All runs.
    pub runs: u32,
}

impl Rate {
    fn of(tally: &Tally) -> Self {
        Self { failed: tally.failed, runs: tally.of }
    }

    fn share(self) -> f64 {
        f64::from(self.failed) / f64::from(self.runs.max(1))
    }

    /// Whether the failure came clearly less often than with all faults: never, or less than half as often.
    fn is_clearly_less(self, all: Self) -> bool {
        2.0 * self.share() < all.share()
    }
}

/// A fault, and how often the failure came back without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Without {
    /// What was left out.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// The same for people: its kind and time, or place in the workload.
    pub fault: String,
    /// The rate without it.
    pub rate: Rate,
}

/// What the runs show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// The failure did not come back with all faults: nothing can be attributed.
    NotReproduced,
    /// The run had no fault.
    NoFaults,
    /// It comes back without any fault.
    NeedsNoFault,
    /// It clearly comes back less often without some of the faults.
    NeedsThese,
    /// It needs faults, but can do without any single one.
    NeedsSome,
}

/// How often the failure of a run comes back without its faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attribution {
    /// The question whose answer is the failure.
    pub question: &'static str,
    /// The failure.
    pub kind: &'static str,
    /// With all faults.
    pub all: Rate,
    /// Without any fault; absent if the failure did not come back, or the run had no fault.
    pub none: Option<Rate>,
    /// Without each fault in turn, in the order of the plan; empty where no fault is needed.
    pub without: Vec<Without>,
    /// What that shows.
    pub conclusion: Conclusion,
}

/// Makes the runs, so many of each plan, in the order of the plan. `begins` hears what is tried next, `None`: it was
/// interrupted.
pub fn attribute(
    trials: &Trials,
    times: usize,
    mut begins: impl FnMut(&str),
) -> anyhow::Result<Option<Attribution>> {
    let plan = &trials.earlier;
    let candidates = candidate::all(plan);
    let target = trials.target;
    let mut rate = |what: &str, plan: Plan| -> anyhow::Result<Rate> {
        begins(what);
        Ok(Rate::of(&trials.rate(&Arc::new(plan), times, Until::All)?))
    };
    let all = rate("all faults", plan.clone())?;
    let mut found = Attribution {
        question: target.question.name(),
        kind: target.kind.name(),
        all,
        none: None,
        without: Vec::new(),
        conclusion: Conclusion::NotReproduced,
    };
    if all.failed > 0 && !candidates.is_empty() {
        let none = rate("no fault", candidate::none(plan))?;
        found.none = Some(none);
        if none.is_clearly_less(all) {
            for &candidate in &candidates {
                if trials.guard.is_interrupted() {
                    return Ok(None);
                }
                let fault = candidate.title(plan);
                let rate = rate(&format!("without {fault}"), candidate.left_out(plan))?;
                found.without.push(Without { candidate, fault, rate });
            }
        }
    }
    found.conclusion = found.conclude(candidates.len());
    Ok((!trials.guard.is_interrupted()).then_some(found))
}

impl Attribution {
    fn conclude(&self, faults: usize) -> Conclusion {
        match self.none {
            _ if self.all.failed == 0 => Conclusion::NotReproduced,
            None if faults == 0 => Conclusion::NoFaults,
            Some(none) if !none.is_clearly_less(self.all) => Conclusion::NeedsNoFault,
            _ if self.needed().next().is_some() => Conclusion::NeedsThese,
            _ => Conclusion::NeedsSome,
        }
    }

    /// The faults without which the failure clearly comes back less often.
    pub fn needed(&self) -> impl Iterator<Item = &Without> {
        self.without.iter().filter(|it| it.rate.is_clearly_less(self.all))
    }

    /// For people: a table, and what it shows.
    pub fn text(&self) -> String {
        let mut rows = vec![("all faults".to_owned(), self.all)];
        rows.extend(self.none.map(|rate| ("no fault".to_owned(), rate)));
        rows.extend(self.without.iter().map(|it| (format!("without {}", it.fault), it.rate)));
        let width = rows.iter().map(|(what, _)| what.chars().count()).max().unwrap_or(0);
        let mut text = format!(
            "Which fault did it\n  How often the verdict, {} ({}), came back:\n",
            self.question, self.kind
        );
        for (what, rate) in rows {
            let _ = writeln!(text, "    {what:<width$}  {} of {}", rate.failed, rate.runs);
        }
        let _ = writeln!(text, "  {}", self.sentence());
        text
    }

    fn sentence(&self) -> String {
        match self.conclusion {
            Conclusion::NotReproduced => {
                "The failure did not come back, so no fault can be named. Try again with more runs (--times)."
                    .to_owned()
            }
            Conclusion::NoFaults => {
                "The run had no fault, so the failure needs none.".to_owned()
            }
            Conclusion::NeedsNoFault => {
                "The failure does not need any fault: it comes back without them.".to_owned()
            }
            Conclusion::NeedsThese => {
                let needed: Vec<&str> = self.needed().map(|it| it.fault.as_str()).collect();
                format!("The failure needs {}.", listed(needed))
            }
            Conclusion::NeedsSome => {
                "The failure needs a fault, but no single one: it comes back without each of them.".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribution(all: u32, none: Option<u32>, without: &[u32]) -> Attribution {
        let rate = |failed| Rate { failed, runs: 5 };
        let without = without.iter().enumerate().map(|(index, &failed)| Without {
            candidate: Candidate::Fault { index },
            fault: format!("pause at {index}.000 s"),
            rate: rate(failed),
        });
        let mut found = Attribution {
            question: "safety",
            kind: "stale read",
            all: rate(all),
            none: none.map(rate),
            without: without.collect(),
            conclusion: Conclusion::NotReproduced,
        };
        found.conclusion = found.conclude(usize::from(none.is_some()));
        found
    }

    #[test]
    fn the_fault_without_which_the_failure_stays_away_is_named() {
        let found = attribution(5, Some(0), &[5, 0, 4]);
        assert_eq!(found.conclusion, Conclusion::NeedsThese);
        assert_eq!(
            found.text(),
            "Which fault did it\n  How often the verdict, safety (stale read), came back:\n    \
             all faults                5 of 5\n    \
             no fault                  0 of 5\n    \
             without pause at 0.000 s  5 of 5\n    \
             without pause at 1.000 s  0 of 5\n    \
             without pause at 2.000 s  4 of 5\n  \
             The failure needs pause at 1.000 s.\n"
        );
    }

    #[test]
    fn it_is_said_when_no_fault_or_no_single_fault_is_needed() {
        let cases = [
            (attribution(0, None, &[]), Conclusion::NotReproduced),
            (attribution(5, None, &[]), Conclusion::NoFaults),
            (attribution(5, Some(4), &[]), Conclusion::NeedsNoFault),
            (attribution(4, Some(0), &[3, 4]), Conclusion::NeedsSome),
            (attribution(4, Some(1), &[1, 4]), Conclusion::NeedsThese),
        ];
        for (found, expected) in cases {
            assert_eq!(found.conclusion, expected, "{}", found.text());
        }
        let text = attribution(5, Some(4), &[]).text();
        assert!(text.contains("does not need any fault"), "{text}");
    }
}
