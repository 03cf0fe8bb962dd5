//! All chance of a run comes from one seed, through named streams.
//!
//! A stream is named after its user (`"plan/faults"`, `"client/0015"`), so that a new
//! consumer, or one more draw by an old one, changes nothing for the others. Decisions that must
//! not depend on the order in which they are asked for (each message on a link) are drawn by
//! number instead: [`Seed::draw`] is a pure function of the seed, the stream's name and `n`.

use std::fmt;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// The seed of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Seed {
    /// A new seed from the operating system, small enough to be typed again.
    pub fn from_entropy() -> Self {
        Self(u64::from(rand::random::<u32>()))
    }

    /// The stream of this name: always the same numbers.
    pub fn stream(self, name: &str) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.derive(name).0)
    }

    /// The seed of everything below `name`.
    #[must_use]
    pub fn derive(self, name: &str) -> Self {
        // FNV-1a over the name, then mixed with the seed: short, fixed for ever, and good enough to
        // keep streams apart (users do not attack their own seeds).
        let name = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(mix(mix(self.0).wrapping_add(name)))
    }

    /// The `n`-th number of this seed: a pure function of both.
    pub fn draw(self, n: u64) -> u64 {
        mix(self.0.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// The `n`-th number of this seed as a fraction, uniform in [0, 1).
    pub fn fraction(self, n: u64) -> f64 {
        fraction(self.draw(n))
    }
}

/// Uniform in [0, 1) from the upper 53 bits.
pub fn fraction(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// An index below `bound` from 64 random bits (Lemire's multiplication; the bias of 2^-64 a choice
/// is below what any run can see). `bound` is at least 1.
pub fn index(bits: u64, bound: usize) -> usize {
    assert!(bound > 0, "there is something to choose from");
    let scaled = (u128::from(bits) * bound as u128) >> 64;
    usize::try_from(scaled).expect("an index below a usize is one")
}

/// Chooses `count` of `items` at random, by successive draws from `rng`; keeps their order.
pub fn choose<T: Copy>(rng: &mut impl Rng, items: &[T], count: usize) -> Vec<T> {
    let mut left: Vec<usize> = (0..items.len()).collect();
    let mut chosen: Vec<usize> = (0..count.min(items.len()))
        .map(|_| left.swap_remove(index(rng.next_u64(), left.len())))
        .collect();
    chosen.sort_unstable();
    chosen.into_iter().map(|i| items[i]).collect()
}

/// The finalizer of `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014).
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_fixed_and_apart() {
        let seed = Seed(7);
        assert_eq!(seed.stream("a").next_u64(), seed.stream("a").next_u64());
        assert_ne!(seed.stream("a").next_u64(), seed.stream("b").next_u64());
        assert_ne!(seed.stream("a").next_u64(), Seed(8).stream("a").next_u64());
        // The numbers themselves are part of what a seed promises: a plan drawn today is drawn again.
        assert_eq!(seed.draw(0), 7_191_089_600_892_374_487);
    }

    #[test]
    fn draws_are_uniform_enough_to_lose_the_asked_fraction() {
        let link = Seed(3).derive("link/0000/0001");
        let lost = (0..100_000).filter(|&n| link.fraction(n) < 0.15).count();
        assert!((14_500..15_500).contains(&lost), "15 % of 100,000 is near {lost}");
    }

    #[test]
    fn choosing_keeps_the_order_and_takes_each_once() {
        let items: Vec<u8> = (0..9).collect();
        for seed in 0..200 {
            let chosen = choose(&mut Seed(seed).stream("x"), &items, 5);
            assert_eq!(chosen.len(), 5);
            assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]), "{chosen:?}");
        }
    }
}
