//! What the log of messages says around a witness: what was lost, what the reader heard, and which claims of
//! leadership were only candidacies.

use std::collections::{BTreeMap, BTreeSet};

use super::leaders::Leadership;
use crate::ids::NodeId;

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// When it was sent, in nanoseconds of the run.
    pub sent_ns: u64,
    /// The sender.
    pub src: NodeId,
    /// The destination.
    pub dst: NodeId,
    /// Its type.
    pub kind: String,
    /// Why it was lost; `None` if it was delivered.
    pub lost: Option<String>,
    /// When its fate was known, in nanoseconds of the run.
    pub ended_ns: u64,
}

/// The read of a witness that saw an old value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The replica that answered it.
    pub replica: NodeId,
    /// When the newer value was acknowledged, in nanoseconds of the run.
    pub newer_ns: u64,
    /// When the read was asked.
    pub asked_ns: u64,
    /// When it was answered.
    pub answered_ns: u64,
}

/// The other replicas that a reader heard from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The read.
    pub reader: Reader,
    /// How many other replicas there are.
    pub others: usize,
    /// Those heard from between question and answer.
    pub during: BTreeSet<NodeId>,
    /// Those heard from between the acknowledgement of the newer value and the answer.
    pub since: BTreeSet<NodeId>,
}

impl Heard {
    /// Whether these others are a majority together with the reader.
    fn is_majority(&self, heard: &BTreeSet<NodeId>) -> bool {
        heard.len() + 1 > self.others.div_ceil(2)
    }

    /// Whether the reader heard from a majority between question and answer.
    pub fn has_asked(&self) -> bool {
        self.is_majority(&self.during)
    }

    /// The same in sentences; `read` and `newer` are the numbers of the operations.
    pub fn sentences(&self, read: usize, newer: usize) -> Vec<String> {
        let Self { reader, others, during, since } = self;
        let replica = reader.replica;
        let count = |heard: &BTreeSet<NodeId>| match heard.len() {
            0 => format!("none of the {others} other replicas"),
            n => format!("{n} of the {others} other replicas"),
        };
        let mut lines = vec![format!(
            "Between question and answer of operation {read}, {replica} heard from {}.",
            count(during)
        )];
        if self.has_asked() {
            lines.push(format!("So {replica} may have asked a majority before it answered."));
            return lines;
        }
        lines.push(format!(
            "{replica} answered from its own memory, without hearing from a majority."
        ));
        lines.push(if self.is_majority(since) {
            format!(
                "But since operation {newer} was acknowledged, it had heard from {}.",
                count(since)
            )
        } else {
            format!("Since operation {newer} was acknowledged, it had heard from {}.", count(since))
        });
        lines
    }
}

/// What a replica did in the messages after some time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages that it sent to other replicas, by type.
    pub sent: BTreeMap<String, u64>,
    /// How many of them were lost.
    pub lost: u64,
    /// Messages from other replicas that were delivered to it.
    pub received: u64,
}

/// What is to be found out.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// In which window lost messages count.
    pub window: Option<(u64, u64)>,
    /// The read that saw an old value.
    pub reader: Option<Reader>,
    /// All leaderships.
    pub leaderships: Vec<Leadership>,
    /// From when on each replica's traffic counts.
    pub silent_since: Option<u64>,
    /// How many replicas there are, the first ids; `None`: all ids are taken for replicas.
    pub replicas: Option<usize>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// Messages between replicas that were lost in the window.
    pub lost: Vec<Message>,
    /// What the reader heard; `None` if there is no such read, or the log ends before it.
    pub heard: Option<Heard>,
    /// Leaderships, by replica and beginning, in which the replica only asked for votes.
    pub candidacies: BTreeSet<(NodeId, u64)>,
    /// What each replica did since the store was silent.
    pub traffic: BTreeMap<NodeId, Traffic>,
}

/// Reads a log, message by message.
pub struct Reading {
    wanted: Wanted,
    found: Messages,
    /// Of each replica the leaderships, by beginning: requests for votes, and other messages.
    claims: BTreeMap<NodeId, BTreeMap<u64, (Leadership, u64, u64)>>,
    last_ns: u64,
    is_cut: bool,
}

impl Reading {
    /// Before the first message.
    pub fn new(wanted: Wanted) -> Self {
        let mut claims: BTreeMap<NodeId, BTreeMap<u64, (Leadership, u64, u64)>> = BTreeMap::new();
        for leadership in &wanted.leaderships {
            let of_replica = claims.entry(leadership.leader).or_default();
            of_replica.insert(leadership.from_ns, (leadership.clone(), 0, 0));
        }
        let mut found = Messages::default();
        if let (Some(reader), Some(replicas)) = (wanted.reader, wanted.replicas) {
            found.heard = Some(Heard {
                reader,
                others: replicas.saturating_sub(1),
                during: BTreeSet::new(),
                since: BTreeSet::new(),
            });
        }
        Self { wanted, found, claims, last_ns: 0, is_cut: false }
    }

    /// The log ends early, because of its limit.
    pub fn cut(&mut self) {
        self.is_cut = true;
    }

    /// The next message.
    pub fn hear(&mut self, message: Message) {
        self.last_ns = self.last_ns.max(message.sent_ns);
        let is_replica = |id: NodeId| self.wanted.replicas.is_none_or(|count| id.is_one_of(count));
        if !is_replica(message.src) || !is_replica(message.dst) {
            return;
        }
        if message.lost.is_none()
            && let Some(heard) = &mut self.found.heard
            && heard.reader.replica == message.dst
            && message.ended_ns <= heard.reader.answered_ns
        {
            if message.ended_ns >= heard.reader.asked_ns {
                heard.during.insert(message.src);
            }
            if message.ended_ns >= heard.reader.newer_ns {
                heard.since.insert(message.src);
            }
        }
        let claim = self.claims.get_mut(&message.src).and_then(|of_replica| {
            of_replica.range_mut(..=message.sent_ns).next_back().map(|(_, claim)| claim)
        });
        if let Some((leadership, votes, others)) = claim
            && leadership.until_ns.is_none_or(|until| message.sent_ns < until)
        {
            *(if asks_for_votes(&message.kind) { votes } else { others }) += 1;
        }
        if self.wanted.silent_since.is_some_and(|since| message.sent_ns >= since) {
            let sender = self.found.traffic.entry(message.src).or_default();
            *sender.sent.entry(message.kind.clone()).or_default() += 1;
            sender.lost += u64::from(message.lost.is_some());
            if message.lost.is_none() {
                self.found.traffic.entry(message.dst).or_default().received += 1;
            }
        }
        let is_in_window =
            self.wanted.window.is_some_and(|(begin, end)| (begin..=end).contains(&message.sent_ns));
        if message.lost.is_some() && is_in_window {
            self.found.lost.push(message);
        }
    }

    /// What was found.
    pub fn finish(mut self) -> Messages {
        let claims = self.claims.into_values().flatten();
        let candidacies = claims.filter(|(_, (_, votes, others))| *votes > 0 && *others == 0);
        self.found.candidacies = candidacies.map(|(from, (it, _, _))| (it.leader, from)).collect();
        let is_incomplete = |heard: &Heard| self.is_cut && self.last_ns < heard.reader.answered_ns;
        self.found.heard = self.found.heard.filter(|heard| !is_incomplete(heard));
        self.found
    }
}

/// Whether messages of this type ask for votes: then the sender's own id in them is a candidate's, no leader's.
fn asks_for_votes(kind: &str) -> bool {
    let kind = kind.to_lowercase();
    kind.contains("vote") || kind.contains("candida") || matches!(&*kind, "elect" | "election")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(sent_ns: u64, src: u16, dst: u16, kind: &str) -> Message {
        let (src, dst) = (NodeId(src), NodeId(dst));
        Message { sent_ns, src, dst, kind: kind.to_owned(), lost: None, ended_ns: sent_ns + 1 }
    }

    fn read(wanted: Wanted, messages: Vec<Message>) -> Messages {
        let mut reading = Reading::new(Wanted { replicas: Some(5), ..wanted });
        for message in messages {
            reading.hear(message);
        }
        reading.finish()
    }

    #[test]
    fn a_reader_that_heard_from_nobody_answered_from_its_own_memory() {
        let reader = Reader { replica: NodeId(0), newer_ns: 10, asked_ns: 100, answered_ns: 200 };
        let heard = |messages| {
            let wanted = Wanted { reader: Some(reader), ..Wanted::default() };
            read(wanted, messages).heard.unwrap()
        };
        // Before the newer value, from a client, after the answer, and to another one.
        let silent = heard(vec![
            message(5, 1, 0, "append"),
            message(150, 21, 0, "get"),
            message(200, 1, 0, "append"),
            message(150, 1, 2, "append"),
        ]);
        assert_eq!(
            silent.sentences(3, 2),
            [
                "Between question and answer of operation 3, 0000 heard from none of the 4 other replicas.",
                "0000 answered from its own memory, without hearing from a majority.",
                "Since operation 2 was acknowledged, it had heard from none of the 4 other replicas.",
            ]
        );
        // A majority had told it something before the question: no read that asks, but no isolation.
        let local = heard((1..4).map(|from| message(50, from, 0, "append_ok")).collect());
        assert!(!local.has_asked());
        assert!(local.sentences(3, 2)[2].starts_with("But since operation 2"), "{local:?}");
        let one = heard(vec![message(150, 1, 0, "append_ok"), message(160, 1, 0, "append_ok")]);
        assert!(!one.has_asked());
        let asked = heard((1..3).map(|from| message(150, from, 0, "append_ok")).collect());
        assert!(asked.has_asked());
        assert!(asked.sentences(3, 2)[1].contains("may have asked a majority"));
    }

    #[test]
    fn a_log_that_ends_before_the_answer_says_nothing_of_what_was_heard() {
        let reader = Reader { replica: NodeId(0), newer_ns: 10, asked_ns: 100, answered_ns: 200 };
        let wanted = Wanted { reader: Some(reader), replicas: Some(5), ..Wanted::default() };
        let mut reading = Reading::new(wanted);
        reading.hear(message(150, 1, 2, "append"));
        reading.cut();
        assert_eq!(reading.finish().heard, None);
    }

    #[test]
    fn who_only_asks_for_votes_is_a_candidate() {
        let leadership = |leader, from_ns, until_ns| Leadership {
            leader: NodeId(leader),
            from_ns,
            until_ns,
            is_ended_by_death: false,
            followers: BTreeSet::new(),
        };
        let leaderships =
            vec![leadership(1, 10, Some(20)), leadership(1, 30, None), leadership(2, 10, None)];
        let wanted = Wanted { leaderships, ..Wanted::default() };
        let found = read(
            wanted,
            vec![
                message(10, 1, 0, "RequestVote"),
                message(25, 1, 0, "append"),
                message(30, 1, 0, "RequestVote"),
                message(40, 1, 0, "append"),
            ],
        );
        assert_eq!(found.candidacies, BTreeSet::from([(NodeId(1), 10)]));
    }

    #[test]
    fn the_traffic_of_a_silence_is_counted_by_replica() {
        let wanted = Wanted { silent_since: Some(100), ..Wanted::default() };
        let mut lost = message(120, 0, 1, "append");
        lost.lost = Some("loss".to_owned());
        let messages = vec![message(50, 0, 1, "append"), message(110, 0, 1, "append"), lost];
        let traffic = read(wanted, messages).traffic;
        assert_eq!(traffic[&NodeId(0)].sent, BTreeMap::from([("append".to_owned(), 2)]));
        assert_eq!((traffic[&NodeId(0)].lost, traffic[&NodeId(1)].received), (1, 1));
    }
}
