//! The hosts that can be asked for by name.

use std::ffi::OsStr;
use std::path::Path;

use super::profile::{Delay, Lookups, Profile, ProfileError, Starvation};
use crate::text::bytes_shown;

/// All of them, the quietest first.
pub fn all() -> Vec<Profile> {
    let profile = |name: &str, description: &str| Profile {
        name: name.to_owned(),
        description: description.to_owned(),
        ..Profile::default()
    };
    vec![
        profile("quiet", "the host as it is, without disturbances"),
        Profile {
            start_delay: Some(Delay::Uniform { min_ms: 20.0, max_ms: 80.0 }),
            ..profile("laptop", "programs load from a local disk, within a tenth of a second")
        },
        Profile {
            lookups: Some(Lookups {
                least: 35,
                most: 144,
                each_ms: 0.5,
                stall_probability: 0.0002,
                stall: Delay::Fixed { ms: 1100.0 },
            }),
            ..profile(
                "login-server",
                "a home directory on a network file system: 1 in 5,000 file look-ups of a starting program \
                 stalls for 1.1 s",
            )
        },
        Profile {
            start_delay: Some(Delay::HeavyTailed { min_ms: 30.0, alpha: 1.8, max_ms: 3000.0 }),
            starvation: Some(Starvation {
                runs: Delay::Uniform { min_ms: 40.0, max_ms: 400.0 },
                waits: Delay::HeavyTailed { min_ms: 4.0, alpha: 1.3, max_ms: 80.0 },
            }),
            ..profile(
                "deadline-day",
                "many users on few processors: replicas start at different times, sometimes far apart, and \
                 briefly get no processor",
            )
        },
        Profile {
            start_delay: Some(Delay::Uniform { min_ms: 20.0, max_ms: 200.0 }),
            starvation: Some(Starvation {
                runs: Delay::Uniform { min_ms: 300.0, max_ms: 2000.0 },
                waits: Delay::HeavyTailed { min_ms: 2.0, alpha: 1.5, max_ms: 60.0 },
            }),
            ..profile(
                "ci-runner",
                "a shared virtual machine: short stalls of each replica, all the time",
            )
        },
        Profile {
            start_delay: Some(Delay::Uniform { min_ms: 0.0, max_ms: 1000.0 }),
            starvation: Some(Starvation {
                runs: Delay::Uniform { min_ms: 50.0, max_ms: 500.0 },
                waits: Delay::HeavyTailed { min_ms: 100.0, alpha: 1.0, max_ms: 4000.0 },
            }),
            busy_neighbours: 2,
            ..profile(
                "overloaded",
                "far too much load for one machine: replicas stand still for seconds",
            )
        },
    ]
}

/// The profile of this name, or in this file.
pub fn find(name: impl AsRef<OsStr>) -> Result<Profile, ProfileError> {
    let known = all();
    let name = name.as_ref();
    if let Some(profile) = known.iter().find(|profile| name == profile.name.as_str()) {
        return Ok(profile.clone());
    }
    let path = Path::new(name);
    if path.exists() {
        return Profile::load(path);
    }
    let name = &bytes_shown(name);
    let nearest = known
        .iter()
        .map(|profile| (strsim::damerau_levenshtein(&profile.name, name), &profile.name))
        .filter(|(distance, _)| *distance <= 3)
        .min()
        .map(|(_, name)| format!("; did you mean `{name}`?"));
    let names: Vec<&str> = known.iter().map(|profile| profile.name.as_str()).collect();
    Err(ProfileError::Unknown {
        name: name.to_owned(),
        known: names.join(", "),
        nearest: nearest.unwrap_or_default(),
    })
}
