//! While a partition lasts, clients may be pinned to its sides: those who go on asking a leader that
//! was cut off are the ones who see what a deposed leader answers.

use std::collections::BTreeSet;

use crate::ids::NodeId;

/// Who asks whom while a partition lasts.
#[derive(Clone, Debug, Default)]
pub struct Pins {
    parted: Option<Parted>,
    /// Partitions so far: each pins others.
    count: usize,
}

#[derive(Clone, Debug)]
struct Parted {
    of_the_leader: BTreeSet<NodeId>,
    clients: usize,
    pinned: usize,
}

impl Pins {
    /// A partition strikes: this fraction of the clients is pinned to the leader's side (to the
    /// smaller one where nobody is known to lead), the others to the other side.
    pub fn part(
        &mut self,
        sides: &[Vec<NodeId>; 2],
        leader: Option<NodeId>,
        clients: usize,
        fraction: f64,
    ) {
        let smaller = usize::from(sides[1].len() <= sides[0].len());
        let side = leader.and_then(|leader| sides.iter().position(|side| side.contains(&leader)));
        let of_the_leader = sides[side.unwrap_or(smaller)].iter().copied().collect();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a fraction of at most 256 clients"
        )]
        let pinned = (clients as f64 * fraction).round() as usize;
        self.count += 1;
        self.parted = Some(Parted { of_the_leader, clients, pinned });
    }

    /// Nobody is pinned any more.
    pub fn heal(&mut self) {
        self.parted = None;
    }

    /// The living replicas that `client` may ask, in order; all of them if none is left on its side.
    pub fn choice(&self, client: usize, alive: &BTreeSet<NodeId>) -> Vec<NodeId> {
        let all = || alive.iter().copied();
        let Some(parted) = &self.parted else { return all().collect() };
        let is_pinned = (client + self.count) % parted.clients.max(1) < parted.pinned;
        let side = |id: &NodeId| parted.of_the_leader.contains(id) == is_pinned;
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
        let mut pins = Pins::default();
        assert_eq!(pins.choice(0, &alive), ids);
        let sides = [ids[1..].to_vec(), vec![ids[0]]];
        pins.part(&sides, Some(ids[0]), 6, 0.5);
        let choices: Vec<_> = (0..6).map(|client| pins.choice(client, &alive)).collect();
        assert_eq!(choices.iter().filter(|choice| **choice == sides[1]).count(), 3);
        assert_eq!(choices.iter().filter(|choice| **choice == sides[0]).count(), 3);
        let without: BTreeSet<NodeId> = ids[1..].iter().copied().collect();
        assert!((0..6).all(|client| pins.choice(client, &without) == sides[0]));
        pins.heal();
        assert_eq!(pins.choice(3, &alive), ids);
    }
}
