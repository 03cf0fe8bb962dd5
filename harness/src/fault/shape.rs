//! How a partition cuts the network.

use serde::{Deserialize, Serialize};

use super::words::words;

words! {
    /// Who is cut off from whom.
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
        Bridge "bridge" "two halves that do not see each other, and one in between that sees all",
        Hub "hub"
            "the leader alone; a bare minority of the others sees all others, each of the rest only it: two may be elected and not hear of one another",
        MajoritiesRing "majorities_ring" "each sees a majority, no two the same one",
        RandomPairs "random_pairs"
            "of each two, none, the one or the other direction is cut: some hear those who do not hear them",
        Flapping "flapping" "two random halves that part and meet again, over and over",
    }
}

impl PartitionShape {
    /// Whether it has two sides.
    pub fn has_sides(self) -> bool {
        use PartitionShape::{Bridge, Everyone, Hub, MajoritiesRing, RandomPairs};
        !matches!(self, Everyone | Bridge | Hub | MajoritiesRing | RandomPairs)
    }
}
