//! Partitions: `part_easy` and `part_hard`, which last until `part_end`, and `partition`, which has a
//! shape and an end of its own.

use super::{Act, Obstacle, Situation, Step, Strike};
use crate::ids::NodeId;
use crate::scenario::{Parameters, PartitionShape};
use crate::seed::{self, Seed};

/// A random bare majority that includes the leader.
pub fn easy(situation: &Situation<'_>, draw: Seed) -> Result<Strike, Obstacle> {
    Ok(until_part_end(leader_and(situation, situation.replicas.len() / 2, draw)?))
}

/// A random bare majority; the leader may be on either side.
pub fn hard(situation: &Situation<'_>, draw: Seed) -> Strike {
    until_part_end(any(situation, situation.replicas.len() / 2 + 1, draw))
}

/// The partition heals.
pub fn end() -> Strike {
    Strike { targets: Vec::new(), script: vec![Step::Do(Act::Heal)] }
}

/// One with a shape and an end.
pub fn shaped(
    parameters: &Parameters,
    situation: &Situation<'_>,
    draw: Seed,
) -> Result<Strike, Obstacle> {
    let count = situation.replicas.len();
    let mut sides = match parameters.shape.unwrap_or(PartitionShape::Leader) {
        PartitionShape::Leader => leader_and(situation, 0, draw)?,
        PartitionShape::LeaderMinority => leader_and(situation, (count - 1) / 2 - 1, draw)?,
        PartitionShape::LeaderMajority => leader_and(situation, count / 2, draw)?,
        PartitionShape::Majority => any(situation, count / 2 + 1, draw),
        PartitionShape::One => any(situation, 1, draw),
    };
    sides.sort_by_key(|side| std::cmp::Reverse(side.len()));
    let script = vec![
        Step::Do(Act::Partition(sides)),
        Step::Wait(parameters.duration()),
        Step::Do(Act::Heal),
    ];
    Ok(Strike { targets: Vec::new(), script })
}

fn until_part_end(sides: [Vec<NodeId>; 2]) -> Strike {
    Strike { targets: Vec::new(), script: vec![Step::Do(Act::Partition(sides))] }
}

/// The leader with so many others, against the rest.
fn leader_and(
    situation: &Situation<'_>,
    companions: usize,
    draw: Seed,
) -> Result<[Vec<NodeId>; 2], Obstacle> {
    let leader = situation.leader.ok_or("no leader was known")?;
    let others: Vec<NodeId> =
        situation.replicas.iter().copied().filter(|&replica| replica != leader).collect();
    let mut side = seed::choose(&mut draw.stream("partition"), &others, companions);
    side.push(leader);
    Ok(against_the_rest(situation, side))
}

/// So many, against the rest.
fn any(situation: &Situation<'_>, count: usize, draw: Seed) -> [Vec<NodeId>; 2] {
    let side = seed::choose(&mut draw.stream("partition"), situation.replicas, count);
    against_the_rest(situation, side)
}

fn against_the_rest(situation: &Situation<'_>, mut side: Vec<NodeId>) -> [Vec<NodeId>; 2] {
    side.sort_unstable();
    let rest = situation.replicas.iter().copied().filter(|replica| !side.contains(replica));
    let rest = rest.collect();
    [side, rest]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn sides(strike: Strike) -> [Vec<NodeId>; 2] {
        match strike.script.into_iter().next() {
            Some(Step::Do(Act::Partition(sides))) => sides,
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
                is_parted: false,
            };
            let mut hard_leader_sides = BTreeSet::new();
            for n in 0..50 {
                let [side, rest] = sides(easy(&situation, Seed(n)).unwrap());
                assert_eq!(side.len(), replicas / 2 + 1);
                assert_eq!(side.len() + rest.len(), replicas);
                assert!(side.contains(&leader));
                let [side, rest] = sides(hard(&situation, Seed(n)));
                assert_eq!((side.len(), rest.len()), (replicas / 2 + 1, (replicas - 1) / 2));
                hard_leader_sides.insert(side.contains(&leader));
                let parameters = Parameters::default();
                let [rest, alone] = sides(shaped(&parameters, &situation, Seed(n)).unwrap());
                assert_eq!((alone, rest.len()), (vec![leader], replicas - 1));
            }
            assert_eq!(hard_leader_sides.len(), 2, "the leader falls on either side");
        }
    }
}
