//! What keeps a run from being exact.

use std::fmt;

/// Something that the supervisor could not take into its hands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remark {
    /// A process used a call that may tell real time, or wait, outside the supervisor's knowledge.
    Used {
        /// The label of the process.
        label: String,
        /// The name of the call.
        call: String,
    },
    /// A process waited in a call outside the supervisor's knowledge.
    Waited {
        /// The label of the process.
        label: String,
        /// The name of the call.
        call: String,
    },
    /// The system refused something that keeps processes apart from the rest of the host.
    Refused {
        /// What was asked for.
        what: &'static str,
        /// What the system said.
        reason: String,
    },
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Used { label, call } => write!(f, "{label} used {call}"),
            Self::Waited { label, call } => {
                write!(f, "{label} waited in {call} where virtual time does not reach")
            }
            Self::Refused { what, reason } => write!(f, "the system refused {what} ({reason})"),
        }
    }
}
