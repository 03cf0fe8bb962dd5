//! `part_easy`, `part_hard`: a bare majority against the rest.

use super::{Obstacle, Situation, Strike};
use crate::ids::NodeId;
use crate::seed::{self, Seed};

/// A random bare majority that includes the leader.
pub fn easy(situation: &Situation<'_>, draw: Seed) -> Result<Strike, Obstacle> {
    let leader = situation.leader.ok_or("no leader was known")?;
    let others: Vec<NodeId> =
        situation.replicas.iter().copied().filter(|&replica| replica != leader).collect();
    let companions = situation.replicas.len() / 2;
    let mut side = seed::choose(&mut draw.stream("partition"), &others, companions);
    side.push(leader);
    Ok(against_the_rest(situation, side))
}

/// A random bare majority; the leader may be on either side.
pub fn hard(situation: &Situation<'_>, draw: Seed) -> Strike {
    let majority = situation.replicas.len() / 2 + 1;
    let side = seed::choose(&mut draw.stream("partition"), situation.replicas, majority);
    against_the_rest(situation, side)
}

fn against_the_rest(situation: &Situation<'_>, mut side: Vec<NodeId>) -> Strike {
    side.sort_unstable();
    let rest = situation.replicas.iter().copied().filter(|replica| !side.contains(replica));
    let rest = rest.collect();
    Strike::Partition([side, rest])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_partition_is_a_bare_majority_against_the_rest() {
        for replicas in 3..=21 {
            let ids: Vec<NodeId> = (0..replicas).map(NodeId::replica).collect();
            let alive: BTreeSet<NodeId> = ids.iter().copied().collect();
            let leader = ids[replicas - 1];
            let situation = Situation { replicas: &ids, alive: &alive, leader: Some(leader) };
            let mut hard_leader_sides = BTreeSet::new();
            for n in 0..50 {
                let Ok(Strike::Partition([side, rest])) = easy(&situation, Seed(n)) else {
                    panic!("a leader is known")
                };
                assert_eq!(side.len(), replicas / 2 + 1);
                assert_eq!(side.len() + rest.len(), replicas);
                assert!(side.contains(&leader));
                let Strike::Partition([side, rest]) = hard(&situation, Seed(n)) else {
                    panic!("a partition")
                };
                assert_eq!((side.len(), rest.len()), (replicas / 2 + 1, (replicas - 1) / 2));
                hard_leader_sides.insert(side.contains(&leader));
            }
            assert_eq!(hard_leader_sides.len(), 2, "the leader falls on either side");
        }
    }
}
