//! What a system bears: a fault or a rule that makes no sense for it is refused by name, before anything is started.

use crate::fault::FaultKind;
use crate::network::rules::Rule;

/// Why a proxy between two processes, which carries a stream of bytes, does not support a rule.
pub fn unsupported_by_proxies(rule: &Rule) -> Option<&'static str> {
    match rule {
        Rule::Corrupt(corrupt) if corrupt.spare_envelope => {
            Some("in a byte stream no envelope can be spared; set `spare_envelope` to false")
        }
        Rule::Corrupt(_) => None,
        other => other.unsupported_on_streams(),
    }
}

/// Why nodes that talk over standard input and output cannot bear a fault, if so.
pub fn fault_over_pipes(kind: FaultKind) -> Result<(), &'static str> {
    match kind {
        FaultKind::Reset => Err("there is no connection that could be closed"),
        FaultKind::IsolateLeaders => Err("no node says in its messages that it leads"),
        FaultKind::Disk => Err("nodes have no data directory of which the harness knows"),
        _ => Ok(()),
    }
}

/// The same for a rule on links.
pub fn rule_over_pipes(rule: &Rule) -> Result<(), &'static str> {
    match rule {
        Rule::Corrupt(_) => Err("the protocol promises that messages arrive as they were sent"),
        _ => Ok(()),
    }
}
