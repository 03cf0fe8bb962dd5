//! What a host can be like: a plain description, from the table in [`super::profiles`] or a file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::seed;

/// A simulated host, for the replicas only.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// One line.
    pub description: String,
    /// How long each replica waits before its program is loaded.
    pub start_delay: Option<Delay>,
    /// The file look-ups of a program that starts.
    pub lookups: Option<Lookups>,
    /// How each replica is kept from the processor while it runs.
    pub starvation: Option<Starvation>,
    /// Processes that do nothing but compute, beside the replicas.
    pub busy_neighbours: u32,
    /// The most descriptors that a replica may have.
    pub descriptors: Option<u64>,
    /// Processors that all replicas of a run have together, also parts of one.
    pub cpu_quota: Option<f64>,
    /// The most processes and threads that the replicas' user may have.
    pub processes: Option<u64>,
    /// Bytes that wait at most in a replica's socket until it reads them; the system doubles the figure, and has a
    /// least of some 4,600.
    pub socket_bytes: Option<u32>,
    /// How long each message of a replica waits before it is read: meanwhile the replica's socket fills.
    pub read_delay: Option<Delay>,
    /// The replicas of all runs on this host work in one directory, where the sockets of the next run take the place of
    /// those of the last.
    pub shared_directory: bool,
    /// A wall clock that is set while the replicas run.
    pub clock_jump: Option<ClockJump>,
    /// The disk for what replicas print.
    pub logs: Option<Logs>,
    /// How long each write through to the disk (`fsync`) takes on top.
    pub sync_delay: Option<Delay>,
    /// The largest file, in bytes, that a replica may write: what it has beyond that is a full disk.
    pub file_bytes: Option<u64>,
}

/// A time that chance decides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Delay {
    /// Always the same.
    Fixed {
        /// Milliseconds.
        ms: f64,
    },
    /// Any between two, all as likely.
    Uniform {
        /// The least, in milliseconds.
        min_ms: f64,
        /// The most.
        max_ms: f64,
    },
    /// Mostly near the least, now and then very long (Pareto's law).
    HeavyTailed {
        /// The least, in milliseconds.
        min_ms: f64,
        /// The exponent of the tail: the smaller, the longer.
        alpha: f64,
        /// The most.
        max_ms: f64,
    },
}

impl Delay {
    /// The delay for 64 random bits, in milliseconds.
    pub fn draw_ms(self, bits: u64) -> f64 {
        let fraction = seed::fraction(bits);
        match self {
            Self::Fixed { ms } => ms,
            Self::Uniform { min_ms, max_ms } => min_ms + fraction * (max_ms - min_ms),
            Self::HeavyTailed { min_ms, alpha, max_ms } => {
                (min_ms * (1.0 - fraction).powf(-1.0 / alpha)).min(max_ms)
            }
        }
    }

    fn is_sound(self) -> bool {
        let within = |ms: f64| (0.0..=MOST_MS).contains(&ms);
        match self {
            Self::Fixed { ms } => within(ms),
            Self::Uniform { min_ms, max_ms } => {
                within(min_ms) && within(max_ms) && min_ms <= max_ms
            }
            Self::HeavyTailed { min_ms, alpha, max_ms } => {
                within(min_ms)
                    && within(max_ms)
                    && min_ms <= max_ms
                    && (0.01..=100.0).contains(&alpha)
            }
        }
    }
}

/// A minute: no replica that starts later is waited for.
const MOST_MS: f64 = 60_000.0;

/// The look-ups of files by which a program loads itself and its modules.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookups {
    /// The fewest.
    pub least: u32,
    /// The most.
    pub most: u32,
    /// What each takes, in milliseconds.
    pub each_ms: f64,
    /// The fraction of them that stall.
    pub stall_probability: f64,
    /// For how long.
    pub stall: Delay,
}

/// A replica runs for a while, then does not, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Starvation {
    /// How long it runs.
    pub runs: Delay,
    /// How long it does not.
    pub waits: Delay,
}

/// A wall clock that is set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockJump {
    /// How long after the first replica was started.
    pub after_ms: f64,
    /// By how much, forwards or backwards.
    pub by_ms: f64,
}

/// A disk for what replicas print on standard output and standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Logs {
    /// Each write fails: no space left on device.
    Full,
    /// Writes wait for earlier ones: so long for each 4,096 bytes.
    Slow {
        /// How long each waits, for each 4,096 bytes.
        delay: Delay,
    },
}

/// A profile that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Neither a name nor a file.
    #[error("host {name:?}: there is no such profile and no such file; there are {known}{nearest}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
        /// The nearest, as the rest of the sentence.
        nearest: String,
    },
    /// The file cannot be read.
    #[error("host profile {path}: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// It is no profile.
    #[error("host profile {path}: {reason}; `harness list hosts` shows what there is")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: serde_json::Error,
    },
    /// A figure out of its bounds.
    #[error("host profile {path}: `{key}` must be {allowed}")]
    OutOfBounds {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// Its bounds.
        allowed: &'static str,
    },
}

impl Profile {
    /// Reads a profile from a file.
    pub fn load(path: &Path) -> Result<Self, ProfileError> {
        let unreadable = |reason| ProfileError::Unreadable { path: path.to_owned(), reason };
        let metadata = std::fs::metadata(path).map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(unreadable(std::io::Error::other("it is not a regular file")));
        }
        let text = std::fs::read(path).map_err(unreadable)?;
        let malformed = |reason| ProfileError::Malformed { path: path.to_owned(), reason };
        let mut profile: Self = serde_json::from_slice(&text).map_err(malformed)?;
        if profile.name.is_empty() {
            let stem = path.file_stem().unwrap_or_default();
            profile.name = stem.to_string_lossy().into_owned();
        }
        match profile.fault() {
            None => Ok(profile),
            Some((key, allowed)) => {
                Err(ProfileError::OutOfBounds { path: path.to_owned(), key, allowed })
            }
        }
    }

    /// What is out of its bounds, and the bounds.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        const TIME: &str = "from 0 to 60,000 ms, the least first";
        if self.start_delay.is_some_and(|delay| !delay.is_sound()) {
            return Some(("start_delay", TIME));
        }
        if let Some(lookups) = &self.lookups {
            if lookups.least > lookups.most || lookups.most > 100_000 {
                return Some(("lookups.most", "at most 100,000 and no less than `least`"));
            }
            if !(0.0..=1.0).contains(&lookups.stall_probability) {
                return Some(("lookups.stall_probability", "from 0 to 1"));
            }
            if !lookups.stall.is_sound() || !(0.0..=1000.0).contains(&lookups.each_ms) {
                return Some(("lookups.stall", TIME));
            }
        }
        if let Some(Starvation { runs, waits }) = self.starvation
            && !(runs.is_sound() && waits.is_sound() && runs.draw_ms(0) + waits.draw_ms(0) >= 1.0)
        {
            return Some(("starvation", "times from 0 to 60,000 ms, at least 1 ms together"));
        }
        let slow_logs = match self.logs {
            Some(Logs::Slow { delay }) => Some(delay),
            _ => None,
        };
        for (key, delay) in [("read_delay", self.read_delay), ("logs.delay", slow_logs)] {
            if delay.is_some_and(|delay| !delay.is_sound()) {
                return Some((key, TIME));
            }
        }
        if self.cpu_quota.is_some_and(|share| !(0.01..=256.0).contains(&share)) {
            return Some(("cpu_quota", "from 0.01 to 256 processors"));
        }
        if let Some(ClockJump { after_ms, by_ms }) = self.clock_jump
            && !((0.0..=1e7).contains(&after_ms) && by_ms.abs() <= 1e11)
        {
            return Some(("clock_jump", "within 10,000,000 ms, by at most 1e11 ms"));
        }
        if self.sync_delay.is_some_and(|delay| !delay.is_sound()) {
            return Some(("sync_delay", TIME));
        }
        if self.processes.is_some_and(|most| most < 1) {
            return Some(("processes", "at least 1"));
        }
        if self.busy_neighbours > 256 {
            return Some(("busy_neighbours", "at most 256"));
        }
        if self.descriptors.is_some_and(|most| most < 3) {
            return Some(("descriptors", "at least 3"));
        }
        None
    }
}
