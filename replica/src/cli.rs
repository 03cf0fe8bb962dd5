//! The command line.

use std::time::Duration;

use clap::Parser;
use rand::Rng;
use thiserror::Error;

use crate::bugs::Bugs;
use crate::core::{Config, ElectionRule, Id};

/// A replica of a key-value store: Raft with a faster election and a queue.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    /// This replica's id, then all the others', each four hexadecimal digits.
    #[arg(required = true)]
    pub ids: Vec<String>,

    /// What to trace on standard error: error, warn, info, debug.
    #[arg(long, default_value = "error")]
    pub log: String,
}

/// What is wrong with the arguments.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ArgumentError {
    /// Not four hexadecimal digits.
    #[error("{0:?} is not an id: four hexadecimal digits, not FFFF")]
    NotAnId(String),
}

impl Arguments {
    /// The configuration that these arguments ask for, and the seed of the replica's randomness.
    pub fn config(&self) -> Result<(Config, u64), ArgumentError> {
        let mut ids = self.ids.iter().map(|text| {
            let id = Id::parse(text).filter(|&id| id != Id::EVERYONE);
            id.ok_or_else(|| ArgumentError::NotAnId(text.clone()))
        });
        let id = ids.next().unwrap_or(Ok(Id(0)))?;
        let peers = ids.collect::<Result<_, _>>()?;
        let config = Config {
            id,
            peers,
            boot: rand::rng().next_u32(),
            heartbeat: Duration::from_millis(70),
            resend: Duration::from_millis(70),
            election_min: Duration::from_millis(100),
            election_max: Duration::from_millis(300),
            quorum_timeout: Duration::from_millis(500),
            batch_delay: Duration::ZERO,
            loyalty: Duration::from_millis(95),
            lease: Duration::from_millis(85),
            bare_majority: false,
            election: ElectionRule::Fast,
            queue_limit: 1024,
            bugs: Bugs::default(),
        };
        Ok((config, rand::rng().next_u64()))
    }
}
