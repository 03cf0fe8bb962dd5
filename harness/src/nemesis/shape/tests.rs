use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// What `shape` cuts in a cluster of this size, the leader, and all.
fn shaped(
    shape: Shape,
    direction: Direction,
    replicas: usize,
    leader: usize,
    seed: u64,
) -> (Vec<NodeId>, NodeId, Cuts) {
    let ids: Vec<NodeId> = (0..replicas).map(NodeId::replica).collect();
    let alive: BTreeSet<NodeId> = ids.iter().copied().collect();
    let leader = ids[leader % replicas];
    let taken = BTreeSet::new();
    let situation = Situation {
        replicas: &ids,
        alive: &alive,
        taken: &taken,
        leader: Some(leader),
        is_isolating_leaders: false,
    };
    let cuts = cuts(shape, direction, &situation, Seed(seed)).unwrap();
    (ids, leader, cuts)
}

/// The replicas that `node` hears, itself included.
fn heard_by(cuts: &Cuts, node: NodeId, all: &[NodeId]) -> BTreeSet<NodeId> {
    all.iter().copied().filter(|&from| !cuts.pairs.contains(&(from, node))).collect()
}

fn is_symmetric(cuts: &Cuts) -> bool {
    cuts.pairs.iter().all(|&(from, to)| cuts.pairs.contains(&(to, from)))
}

fn sided() -> impl Iterator<Item = Shape> {
    Shape::ALL.iter().copied().filter(|shape| shape.has_sides())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_shape_is_fixed_by_its_draw_in_order_and_never_cuts_anyone_from_itself(
        replicas in 3_usize..=21, leader: usize, seed: u64,
    ) {
        for &shape in Shape::ALL {
            let (ids, _, cuts) = shaped(shape, Direction::Both, replicas, leader, seed);
            prop_assert_eq!(&cuts, &shaped(shape, Direction::Both, replicas, leader, seed).2);
            prop_assert!(!cuts.pairs.is_empty(), "{:?} cuts something", shape);
            prop_assert!(cuts.pairs.windows(2).all(|two| two[0] < two[1]), "{:?}", shape);
            prop_assert!(cuts.pairs.iter().all(|(from, to)| from != to));
            let members: BTreeSet<NodeId> = cuts.sides.iter().flatten().copied().collect();
            prop_assert!(cuts.sides.is_empty() || members.len() == ids.len());
            prop_assert_eq!(cuts.sides.len() == 2, shape.has_sides(), "{:?}", shape);
        }
    }

    #[test]
    fn rules_cut_the_same_links(replicas in 3_usize..=21, leader: usize, seed: u64) {
        for &shape in Shape::ALL {
            let (_, _, cuts) = shaped(shape, Direction::Both, replicas, leader, seed);
            let mut pairs: Vec<_> = cuts.rules().iter().flat_map(LinkRule::pairs).collect();
            pairs.sort_unstable();
            prop_assert_eq!(&pairs, &cuts.pairs, "{:?}", shape);
            prop_assert!(cuts.rules().len() <= replicas);
        }
    }

    #[test]
    fn sides_have_their_sizes_and_nothing_crosses(
        replicas in 3_usize..=21, leader: usize, seed: u64,
    ) {
        let majority = replicas / 2 + 1;
        for shape in sided() {
            let (ids, leader, cuts) = shaped(shape, Direction::Both, replicas, leader, seed);
            let size = match shape {
                Shape::Leader | Shape::One => replicas - 1,
                Shape::Halves | Shape::Flapping => replicas.div_ceil(2),
                // A bare minority of an even number is smaller than the rest of a majority.
                Shape::LeaderMinority => replicas - (replicas - 1) / 2,
                _ => majority,
            };
            prop_assert_eq!(cuts.sides[0].len(), size, "{:?}", shape);
            for side in &cuts.sides {
                for &node in side {
                    let heard: Vec<NodeId> = heard_by(&cuts, node, &ids).into_iter().collect();
                    prop_assert_eq!(&heard, side, "{:?}: exactly its own side", shape);
                }
            }
            let is_in_the_greater = cuts.sides[0].contains(&leader);
            match shape {
                Shape::LeaderMajority => prop_assert!(is_in_the_greater),
                Shape::LeaderMinority | Shape::Leader => prop_assert!(!is_in_the_greater),
                _ => {}
            }
        }
    }

    #[test]
    fn the_deaf_are_heard_and_the_mute_hear(replicas in 3_usize..=21, leader: usize, seed: u64) {
        for shape in sided() {
            let both = shaped(shape, Direction::Both, replicas, leader, seed).2;
            let deaf = shaped(shape, Direction::Deaf, replicas, leader, seed).2;
            let mute = shaped(shape, Direction::Mute, replicas, leader, seed).2;
            let into = |cuts: &Cuts, side: usize| {
                cuts.pairs.iter().all(|(_, to)| cuts.sides[side].contains(to))
            };
            prop_assert!(into(&deaf, 1) && into(&mute, 0), "{:?}", shape);
            let mut pairs = [deaf.pairs, mute.pairs].concat();
            pairs.sort_unstable();
            prop_assert_eq!(pairs, both.pairs, "each direction once");
        }
    }

    #[test]
    fn a_bridge_hears_all_and_the_others_their_half_and_it(replicas in 3_usize..=21, seed: u64) {
        let (ids, _, cuts) = shaped(Shape::Bridge, Direction::Both, replicas, 0, seed);
        prop_assert!(is_symmetric(&cuts));
        let hears = |node: &&NodeId| heard_by(&cuts, **node, &ids).len() == replicas;
        let bridges: Vec<&NodeId> = ids.iter().filter(hears).collect();
        prop_assert_eq!(bridges.len(), 1);
        for &node in ids.iter().filter(|node| *node != bridges[0]) {
            let heard = heard_by(&cuts, node, &ids);
            prop_assert!(heard.contains(bridges[0]));
            let half = (replicas - 1).div_ceil(2);
            prop_assert!([half + 1, replicas - half].contains(&heard.len()));
        }
    }

    #[test]
    fn around_a_hub_each_has_a_bare_majority_without_the_leader_and_hears_no_other_s(
        replicas in 5_usize..=21,
        leader: usize,
        seed: u64,
    ) {
        let (ids, led_by, cuts) = shaped(Shape::Hub, Direction::Both, replicas, leader, seed);
        prop_assert!(is_symmetric(&cuts));
        let heard = |node: &NodeId| heard_by(&cuts, *node, &ids).len();
        let mut heard: Vec<usize> = ids.iter().map(heard).collect();
        prop_assert_eq!(heard.remove(usize::from(led_by.0)), 1, "the leader hears itself");
        let (within, around): (Vec<usize>, Vec<usize>) =
            heard.into_iter().partition(|&heard| heard == replicas - 1);
        prop_assert_eq!(within.len(), replicas / 2);
        prop_assert!(around.iter().all(|&heard| heard == replicas / 2 + 1));
    }

    #[test]
    fn on_the_ring_each_hears_a_majority_no_two_the_same(replicas in 3_usize..=21, seed: u64) {
        let (ids, _, cuts) = shaped(Shape::MajoritiesRing, Direction::Both, replicas, 0, seed);
        let heard: BTreeSet<BTreeSet<NodeId>> =
            ids.iter().map(|&node| heard_by(&cuts, node, &ids)).collect();
        prop_assert_eq!(heard.len(), replicas, "no two the same");
        prop_assert!(heard.iter().all(|set| set.len() > replicas / 2 && set.len() < replicas));
        prop_assert!(replicas == 3 || is_symmetric(&cuts));
    }

    #[test]
    fn random_pairs_are_cut_in_one_direction_only(replicas in 3_usize..=21, seed: u64) {
        let (_, _, cuts) = shaped(Shape::RandomPairs, Direction::Both, replicas, 0, seed);
        for &(from, to) in &cuts.pairs {
            prop_assert!(!cuts.pairs.contains(&(to, from)), "the other direction is heard");
        }
    }
}

#[test]
fn shapes_about_the_leader_wait_for_one() {
    let ids: Vec<NodeId> = (0..5).map(NodeId::replica).collect();
    let (alive, taken) = (ids.iter().copied().collect(), BTreeSet::new());
    let situation = Situation {
        replicas: &ids,
        alive: &alive,
        taken: &taken,
        leader: None,
        is_isolating_leaders: false,
    };
    for &shape in Shape::ALL {
        let is_about_the_leader = shape.name().starts_with("leader");
        let cuts = cuts(shape, Direction::Both, &situation, Seed(1));
        assert_eq!(cuts.is_err(), is_about_the_leader, "{shape:?}");
    }
    for &name in Shape::NAMES {
        assert!(Shape::ALL.iter().any(|shape| shape.name() == name));
    }
}
