//! `harness list`: what there is to choose from, from the tables that the code itself uses.

use std::fmt::Write;

use clap::ValueEnum;

use crate::scenario;

/// What can be listed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Topic {
    /// The keys of a workload file.
    Keys,
    /// The faults that a workload can list.
    Faults,
}

/// The list, as text.
pub fn text(topic: Topic) -> String {
    match topic {
        Topic::Keys => keys(),
        Topic::Faults => faults(),
    }
}

fn keys() -> String {
    let mut text = String::new();
    for key in scenario::keys() {
        let _ = writeln!(text, "{:<46} {}", key.path, key.meaning);
        let _ = writeln!(text, "{:<46}   {}; default: {}", "", key.allowed(), key.default);
    }
    text
}

fn faults() -> String {
    let mut text = String::new();
    for kind in scenario::FaultKind::ALL {
        let _ = writeln!(text, "{:<16} {}", kind.name(), kind.meaning());
    }
    text
}
