//! The command line: the course's arguments, and flags that no simulator of the course gives.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use rand::Rng;
use thiserror::Error;
use tracing::level_filters::LevelFilter;

use crate::bugs::{Bug, Bugs};
use crate::core::{Config, ElectionRule, Id};
use crate::profile::{FOLLOW_UP_ON_DISK, Profile};
use crate::transport::Kind;

/// Longer timeouts are typing errors, and would not fit the clock.
const LONGEST_TIMING: Duration = Duration::from_secs(3_600);

/// A replica of a key-value store: Raft with a faster election, and a queue for requests that
/// arrive while there is no leader.
///
/// Started by a simulator, one process a replica, in a directory that holds its socket:
/// `replica 0000 0001 0002`; or, over UDP, with the simulator's port first:
/// `replica 40000 0000 0001 0002`.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    /// The simulator's UDP port, if UDP is spoken; this replica's id; all the other ids. An id is
    /// four hexadecimal digits, and so is taken for one whatever it looks like: give
    /// `--transport udp` with a port of four digits.
    #[arg(required_unless_present = "list_bugs", value_name = "PORT|ID")]
    pub words: Vec<String>,

    /// How to reach the simulator; auto: UDP if a port is given, else whichever UNIX socket is
    /// there.
    #[arg(long, value_enum, default_value = "auto")]
    pub transport: TransportName,

    /// A set of timings; the flags below change single ones.
    #[arg(long, value_enum, default_value = "course")]
    pub profile: Profile,

    /// How an election without a winner continues: by the faster rule, or as in the paper
    #[arg(long, value_enum, default_value = "fast")]
    pub election: ElectionName,

    /// Heartbeat interval, in milliseconds.
    #[arg(long, value_name = "MS")]
    pub heartbeat_ms: Option<u64>,

    /// Shortest election timeout, in milliseconds.
    #[arg(long, value_name = "MS")]
    pub election_min_ms: Option<u64>,

    /// Longest election timeout, in milliseconds.
    #[arg(long, value_name = "MS")]
    pub election_max_ms: Option<u64>,

    /// How long a leader leads without hearing from a majority, in milliseconds.
    #[arg(long, value_name = "MS")]
    pub quorum_timeout_ms: Option<u64>,

    /// How long a leader waits for more puts before it sends the first of them, in milliseconds.
    #[arg(long, value_name = "MS")]
    pub batch_delay_ms: Option<u64>,

    /// Keeps term, vote and log in this directory, so that the replica can be killed and started
    /// again. Without it they are kept in memory, and a killed replica must stay dead.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// Seed of the random election timeouts; without it, one from the system.
    #[arg(long)]
    pub seed: Option<u64>,

    /// What to trace on standard error: off, error, warn, info (elections, roles), debug, trace
    /// (heartbeats, appends, commits).
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    pub log: LevelFilter,

    /// Switches a named bug on; may be given several times, or several names with commas between.
    #[arg(long = "bug", value_name = "NAME", value_delimiter = ',')]
    pub bugs: Vec<Bug>,

    /// Lists the named bugs, one a line, and exits.
    #[arg(long)]
    pub list_bugs: bool,
}

/// The names of the transports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TransportName {
    /// By the arguments and the socket.
    Auto,
    /// A UNIX socket of packets: the course until 2020.
    Seqpacket,
    /// A UNIX socket of lines: the course in 2021.
    Stream,
    /// Datagrams: the course since 2022.
    Udp,
}

/// The names of the election rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ElectionName {
    /// Only the best stands a second time.
    Fast,
    /// Everyone stands again after a random timeout.
    Paper,
}

/// What is wrong with the arguments.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ArgumentError {
    /// Not an id.
    #[error("{0:?} is not an id: an id is four hexadecimal digits, and not FFFF")]
    NotAnId(String),
    /// An id twice.
    #[error("the id {0} is given twice")]
    Twice(Id),
    /// No id.
    #[error("this replica's id is missing")]
    NoId,
    /// UDP without a port.
    #[error("{0:?} is not a UDP port: with --transport udp the first argument is the port")]
    NotAPort(String),
    /// Timings that cannot work.
    #[error("{0}")]
    Contradiction(String),
}

/// Everything that the arguments say.
#[derive(Debug)]
pub struct Plan {
    /// The configuration of the core.
    pub config: Config,
    /// How to reach the simulator.
    pub transport: Kind,
    /// The seed of the replica's randomness.
    pub seed: u64,
}

impl Arguments {
    /// Checks the arguments and puts them together.
    pub fn plan(&self) -> Result<Plan, ArgumentError> {
        let (transport, words) = self.split()?;
        let ids = parse_ids(words)?;
        let (&id, peers) = ids.split_first().ok_or(ArgumentError::NoId)?;
        let seed = self.seed.unwrap_or_else(|| rand::rng().next_u64());
        // Replicas given the same seed must not draw the same timeouts.
        let seed = seed ^ (u64::from(id.0) << 48);
        let mut config = self.profile.config(id, peers.to_vec());
        self.change_timings(&mut config);
        check_timings(&config)?;
        if self.data_dir.is_some() && config.follow_up.is_zero() {
            config.follow_up = FOLLOW_UP_ON_DISK;
        }
        config.boot = rand::rng().next_u32();
        config.bugs = self.bugs.iter().copied().collect::<Bugs>();
        config.election = match self.election {
            ElectionName::Fast => ElectionRule::Fast,
            ElectionName::Paper => ElectionRule::Paper,
        };
        Ok(Plan { config, transport, seed })
    }

    fn split(&self) -> Result<(Kind, &[String]), ArgumentError> {
        let first = self.words.first().ok_or(ArgumentError::NoId)?;
        let port = first.parse::<u16>().ok().filter(|&port| port > 0);
        let rest = &self.words[1..];
        match self.transport {
            TransportName::Seqpacket => Ok((Kind::SeqPacket, &self.words)),
            TransportName::Stream => Ok((Kind::Stream, &self.words)),
            TransportName::Udp => {
                let port = port.ok_or_else(|| ArgumentError::NotAPort(first.clone()))?;
                Ok((Kind::Udp(port), rest))
            }
            TransportName::Auto => match port {
                Some(port) if Id::parse(first).is_none() => Ok((Kind::Udp(port), rest)),
                _ => Ok((Kind::Unix, &self.words)),
            },
        }
    }

    fn change_timings(&self, config: &mut Config) {
        let set = |timing: &mut Duration, flag: Option<u64>| {
            if let Some(millis) = flag {
                *timing = Duration::from_millis(millis);
            }
        };
        set(&mut config.heartbeat, self.heartbeat_ms);
        set(&mut config.election_min, self.election_min_ms);
        set(&mut config.election_max, self.election_max_ms);
        set(&mut config.quorum_timeout, self.quorum_timeout_ms);
        set(&mut config.batch_delay, self.batch_delay_ms);
        crate::profile::derive(config);
    }
}

fn parse_ids(words: &[String]) -> Result<Vec<Id>, ArgumentError> {
    let mut ids = Vec::new();
    for word in words {
        let id = Id::parse(word).filter(|&id| id != Id::EVERYONE);
        let id = id.ok_or_else(|| ArgumentError::NotAnId(word.clone()))?;
        if ids.contains(&id) {
            return Err(ArgumentError::Twice(id));
        }
        ids.push(id);
    }
    Ok(ids)
}

/// Refuses timings under which no leader could last.
fn check_timings(config: &Config) -> Result<(), ArgumentError> {
    let ms = |timing: Duration| timing.as_millis();
    let longest = config.election_max.max(config.quorum_timeout);
    let contradiction = if longest > LONGEST_TIMING {
        format!("a timeout of {} ms is longer than an hour: give less", ms(longest))
    } else if config.heartbeat.is_zero() {
        "a heartbeat interval of 0 ms would flood the network: give at least 1".to_owned()
    } else if config.election_min > config.election_max {
        format!(
            "the shortest election timeout ({} ms) is longer than the longest ({} ms)",
            ms(config.election_min),
            ms(config.election_max)
        )
    } else if config.heartbeat >= config.election_min {
        format!(
            "the heartbeat interval ({} ms) must be shorter than the shortest election timeout \
             ({} ms), or followers stand against a living leader",
            ms(config.heartbeat),
            ms(config.election_min)
        )
    } else if config.quorum_timeout < 2 * config.heartbeat {
        format!(
            "the quorum timeout ({} ms) must be at least two heartbeat intervals ({} ms), or a \
             leader gives up before it can be answered",
            ms(config.quorum_timeout),
            ms(2 * config.heartbeat)
        )
    } else if config.batch_delay > config.heartbeat {
        format!(
            "the batch delay ({} ms) must not be longer than the heartbeat interval ({} ms)",
            ms(config.batch_delay),
            ms(config.heartbeat)
        )
    } else {
        return Ok(());
    };
    Err(ArgumentError::Contradiction(contradiction))
}

/// The text of `--list-bugs`.
pub fn list_bugs() -> String {
    let mut text = String::new();
    for bug in Bug::ALL {
        let hidden = bug.hidden().map(|why| format!(" Invisible to clients: {why}."));
        let hidden = hidden.unwrap_or_default();
        writeln!(text, "{:24}{}{hidden}", bug.name(), bug.breaks()).expect("a string takes all");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(line: &str) -> Result<Plan, ArgumentError> {
        Arguments::try_parse_from(line.split(' ')).unwrap().plan()
    }

    #[test]
    fn the_first_argument_tells_the_transports_apart() {
        assert_eq!(plan("replica 0000 0001 0002").unwrap().transport, Kind::Unix);
        let udp = plan("replica 40123 0001 0000 0002").unwrap();
        assert_eq!((udp.transport, udp.config.id), (Kind::Udp(40123), Id(1)));
        assert_eq!(plan("replica 8000 0001").unwrap().config.id, Id(0x8000));
        let short = plan("replica --transport udp 8000 0001").unwrap();
        assert_eq!((short.transport, short.config.id), (Kind::Udp(8000), Id(1)));
    }

    #[test]
    fn wrong_arguments_are_refused_with_a_sentence() {
        let error = |line: &str| plan(line).unwrap_err().to_string();
        assert!(error("replica 0000 1").contains("\"1\" is not an id"));
        assert!(error("replica 0000 FFFF").contains("not FFFF"));
        assert!(error("replica 0000 0001 0000").contains("0000 is given twice"));
        assert!(error("replica 40123").contains("id is missing"));
        assert!(error("replica --transport udp abcd 0001").contains("not a UDP port"));
        assert!(error("replica --heartbeat-ms 200 0000").contains("shorter than the shortest"));
        assert!(error("replica --heartbeat-ms 0 0000").contains("at least 1"));
        assert!(error("replica --election-min-ms 400 0000").contains("longer than the longest"));
        assert!(error("replica --quorum-timeout-ms 90 0000").contains("two heartbeat"));
        assert!(error("replica --batch-delay-ms 90 0000").contains("batch delay"));
        let most = u64::MAX;
        for flag in ["election-max", "quorum-timeout"] {
            assert!(error(&format!("replica --{flag}-ms {most} 0000")).contains("than an hour"));
        }
    }

    #[test]
    fn every_profile_is_consistent() {
        for profile in ["paper", "course", "low-message"] {
            let config = plan(&format!("replica --profile {profile} 0000 0001 0002")).unwrap();
            assert!(config.config.lease < config.config.loyalty, "{profile}");
        }
    }

    #[test]
    fn bugs_are_known_by_name() {
        for bug in Bug::ALL {
            assert_eq!(bug.name().parse(), Ok(*bug));
            let config = plan(&format!("replica --bug {} 0000", bug.name())).unwrap().config;
            assert!(Bug::ALL.iter().all(|other| config.bugs.has(*other) == (other == bug)));
        }
        assert_eq!(list_bugs().lines().count(), Bug::ALL.len());
        let two = plan("replica --bug stale-read,no-fsync 0000").unwrap().config.bugs;
        assert!(two.has(Bug::StaleRead) && two.has(Bug::NoFsync));
    }

    #[test]
    fn the_readme_has_every_bug() {
        let readme = include_str!("../README.md");
        for bug in Bug::ALL {
            let row = format!("| `{}` | {} |", bug.name(), bug.breaks());
            assert!(readme.contains(&row), "replica/README.md lacks the row: {row}");
        }
    }
}
