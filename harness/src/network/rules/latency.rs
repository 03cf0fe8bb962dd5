//! Latency: a time for each message, from a distribution.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::{Decision, Message, Order, milliseconds};
use crate::limits;
use crate::seed::Seed;

/// Delivers each message later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// By how much.
    #[serde(flatten)]
    pub distribution: Distribution,
    /// Whether a message that is faster than the one before overtakes it (jitter that reorders);
    /// otherwise it arrives right behind it.
    #[serde(default)]
    pub reorders: bool,
}

/// A distribution of times in milliseconds. No draw is below zero, none above
/// [`limits::LONGEST_DELAY`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "distribution", rename_all = "snake_case")]
pub enum Distribution {
    /// Always the same.
    Constant {
        /// The time.
        ms: f64,
    },
    /// Any time between the two.
    Uniform {
        /// The shortest.
        min_ms: f64,
        /// The longest.
        max_ms: f64,
    },
    /// Gauss's; what would be below zero is zero.
    Normal {
        /// The mean.
        mean_ms: f64,
        /// The standard deviation.
        sd_ms: f64,
    },
    /// Without memory.
    Exponential {
        /// The mean.
        mean_ms: f64,
    },
    /// A heavy tail: a fraction of (`min_ms` / t) to the power of `shape` takes longer than t.
    Pareto {
        /// The shortest.
        min_ms: f64,
        /// The smaller, the heavier the tail; a mean exists above 1.
        shape: f64,
    },
}

impl Distribution {
    /// The names in workload files.
    pub const NAMES: &[&str] = &["constant", "uniform", "normal", "exponential", "pareto"];

    /// The time in milliseconds that belongs to a draw.
    pub fn draw_ms(&self, draw: Seed) -> f64 {
        // In (0, 1], where a logarithm is wanted.
        let open = || 1.0 - draw.fraction(0);
        let ms = match *self {
            Self::Constant { ms } => ms,
            Self::Uniform { min_ms, max_ms } => min_ms + draw.fraction(0) * (max_ms - min_ms),
            // Box and Muller, 1958.
            Self::Normal { mean_ms, sd_ms } => {
                mean_ms + sd_ms * (-2.0 * open().ln()).sqrt() * (TAU * draw.fraction(1)).cos()
            }
            Self::Exponential { mean_ms } => -mean_ms * open().ln(),
            Self::Pareto { min_ms, shape } => min_ms * open().powf(-1.0 / shape),
        };
        ms.clamp(0.0, limits::LONGEST_DELAY.as_secs_f64() * 1e3)
    }
}

impl Latency {
    pub(super) fn decide(&self, seed: Seed, message: &Message) -> Decision {
        let ms = self.distribution.draw_ms(Seed(seed.draw(message.n)));
        let order = if self.reorders { Order::Free } else { Order::Kept };
        Decision::Delay(milliseconds(ms), order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The `q`-quantile of 100,000 draws.
    fn quantile(distribution: &Distribution, q: f64) -> f64 {
        let mut drawn: Vec<f64> =
            (0..100_000).map(|n| distribution.draw_ms(Seed(Seed(11).draw(n)))).collect();
        drawn.sort_by(f64::total_cmp);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        drawn[(q * 100_000.0) as usize]
    }

    #[test]
    fn each_distribution_has_its_quantiles() {
        let expected = [
            (Distribution::Constant { ms: 7.0 }, [7.0, 7.0, 7.0]),
            (Distribution::Uniform { min_ms: 10.0, max_ms: 20.0 }, [11.0, 15.0, 19.0]),
            (Distribution::Normal { mean_ms: 20.0, sd_ms: 5.0 }, [13.592, 20.0, 26.408]),
            (Distribution::Exponential { mean_ms: 10.0 }, [1.0536, 6.931, 23.026]),
            (Distribution::Pareto { min_ms: 2.0, shape: 1.5 }, [2.1455, 3.1748, 9.283]),
        ];
        for (distribution, quantiles) in expected {
            for (q, expected) in [0.1, 0.5, 0.9].into_iter().zip(quantiles) {
                let seen = quantile(&distribution, q);
                assert!((seen / expected - 1.0).abs() < 0.03, "{distribution:?}: {q}: {seen}");
            }
        }
    }

    #[test]
    fn no_draw_is_below_zero_or_endless() {
        let wild = [
            Distribution::Normal { mean_ms: 0.0, sd_ms: 1000.0 },
            Distribution::Pareto { min_ms: 1000.0, shape: 0.1 },
        ];
        for distribution in wild {
            assert!(quantile(&distribution, 0.0) >= 0.0);
            assert!(quantile(&distribution, 0.99999) <= 1e3 * limits::LONGEST_DELAY.as_secs_f64());
        }
    }
}
