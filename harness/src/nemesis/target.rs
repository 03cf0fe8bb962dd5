//! The targets of a fault: roles become replicas.

use std::collections::BTreeSet;

use super::{Obstacle, Situation};
use crate::fault::Target;
use crate::ids::NodeId;
use crate::plan::PlannedFault;
use crate::seed::{self, Seed};

/// The replicas that `target` means now, in the order of ids; they live, and no other fault has
/// them in its hands.
pub fn choose(
    target: Option<Target>,
    situation: &Situation<'_>,
    draw: Seed,
) -> Result<Vec<NodeId>, Obstacle> {
    let free: Vec<NodeId> =
        situation.alive.iter().copied().filter(|id| !situation.taken.contains(id)).collect();
    let count = situation.replicas.len();
    match target.unwrap_or(Target::One) {
        Target::Leader => {
            let leader = situation.leader.ok_or(Obstacle::NoLeader)?;
            named(leader, situation)
        }
        Target::Id(id) => named(id, situation),
        Target::Follower => {
            let leader = situation.leader.ok_or(Obstacle::NoLeader)?;
            let others: Vec<NodeId> = free.into_iter().filter(|&id| id != leader).collect();
            some(&others, 1, draw).ok_or(Obstacle::NoFollower)
        }
        Target::One => some(&free, 1, draw).ok_or(Obstacle::NoReplica),
        Target::Minority => some(&free, (count - 1) / 2, draw).ok_or(Obstacle::TooFew),
        Target::Majority => some(&free, count / 2 + 1, draw).ok_or(Obstacle::TooFew),
        Target::All => all_living(situation),
    }
}

/// Some programs have no leader, or never name it: there a drawn replica stands in for it, so that a fault
/// of the leader affects some replica.
pub fn stand_in(
    fault: &PlannedFault,
    alive: &BTreeSet<NodeId>,
    taken: &BTreeSet<NodeId>,
) -> Option<NodeId> {
    let free: Vec<NodeId> = alive.difference(taken).copied().collect();
    let drawn = seed::index(fault.draw.derive("stand-in").0, free.len().max(1));
    free.get(drawn).copied()
}

/// All that live, if no other fault has one of them.
pub fn all_living(situation: &Situation<'_>) -> Result<Vec<NodeId>, Obstacle> {
    match situation.alive.iter().any(|id| situation.taken.contains(id)) {
        true => Err(Obstacle::SomeTaken),
        false if situation.alive.is_empty() => Err(Obstacle::NoneAlive),
        false => Ok(situation.alive.iter().copied().collect()),
    }
}

fn named(id: NodeId, situation: &Situation<'_>) -> Result<Vec<NodeId>, Obstacle> {
    if situation.taken.contains(&id) {
        return Err(Obstacle::Taken);
    }
    if situation.alive.contains(&id) { Ok(vec![id]) } else { Err(Obstacle::Dead) }
}

fn some(from: &[NodeId], count: usize, draw: Seed) -> Option<Vec<NodeId>> {
    (count > 0 && from.len() >= count)
        .then(|| seed::choose(&mut draw.stream("target"), from, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::scenario::Scenario;

    #[test]
    fn whoever_is_free_stands_in_for_a_leader_that_nobody_names() {
        let text = r#"{"lifetime": 10, "replicas": 5, "clients": {},
            "events": [{"type": "kill_leader", "time": 1}]}"#;
        let scenario = Scenario::parse("leaderless.json", text).unwrap();
        let alive: BTreeSet<NodeId> = (1..5).map(NodeId::replica).collect();
        let taken = BTreeSet::from([NodeId::replica(4)]);
        let drawn = |seed| stand_in(&Plan::draw(&scenario, Seed(seed)).faults[0], &alive, &taken);
        let drawn: BTreeSet<NodeId> = (0..50).filter_map(drawn).collect();
        assert_eq!(drawn, (1..4).map(NodeId::replica).collect());
        let fault = &Plan::draw(&scenario, Seed(0)).faults[0];
        assert_eq!(stand_in(fault, &taken, &taken), None);
    }

    #[test]
    fn a_role_is_as_many_free_living_replicas_as_it_says() {
        let ids: Vec<NodeId> = (0..5).map(NodeId::replica).collect();
        let alive: BTreeSet<NodeId> = ids[1..].iter().copied().collect();
        let taken = BTreeSet::from([ids[4]]);
        let situation = Situation {
            replicas: &ids,
            alive: &alive,
            taken: &taken,
            leader: Some(ids[2]),
            is_isolating_leaders: false,
        };
        let choose = |target, n| choose(Some(target), &situation, Seed(n));
        let mut followers = BTreeSet::new();
        for n in 0..50 {
            assert_eq!(choose(Target::Leader, n), Ok(vec![ids[2]]));
            followers.extend(choose(Target::Follower, n).unwrap());
            assert_eq!(choose(Target::Minority, n).unwrap().len(), 2);
            assert_eq!(choose(Target::Majority, n).unwrap(), ids[1..4]);
        }
        assert_eq!(followers, BTreeSet::from([ids[1], ids[3]]));
        assert_eq!(choose(Target::Id(ids[0]), 0), Err(Obstacle::Dead));
        assert_eq!(choose(Target::Id(ids[4]), 0), Err(Obstacle::Taken));
        assert!(choose(Target::All, 0).is_err());
    }
}
