//! What the seed makes of a profile: drawn before the run, recorded in its plan.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::scenario::host::profile::{Profile, Starvation};
use crate::seed::{self, Seed};

/// A simulated host, drawn.
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
    /// How long its start is held back before its program is loaded, in microseconds.
    pub start_delay_us: u64,
    /// How many of the first look-ups of files are slow.
    #[serde(default)]
    pub lookups: u32,
    /// How slow each is, in microseconds.
    #[serde(default)]
    pub lookup_us: u64,
    /// Those that stall, in their order.
    #[serde(default)]
    pub stalled: Vec<Stall>,
    /// From what its times with and without a processor are drawn.
    pub starvation: Seed,
    /// From what the times of its writes to the disk are drawn.
    #[serde(default)]
    pub syncs: Seed,
    /// From what the times are drawn after which the harness reads.
    #[serde(default)]
    pub reads: Seed,
}

/// A look-up that stalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stall {
    /// Its number since the program was started, from 0.
    pub lookup: u32,
    /// For how long, in microseconds.
    pub stall_us: u64,
}

impl ReplicaHost {
    /// How long this look-up of a file takes longer than on a quiet host.
    pub fn lookup(&self, number: u32) -> Duration {
        if number >= self.lookups {
            return Duration::ZERO;
        }
        let stall = self.stalled.iter().find(|stall| stall.lookup == number);
        Duration::from_micros(self.lookup_us + stall.map_or(0, |stall| stall.stall_us))
    }

    /// Whether it stalls.
    pub fn is_stalled(&self, number: u32) -> bool {
        self.stalled.iter().any(|stall| stall.lookup == number)
    }

    /// What all of them take together.
    pub fn all_lookups(&self) -> Duration {
        let stalls: u64 = self.stalled.iter().map(|stall| stall.stall_us).sum();
        Duration::from_micros(u64::from(self.lookups) * self.lookup_us + stalls)
    }
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
    let (mut lookups, mut lookup_us, mut stalled) = (0, 0, Vec::new());
    if let Some(them) = &profile.lookups {
        let more = usize::try_from(them.most - them.least).unwrap_or(0) + 1;
        let drawn = seed::index(seed.draw(1), more);
        lookups = them.least + u32::try_from(drawn).unwrap_or(0);
        lookup_us = micros(them.each_ms);
        let (stall, length) = (seed.derive("stall"), seed.derive("length"));
        let numbers = (0..lookups).filter(|&n| stall.fraction(n.into()) < them.stall_probability);
        stalled = numbers
            .map(|lookup| {
                let stall_us = micros(them.stall.draw_ms(length.draw(lookup.into())));
                Stall { lookup, stall_us }
            })
            .collect();
    }
    ReplicaHost {
        start_delay_us: micros(delay),
        lookups,
        lookup_us,
        stalled,
        starvation: seed.derive("starvation"),
        syncs: seed.derive("syncs"),
        reads: seed.derive("reads"),
    }
}

fn micros(ms: f64) -> u64 {
    let time = Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default();
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
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
    use crate::scenario::host::profiles;

    fn plans(name: &str) -> Vec<HostPlan> {
        let profile = profiles::find(name).unwrap();
        (0..2000).map(|seed| HostPlan::draw(&profile, 5, Seed(seed))).collect()
    }

    #[test]
    fn the_same_seed_simulates_the_same_host() {
        let (once, again) = (plans("deadline-day"), plans("deadline-day"));
        assert_eq!(once, again);
        assert_ne!(once[0].replicas, once[1].replicas);
        let text = serde_json::to_string(&once[0]).unwrap();
        assert_eq!(serde_json::from_str::<HostPlan>(&text).unwrap(), once[0]);
    }

    #[test]
    fn on_the_login_server_one_start_in_twelve_stalls_and_on_a_quiet_host_none() {
        let stalled =
            |plan: &HostPlan| plan.replicas.iter().any(|replica| !replica.stalled.is_empty());
        let share = plans("login-server").iter().filter(|plan| stalled(plan)).count();
        // Five replicas with some 90 look-ups each, 1 in 5,000 stalls: 8.6 % of 2,000.
        assert!((120..230).contains(&share), "{share} of 2,000 starts");
        let quiet = plans("quiet");
        assert!(
            quiet
                .iter()
                .flat_map(|plan| &plan.replicas)
                .all(|it| it.start_delay_us + it.lookup_us == 0)
        );
    }

    #[test]
    fn a_stall_is_met_at_its_look_up_and_waited_for_once_where_none_can_be_held_up() {
        let plans = plans("login-server");
        let replicas = plans.iter().flat_map(|plan| &plan.replicas);
        let stalled = replicas.filter(|replica| !replica.stalled.is_empty());
        for replica in stalled {
            let each = (0..2 * replica.lookups).map(|n| replica.lookup(n)).sum::<Duration>();
            assert_eq!(each, replica.all_lookups(), "{replica:?}");
            assert!(each >= Duration::from_millis(1100));
        }
    }

    #[test]
    fn a_misspelt_host_is_told_the_nearest() {
        let error = profiles::find("login-servr").unwrap_err().to_string();
        assert!(error.contains("did you mean `login-server`?"), "{error}");
    }
}
