//! What an answer says, in a word or two: a closed set, so that no text decides anything.

use std::fmt;

use checker::transactional::{Anomaly as TransactionalAnomaly, Level};
use checker::{Anomaly, ModelName};
use serde::{Deserialize, Serialize};

/// The kind of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum AnswerKind {
    /// Safety: the history shows this anomaly.
    Anomaly(Anomaly),
    /// Safety: the history is linearizable.
    Linearizable,
    /// Safety: the history keeps the promise of this model, which is less.
    Keeps(ModelName),
    /// Safety: the transactions keep this isolation level.
    KeepsLevel(Level),
    /// Safety: the transactions show this anomaly.
    Isolation(TransactionalAnomaly),
    /// Safety, evidence: the checker did not finish.
    Undecided,
    /// Durability: enough replicas can have known of each acknowledged put.
    Durable,
    /// Durability: a put was acknowledged before enough replicas can have known of it.
    EarlyAcknowledgement,
    /// Durability: the messages between the replicas were not seen.
    NotObserved,
    /// Durability: it was not asked.
    NotAsked,
    /// Process: nothing to report.
    Sound,
    /// Process: replicas died by themselves.
    Died,
    /// Process: replicas sent what the protocol does not allow.
    Protocol,
    /// Process: the program changed the run itself.
    Interference,
    /// Process: two replicas claimed leadership in one term.
    TwoLeaders,
    /// Liveness: not judged, no majority lived.
    NoMajority,
    /// Liveness: not judged, a partition was never healed.
    NotHealed,
    /// Liveness: operations were answered.
    Answered,
    /// Liveness: operations waited too long, some of them for good.
    Unanswered,
    /// Liveness: operations waited too long, and all were answered in the end.
    SlowToCatchUp,
    /// Liveness: replicas still differ after the last request.
    Diverged,
    /// Environment: the host kept up.
    Quiet,
    /// Environment: the host took time from replicas, and no failure is attributed to that.
    Slow,
    /// Environment: the host disturbed the run.
    Disturbed,
    /// Evidence: there was enough of it.
    Sufficient,
    /// Evidence: the run shows too little.
    Vacuous,
    /// Safety, liveness: a check of the user's did not hold.
    Check,
    /// Any: a failure that is attributed to the host.
    Host,
}

impl AnswerKind {
    /// Those that carry nothing.
    const PLAIN: [Self; 24] = [
        Self::Linearizable,
        Self::Undecided,
        Self::Durable,
        Self::EarlyAcknowledgement,
        Self::NotObserved,
        Self::NotAsked,
        Self::Sound,
        Self::Died,
        Self::Protocol,
        Self::Interference,
        Self::TwoLeaders,
        Self::NoMajority,
        Self::NotHealed,
        Self::Answered,
        Self::Unanswered,
        Self::SlowToCatchUp,
        Self::Diverged,
        Self::Quiet,
        Self::Slow,
        Self::Disturbed,
        Self::Sufficient,
        Self::Vacuous,
        Self::Check,
        Self::Host,
    ];

    /// The words in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anomaly(anomaly) => anomaly.name(),
            Self::Keeps(model) => model.name(),
            Self::KeepsLevel(level) => level.name(),
            Self::Isolation(anomaly) => anomaly.name(),
            Self::Linearizable => "linearizable",
            Self::Undecided => "undecided",
            Self::Durable => "durable",
            Self::EarlyAcknowledgement => "early acknowledgement",
            Self::NotObserved => "not observed",
            Self::NotAsked => "not asked",
            Self::Sound => "sound",
            Self::Died => "died",
            Self::Protocol => "protocol",
            Self::Interference => "interference",
            Self::TwoLeaders => "two leaders in one term",
            Self::NoMajority => "no majority",
            Self::NotHealed => "not healed",
            Self::Answered => "answered",
            Self::Unanswered => "unanswered",
            Self::SlowToCatchUp => "slow to catch up",
            Self::Diverged => "diverged",
            Self::Quiet => "quiet",
            Self::Slow => "slow",
            Self::Disturbed => "disturbed",
            Self::Sufficient => "sufficient",
            Self::Vacuous => "vacuous",
            Self::Check => "check",
            Self::Host => "host",
        }
    }

    /// The kind with this name.
    pub fn named(name: &str) -> Option<Self> {
        let plain = Self::PLAIN.into_iter().find(|kind| kind.name() == name);
        plain
            .or_else(|| Anomaly::named(name).map(Self::Anomaly))
            .or_else(|| ModelName::named(name).map(Self::Keeps))
            .or_else(|| Level::named(name).map(Self::KeepsLevel))
            .or_else(|| TransactionalAnomaly::named(name).map(Self::Isolation))
    }
}

impl fmt::Display for AnswerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<AnswerKind> for &'static str {
    fn from(kind: AnswerKind) -> Self {
        kind.name()
    }
}

impl TryFrom<String> for AnswerKind {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::named(&name).ok_or_else(|| format!("no answer has the kind {name:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_read_back_from_its_name() {
        let anomalies = Anomaly::ALL.map(AnswerKind::Anomaly);
        let levels = Level::ALL.map(AnswerKind::KeepsLevel);
        let isolation = TransactionalAnomaly::ALL.map(AnswerKind::Isolation);
        let all = AnswerKind::PLAIN.into_iter().chain(anomalies).chain(levels).chain(isolation);
        for kind in all {
            assert_eq!(AnswerKind::named(kind.name()), Some(kind));
        }
        let kept = AnswerKind::Keeps(ModelName::named("bank").unwrap());
        let text = serde_json::to_string(&kept).unwrap();
        assert_eq!(text, "\"bank\"");
        assert_eq!(serde_json::from_str::<AnswerKind>(&text).unwrap(), kept);
        assert!(serde_json::from_str::<AnswerKind>("\"calm\"").is_err());
    }
}
