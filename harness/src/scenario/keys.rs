//! Every key that a workload file may have, in one table.
//!
//! The reader takes names, types and bounds from it; `harness list` and the manual print it.

use std::sync::LazyLock;

use super::Era;
use crate::fault::{Call, Direction, DiskFault, FaultKind, PartitionShape};
use crate::network::rules::{Distribution, RuleKind};
use crate::text::grouped;
use crate::workload::WorkloadName;

/// One key of a workload file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// The path: `lifetime`, `clients.count`, `events[].time`.
    pub path: &'static str,
    /// Type and fixed bounds.
    pub shape: Shape,
    /// Bounds that depend on other keys; empty if there are none.
    pub also: &'static str,
    /// What holds without it, or `required`, or `none`.
    pub default: &'static str,
    /// One line.
    pub meaning: &'static str,
    /// Whether the course's files do not know it: a file with such a key is a workload of our own.
    pub is_ours: bool,
}

/// The type of a key's value with its bounds, both ends included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Any number.
    Number {
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// A number without a fraction.
    Whole {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// A text of one line.
    Text {
        /// The greatest length.
        max_chars: usize,
    },
    /// A text with places to fill in, of any number of lines.
    Template {
        /// The greatest length.
        max_chars: usize,
    },
    /// A list of such texts.
    Templates {
        /// The greatest length of the list.
        max_items: usize,
    },
    /// An object with such a text for each name.
    Named,
    /// A list of HTTP's statuses, or classes of them.
    Statuses,
    /// A number, or a list of two: from here to there.
    Range {
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// `true` or `false`.
    Flag,
    /// Replicas: `*`, an id, a site's name, or a list of these.
    Nodes,
    /// An object with a list of ids for each name.
    Sites,
    /// An object with an object for each site, with a number for each site.
    Matrix,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An object with keys of its own.
    Object,
    /// A list of such objects, no longer than this.
    Objects {
        /// The greatest length.
        max_items: usize,
    },
    /// Three numbers of at least 0: the limits of three tiers.
    Tiers,
}

impl Shape {
    /// The type in one or two words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Number { .. } => "number",
            Self::Whole { .. } => "whole number",
            Self::Text { .. } | Self::Choice(_) | Self::Template { .. } => "text",
            Self::Templates { .. } => "list of texts",
            Self::Named => "table of texts",
            Self::Statuses => "list of statuses",
            Self::Flag => "flag",
            Self::Range { .. } => "number or list of two numbers",
            Self::Nodes => "text, nor a list of texts",
            Self::Sites | Self::Matrix | Self::Object => "object",
            Self::Objects { .. } => "list of objects",
            Self::Tiers => "list of three numbers",
        }
    }
}

impl Key {
    /// What may stand here, for a sentence: `a number from 0 to 1`.
    pub fn allowed(&self) -> String {
        let fixed = match self.shape {
            Shape::Number { min, max } => {
                format!("a number from {min} to {}", grouped_number(max))
            }
            Shape::Whole { min, max } => {
                format!("a whole number from {} to {}", grouped(min), grouped(max))
            }
            Shape::Text { max_chars } => format!("a text of at most {max_chars} characters"),
            Shape::Choice(words) => format!("\"{}\"", words.join("\", \"")),
            Shape::Range { min, max } => {
                format!("a number from {min} to {}, or a list of two of them", grouped_number(max))
            }
            Shape::Template { max_chars } => {
                format!("a text of at most {} characters", grouped(max_chars as u64))
            }
            Shape::Templates { max_items } => format!("a list of at most {max_items} texts"),
            Shape::Named => "a text for each name".to_owned(),
            Shape::Statuses => "a list of statuses: 200, or \"2xx\" for all of them".to_owned(),
            Shape::Flag => "`true` or `false`".to_owned(),
            Shape::Nodes => "`*`, an id, a site's name, or a list of these".to_owned(),
            Shape::Sites => "an object: `{\"name\": [\"0000\", ...], ...}`".to_owned(),
            Shape::Matrix => {
                "an object: `{\"site\": {\"site\": ms, ...}, ...}`, each from 0 to 600,000"
                    .to_owned()
            }
            Shape::Object => "an object".to_owned(),
            Shape::Objects { .. } => "a list of objects".to_owned(),
            Shape::Tiers => "a list of three numbers of at least 0".to_owned(),
        };
        if self.also.is_empty() { fixed } else { format!("{fixed}, {}", self.also) }
    }

    /// The last step of the path.
    pub fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }

    /// The path of the object that holds it: `events[]`, or empty at the top.
    pub fn parent(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(parent, _)| parent)
    }
}

fn grouped_number(number: f64) -> String {
    if number < 1000.0 {
        return number.to_string();
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bound of ours")]
    grouped(number as u64)
}

/// All keys, the course's first, in the order in which they are shown to people.
pub fn keys() -> &'static [Key] {
    static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
        let under_events = FAULT_KEYS.iter().map(|key| key.under_events);
        let under_nemesis = FAULT_KEYS.iter().map(|key| key.under_nemesis);
        let first = FIRST.iter().copied().chain(under_events);
        first
            .chain(MIDDLE.iter().copied())
            .chain(under_nemesis)
            .chain(LAST.iter().copied())
            .collect()
    });
    &KEYS
}

/// The key with this path.
pub(super) fn find(table: &'static [Key], path: &str) -> Option<&'static Key> {
    table.iter().find(|key| key.path == path)
}

/// Where the keys of an object stand in the table: rules have the same everywhere.
pub fn pattern(path: &str) -> &str {
    if path.ends_with(".rules[]") { "network[]" } else { path }
}

/// The keys of the object with this path.
pub(super) fn children(table: &'static [Key], parent: &str) -> impl Iterator<Item = &'static Key> {
    table.iter().filter(move |key| key.parent() == parent)
}

/// Some eleven days: whatever a longer run would show, a campaign of shorter ones shows better.
const LONGEST_S: f64 = 1_000_000.0;

/// What the course allows as `max_packets`; its clients' requests are planned ahead, so they have
/// the same bound.
pub(super) const COURSE_MAX_PACKETS: u64 = 900_000;

/// What our own workloads may ask for.
pub(super) const OWN_MAX_PACKETS: u64 = 1_000_000_000;

/// More operations than this fit in no history.
const MOST_REQUESTS: u64 = 1_000_000_000;

/// More nodes than this fit on no machine.
pub(super) const MOST_REPLICAS: u64 = 99;

const MOST_EVENTS: usize = 10_000;

const MOST_RULES: usize = 1000;

const MOST_BYTES: u64 = 1_000_000_000;

/// A longer delay is a loss.
pub(super) const LONGEST_DELAY_MS: f64 = 600_000.0;
const DELAY_MS: Shape = Shape::Number { min: 0.0, max: LONGEST_DELAY_MS };

const FRACTION: Shape = Shape::Number { min: 0.0, max: 1.0 };
const SECONDS: Shape = Shape::Number { min: 0.0, max: LONGEST_S };
const UP_TO_TEN_MINUTES_MS: Shape = Shape::Whole { min: 1, max: 600_000 };

/// The distributions that `latency` knows, and the one that is given by site.
const DISTRIBUTIONS: [&str; 6] = {
    let [a, b, c, d, e] = *Distribution::NAMES else { panic!("five distributions") };
    [a, b, c, d, e, super::network::MATRIX]
};

/// The words for [`Era`].
pub(super) const ERAS: [(&str, Era); 2] = [("2016", Era::Y2016), ("2021", Era::Y2021)];

const fn course(
    path: &'static str,
    shape: Shape,
    also: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> Key {
    Key { path, shape, also, default, meaning, is_ours: false }
}

const fn ours(
    path: &'static str,
    shape: Shape,
    also: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> Key {
    Key { path, shape, also, default, meaning, is_ours: true }
}

/// A key of a fault: the same under `events` and under `nemesis.faults`.
struct FaultKey {
    under_events: Key,
    under_nemesis: Key,
}

macro_rules! fault_key {
    ($name:literal, $shape:expr, $also:expr, $default:expr, $meaning:expr $(,)?) => {
        fault_key!($name, $shape, drawn: $shape, $also, $default, $meaning)
    };
    ($name:literal, $shape:expr, drawn: $drawn:expr, $also:expr, $default:expr, $meaning:expr $(,)?) => {
        FaultKey {
            under_events: ours(concat!("events[].", $name), $shape, $also, $default, $meaning),
            under_nemesis: ours(
                concat!("nemesis.faults[].", $name),
                $drawn,
                $also,
                $default,
                "as for `events`",
            ),
        }
    };
}

/// What faults take, in the order in which it is shown to people.
#[rustfmt::skip]
const FAULT_KEYS: &[FaultKey] = &[
    fault_key!("target", Shape::Text { max_chars: 20 },
        "a role (`leader`, `follower`, `one`, `minority`, `majority`, `all`) or a replica's id",
        "one", "the replicas that it affects; a role is resolved when the fault is injected"),
    fault_key!("duration", SECONDS, drawn: Shape::Range { min: 0.0, max: LONGEST_S }, "at most `lifetime`",
        "1; 0 for `restart` and `rolling`",
        "how long it lasts, or a replica stays down, in seconds"),
    fault_key!("keep_data", Shape::Flag, "", "true",
        "whether a restarted replica finds its data directory as it was"),
    fault_key!("before", Shape::Object, "in virtual time", "none",
        "the system call of the replica before which it is killed: the `n`-th from `time` on"),
    fault_key!("before.call", Shape::Choice(Call::NAMES), "", "required",
        "which calls count: those that put bytes into a socket; that sync a file; that rename one"),
    fault_key!("before.n", Shape::Whole { min: 1, max: 1_000_000_000 }, "", "1", "which of them it is"),
    fault_key!("deadline", SECONDS, "", "1", "seconds from SIGTERM to SIGKILL"),
    fault_key!("period", Shape::Number { min: 0.01, max: 60.0 }, "",
        "0.1 for `slow`, 0.4 for a `flapping` partition, none for other shapes",
        "seconds of one round of stopping and continuing, or of cutting and healing"),
    fault_key!("stopped", FRACTION, "", "0.8", "fraction of a round in which it is stopped"),
    fault_key!("disk_fault", Shape::Choice(DiskFault::NAMES), "", "required for `disk`",
        "what happens to the data directory: files lose their end; one bit of each file is flipped; the \
         directory is as it was half of `duration` before; nothing can be written; nothing can be appended"),
    fault_key!("by", Shape::Number { min: -LONGEST_S, max: LONGEST_S }, "in virtual time", "1",
        "by how many seconds the wall clock jumps; below 0 back"),
    fault_key!("cut_off", Shape::Flag, "", "false",
        "whether messages to a paused replica are lost"),
    fault_key!("shape", Shape::Choice(PartitionShape::NAMES), "", "leader",
        "which links are cut: see the shapes below"),
    fault_key!("direction", Shape::Choice(Direction::NAMES), "for shapes with two sides", "both",
        "whether the smaller side of a partition neither receives nor sends; sends only; receives only"),
    fault_key!("times", Shape::Whole { min: 0, max: 100 }, "", "2",
        "how many new leaders are isolated, one after the other; with 0 none is, and the network heals `lag` \
         after an election"),
    fault_key!("lag", Shape::Number { min: 0.0, max: 60.0 }, "", "0.02; 0 for a `hub`",
        "at most so many seconds after its election a new leader is isolated; with `times` 0 the network \
         heals; for a `hub`, the delay of its messages"),
    fault_key!("rules", Shape::Objects { max_items: MOST_RULES }, "at least one",
        "required for `network`",
        "as `network` lists them, without `start` and `end`; `from` and `to` may be roles as well"),
];

/// Those before the keys of the faults under `events`.
#[rustfmt::skip]
const FIRST: &[Key] = &[
    course("lifetime", Shape::Number { min: 5.0, max: LONGEST_S }, "", "required",
        "seconds: the request phase; in era 2016 it includes both waits"),
    course("replicas", Shape::Whole { min: 1, max: MOST_REPLICAS }, "3 to 21 for the course's programs", "required",
        "processes of the system under test"),
    course("requests", Shape::Whole { min: 0, max: MOST_REQUESTS },
        "at most 900,000 for course clients",
        "required for course clients, none for shared ones",
        "operations, evenly over the request phase; for shared clients at most as many"),
    course("mix", FRACTION, "", "0.8 in a course config, 0.5 in ours", "fraction of gets"),
    course("start_wait", SECONDS, "at most `lifetime`",
        "2.0 in a course config of 2016, 5.0 in one of 2021, 1.0 in ours",
        "seconds before the first request"),
    course("end_wait", SECONDS, "at most `lifetime`", "2.0", "seconds without requests at the end"),
    course("drops", FRACTION, "", "0", "fraction of the messages between replicas that are lost"),
    course("max_packets", Shape::Whole { min: 0, max: OWN_MAX_PACKETS },
        "at least `requests`, at most 900,000 in a course config",
        "20,000 in a course config; in ours 10,000,000, or `requests` if that is more",
        "more messages between replicas than this end the run as a packet storm"),
    course("seed", Shape::Whole { min: 0, max: u64::MAX }, "", "none",
        "the source of every random choice; `--seed` overrides it"),
    course("events", Shape::Objects { max_items: MOST_EVENTS }, "", "none", "the faults"),
    course("events[].type", Shape::Choice(FaultKind::NAMES), "", "required", "what happens"),
    course("events[].time", SECONDS, "at most `lifetime`", "required",
        "seconds since the end of `start_wait`"),
];

/// Those between the keys of the faults under `events` and those under `nemesis`.
#[rustfmt::skip]
const MIDDLE: &[Key] = &[
    course("tests", Shape::Object, "", "none",
        "the course's thresholds and tiers; a course config that has them is one of 2021"),
    course("tests.maximum_get_fail_fraction", FRACTION, "", "0.5",
        "gets that may stay unanswered"),
    course("tests.maximum_put_fail_fraction", FRACTION, "", "0.5",
        "puts that may stay unanswered"),
    course("tests.maximum_get_generation_fail_fraction", FRACTION, "", "0.1",
        "gets that may be impossible to generate"),
    course("tests.maximum_appends_batched_fraction", FRACTION, "", "0.5",
        "how much batching is assumed before too few messages count as a fault"),
    course("tests.benchmarks", Shape::Object, "", "none", "limits of the tiers 0, 1 and 2"),
    course("tests.benchmarks.total_msgs", Shape::Tiers, "", "none", "messages between replicas"),
    course("tests.benchmarks.failures", Shape::Tiers, "", "none",
        "failed and unanswered operations"),
    course("tests.benchmarks.duplicates", Shape::Tiers, "", "none", "duplicate responses"),
    course("tests.benchmarks.median_latency", Shape::Tiers, "", "none",
        "median latency in seconds"),
    course("maximum_get_generation_fail_fraction", FRACTION, "", "none",
        "without effect: the course's simulator looks for it under `tests` only"),
    course("$schema", Shape::Text { max_chars: 2000 }, "", "none", "ignored; for editors"),
    ours("name", Shape::Text { max_chars: 80 },
        "letters, digits, `-`, `_` and `.`, the first a letter or digit", "the file's name",
        "names the results folder"),
    ours("description", Shape::Text { max_chars: 500 }, "", "empty", "one line for people"),
    ours("era", Shape::Choice(&[ERAS[0].0, ERAS[1].0]), "", "2021",
        "whether `lifetime` includes the waits (2016) or they are added to it (2021)"),
    ours("workload", Shape::Choice(&WorkloadName::NAMES), "`harness list workloads` says more", "kv",
        "what clients ask, and by which model their answers are judged"),
    ours("clients", Shape::Object, "", "shared clients", "the clients and how they work"),
    ours("clients.kind", Shape::Choice(&["shared", "course"]), "", "shared",
        "clients that share a few keys, or the course's eight, each with its own keys"),
    ours("clients.count", Shape::Whole { min: 1, max: 256 }, "", "5", "number of shared clients"),
    ours("clients.keys", Shape::Whole { min: 1, max: 10_000 }, "", "5", "number of keys"),
    ours("clients.rate", Shape::Number { min: 0.001, max: 1_000_000.0 }, "", "none: closed loop",
        "operations a second, all clients together"),
    ours("clients.timeout_ms", UP_TO_TEN_MINUTES_MS, "", "1000",
        "an operation not answered by then is `info`"),
    ours("sites", Shape::Sites, "each replica in one site at most", "none",
        "names for groups of replicas, such as data centres"),
    ours("network", Shape::Objects { max_items: MOST_RULES }, "", "none",
        "rules on the links between replicas, from the start or between two times"),
    ours("network[].rule", Shape::Choice(RuleKind::NAMES), "", "required",
        "the effect on messages: see the rules below"),
    ours("network[].from", Shape::Nodes, "", "`*`", "the sources"),
    ours("network[].to", Shape::Nodes, "", "`*`", "the destinations"),
    ours("network[].start", SECONDS, "within the request phase", "the start of the run",
        "seconds since the end of `start_wait`"),
    ours("network[].end", SECONDS, "more than `start`", "the end of the request phase",
        "seconds since the end of `start_wait`"),
    ours("network[].probability", FRACTION, "", "required where it is a parameter",
        "the fraction of messages that it affects"),
    ours("network[].distribution", Shape::Choice(&DISTRIBUTIONS), "", "constant",
        "of the times of `latency`"),
    ours("network[].ms", DELAY_MS, "", "required for \"constant\"", "the time"),
    ours("network[].min_ms", DELAY_MS, "", "required for \"uniform\" and \"pareto\"",
        "the shortest time"),
    ours("network[].max_ms", DELAY_MS, "at least `min_ms`", "required for \"uniform\"",
        "the longest time"),
    ours("network[].mean_ms", DELAY_MS, "", "required for \"normal\" and \"exponential\"",
        "the mean"),
    ours("network[].sd_ms", DELAY_MS, "", "required for \"normal\"", "the standard deviation"),
    ours("network[].shape", Shape::Number { min: 0.1, max: 100.0 }, "", "required for \"pareto\"",
        "the smaller, the heavier the tail"),
    ours("network[].matrix_ms", Shape::Matrix, "", "required for \"matrix\"",
        "the times between `sites`; a missing direction is as the opposite one"),
    ours("network[].reorders", Shape::Flag, "", "false",
        "whether a message that is faster than the one before overtakes it"),
    ours("network[].within_ms", DELAY_MS, "", "0 for `duplicate`, 10 for `reorder`",
        "copies arrive, and held back messages continue, within this time"),
    ours("network[].copies", Shape::Whole { min: 1, max: 100 }, "", "1",
        "how many extra times a message is delivered"),
    ours("network[].messages", Shape::Whole { min: 1, max: 1_000_000 }, "", "none",
        "messages that a `buffer` holds"),
    ours("network[].bytes", Shape::Whole { min: 1, max: MOST_BYTES }, "",
        "1 for `corrupt`, none for `buffer`",
        "bytes that are changed in a message (10,000 at most); bytes that a `buffer` holds"),
    ours("network[].spare_envelope", Shape::Flag, "", "true",
        "whether `src`, `dst`, `leader`, `type` and `MID` stay as they are and the message stays JSON"),
    ours("network[].bytes_per_s", Shape::Number { min: 1.0, max: 1e12 }, "", "required for `rate`",
        "the bandwidth of each link"),
    ours("network[].max_bytes", Shape::Whole { min: 0, max: MOST_BYTES }, "", "required for `size`",
        "the largest message that passes"),
    ours("clients.burst", Shape::Whole { min: 1, max: 256 }, "", "1",
        "with a `rate`: so many operations begin at the same moment, with a longer pause after them"),
    ours("clients.steady_rate", Shape::Number { min: 0.0, max: 10_000.0 }, "", "0",
        "with a `rate`: so many operations a second, evenly spread, besides those of the bursts"),
    ours("clients.old_news", FRACTION, "", "0",
        "the fraction of requests that go to some replica as to the leader, as those of a client do that has heard \
         nothing for long"),
    ours("clients.partition_affinity", FRACTION, "", "0",
        "during a partition, this fraction of the clients uses only the leader's side, and the others only \
         the other side; with 0 every client uses any replica"),
    ours("clients.probe_reads_ms", Shape::Whole { min: 0, max: 10_000 }, "", "0",
        "during a fault that affects the leader, and for so long after each fault, probe reads go to every \
         living replica"),
    ours("clients.one_shot_keys", FRACTION, "", "0",
        "the fraction of puts to a key that is never written again; all of them are read at the end"),
    ours("nemesis", Shape::Object, "", "none",
        "random faults: drawn before the run, written to `plan.json`, always the same for a seed"),
    ours("nemesis.faults", Shape::Objects { max_items: 100 }, "at least one", "required",
        "the faults to draw from"),
    ours("nemesis.faults[].type", Shape::Choice(FaultKind::NAMES), "", "required", "what happens"),
    ours("nemesis.faults[].weight", Shape::Number { min: 0.0, max: 1_000_000.0 }, "", "1",
        "how often it is drawn, relative to the others"),
];

/// Those after.
#[rustfmt::skip]
const LAST: &[Key] = &[
    ours("nemesis.faults[].optional", Shape::Flag, "", "false",
        "whether it is left out, instead of refused, if the program keeps no data on disk or the transport \
         does not support it"),
    ours("nemesis.interval", Shape::Range { min: 0.0, max: LONGEST_S }, "", "[0.2, 1]",
        "seconds from the end of a fault to the next one: a range to draw from"),
    ours("nemesis.at_once", Shape::Whole { min: 1, max: 21 }, "", "1",
        "the most faults at a time"),
    ours("nemesis.swarm", Shape::Flag, "", "false",
        "whether each run leaves some of the faults out"),
    ours("nemesis.rounds", Shape::Flag, "", "false",
        "whether all faults come once, in random order, before one comes again (with a weight of 2, twice)"),
    ours("liveness", Shape::Object, "", "none", "the recovery phase after the faults"),
    ours("liveness.bound_ms", UP_TO_TEN_MINUTES_MS, "", "5000",
        "once faults are healed and a majority is alive, operations must be answered within this time"),
    ours("checker", Shape::Object, "", "none", "the checker's budgets"),
    ours("checker.time_budget_ms", Shape::Whole { min: 1, max: 86_400_000 }, "", "60000",
        "time for the whole history"),
    ours("checker.memory_budget_mb", Shape::Whole { min: 1, max: 1_000_000 }, "", "1024",
        "memory for its tables"),
];
