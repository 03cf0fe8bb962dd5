//! A rule together with the links on which it holds.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Target;
use crate::ids::NodeId;
use crate::network::rules::Rule;

/// A rule on all links from some replicas to others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkRule {
    /// What happens there.
    #[serde(flatten)]
    pub rule: Rule,
    /// The sources, in the order of ids.
    pub from: Vec<NodeId>,
    /// The destinations, in the order of ids.
    pub to: Vec<NodeId>,
}

impl fmt::Display for LinkRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |ids: &[NodeId]| {
            let names: Vec<String> = ids.iter().map(NodeId::to_string).collect();
            names.join(" ")
        };
        write!(f, "{} from {} to {}", self.rule.name(), names(&self.from), names(&self.to))
    }
}

/// A rule on all links between replicas that may be named by their roles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoleRule {
    /// What happens there.
    #[serde(flatten)]
    pub rule: Rule,
    /// The sources.
    pub from: Vec<Target>,
    /// The destinations.
    pub to: Vec<Target>,
}

impl LinkRule {
    /// The links: from each source to each destination but itself.
    pub fn pairs(&self) -> Vec<(NodeId, NodeId)> {
        let to = |from: NodeId| self.to.iter().map(move |&to| (from, to));
        self.from.iter().flat_map(|&from| to(from)).filter(|(from, to)| from != to).collect()
    }
}
