//! During a partition clients may have an affinity to its sides: clients that go on asking a leader that
//! was cut off see what an isolated leader answers.

use std::collections::BTreeSet;

use crate::ids::NodeId;
use crate::network::rules::FaultId;
use crate::scenario::Clients;

/// The replicas that each client uses during a partition.
#[derive(Clone, Debug, Default)]
pub struct Affinity {
    /// Those in force, the newest last: it is the one that counts.
    parted: Vec<(FaultId, Parted)>,
    /// Partitions so far: each chooses other clients.
    count: usize,
}

#[derive(Clone, Debug)]
struct Parted {
    of_the_leader: BTreeSet<NodeId>,
    clients: usize,
    with_leader: usize,
}

impl Affinity {
    /// A partition begins: the clients of a scenario have an affinity to its sides, if they are asked to.
    pub fn part_among(
        &mut self,
        asked: &Clients,
        fault: FaultId,
        sides: &[Vec<NodeId>],
        leader: Option<NodeId>,
    ) {
        if let Clients::Shared { partition_affinity, count, .. } = *asked
            && partition_affinity > 0.0
        {
            self.part(fault, sides, leader, count, partition_affinity);
        }
    }

    /// A partition begins: this fraction of the clients uses the leader's side (the
    /// smaller one where no leader is known), the others the other side.
    fn part(
        &mut self,
        fault: FaultId,
        sides: &[Vec<NodeId>],
        leader: Option<NodeId>,
        clients: usize,
        fraction: f64,
    ) {
        let of_leader = leader.and_then(|leader| sides.iter().find(|side| side.contains(&leader)));
        let smallest = sides.iter().rev().min_by_key(|side| side.len());
        let of_the_leader = of_leader.or(smallest).into_iter().flatten().copied().collect();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a fraction of at most 256 clients"
        )]
        let with_leader = (clients as f64 * fraction).round() as usize;
        self.count += 1;
        self.heal(fault);
        self.parted.push((fault, Parted { of_the_leader, clients, with_leader }));
    }

    /// A partition heals.
    pub fn heal(&mut self, fault: FaultId) {
        self.parted.retain(|(other, _)| *other != fault);
    }

    /// No client has an affinity any more.
    pub fn heal_all(&mut self) {
        self.parted.clear();
    }

    /// The living replicas that `client` may ask, in order; all of them if none is left on its side.
    pub fn choice(&self, client: usize, alive: &BTreeSet<NodeId>) -> Vec<NodeId> {
        let all = || alive.iter().copied();
        let Some((_, parted)) = self.parted.last() else { return all().collect() };
        let is_with_leader = (client + self.count) % parted.clients.max(1) < parted.with_leader;
        let side = |id: &NodeId| parted.of_the_leader.contains(id) == is_with_leader;
        let choice: Vec<NodeId> = all().filter(side).collect();
        if choice.is_empty() { all().collect() } else { choice }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_clients_go_on_asking_the_leader_that_was_cut_off() {
        let ids: Vec<NodeId> = (0..5).map(NodeId::replica).collect();
        let alive: BTreeSet<NodeId> = ids.iter().copied().collect();
        let mut affinity = Affinity::default();
        assert_eq!(affinity.choice(0, &alive), ids);
        let sides = [ids[1..].to_vec(), vec![ids[0]]];
        affinity.part(FaultId::Planned(0, 0), &sides, Some(ids[0]), 6, 0.5);
        let choices: Vec<_> = (0..6).map(|client| affinity.choice(client, &alive)).collect();
        assert_eq!(choices.iter().filter(|choice| **choice == sides[1]).count(), 3);
        assert_eq!(choices.iter().filter(|choice| **choice == sides[0]).count(), 3);
        let without: BTreeSet<NodeId> = ids[1..].iter().copied().collect();
        assert!((0..6).all(|client| affinity.choice(client, &without) == sides[0]));
        let others = [ids[..3].to_vec(), ids[3..].to_vec()];
        affinity.part(FaultId::Planned(1, 0), &others, None, 6, 1.0);
        assert_eq!(affinity.choice(3, &alive), others[1], "the newest counts, the smaller side");
        affinity.heal(FaultId::Planned(1, 0));
        assert!((0..6).all(|client| affinity.choice(client, &without) == sides[0]));
        affinity.heal(FaultId::Planned(0, 0));
        assert_eq!(affinity.choice(3, &alive), ids);
    }
}
