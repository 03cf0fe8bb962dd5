//! The exit codes: a documented contract with scripts and CI.

use std::process::ExitCode;

/// How the program ended. The order of badness among verdicts is that of [`Exit::join`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// All six questions were answered well.
    Valid,
    /// The harness itself failed.
    Internal,
    /// A wrong command line, workload or replica program; nothing was judged.
    Usage,
    /// The history violates the model.
    Safety,
    /// A put was acknowledged before enough replicas can have known of it.
    Durability,
    /// After healing, operations were not answered.
    Liveness,
    /// A replica died by itself, or wrote what no protocol allows.
    Process,
    /// The checker could not decide.
    Undecided,
    /// Too little happened to conclude anything.
    Vacuous,
    /// The host disturbed the run.
    Environment,
    /// Ended by Ctrl-C; what was seen until then shows nothing wrong.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Safety => 10,
            Self::Durability => 16,
            Self::Liveness => 11,
            Self::Process => 12,
            Self::Undecided => 13,
            Self::Vacuous => 14,
            Self::Environment => 15,
            Self::Interrupted => 130,
        }
    }

    /// Larger is worse: of several runs the worst one's code is returned.
    fn badness(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Undecided => 1,
            Self::Vacuous => 2,
            // The user who cut a run short knows why it shows so little.
            Self::Interrupted => 3,
            Self::Environment => 4,
            Self::Liveness => 5,
            Self::Process => 6,
            Self::Durability => 7,
            Self::Safety => 8,
            Self::Usage => 9,
            Self::Internal => 10,
        }
    }

    /// The worse of two: safety, then durability, process, liveness, environment, evidence.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        if other.badness() > self.badness() { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
