//! What is tested, as data: how its nodes are called, how they are asked, and what they can bear.
//!
//! - [`description`]: a system as its file describes it; its clients speak [`http`] or another protocol.
//! - [`template`]: texts with places to fill in.
//! - [`bears`]: which faults and rules make sense.

pub mod bears;
pub mod description;
pub mod http;
pub mod template;

use serde::{Deserialize, Serialize};

use crate::dialect::maelstrom::Topology;
use crate::ids::Naming;
pub use description::Description;

/// A system under test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct System {
    /// How its nodes and clients are called.
    pub naming: Naming,
    /// How its nodes are asked.
    pub port: Port,
    /// What its file says, for a system that a driver asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Box<Description>>,
    /// Which nodes are neighbours, where nodes are told.
    #[serde(default)]
    pub topology: Topology,
    /// The fraction of operations that must be answered `ok`, if that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<f64>,
}

/// How the nodes of a system are asked, and how they talk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Port {
    /// In the course's messages, all of which pass through the harness.
    #[default]
    Course,
    /// In Maelstrom's messages, all of which pass through the harness.
    Maelstrom,
    /// Through a driver, which speaks the system's own protocol with it.
    Driver,
}

impl System {
    /// Whether it is a course's: then a plan says nothing of it.
    pub fn is_the_courses(&self) -> bool {
        *self == Self::default()
    }

    /// Nodes that speak Maelstrom's protocol.
    pub fn maelstrom() -> Self {
        Self { naming: Naming::Short, port: Port::Maelstrom, ..Self::default() }
    }

    /// Nodes that a driver asks, as a file describes them.
    pub fn driven(description: Description) -> Self {
        let description = Some(Box::new(description));
        Self { naming: Naming::Short, port: Port::Driver, description, ..Self::default() }
    }
}
