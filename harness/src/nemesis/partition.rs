//! Partitions: `part_easy` and `part_hard`, which last until `part_end`, and `partition`, which has a
//! shape and an end of its own. Which links are cut is decided in [`shape`].

use std::time::Duration;

use super::shape::{self, Cuts, Hub};
use super::{Act, Injection, Obstacle, Situation, Step};
use crate::fault::{Direction, LinkRule, Parameters, PartitionShape};
use crate::network::rules::{Distribution, Latency, Rule};
use crate::seed::Seed;

/// A random bare majority that includes the leader.
pub fn easy(situation: &Situation<'_>, draw: Seed) -> Result<Injection, Obstacle> {
    let shape = PartitionShape::LeaderMajority;
    Ok(until_part_end(&shape::cuts(shape, Direction::Both, situation, draw)?))
}

/// A random bare majority; the leader may be on either side.
pub fn hard(situation: &Situation<'_>, draw: Seed) -> Injection {
    until_part_end(&shape::majority(situation, draw))
}

/// The partition heals.
pub fn end() -> Injection {
    Injection { targets: Vec::new(), script: vec![Step::Do(Act::Lift)] }
}

/// One with a shape and an end.
pub fn shaped(
    parameters: &Parameters,
    situation: &Situation<'_>,
    draw: Seed,
) -> Result<Injection, Obstacle> {
    let shape = parameters.shape.unwrap_or(PartitionShape::Leader);
    let direction = parameters.direction.unwrap_or(Direction::Both);
    let cuts = shape::cuts(shape, direction, situation, draw)?;
    let mut rules = cuts.rules();
    if let Some(ms) = parameters.lag_ms {
        let distribution = Distribution::Constant { ms: ms as f64 };
        let late = Rule::Latency(Latency { distribution, reorders: false });
        let Hub { within, around } = shape::hub(situation, draw);
        rules.push(LinkRule { rule: late, from: within, to: around });
    }
    let cut = Step::Do(Act::Apply { rules, sides: cuts.sides });
    let lasts = parameters.duration();
    let script = match parameters.period_ms.map(Duration::from_millis) {
        None => vec![cut, Step::Wait(lasts), Step::Do(Act::Lift)],
        Some(period) => {
            let half = Step::Wait(period / 2);
            vec![cut, half.clone(), Step::Do(Act::Lift), half, Step::RepeatFor(lasts)]
        }
    };
    Ok(Injection { targets: Vec::new(), script })
}

/// The step that cuts these links.
pub fn cut(cuts: &Cuts) -> Step {
    Step::Do(Act::Apply { rules: cuts.rules(), sides: cuts.sides.clone() })
}

fn until_part_end(cuts: &Cuts) -> Injection {
    Injection { targets: Vec::new(), script: vec![cut(cuts)] }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ids::NodeId;

    fn sides(injection: Injection) -> Vec<Vec<NodeId>> {
        match injection.script.into_iter().next() {
            Some(Step::Do(Act::Apply { sides, .. })) => sides,
            other => panic!("a partition, not {other:?}"),
        }
    }

    #[test]
    fn a_partition_is_a_bare_majority_against_the_rest() {
        for replicas in 3..=21 {
            let ids: Vec<NodeId> = (0..replicas).map(NodeId::replica).collect();
            let alive: BTreeSet<NodeId> = ids.iter().copied().collect();
            let leader = ids[replicas - 1];
            let situation = Situation {
                replicas: &ids,
                alive: &alive,
                taken: &BTreeSet::new(),
                leader: Some(leader),
                is_isolating_leaders: false,
            };
            let mut hard_leader_sides = BTreeSet::new();
            for n in 0..50 {
                let easy = sides(easy(&situation, Seed(n)).unwrap());
                assert_eq!(easy[0].len(), replicas / 2 + 1);
                assert_eq!(easy[0].len() + easy[1].len(), replicas);
                assert!(easy[0].contains(&leader));
                let hard = sides(hard(&situation, Seed(n)));
                assert_eq!(hard[0].len(), replicas / 2 + 1);
                assert_eq!(hard[1].len(), (replicas - 1) / 2);
                hard_leader_sides.insert(hard[0].contains(&leader));
                let parameters = Parameters::default();
                let alone = sides(shaped(&parameters, &situation, Seed(n)).unwrap());
                assert_eq!((&alone[1], alone[0].len()), (&vec![leader], replicas - 1));
            }
            assert_eq!(hard_leader_sides.len(), 2, "the leader falls on either side");
        }
    }

    #[test]
    fn the_course_s_partitions_are_drawn_as_ever() {
        let ids: Vec<NodeId> = (0..5).map(NodeId::replica).collect();
        let alive: BTreeSet<NodeId> = ids.iter().copied().collect();
        let taken = BTreeSet::new();
        let situation = Situation {
            replicas: &ids,
            alive: &alive,
            taken: &taken,
            leader: Some(ids[2]),
            is_isolating_leaders: false,
        };
        let first = |strike| sides(strike)[0].iter().map(|id| id.0).collect::<Vec<_>>();
        let easy: Vec<_> = (0..3).map(|n| first(easy(&situation, Seed(n)).unwrap())).collect();
        let hard: Vec<_> = (0..3).map(|n| first(hard(&situation, Seed(n)))).collect();
        assert_eq!(easy, [[0, 2, 4], [0, 2, 3], [0, 1, 2]]);
        assert_eq!(hard, [[0, 1, 4], [0, 2, 3], [0, 1, 3]]);
    }
}
