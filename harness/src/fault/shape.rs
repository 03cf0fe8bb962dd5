//! How a partition cuts the network.

use crate::words::words;

words! {
    /// The links that are cut.
    PartitionShape {
        Leader "leader" "the leader alone against all others",
        LeaderMinority "leader_minority"
            "a bare minority that includes the leader against the majority without it",
        LeaderMajority "leader_majority"
            "a bare majority that includes the leader against the minority without it (as `part_easy`)",
        Majority "majority"
            "a random bare majority against the rest, the leader on either side (as `part_hard`)",
        One "one" "one random replica alone against all others",
        Halves "halves" "two random halves; of an odd number the greater is a majority",
        Everyone "everyone" "each alone",
        Bridge "bridge" "two halves that do not reach each other, and one replica in between that reaches all",
        Hub "hub"
            "the leader is isolated. A minority of the others reaches everyone; the rest reach only that \
             minority. Two candidates can win without hearing of each other",
        MajoritiesRing "majorities_ring" "each replica reaches a majority, and no two the same one",
        RandomPairs "random_pairs"
            "between each two replicas no direction, one or the other is cut: some receive from replicas that \
             do not receive from them",
        Flapping "flapping" "two random halves, cut and healed over and over",
    }
}

impl PartitionShape {
    /// Whether it has two sides.
    pub fn has_sides(self) -> bool {
        use PartitionShape::{Bridge, Everyone, Hub, MajoritiesRing, RandomPairs};
        !matches!(self, Everyone | Bridge | Hub | MajoritiesRing | RandomPairs)
    }
}
