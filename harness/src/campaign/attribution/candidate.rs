//! What a plan can be run without: each planned fault, each rule of the workload's `network`, and its `drops`.

use serde::Serialize;

use crate::network::rules::Rule;
use crate::plan::Plan;
use crate::text::percent;

/// One thing that may have caused the failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "candidate", rename_all = "snake_case")]
pub enum Candidate {
    /// A planned fault.
    Fault {
        /// Its place in the plan, from 0: its `index` in `faults.jsonl`.
        index: usize,
    },
    /// A rule of the workload's `network`.
    Network {
        /// Its place among the rules of the plan, from 0; of a matrix of latencies, which is a rule for each two
        /// sites, that of the first.
        index: usize,
    },
    /// The workload's `drops`.
    Drops,
}

/// All of a plan: its faults in their order, then the rules that hold on links.
pub fn all(plan: &Plan) -> Vec<Candidate> {
    let faults = (0..plan.faults.len()).map(|index| Candidate::Fault { index });
    let rules = &plan.scenario.network;
    let is_first = |&index: &usize| index == 0 || rules[index - 1].place != rules[index].place;
    let network = (0..rules.len()).filter(is_first).map(|index| Candidate::Network { index });
    let drops = (plan.scenario.drops > 0.0).then_some(Candidate::Drops);
    faults.chain(network).chain(drops).collect()
}

impl Candidate {
    /// The plan without it, the same otherwise.
    pub fn left_out(self, plan: &Plan) -> Plan {
        let mut plan = plan.clone();
        match self {
            Self::Fault { index } => {
                plan.faults.remove(index);
            }
            Self::Network { index } => {
                let place = plan.scenario.network[index].place.clone();
                // It stays, on no link: the draws of the other rules depend on their places.
                for rule in plan.scenario.network.iter_mut().skip(index) {
                    if rule.place != place {
                        break;
                    }
                    rule.what.from.clear();
                    rule.what.to.clear();
                }
            }
            Self::Drops => plan.scenario.drops = 0.0,
        }
        plan
    }

    /// What it is, for people: `pause at 1.000 s`, `loss of 5 % (network[0])`.
    pub fn title(self, plan: &Plan) -> String {
        match self {
            Self::Fault { index } => {
                let event = &plan.faults[index].event;
                let shape = event.parameters.shape.map(|shape| format!(" {}", shape.name()));
                format!("{}{} at {}", event.kind, shape.unwrap_or_default(), event.at)
            }
            Self::Network { index } => {
                let rule = &plan.scenario.network[index];
                format!("{} ({})", on_links(&rule.what.rule), rule.place)
            }
            Self::Drops => format!("loss of {} (drops)", percent(plan.scenario.drops)),
        }
    }
}

/// A plan without any of them.
pub fn none(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    plan.faults.clear();
    plan.scenario.network.clear();
    plan.scenario.drops = 0.0;
    plan
}

/// A rule, with the share of messages that it affects where it draws them.
fn on_links(rule: &Rule) -> String {
    let probability = match rule {
        Rule::Loss(loss) => loss.probability,
        Rule::Corrupt(corrupt) => corrupt.probability,
        Rule::Duplicate(duplicate) => duplicate.probability,
        Rule::Reorder(reorder) => reorder.probability,
        Rule::Cut | Rule::Size(_) | Rule::Buffer(_) | Rule::Rate(_) | Rule::Latency(_) => {
            return rule.name().to_owned();
        }
    };
    format!("{} of {}", rule.name(), percent(probability))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use crate::seed::Seed;

    fn plan(workload: &str) -> Plan {
        Plan::draw(&Scenario::parse("workload.json", workload).unwrap(), Seed(7))
    }

    fn example() -> Plan {
        plan(
            r#"{"lifetime": 10, "replicas": 5, "drops": 0.05,
                "events": [{"type": "pause", "time": 1}, {"type": "partition", "time": 3, "shape": "one"}],
                "sites": {"eu": ["0000", "0001"], "us": ["0002"], "asia": ["0003", "0004"]},
                "network": [
                    {"rule": "loss", "probability": 0.0025},
                    {"rule": "latency", "distribution": "matrix", "matrix_ms": {"eu": {"us": 30, "asia": 80}}},
                    {"rule": "duplicate", "probability": 0.1, "from": "0001"}]}"#,
        )
    }

    #[test]
    fn faults_rules_and_drops_are_candidates_and_a_matrix_is_one() {
        let plan = example();
        let titles: Vec<String> = all(&plan).iter().map(|it| it.title(&plan)).collect();
        assert_eq!(
            titles,
            [
                "pause at 2.000 s",
                "partition one at 4.000 s",
                "loss of 0.25 % (network[0])",
                "latency (network[1])",
                "duplicate of 10 % (network[2])",
                "loss of 5 % (drops)",
            ]
        );
        assert_eq!(all(&none(&plan)), []);
    }

    #[test]
    fn a_rule_that_is_left_out_holds_on_no_link_and_the_others_keep_their_places() {
        let plan = example();
        let links = |plan: &Plan| -> Vec<(String, usize)> {
            let rules = plan.scenario.network.iter();
            rules.map(|it| (it.place.clone(), it.what.pairs().len())).collect()
        };
        let candidates = all(&plan);
        let without = candidates[3].left_out(&plan);
        for (before, after) in links(&plan).into_iter().zip(links(&without)) {
            assert_eq!(before.0, after.0);
            assert_eq!(after.1, if after.0 == "network[1]" { 0 } else { before.1 });
        }
        assert_eq!((without.faults, without.scenario.drops), (plan.faults.clone(), 0.05));
        let without = candidates[5].left_out(&plan);
        assert_eq!((links(&without), without.scenario.drops), (links(&plan), 0.0));
        assert_eq!(candidates[0].left_out(&plan).faults, plan.faults[1..]);
    }
}
