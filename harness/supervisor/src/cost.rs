//! How fast the processor is: a model. What a thread does between two calls takes no time; each call costs some.

use serde::{Deserialize, Serialize};

use crate::random::Stream;
use crate::time::{MS, US};

/// The costs, in virtual nanoseconds. A plain value: with a plan, it replays elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// Each call costs at least this, and at most twice as much.
    #[serde(rename = "call_ns")]
    pub call: u64,
    /// What was received costs this in addition.
    #[serde(rename = "message_ns")]
    pub message: u64,
    /// Reading a clock.
    #[serde(rename = "clock_read_ns")]
    pub clock_read: u64,
    /// A thread that is woken runs after this at the earliest.
    #[serde(rename = "wake_ns")]
    pub wake: u64,
    /// And so much later at most.
    #[serde(rename = "wake_spread_ns")]
    pub wake_spread: u64,
    /// A new thread or process runs after this.
    #[serde(rename = "birth_ns")]
    pub birth: u64,
    /// After so many fruitless calls each costs more.
    pub patience: u32,
    /// But no more than this.
    #[serde(rename = "fruitless_most_ns")]
    pub fruitless_most: u64,
    /// After so many, a fruitless call sleeps.
    pub sleepless: u32,
    /// For so long, or until something is delivered.
    #[serde(rename = "sleep_ns")]
    pub sleep: u64,
}

impl Default for Costs {
    fn default() -> Self {
        Self {
            call: 4 * US,
            message: 20 * US,
            clock_read: 100,
            wake: 2 * US,
            wake_spread: 20 * US,
            birth: 10 * US,
            patience: 32,
            fruitless_most: 250 * US,
            sleepless: 64,
            sleep: MS,
        }
    }
}

/// No single cost is greater than a second.
const MOST: u64 = 1_000 * MS;

impl Costs {
    /// Whether time goes on with each call, and no cost is beyond all reason.
    pub fn is_sound(&self) -> bool {
        let positive = [self.call, self.clock_read, self.wake_spread, self.sleep];
        let all = [self.message, self.wake, self.birth, self.fruitless_most];
        positive.into_iter().all(|it| (1..=MOST).contains(&it))
            && all.into_iter().all(|it| it <= MOST)
    }

    /// What the next call costs a thread that made so many fruitless ones.
    pub fn of_call(&self, fruitless: u32, drawn: &mut Stream) -> u64 {
        let cost = self.call + drawn.below(self.call);
        if fruitless <= self.patience {
            return cost;
        }
        let doublings = ((fruitless - self.patience) / 8).min(10);
        (cost << doublings).min(self.fruitless_most.max(cost))
    }

    /// How long it takes until a thread that was woken runs.
    pub fn of_wake(&self, drawn: &mut Stream) -> u64 {
        self.wake + drawn.below(self.wake_spread)
    }

    /// What it costs to read a clock, for a thread that made so many fruitless calls.
    pub fn of_clock_read(&self, fruitless: u32) -> u64 {
        if fruitless > self.patience { self.message } else { self.clock_read }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fruitless_calls_cost_more_and_more_up_to_a_bound() {
        let (costs, mut drawn) = (Costs::default(), Stream::new(1, 1));
        let cheap = costs.of_call(0, &mut drawn);
        assert!((costs.call..2 * costs.call).contains(&cheap));
        assert!(costs.of_call(48, &mut drawn) >= 4 * costs.call);
        assert_eq!(costs.of_call(1_000, &mut drawn), costs.fruitless_most);
    }
}
