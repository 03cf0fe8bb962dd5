//! What was found, for people: the transactions of a cycle, a sentence for each of its edges with what
//! shows it, and why the level forbids it.

use serde::Serialize;

use super::anomaly::Anomaly;
use super::decide::{Found, Outcome, Standing, Why};
use super::graph::Kind;
use super::inference::{Doubt, Finding};
use super::knot::Step;
use super::level::Level;
use super::list_append::each_base;
use super::transactions::{Micro, NEVER, Status, Transactions};

/// An anomaly, told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Its name.
    pub anomaly: Anomaly,
    /// The weakest levels that it refutes.
    pub refutes: Vec<Level>,
    /// The transactions that take part: T1, T2 and so on.
    pub transactions: Vec<Member>,
    /// What ties them together, one sentence each; with edges, these close a cycle.
    pub edges: Vec<Edge>,
    /// What is wrong with that, in a sentence or two.
    pub why: String,
    /// Whether all orders of these transactions were tried in vain, by a check that shares nothing with
    /// what found them; none if they are too many, or one read alone shows it.
    pub confirmed: Option<bool>,
}

/// A transaction that takes part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    /// `T1`, `T2` and so on.
    pub name: String,
    /// Its process.
    pub process: String,
    /// The number of its invocation in the history.
    pub invoke_index: u64,
    /// The number of its completion; none if that is not there.
    pub complete_index: Option<u64>,
    /// `ok`, `fail` or `info`.
    pub outcome: &'static str,
    /// Its micro-operations.
    pub operations: String,
}

/// Why one transaction came before another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// The one before.
    pub from: String,
    /// The one after.
    pub to: String,
    /// `ww`, `wr`, `rw`, `session` or `realtime`.
    pub kind: &'static str,
    /// The key, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What shows it.
    pub sentence: String,
}

/// The most elements of a list, and operations of a transaction, that are shown.
const MOST_SHOWN: usize = 8;

/// Tells an anomaly, as a violation of a level.
pub fn explain(
    transactions: &Transactions,
    outcome: &Outcome,
    found: &Found,
    level: Level,
) -> Explanation {
    let mut members = found.transactions();
    members.sort_by_key(|&it| transactions.frame(it).invoke);
    members.dedup();
    let teller = Teller { transactions, outcome, members: &members };
    let edges = found.cycle.iter().map(|step| teller.edge(*step)).collect();
    let why = match &found.finding {
        Some(finding) => teller.finding(finding),
        None => teller.why(found, level),
    };
    Explanation {
        anomaly: found.anomaly,
        refutes: found.refutes.clone(),
        transactions: members.iter().map(|&it| teller.member(it)).collect(),
        edges,
        why,
        confirmed: found.confirmed,
    }
}

/// Why a level is not decided, in a sentence.
pub fn undecided(transactions: &Transactions, why: &Why) -> String {
    let key_of = |key: u32| transactions.key_name(key);
    match why {
        Why::Doubt(Doubt::Rewritten { key, version, first, again }) => {
            let event = |it: u32| transactions.frame(it).index;
            format!(
                "{} is written to key {} twice, in events {} and {}, so that a read does not tell which \
                 of the two it saw; write each value once",
                transactions.value_name(*version),
                key_of(*key),
                event(*first),
                event(*again)
            )
        }
        Why::Doubt(Doubt::NoOrder { key }) => {
            format!("the reads of key {} have no common order", key_of(*key))
        }
        Why::Doubt(Doubt::TooManyUnread) => {
            "too many appends were never read: let transactions read what they append to".to_owned()
        }
        Why::UnreadWrites { key } => format!(
            "no read shows the last appends to key {}, and the level depends on their order; end with a \
             read of each key",
            key_of(*key)
        ),
        Why::UnknownOutcome => {
            "writes form a cycle only if a transaction of unknown outcome committed, and \
                                at this level a read does not show that"
                .to_owned()
        }
        Why::Effort => "the search for a cycle took as many steps as it may".to_owned(),
        Why::Unconfirmed => {
            "a cycle was found that an independent check does not confirm; please report \
                             this history"
                .to_owned()
        }
        Why::Unsupported => {
            "levels of rw-register histories are not decided yet; use list-append".to_owned()
        }
    }
}

struct Teller<'a> {
    transactions: &'a Transactions,
    outcome: &'a Outcome,
    members: &'a [u32],
}

impl Teller<'_> {
    fn name(&self, transaction: u32) -> String {
        let at = self.members.iter().position(|&it| it == transaction);
        at.map_or_else(|| "another".to_owned(), |at| format!("T{}", at + 1))
    }

    fn key(&self, key: u32) -> String {
        self.transactions.key_name(key).to_string()
    }

    fn value(&self, version: u32) -> String {
        self.transactions.value_name(version).to_string()
    }

    /// The last elements of a list.
    fn list(&self, list: &[u32]) -> String {
        let skipped = list.len().saturating_sub(MOST_SHOWN);
        let dots = if skipped > 0 { "... " } else { "" };
        let shown: Vec<String> = list[skipped..].iter().map(|&it| self.value(it)).collect();
        format!("[{dots}{}]", shown.join(" "))
    }

    fn member(&self, transaction: u32) -> Member {
        let frame = self.transactions.frame(transaction);
        let outcome = match frame.status {
            Status::Ok => "ok",
            Status::Fail => "fail",
            Status::Info => "info",
        };
        let operation = |(key, micro): (u32, Micro)| {
            let key_name = self.key(key);
            match micro {
                Micro::Append(version) => format!("append {} to {key_name}", self.value(version)),
                Micro::ReadList(read) => {
                    format!("read {key_name}: {}", self.list(self.transactions.list(key, read)))
                }
                Micro::Write(version) => format!("write {} to {key_name}", self.value(version)),
                Micro::Read(version) => format!("read {key_name}: {}", self.value(version)),
                Micro::ReadNil => format!("read {key_name}: nil"),
            }
        };
        let all: Vec<String> = self.transactions.micros(transaction).map(operation).collect();
        let dots = if all.len() > MOST_SHOWN { ", ..." } else { "" };
        Member {
            name: self.name(transaction),
            process: self.transactions.session_name(frame.session).to_string(),
            invoke_index: frame.index,
            complete_index: (frame.complete != NEVER).then_some(frame.complete_index),
            outcome,
            operations: format!("{}{dots}", all[..all.len().min(MOST_SHOWN)].join(", ")),
        }
    }

    fn edge(&self, step: Step) -> Edge {
        let (from, to) = (self.name(step.from), self.name(step.to));
        let (key, sentence) = match step.kind {
            Kind::Ww => self.overwrote(step),
            Kind::Wr => self.saw(step),
            Kind::Rw => self.missed(step),
            Kind::Session => {
                let process = self.transactions.frame(step.from).session;
                let process = self.transactions.session_name(process);
                (None, format!("process {process} ran {from} before {to}"))
            }
            Kind::RealTime => {
                let (end, begin) =
                    (self.transactions.frame(step.from), self.transactions.frame(step.to));
                let told = format!(
                    "{from} was over (event {}) before {to} began (event {})",
                    end.complete_index, begin.index
                );
                (None, told)
            }
        };
        let key = key.map(|key| self.key(key));
        Edge { from, to, kind: step.kind.name(), key, sentence }
    }

    /// The versions that a transaction wrote, with their keys and places.
    fn written(&self, transaction: u32) -> impl Iterator<Item = (u32, u32, u32)> {
        self.transactions.micros(transaction).filter_map(|(key, micro)| match micro {
            Micro::Append(version) if self.outcome.versions.is_known(key) => {
                Some((key, version, self.outcome.versions.places[version as usize]))
            }
            _ => None,
        })
    }

    fn overwrote(&self, step: Step) -> (Option<u32>, String) {
        let (from, to) = (self.name(step.from), self.name(step.to));
        let pairs = self.written(step.from).flat_map(|one| {
            self.written(step.to)
                .filter(move |other| one.0 == other.0)
                .map(move |other| (one, other))
        });
        let nearest =
            pairs.filter(|(one, other)| one.2 < other.2).min_by_key(|(one, other)| other.2 - one.2);
        let Some(((key, before, _), (_, after, place))) = nearest else {
            return (None, format!("{to} wrote over what {from} wrote"));
        };
        let (name, before, after) = (self.key(key), self.value(before), self.value(after));
        let sentence = if place == NEVER {
            format!(
                "{from} appended {before} to key {name}, and {to} appended {after}, which no read of the \
                 list shows: it came later"
            )
        } else {
            let order = self.outcome.versions.order(self.transactions, key);
            let list = self.list(&order[..=place as usize]);
            format!(
                "{from} appended {before} to key {name} before {to} appended {after}: the list was {list}"
            )
        };
        (Some(key), sentence)
    }

    fn saw(&self, step: Step) -> (Option<u32>, String) {
        let (from, to) = (self.name(step.from), self.name(step.to));
        let mut found = None;
        each_base(self.transactions, step.to, &mut Vec::new(), |base| {
            if base.length == 0 || !self.outcome.versions.is_known(base.key) {
                return;
            }
            let order = self.outcome.versions.order(self.transactions, base.key);
            let seen = &order[..base.length as usize];
            let last = seen[seen.len() - 1];
            if self.transactions.writer(last) == step.from {
                found.get_or_insert((base.key, last, self.list(seen)));
            }
        });
        let Some((key, last, list)) = found else {
            return (None, format!("{to} read what {from} wrote"));
        };
        let (name, value) = (self.key(key), self.value(last));
        (Some(key), format!("{to} read key {name} as {list}, where {from} had appended {value}"))
    }

    fn missed(&self, step: Step) -> (Option<u32>, String) {
        let (from, to) = (self.name(step.from), self.name(step.to));
        let mut found: Option<(u32, u32, u32, String)> = None;
        each_base(self.transactions, step.from, &mut Vec::new(), |base| {
            for (key, version, place) in self.written(step.to) {
                let is_nearer = found.as_ref().is_none_or(|known| place < known.2);
                if key == base.key && place >= base.length && is_nearer {
                    let order = self.outcome.versions.order(self.transactions, key);
                    let list = self.list(&order[..base.length as usize]);
                    found = Some((key, version, place, list));
                }
            }
        });
        let Some((key, version, _, list)) = found else {
            return (None, format!("{from} read what {to} wrote over"));
        };
        let (name, value) = (self.key(key), self.value(version));
        (
            Some(key),
            format!("{from} read key {name} as {list}, without {value}, which {to} appended"),
        )
    }

    /// Why a level forbids a cycle.
    fn why(&self, found: &Found, level: Level) -> String {
        let names: Vec<String> = self.members.iter().map(|&it| self.name(it)).collect();
        let all = match names.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => names.join(""),
        };
        let Some(first) = found.cycle.first() else { return String::new() };
        let (one, other) = (self.name(first.from), self.name(first.to));
        let what = match found.anomaly {
            Anomaly::LostUpdate => self.lost_update(*first),
            Anomaly::FracturedRead => {
                format!("{other} saw one write of {one} and missed another: it read half of {one}")
            }
            Anomaly::WriteSkew => format!(
                "Each of {all} read the state before the other one's write, so each would have to come \
                 first"
            ),
            Anomaly::LongFork => {
                "Two transactions that only read saw two writes in different orders: one saw the first \
                 and missed the second, the other one the reverse"
                    .to_owned()
            }
            Anomaly::G0(_) | Anomaly::G1c(_) => {
                format!("By these, each of {all} comes before itself")
            }
            _ => format!(
                "By these, each of {all} comes before itself, so no order of them gives these reads"
            ),
        };
        format!("{what}. {} promises: {}.", level.name(), level.promise())
    }

    /// What a lost update is: two transactions read one list and wrote it, or another one wrote between a
    /// read and a write.
    fn lost_update(&self, step: Step) -> String {
        let (one, other) = (self.name(step.from), self.name(step.to));
        let key = self.missed(step).0;
        let name = key.map(|key| self.key(key)).unwrap_or_default();
        let mut reads = false;
        each_base(self.transactions, step.to, &mut Vec::new(), |base| {
            reads |= Some(base.key) == key;
        });
        if reads {
            format!(
                "{one} and {other} both read key {name} and then appended to it. Neither saw the append of \
                 the other, yet both committed. Had they read a counter, added one and written it back, \
                 one of the two increments would be lost"
            )
        } else {
            format!(
                "{one} read key {name} and then appended to it, but {other} had appended in between. Had \
                 {one} read a counter, added one and written it back, the write of {other} would be lost"
            )
        }
    }

    /// An anomaly that one read shows.
    fn finding(&self, finding: &Finding) -> String {
        let reader = self.name(finding.reader);
        let key = self.key(finding.key);
        let value = finding.version.map(|it| self.value(it)).unwrap_or_default();
        let other = finding.other.map(|it| self.name(it)).unwrap_or_default();
        match finding.anomaly {
            Anomaly::GarbageRead => {
                format!("{reader} read {value} from key {key}, which no transaction wrote")
            }
            Anomaly::DuplicateElements => {
                let what = if value.is_empty() { "an element".to_owned() } else { value };
                format!("{reader} read {what} twice in the list of key {key}; it was appended once")
            }
            Anomaly::G1a => format!(
                "{reader} committed and read {value} from key {key}, but {other}, which appended it, failed: \
                 an aborted write was read"
            ),
            Anomaly::DirtyUpdate => format!(
                "{reader} read a list of key {key} in which a committed append follows {value}, although \
                 {other}, which appended that, failed"
            ),
            Anomaly::G1b => format!(
                "{reader} read the list of key {key} up to {value}, but {other} appended more to it after \
                 that: a state in the middle of {other} was read"
            ),
            Anomaly::FutureRead => {
                format!("{reader} read {value} from key {key} before it appended that itself")
            }
            Anomaly::Internal => match finding.places {
                Some((Some(_), _)) => format!(
                    "{reader} read key {key} twice, and the second read differs from the first by more than \
                     its own appends"
                ),
                _ => format!(
                    "{reader} appended to key {key}, and a later read of its own does not show that"
                ),
            },
            _ => match &finding.lists {
                Some([one, longest]) => format!(
                    "{reader} read key {key} as {}, and {other} as {}: neither is a beginning of the other, \
                     so no order of the appends gives both",
                    self.list(one),
                    self.list(longest)
                ),
                None => format!(
                    "{reader} read a list of key {key} in which the appends of {other} are not in their order, \
                     or one is missing before {value}"
                ),
            },
        }
    }
}

/// How the levels stand, for machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Levels {
    /// The weakest that are refuted.
    pub not: Vec<Level>,
    /// Those that fall with them.
    pub also_not: Vec<Level>,
    /// The strongest that are kept.
    pub strongest_kept: Vec<Level>,
    /// Those that are neither refuted nor kept for certain.
    pub undecided: Vec<Level>,
}

impl Levels {
    /// Those of an outcome.
    pub fn of(outcome: &Outcome) -> Self {
        let is_open = |level: &Level| matches!(outcome.standing(*level), Standing::Undecided(_));
        Levels {
            not: outcome.not(),
            also_not: outcome.also_not(),
            strongest_kept: outcome.strongest(),
            undecided: Level::ALL.into_iter().filter(is_open).collect(),
        }
    }
}
