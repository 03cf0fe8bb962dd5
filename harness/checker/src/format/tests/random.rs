//! Random histories with typed values, which need not be consistent.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::datum::{Datum, Encoder, number};
use crate::event::{EventType, F};
use crate::history::{History, Line, Reading, Recorder};

/// What values a history has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    /// Texts, some of which look like something else.
    Texts,
    /// Whole numbers.
    Numbers,
    /// What JSON can say.
    Json,
    /// Anything.
    Any,
}

const TEXTS: [&str; 22] = [
    "",
    "a",
    "b c",
    " a ",
    "7",
    "07",
    "1.5",
    "-3",
    "nil",
    "null",
    "true",
    "[1]",
    "[",
    "{",
    "#{",
    "\"q\"",
    "\"",
    "a,b;c\td",
    "line\nend\r",
    "\u{1}\u{7f}",
    "ä😀\u{2028}",
    ":k",
];

const NUMBERS: [&str; 10] = [
    "0",
    "7",
    "-3",
    "1.5",
    "-0.25",
    "9223372036854775807",
    "-9223372036854775808",
    "1e400",
    "123456789012345678901234567890",
    "1.00000000000000000001",
];

/// The functions of a history: those of one model, or all.
const FUNCTIONS: [&[F]; 7] = [
    &[F::Get, F::Put],
    &[F::Get, F::Put, F::Cas],
    &[F::Get, F::Put, F::Cas, F::Append],
    &[F::Get, F::Add],
    &[F::Enqueue, F::Dequeue, F::Drain],
    &[F::Acquire, F::Release, F::Renew],
    &[
        F::Get,
        F::Put,
        F::Cas,
        F::Append,
        F::Add,
        F::Enqueue,
        F::Dequeue,
        F::Drain,
        F::Push,
        F::Pop,
        F::Insert,
        F::DeleteMin,
        F::Acquire,
        F::Release,
        F::Renew,
        F::Generate,
        F::Transfer,
        F::Echo,
        F::Send,
        F::Poll,
        F::Commit,
        F::Committed,
    ],
];

pub(super) fn value(rng: &mut ChaCha8Rng, values: Values, depth: u32) -> Datum {
    let text = |rng: &mut ChaCha8Rng| Datum::text(TEXTS[rng.random_range(0..TEXTS.len())]);
    match values {
        Values::Texts => text(rng),
        Values::Numbers => Datum::Integer(rng.random_range(-2..300)),
        Values::Json | Values::Any => {
            let kinds = if values == Values::Any { 12 } else { 7 };
            let several = |rng: &mut ChaCha8Rng| -> Vec<Datum> {
                let count = if depth == 0 { 0 } else { rng.random_range(0..4) };
                (0..count).map(|_| value(rng, values, depth - 1)).collect()
            };
            match rng.random_range(0..kinds) {
                0 => Datum::Nil,
                1 => Datum::Bool(rng.random()),
                2 => Datum::Integer(rng.random_range(-3..100)),
                3 => number::parse(NUMBERS[rng.random_range(0..NUMBERS.len())]).unwrap(),
                4 => text(rng),
                5 => Datum::List(several(rng)),
                6 => {
                    let values = several(rng);
                    Datum::map(values.into_iter().map(|value| (text(rng), value)).collect())
                }
                7 => Datum::Keyword("k".into()),
                8 => Datum::Symbol("s".into()),
                9 => Datum::Char(['a', '\n', ' ', '😀'][rng.random_range(0..4)]),
                10 => Datum::set(several(rng)),
                _ => Datum::Tagged("t/x".into(), Box::new(several(rng).pop().unwrap_or_default())),
            }
        }
    }
}

/// An operation that waits for its end: the function, the number of the key, what was given.
type Open = (F, usize, Datum);

/// A client, whose process goes on under another number after an unknown outcome, mostly.
struct Client {
    process: u64,
    name: &'static str,
    open: Option<Open>,
}

/// What the events of one history have in common.
struct Shape {
    values: Values,
    keys: Vec<Option<Datum>>,
    functions: &'static [F],
    refuses: bool,
    may_fail: bool,
    /// The longest step of an index, and of a time.
    steps: (u64, u64),
}

impl Shape {
    fn of(rng: &mut ChaCha8Rng) -> Self {
        let all = [Values::Texts, Values::Numbers, Values::Json, Values::Any];
        let values = all[rng.random_range(0..4)];
        let keys = match rng.random_range(0..4) {
            0 => vec![None],
            1 => vec![Some(Datum::text("x")), Some(Datum::text("7")), Some(Datum::text(""))],
            2 => vec![Some(1.into()), Some(2.into())],
            _ => vec![None, Some(value(rng, values, 1))],
        };
        Shape {
            values,
            keys,
            functions: FUNCTIONS[rng.random_range(0..FUNCTIONS.len())],
            refuses: rng.random(),
            may_fail: rng.random_bool(0.6),
            steps: ([1, 4][rng.random_range(0..2)], [0, 1, 1000][rng.random_range(0..3)]),
        }
    }

    fn invocation(&self, rng: &mut ChaCha8Rng) -> Open {
        let f = self.functions[rng.random_range(0..self.functions.len())];
        let given = match f {
            F::Cas => Datum::List(vec![value(rng, self.values, 2), value(rng, self.values, 2)]),
            // Their keys stand in what they are given.
            F::Poll | F::Committed if self.keys == [None] => value(rng, self.values, 2),
            f if f.only_asks() => Datum::Nil,
            _ => value(rng, self.values, 2),
        };
        (f, rng.random_range(0..self.keys.len()), given)
    }

    fn end(&self, rng: &mut ChaCha8Rng) -> EventType {
        use EventType::{Fail, Info, Ok};
        match [Ok, Ok, Fail, Info][rng.random_range(0..4)] {
            Fail if !self.may_fail => Ok,
            end => end,
        }
    }
}

/// A history of few events. Its times may stand still or run backwards.
pub(super) fn history(rng: &mut ChaCha8Rng) -> History {
    let shape = Shape::of(rng);
    let mut recorder = Recorder::reading(Reading::default());
    if rng.random() {
        recorder.says_read();
    }
    let names = ["", "c", "\"ü\n", ""];
    let mut clients: Vec<Client> =
        (0..).zip(names).map(|(process, name)| Client { process, name, open: None }).collect();
    let (mut index, mut time_ns) = (0, 0_u64);
    for _ in 0..rng.random_range(1..40) {
        let client = &mut clients[rng.random_range(0..4)];
        index += rng.random_range(1..=shape.steps.0);
        time_ns += rng.random_range(0..=shape.steps.1);
        time_ns = time_ns.saturating_sub(rng.random_range(0..20) / 19);
        let open = client.open.take();
        let r#type = if open.is_some() { shape.end(rng) } else { EventType::Invoke };
        let (f, key, given) = open.unwrap_or_else(|| shape.invocation(rng));
        if r#type == EventType::Invoke {
            client.open = Some((f, key, given.clone()));
        }
        let told = match (r#type, f) {
            (EventType::Ok, F::Cas | F::Put | F::Append) | (EventType::Invoke, _) => given,
            (EventType::Ok, _) => value(rng, shape.values, 2),
            _ => Datum::Nil,
        };
        let (told, key) = (Encoder::of(&told), shape.keys[key].as_ref().map(Encoder::of));
        let may_refuse = f == F::Cas && r#type == EventType::Ok && shape.refuses;
        let line = Line {
            index,
            time_ns: Some(time_ns),
            process: client.process,
            client: client.name,
            r#type,
            f,
            key: key.as_ref().map(|key| key.slice(0, key.at())),
            value: Some(told.slice(0, told.at())),
            refused: may_refuse && rng.random(),
            has_error: r#type == EventType::Fail && rng.random(),
            node: [None, Some("n,1")][rng.random_range(0..2)],
        };
        recorder.line(&line).unwrap();
        if r#type == EventType::Info && rng.random_bool(0.9) {
            client.process += 4;
        }
    }
    recorder.finish().unwrap()
}
