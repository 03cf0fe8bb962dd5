//! The shapes of partitions: which directed links are cut, as pure functions of what is known and a
//! draw.
//!
//! Jepsen's `partition-halves`, `partition-random-node`, `majorities-ring` and `bridge`, the course's
//! two ([`Shape::LeaderMajority`] and [`Shape::Majority`]), and the leader cut off alone or with others.

use std::collections::BTreeMap;

use super::{Obstacle, Situation};
use crate::fault::{Direction, LinkRule, PartitionShape as Shape};
use crate::ids::NodeId;
use crate::network::rules::Rule;
use crate::seed::{Seed, choose, index};

/// Which links are cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cuts {
    /// Directed, in order: nothing from the first reaches the second.
    pub pairs: Vec<(NodeId, NodeId)>,
    /// The sides, the greater first; empty where the shape has none.
    pub sides: Vec<Vec<NodeId>>,
}

impl Cuts {
    /// As rules on links: sources that are cut off from the same destinations share one.
    pub fn rules(&self) -> Vec<LinkRule> {
        let mut cut_off: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
        for &(from, to) in &self.pairs {
            cut_off.entry(from).or_default().push(to);
        }
        let mut sharing: BTreeMap<Vec<NodeId>, Vec<NodeId>> = BTreeMap::new();
        for (from, to) in cut_off {
            sharing.entry(to).or_default().push(from);
        }
        let mut rules: Vec<LinkRule> =
            sharing.into_iter().map(|(to, from)| LinkRule { rule: Rule::Cut, from, to }).collect();
        rules.sort_by(|one, other| one.from.cmp(&other.from));
        rules
    }
}

/// The links that `shape` cuts in this situation.
pub fn cuts(
    shape: Shape,
    direction: Direction,
    situation: &Situation<'_>,
    draw: Seed,
) -> Result<Cuts, Obstacle> {
    let all = situation.replicas;
    let count = all.len();
    let sides = match shape {
        Shape::Leader => leader_and(situation, 0, draw)?,
        Shape::LeaderMinority => leader_and(situation, (count - 1) / 2 - 1, draw)?,
        Shape::LeaderMajority => leader_and(situation, count / 2, draw)?,
        Shape::Majority => any(situation, count / 2 + 1, draw),
        Shape::One => any(situation, 1, draw),
        Shape::Halves | Shape::Flapping => any(situation, count.div_ceil(2), draw),
        Shape::Everyone => return Ok(everyone(all)),
        Shape::Bridge => return Ok(bridge(all, draw)),
        Shape::Hub => return Ok(around_a_hub(situation, draw)),
        Shape::MajoritiesRing => return Ok(ring(&shuffled(all, draw))),
        Shape::RandomPairs => return Ok(random_pairs(all, draw)),
    };
    Ok(between(sides, direction))
}

/// A random bare majority; the leader may be on either side.
pub fn majority(situation: &Situation<'_>, draw: Seed) -> Cuts {
    between(any(situation, situation.replicas.len() / 2 + 1, draw), Direction::Both)
}

/// What is cut between two sides, of which the smaller is cut off.
pub fn between(mut sides: [Vec<NodeId>; 2], direction: Direction) -> Cuts {
    sides.sort_by_key(|side| std::cmp::Reverse(side.len()));
    let [most, few] = &sides;
    let mut all = sides.concat();
    all.sort_unstable();
    let pairs = directed(&all, |from, to| match direction {
        Direction::Both => most.contains(&from) != most.contains(&to),
        Direction::Deaf => most.contains(&from) && few.contains(&to),
        Direction::Mute => few.contains(&from) && most.contains(&to),
    });
    Cuts { pairs, sides: sides.to_vec() }
}

/// Each of these alone, and the rest together.
pub fn each_alone(all: &[NodeId], cut_off: &[NodeId]) -> Cuts {
    let is_cut = |from: NodeId, to: NodeId| cut_off.contains(&from) || cut_off.contains(&to);
    let rest = all.iter().copied().filter(|id| !cut_off.contains(id)).collect();
    let sides = std::iter::once(rest).chain(cut_off.iter().map(|&id| vec![id])).collect();
    Cuts { pairs: directed(all, is_cut), sides }
}

/// The leader with so many others, against the rest.
fn leader_and(
    situation: &Situation<'_>,
    companions: usize,
    draw: Seed,
) -> Result<[Vec<NodeId>; 2], Obstacle> {
    let leader = situation.leader.ok_or(Obstacle::NoLeader)?;
    let others: Vec<NodeId> =
        situation.replicas.iter().copied().filter(|&replica| replica != leader).collect();
    let mut side = choose(&mut draw.stream("partition"), &others, companions);
    side.push(leader);
    Ok(against_the_rest(situation, side))
}

/// So many, against the rest.
fn any(situation: &Situation<'_>, count: usize, draw: Seed) -> [Vec<NodeId>; 2] {
    let side = choose(&mut draw.stream("partition"), situation.replicas, count);
    against_the_rest(situation, side)
}

fn against_the_rest(situation: &Situation<'_>, mut side: Vec<NodeId>) -> [Vec<NodeId>; 2] {
    side.sort_unstable();
    let rest = situation.replicas.iter().copied().filter(|replica| !side.contains(replica));
    let rest = rest.collect();
    [side, rest]
}

fn directed(all: &[NodeId], is_cut: impl Fn(NodeId, NodeId) -> bool) -> Vec<(NodeId, NodeId)> {
    let pairs = all.iter().flat_map(|&from| all.iter().map(move |&to| (from, to)));
    pairs.filter(|&(from, to)| from != to && is_cut(from, to)).collect()
}

fn everyone(all: &[NodeId]) -> Cuts {
    Cuts { pairs: directed(all, |_, _| true), sides: all.iter().map(|&id| vec![id]).collect() }
}

fn bridge(all: &[NodeId], draw: Seed) -> Cuts {
    let order = shuffled(all, draw);
    let others = &order[1..];
    let (left, right) = others.split_at(others.len().div_ceil(2));
    let across = |a: NodeId, b: NodeId| left.contains(&a) && right.contains(&b);
    Cuts { pairs: directed(all, |from, to| across(from, to) || across(to, from)), sides: vec![] }
}

/// Those in the middle of a [`Shape::Hub`], and those that hear no others.
pub struct Hub {
    /// One less than a majority.
    pub within: Vec<NodeId>,
    /// The rest without the leader.
    pub around: Vec<NodeId>,
}

/// The place of each replica.
pub fn hub(situation: &Situation<'_>, draw: Seed) -> Hub {
    let mut led: Vec<NodeId> = situation.replicas.to_vec();
    led.retain(|&id| Some(id) != situation.leader);
    let count = situation.replicas.len() / 2;
    let within = choose(&mut draw.stream("partition"), &led, count);
    let (within, around) = led.into_iter().partition(|id| within.contains(id));
    Hub { within, around }
}

/// Each around the hub has a majority with it, and does not hear of the others'. The leader hears none, lest it
/// gives the hub what the others then lack.
fn around_a_hub(situation: &Situation<'_>, draw: Seed) -> Cuts {
    let Hub { within, around } = hub(situation, draw);
    let meets =
        |a: NodeId, b: NodeId| within.contains(&a) && (within.contains(&b) || around.contains(&b));
    let is_cut = |from, to| !meets(from, to) && !meets(to, from);
    Cuts { pairs: directed(situation.replicas, is_cut), sides: vec![] }
}

/// On a ring, each hears its nearest neighbours on both sides, as many as make a majority with it. Of
/// three, where that would be all, each hears the one before it.
fn ring(order: &[NodeId]) -> Cuts {
    let count = order.len();
    let reach = (count / 2).div_ceil(2);
    let place = |id: NodeId| order.iter().position(|&other| other == id).unwrap_or(0);
    let hears = |to: NodeId, from: NodeId| {
        let before = (place(to) + count - place(from)) % count;
        if count == 3 { before == 1 } else { before.min(count - before) <= reach }
    };
    let mut all = order.to_vec();
    all.sort_unstable();
    Cuts { pairs: directed(&all, |from, to| !hears(to, from)), sides: vec![] }
}

/// Of each two, none, the one or the other direction is cut; somewhere at least one is.
fn random_pairs(all: &[NodeId], draw: Seed) -> Cuts {
    let couples: Vec<(NodeId, NodeId)> = directed(all, |from, to| from < to);
    let mut pairs: Vec<(NodeId, NodeId)> = Vec::new();
    for (&(a, b), n) in couples.iter().zip(0..) {
        match index(draw.draw(n), 3) {
            0 => {}
            1 => pairs.push((a, b)),
            _ => pairs.push((b, a)),
        }
    }
    if pairs.is_empty() {
        pairs.extend(couples.first());
    }
    pairs.sort_unstable();
    Cuts { pairs, sides: vec![] }
}

fn shuffled(all: &[NodeId], draw: Seed) -> Vec<NodeId> {
    let mut left = all.to_vec();
    (0..all.len() as u64).map(|n| left.swap_remove(index(draw.draw(n), left.len()))).collect()
}

#[cfg(test)]
mod tests;
