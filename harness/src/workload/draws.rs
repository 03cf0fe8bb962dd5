//! What chance decides about one client's operations, by number: the n-th decision never depends on what happens
//! elsewhere.

use crate::seed::{self, Seed};

/// The decisions of one client, one after the other.
#[derive(Clone, Debug)]
pub struct Draws {
    seed: Seed,
    drawn: u64,
}

impl Draws {
    /// Decisions from this seed.
    pub fn new(seed: Seed) -> Self {
        Self { seed, drawn: 0 }
    }

    fn bits(&mut self) -> u64 {
        self.drawn += 1;
        self.seed.draw(self.drawn - 1)
    }

    /// Whether something of this probability happens.
    pub fn is(&mut self, probability: f64) -> bool {
        seed::fraction(self.bits()) < probability
    }

    /// A number below `bound`, which is not zero.
    pub fn below(&mut self, bound: usize) -> usize {
        seed::index(self.bits(), bound)
    }
}
