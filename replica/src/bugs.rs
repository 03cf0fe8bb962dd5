//! Named bugs: realistic mistakes that can be switched on, one by one or together.
//!
//! A proof that cannot fail proves nothing. Each bug sits at the place where it would be made,
//! as one `if` on [`Bugs::has`]; none is on unless `--bug NAME` says so.

use thiserror::Error;

macro_rules! bugs {
    ($($variant:ident $name:literal $breaks:literal,)*) => {
        /// One realistic mistake.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Bug {
            $(#[doc = $breaks] $variant,)*
        }

        impl Bug {
            /// Every bug, in the order of `--list-bugs`.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// One sentence on what it breaks.
            pub fn breaks(self) -> &'static str {
                match self { $(Self::$variant => $breaks,)* }
            }
        }
    };
}

impl Bug {
    /// Why no client can ever tell a replica with this bug from a good one; `None` if one can.
    pub fn hidden(self) -> Option<&'static str> {
        match self {
            Self::QueueLost => {
                Some("a request that was forgotten looks like one that was lost on its way")
            }
            Self::QueueReordered => Some(
                "what waits in a queue is unanswered, so concurrent, and may take effect in any \
                 order",
            ),
            _ => None,
        }
    }
}

bugs! {
    StaleRead "stale-read"
        "A leader answers gets without knowing that it still leads.",
    AckBeforeCommit "ack-before-commit"
        "A leader acknowledges a put as soon as it is in its own log.",
    ElectByCommit "elect-by-commit"
        "Votes compare commit indexes instead of logs, so a leader may lack acknowledged entries.",
    VoteWithoutLogCheck "vote-without-log-check"
        "Votes are granted to anyone who asks first, whatever its log lacks.",
    DoubleVote "double-vote"
        "A replica forgets its vote within a term and grants another one.",
    CommitOlderTerm "commit-older-term"
        "A leader commits entries of earlier terms by counting copies (section 5.4.2 is missing).",
    NoPrevCheck "no-prev-check"
        "A follower takes entries without comparing the one before them (log matching is missing).",
    TruncateCommitted "truncate-committed"
        "A follower that refuses an append throws its whole log away, committed entries included.",
    CommitAhead "commit-ahead"
        "A follower applies up to the leader's commit index, beyond what it knows to match.",
    DuplicateApply "duplicate-apply"
        "A request that came twice takes effect twice.",
    QueueLost "queue-lost"
        "A replica forgets its queue when it hands it over, before that was acknowledged.",
    QueueReordered "queue-reordered"
        "A queue is handed over last request first.",
    Amnesia "amnesia"
        "A replica that restarts ignores what is on its disk.",
    NoFsync "no-fsync"
        "Messages leave before the writes that they promise are on disk.",
    LostBatchTail "lost-batch-tail"
        "A follower drops the end of a batch of more than four entries and acknowledges all of it.",
    SplitBrainHeal "split-brain-heal"
        "A follower keeps its own entry where the leader's differs, so an old leader's entries \
         survive a heal.",
    StuckElection "stuck-election"
        "A replica that lost an election never stands again.",
    DeafAfterPause "deaf-after-pause"
        "A process that was stopped for a while goes on with its old idea of the time, and so with \
         its old lease.",
    EagerLeader "eager-leader"
        "A new leader answers gets before it has committed an entry of its own term.",
    MinorityCommit "minority-commit"
        "One follower's answer commits an entry.",
    MinorityVote "minority-vote"
        "One vote less than a majority elects: two of five.",
    RefusalCounts "refusal-counts"
        "Refused votes count as granted.",
    AckOvercredit "ack-overcredit"
        "A follower's answer is credited for entries sent after it was given.",
    CommitOnElection "commit-on-election"
        "A new leader commits all that it has at once.",
    EmptyEntries "empty-entries"
        "Followers store entries without their values.",
    Rewind "rewind"
        "An old append that arrives late cuts off newer entries.",
    LeaderKeepsOnlyCopy "leader-keeps-only-copy"
        "A leader takes its majority among those it hears, so alone it commits alone.",
}

/// No bug has this name.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("no bug is named {0:?}; --list-bugs lists them")]
pub struct UnknownBug(String);

impl std::str::FromStr for Bug {
    type Err = UnknownBug;

    fn from_str(name: &str) -> Result<Self, UnknownBug> {
        let found = Self::ALL.iter().find(|bug| bug.name() == name);
        found.copied().ok_or_else(|| UnknownBug(name.to_owned()))
    }
}

/// A set of bugs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bugs(u32);

impl Bugs {
    /// Whether this bug is switched on.
    pub fn has(self, bug: Bug) -> bool {
        self.0 & (1 << bug as u32) != 0
    }
}

impl FromIterator<Bug> for Bugs {
    fn from_iter<I: IntoIterator<Item = Bug>>(bugs: I) -> Self {
        Self(bugs.into_iter().fold(0, |set, bug| set | 1 << bug as u32))
    }
}
