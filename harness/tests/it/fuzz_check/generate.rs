//! Random histories: a correct object is run by a few processes, then the history is spoiled, or not.

use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

use crate::fuzz_check::history::{Event, F, Kind};
use crate::fuzz_check::model::Model;
use crate::fuzz_check::object::{Object, any_answer};
use crate::fuzz_check::value::{Num, Val};

/// Options of the command line that change what is right.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Options {
    pub initial: Option<Val>,
    /// `--failed-cas`.
    pub refuses: Option<bool>,
    pub is_lenient: bool,
    pub all_keys: bool,
    pub algorithm: Option<&'static str>,
    /// `--format`.
    pub names_format: bool,
    pub strict_time: bool,
    pub show_order: bool,
}

/// A history, its model, and how to ask about it.
#[derive(Debug, Clone)]
pub struct Case {
    pub seed: u64,
    pub model: Model,
    pub options: Options,
    pub events: Vec<Event>,
    /// Whether it is as the correct object answered.
    pub is_untouched: bool,
}

/// How an operation ends in the draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Ok,
    Fail,
    Info,
    /// The history ends before.
    Never,
}

#[derive(Debug, Clone)]
pub struct DraftOp {
    pub process: u64,
    pub f: F,
    pub key: Option<Val>,
    pub arg: Val,
    pub answer: Val,
    pub ending: Ending,
    pub has_error: bool,
}

/// One of the two events of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Half {
    pub op: usize,
    pub is_end: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub ops: Vec<DraftOp>,
    pub order: Vec<Half>,
}

/// What values a history is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    Numbers,
    Texts,
    /// Of many types, some of which look alike.
    Mixed,
    /// Lists as wholes, single values to append.
    Lists,
}

/// The choices that a history as a whole is made by.
#[derive(Debug)]
pub struct Plan {
    pub model: Model,
    pub pool: Pool,
    /// Whether written values differ.
    pub is_unique: bool,
    keys: Vec<Option<Val>>,
    threads: usize,
    size: usize,
    /// Of a hundred operations, so many fail, and so many stay open.
    fails: u32,
    opens: u32,
    /// Functions that the history has.
    pub functions: Vec<F>,
    pub options: Options,
}

impl Plan {
    pub fn is_one_key(&self) -> bool {
        self.keys.len() == 1
    }
}

pub fn chance(rng: &mut ChaCha8Rng, percent: u32) -> bool {
    rng.random_range(0..100) < percent
}

/// The case of this seed.
pub fn case(model: Model, seed: u64) -> Case {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let rng = &mut rng;
    let plan = plan(model, seed, rng);
    let mut draft = run(&plan, rng);
    let spoils = if chance(rng, 30) { 0 } else { rng.random_range(1..=3) };
    for _ in 0..spoils {
        let mut spoiled = draft.clone();
        spoil(&mut spoiled, &plan, rng);
        if is_well_formed(&spoiled) {
            draft = spoiled;
        }
    }
    let mut events = events(&draft, model, rng);
    if plan.options.is_lenient {
        disorder(&mut events, rng);
    }
    if chance(rng, 2) {
        ask_for_more(&mut events, model, rng);
    }
    if model != Model::Lease && chance(rng, 4) && !events.is_empty() {
        let at = rng.random_range(0..events.len());
        events[at].time_ns /= 2;
    }
    let may_append = matches!(plan.pool, Pool::Texts | Pool::Lists);
    let is_clear = may_append || events.iter().all(|event| event.f != F::Append);
    let is_untouched = spoils == 0 && is_clear;
    Case { seed, model, options: plan.options, events, is_untouched }
}

fn plan(model: Model, seed: u64, rng: &mut ChaCha8Rng) -> Plan {
    let pool = match model {
        Model::ListRegister => Pool::Lists,
        Model::Kv | Model::Register => {
            *[Pool::Numbers, Pool::Texts, Pool::Texts, Pool::Mixed, Pool::Lists]
                .choose(rng)
                .expect("some")
        }
        _ if model.is_register() => {
            *[Pool::Numbers, Pool::Texts, Pool::Mixed].choose(rng).expect("some")
        }
        Model::PriorityQueue => Pool::Numbers,
        _ if model.is_counter() => Pool::Numbers,
        _ => *[Pool::Numbers, Pool::Numbers, Pool::Texts, Pool::Mixed].choose(rng).expect("some"),
    };
    let keys = match rng.random_range(0..10) {
        0..6 => vec![None],
        6..8 => vec![Some(key(rng, 0))],
        _ => vec![Some(key(rng, 0)), Some(key(rng, 1)), Some(key(rng, 2))],
    };
    let keys = if model.is_session() && chance(rng, 60) {
        vec![Some(key(rng, 0)), Some(key(rng, 1))]
    } else {
        keys
    };
    let size = if chance(rng, 80) { rng.random_range(1..=7) } else { rng.random_range(6..=11) };
    let mut functions = model.functions().to_vec();
    if chance(rng, 70) && model.is_register() {
        let may_append = matches!(pool, Pool::Texts | Pool::Lists);
        functions.retain(|&f| match f {
            F::Append => may_append && chance(rng, 70),
            F::Cas => chance(rng, 50),
            _ => true,
        });
    }
    Plan {
        model,
        pool,
        is_unique: chance(rng, 50),
        keys,
        threads: rng.random_range(1..=4),
        size,
        fails: *[0, 0, 10, 25].choose(rng).expect("some"),
        opens: *[0, 0, 15, 40].choose(rng).expect("some"),
        functions,
        options: if chance(rng, 50) { options(model, pool, seed) } else { Options::default() },
    }
}

fn key(rng: &mut ChaCha8Rng, at: usize) -> Val {
    let kinds: [[Val; 3]; 4] = [
        ["x".into(), "y".into(), "z".into()],
        [Val::from(0), Val::from(1), Val::from(2)],
        [Val::from(7), "7".into(), Val::Num(Num::new(75, 1))],
        ["".into(), "k \"1\"".into(), "nil".into()],
    ];
    kinds[rng.random_range(0..4)][at].clone()
}

/// So many seeds in a row have the same options or none, so that few calls are enough for all.
const BLOCK: u64 = 100;

/// The block of a seed.
pub fn block(seed: u64) -> u64 {
    seed / BLOCK
}

fn options(model: Model, pool: Pool, seed: u64) -> Options {
    let mut rng = ChaCha8Rng::seed_from_u64(block(seed) ^ 0x0b10c);
    let rng = &mut rng;
    let mut options = Options { names_format: chance(rng, 50), ..Options::default() };
    options.strict_time = chance(rng, 10);
    options.show_order = chance(rng, 25);
    if model == Model::Counter && chance(rng, 25) {
        options.initial = Some(Val::from(*[0, 1, -3, 1 << 70].choose(rng).expect("some")));
    }
    if model.is_register() {
        if chance(rng, 25) {
            let initial = match pool {
                Pool::Texts => ["a", "", "q"].choose(rng).map(|&text| text.into()),
                Pool::Lists => Some(Val::List(vec![Val::from(0)])),
                _ => [Val::from(0), Val::from(1), Val::Nil].choose(rng).cloned(),
            };
            options.initial = initial;
        }
        if chance(rng, 50) {
            options.refuses = Some(chance(rng, 60));
        }
        if model.is_linearizable_register() && chance(rng, 30) {
            options.algorithm = ["zones", "chains", "search"].choose(rng).copied();
        }
    }
    options.all_keys = chance(rng, 20);
    // What is left out by a repair has no time.
    options.is_lenient = !options.strict_time && chance(rng, 15);
    options
}

/// Draws values.
#[derive(Debug, Default)]
pub struct Values {
    drawn: i128,
}

impl Values {
    /// A value to be written, put in or added.
    pub fn fresh(&mut self, plan: &Plan, rng: &mut ChaCha8Rng) -> Val {
        self.drawn += 1;
        let number = if plan.is_unique { self.drawn } else { rng.random_range(1..=2) };
        Self::number(plan, number, rng)
    }

    /// A value that may have been written before.
    pub fn old(&self, plan: &Plan, rng: &mut ChaCha8Rng) -> Val {
        let old = Self::number(plan, rng.random_range(1..=self.drawn.max(1)), rng);
        if plan.pool == Pool::Lists { Val::List(vec![old]) } else { old }
    }

    fn number(plan: &Plan, number: i128, rng: &mut ChaCha8Rng) -> Val {
        match plan.pool {
            Pool::Numbers | Pool::Lists if chance(rng, 3) => big(number),
            Pool::Numbers | Pool::Lists => Val::from(number),
            Pool::Texts => letters(number).as_str().into(),
            Pool::Mixed if plan.is_unique => mixed(usize::try_from(number).unwrap_or(0)),
            Pool::Mixed => mixed(rng.random_range(0..MIXED)),
        }
    }

    /// What a key holds as a whole.
    pub fn whole(&mut self, plan: &Plan, rng: &mut ChaCha8Rng) -> Val {
        if plan.pool != Pool::Lists {
            return self.fresh(plan, rng);
        }
        let count = rng.random_range(0..3);
        Val::List((0..count).map(|_| self.fresh(plan, rng)).collect())
    }
}

fn big(number: i128) -> Val {
    Val::from(170_141_183_460_469_231_731_687_303 + number)
}

/// Short texts, of which some begin others.
fn letters(number: i128) -> String {
    let texts = ["a", "b", "ab", "c", "ba", "aa", "d\u{e9}", "e e", "f\"", "7", "nil", "[1]"];
    let at = usize::try_from(number - 1).unwrap_or(0);
    texts.get(at).map_or_else(|| format!("t{number}"), |text| (*text).to_owned())
}

/// How many values of many types there are.
const MIXED: usize = 26;

fn mixed(at: usize) -> Val {
    match at {
        0 => Val::Nil,
        1 => Val::from(7),
        2 => "7".into(),
        3 => "nil".into(),
        4 => Val::Bool(true),
        5 => "true".into(),
        6 => Val::Num(Num::new(15, 1)),
        7 => "".into(),
        8 => Val::pair(Val::from(1), Val::from(2)),
        9 => Val::List(vec![]),
        10 => Val::map(vec![("a".into(), Val::from(1)), ("b".into(), Val::Nil)]),
        11 => Val::set(vec![Val::from(1), Val::from(2)]),
        12 => Val::Keyword("7".to_owned()),
        13 => Val::Char('7'),
        14 => big(0),
        15 => Val::from(-7),
        16 => Val::Bool(false),
        17 => Val::Num(Num::new(-15, 1)),
        18 => Val::Num(Num::new(15, 3)),
        19 => Val::List(vec!["a".into(), Val::List(vec![Val::Nil]), Val::set(vec![])]),
        20 => Val::map(vec![]),
        21 => Val::map(vec![(Val::Keyword("a".to_owned()), Val::from(1))]),
        22 => Val::set(vec!["1".into(), Val::from(1), Val::pair(Val::from(1), Val::from(2))]),
        23 => "1.5".into(),
        24 => ":7".into(),
        25 => "-7".into(),
        more => Val::from(i128::try_from(more).unwrap_or(0)),
    }
}

enum Stage {
    Idle,
    /// The operation, and whether it takes effect.
    Waits(usize, bool),
    Done(usize),
}

/// Runs a correct object.
fn run(plan: &Plan, rng: &mut ChaCha8Rng) -> Draft {
    let mut draft = Draft::default();
    let mut object = Object::new(plan, rng);
    let mut values = Values::default();
    let mut threads: Vec<(u64, Stage)> =
        (0..plan.threads as u64).map(|process| (process, Stage::Idle)).collect();
    let mut next_process = plan.threads as u64;
    for _ in 0..plan.size * 12 {
        let at = rng.random_range(0..threads.len());
        let (process, stage) = &mut threads[at];
        match *stage {
            Stage::Idle if draft.ops.len() == plan.size => {}
            Stage::Idle => {
                let op = draft.ops.len();
                let key = plan.keys.choose(rng).expect("some").clone();
                let (f, arg) = object.ask(plan, &key, *process, &mut values, rng);
                draft.ops.push(DraftOp {
                    process: *process,
                    f,
                    key,
                    arg,
                    answer: Val::Nil,
                    ending: Ending::Never,
                    has_error: chance(rng, 50),
                });
                draft.order.push(Half { op, is_end: false });
                *stage = Stage::Waits(op, !chance(rng, plan.fails));
            }
            Stage::Waits(op, true) if chance(rng, 70) => {
                if object.serve(plan, &mut draft.ops[op], rng) {
                    *stage = Stage::Done(op);
                } else if draft.ops[op].f != F::Drain && chance(rng, 40) {
                    *stage = Stage::Waits(op, false);
                }
            }
            Stage::Waits(op, takes_effect) => {
                let ending = match rng.random_range(0..100) {
                    0..2 => Ending::Info,
                    _ if !takes_effect => Ending::Fail,
                    _ => continue,
                };
                let is_refused = plan.options.refuses == Some(true) && draft.ops[op].f == F::Cas;
                if ending == Ending::Fail && is_refused && !draft.ops[op].has_error {
                    draft.ops[op].has_error = !object.refuses(&draft.ops[op]);
                }
                end(&mut draft, op, ending, &mut next_process, process, rng);
                *stage = Stage::Idle;
            }
            Stage::Done(op) => {
                let ending = if !chance(rng, plan.opens) {
                    Ending::Ok
                } else if chance(rng, 70) {
                    Ending::Info
                } else {
                    Ending::Never
                };
                end(&mut draft, op, ending, &mut next_process, process, rng);
                *stage = Stage::Idle;
            }
        }
    }
    draft
}

fn end(
    draft: &mut Draft,
    op: usize,
    ending: Ending,
    next_process: &mut u64,
    process: &mut u64,
    rng: &mut ChaCha8Rng,
) {
    draft.ops[op].ending = ending;
    if ending != Ending::Never {
        draft.order.push(Half { op, is_end: true });
    }
    if ending == Ending::Never || (ending == Ending::Info && chance(rng, 80)) {
        *process = *next_process;
        *next_process += 1;
    }
}

/// Whether no process has two operations at a time.
fn is_well_formed(draft: &Draft) -> bool {
    let mut busy: Vec<(u64, usize)> = Vec::new();
    for half in &draft.order {
        let process = draft.ops[half.op].process;
        let known = busy.iter().position(|(it, _)| *it == process);
        match (half.is_end, known) {
            (false, None) => busy.push((process, half.op)),
            (true, Some(at)) if busy[at].1 == half.op => {
                busy.remove(at);
            }
            _ => return false,
        }
    }
    let ends = |op: usize| draft.order.iter().any(|half| half.op == op && half.is_end);
    (0..draft.ops.len()).all(|op| ends(op) == (draft.ops[op].ending != Ending::Never))
}

/// Changes something.
fn spoil(draft: &mut Draft, plan: &Plan, rng: &mut ChaCha8Rng) {
    if draft.ops.is_empty() {
        return;
    }
    let op = rng.random_range(0..draft.ops.len());
    match rng.random_range(0..14) {
        0..4 => answer(draft, op, plan, rng),
        4 => (0..draft.ops.len()).for_each(|op| answer(draft, op, plan, rng)),
        5..7 => {
            let at = rng.random_range(0..draft.order.len());
            let to = rng.random_range(0..draft.order.len());
            let half = draft.order.remove(at);
            draft.order.insert(to, half);
        }
        7 => leave_out(draft, op),
        8 => again(draft, op, rng),
        9 => set_ending(draft, op, rng),
        10 => {
            let other = draft.ops.choose(rng).expect("some").clone();
            if other.f == draft.ops[op].f {
                draft.ops[op].arg = other.arg;
            }
        }
        11 => draft.ops[op].process = rng.random_range(0..4),
        12 => draft.ops[op].key = draft.ops.choose(rng).expect("some").key.clone(),
        _ => {
            let at = rng.random_range(0..draft.order.len());
            if at > 0 {
                draft.order.swap(at - 1, at);
            }
        }
    }
}

fn answer(draft: &mut Draft, op: usize, plan: &Plan, rng: &mut ChaCha8Rng) {
    draft.ops[op].answer = any_answer(draft, op, plan, rng);
}

fn leave_out(draft: &mut Draft, op: usize) {
    draft.ops.remove(op);
    draft.order.retain(|half| half.op != op);
    for half in &mut draft.order {
        half.op -= usize::from(half.op > op);
    }
}

/// The same operation once more, by a new process.
fn again(draft: &mut Draft, op: usize, rng: &mut ChaCha8Rng) {
    let process = draft.ops.iter().map(|op| op.process).max().unwrap_or(0) + 1;
    let copy = draft.ops.len();
    draft.ops.push(DraftOp { process, ..draft.ops[op].clone() });
    let begin = rng.random_range(0..=draft.order.len());
    draft.order.insert(begin, Half { op: copy, is_end: false });
    if draft.ops[copy].ending != Ending::Never {
        let end = rng.random_range(begin + 1..=draft.order.len());
        draft.order.insert(end, Half { op: copy, is_end: true });
    }
}

fn set_ending(draft: &mut Draft, op: usize, rng: &mut ChaCha8Rng) {
    let endings = [Ending::Ok, Ending::Fail, Ending::Info, Ending::Never];
    let ending = *endings.choose(rng).expect("some");
    let before = draft.ops[op].ending;
    draft.ops[op].ending = ending;
    if ending == Ending::Never {
        draft.order.retain(|half| half.op != op || !half.is_end);
    } else if before == Ending::Never {
        let begin = draft.order.iter().position(|half| half.op == op).expect("it began");
        let end = rng.random_range(begin + 1..=draft.order.len());
        draft.order.insert(end, Half { op, is_end: true });
    }
}

/// The events of a draft, with times.
fn events(draft: &Draft, model: Model, rng: &mut ChaCha8Rng) -> Vec<Event> {
    let mut time_ns = rng.random_range(0..5);
    if model == Model::Lease {
        // Where all times are 0 there are none.
        time_ns += 1;
    }
    let mut events = Vec::new();
    for half in &draft.order {
        let op = &draft.ops[half.op];
        time_ns += if model == Model::Lease {
            rng.random_range(0..4) * 500_000
        } else {
            rng.random_range(1..1000)
        };
        let (kind, value) = match (half.is_end, op.ending) {
            (false, _) => (Kind::Invoke, op.arg.clone()),
            (true, Ending::Ok) => (Kind::Ok, told(op, rng)),
            (true, Ending::Fail) => (Kind::Fail, told(op, rng)),
            (true, _) => (Kind::Info, told(op, rng)),
        };
        let has_error = half.is_end && op.ending != Ending::Ok && op.has_error;
        events.push(Event {
            op: half.op,
            process: op.process,
            kind,
            f: op.f,
            key: op.key.clone(),
            value,
            has_error,
            time_ns,
        });
    }
    events
}

/// The value of a completion: the answer; what only changes something may repeat what it was given.
fn told(op: &DraftOp, rng: &mut ChaCha8Rng) -> Val {
    let answers = op.f.only_asks() || matches!(op.f, F::Acquire | F::Renew);
    if op.ending == Ending::Ok && answers {
        op.answer.clone()
    } else if chance(rng, 50) {
        op.arg.clone()
    } else {
        Val::Nil
    }
}

/// Adds an operation that the model does not have.
fn ask_for_more(events: &mut Vec<Event>, model: Model, rng: &mut ChaCha8Rng) {
    let foreign = F::ALL.into_iter().filter(|f| !model.functions().contains(f));
    let f = *foreign.collect::<Vec<F>>().choose(rng).expect("no model has all");
    let Some(like) = events.choose(rng).cloned() else { return };
    let value = match f {
        F::Cas => Val::pair(Val::from(1), Val::from(2)),
        F::Transfer => Val::map(vec![("amount".into(), Val::from(1))]),
        _ if f.only_asks() || matches!(f, F::Acquire | F::Release) => Val::Nil,
        _ => Val::from(1),
    };
    let next = |of: &dyn Fn(&Event) -> u64| events.iter().map(of).max().unwrap_or(0) + 1;
    let (process, op) = (next(&|event| event.process), next(&|event| event.op as u64));
    let op = usize::try_from(op).expect("few operations");
    let end = if chance(rng, 70) { Kind::Ok } else { Kind::Info };
    let at = rng.random_range(0..=events.len());
    for (place, kind) in [(at, Kind::Invoke), (at + 1, end)] {
        let time_ns = if place == 0 { 0 } else { events[place - 1].time_ns };
        let value = value.clone();
        let event =
            Event { op, process, kind, f, value, has_error: false, time_ns, ..like.clone() };
        events.insert(place, event);
    }
}

/// Leaves out and doubles single events, as `--lenient` repairs them.
fn disorder(events: &mut Vec<Event>, rng: &mut ChaCha8Rng) {
    for _ in 0..rng.random_range(0..3) {
        if events.is_empty() {
            return;
        }
        let at = rng.random_range(0..events.len());
        match rng.random_range(0..3) {
            0 => {
                events.remove(at);
            }
            1 => {
                let copy = events[at].clone();
                let time_ns = events[at].time_ns;
                events.insert(at, Event { time_ns, ..copy });
            }
            _ => events[at].process = rng.random_range(0..4),
        }
    }
}
