//! What the seed makes of a profile: drawn before the run, recorded in its plan.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::profile::{Profile, Starvation};
use crate::seed::{self, Seed};

/// A pretended host, drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostPlan {
    /// From what it was drawn.
    pub profile: Profile,
    /// One for each replica, in the order of ids.
    pub replicas: Vec<ReplicaHost>,
}

/// What one replica meets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplicaHost {
    /// How long its start is held back, in microseconds: the delay, the look-ups, the stalls.
    pub start_delay_us: u64,
    /// How many of its look-ups stalled.
    pub stalls: u32,
    /// From what its times with and without a processor are drawn.
    pub starvation: Seed,
}

impl HostPlan {
    /// Draws what each of `replicas` meets.
    pub fn draw(profile: &Profile, replicas: usize, seed: Seed) -> Self {
        let seed = seed.derive("host");
        let replica = |n: usize| draw_replica(profile, seed.derive(&format!("replica/{n}")));
        Self { profile: profile.clone(), replicas: (0..replicas).map(replica).collect() }
    }
}

fn draw_replica(profile: &Profile, seed: Seed) -> ReplicaHost {
    let delay = profile.start_delay.map_or(0.0, |delay| delay.draw_ms(seed.draw(0)));
    let (mut waited, mut stalls) = (delay, 0);
    if let Some(lookups) = &profile.lookups {
        let more = usize::try_from(lookups.most - lookups.least).unwrap_or(0) + 1;
        let count = u64::from(lookups.least) + seed::index(seed.draw(1), more) as u64;
        let (stall, length) = (seed.derive("stall"), seed.derive("length"));
        waited += count as f64 * lookups.each_ms;
        for n in (0..count).filter(|&n| stall.fraction(n) < lookups.stall_probability) {
            stalls += 1;
            waited += lookups.stall.draw_ms(length.draw(n));
        }
    }
    let start_delay = Duration::try_from_secs_f64(waited / 1e3).unwrap_or_default();
    ReplicaHost {
        start_delay_us: u64::try_from(start_delay.as_micros()).unwrap_or(u64::MAX),
        stalls,
        starvation: seed.derive("starvation"),
    }
}

/// The `n`-th time that a replica runs, and how long it then has no processor.
pub fn turn(starvation: &Starvation, seed: Seed, n: u64) -> (Duration, Duration) {
    let ms = |ms: f64| Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default();
    let runs = starvation.runs.draw_ms(seed.draw(2 * n));
    let waits = starvation.waits.draw_ms(seed.draw(2 * n + 1));
    (ms(runs.max(1.0)), ms(waits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::profiles;

    fn plans(name: &str) -> Vec<HostPlan> {
        let profile = profiles::find(name).unwrap();
        (0..2000).map(|seed| HostPlan::draw(&profile, 5, Seed(seed))).collect()
    }

    #[test]
    fn the_same_seed_pretends_the_same_host() {
        let (once, again) = (plans("due-date"), plans("due-date"));
        assert_eq!(once, again);
        assert_ne!(once[0].replicas, once[1].replicas);
        let text = serde_json::to_string(&once[0]).unwrap();
        assert_eq!(serde_json::from_str::<HostPlan>(&text).unwrap(), once[0]);
    }

    #[test]
    fn on_the_login_server_one_start_in_twelve_stalls_and_on_a_quiet_host_none() {
        let stalled = |plan: &HostPlan| plan.replicas.iter().any(|replica| replica.stalls > 0);
        let share = plans("login-server").iter().filter(|plan| stalled(plan)).count();
        // Five replicas with some 90 look-ups each, 1 in 5,000 stalls: 8.6 % of 2,000.
        assert!((120..230).contains(&share), "{share} of 2,000 starts");
        let quiet = plans("quiet");
        assert!(quiet.iter().flat_map(|plan| &plan.replicas).all(|it| it.start_delay_us == 0));
    }

    #[test]
    fn a_misspelt_host_is_told_the_nearest() {
        let error = profiles::find("login-servr").unwrap_err().to_string();
        assert!(error.contains("did you mean `login-server`?"), "{error}");
    }
}
