//! The model of a history, where it is not named: by its functions, its words and its first reads.
//!
//! What is found is the strongest model that its users would expect; where two are as natural, the
//! caller is told both and has to ask.

use crate::datum::{Datum, View};
use crate::event::F;
use crate::history::{History, Key, Operation, Value};
use crate::models::{Family, MODELS, ModelName};
use rustc_hash::FxHashMap;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guess {
    /// This one.
    Model {
        /// The model.
        model: ModelName,
        /// What its objects held at first, where the first reads say so and the model does not.
        initial: Option<Datum>,
    },
    /// Any of these.
    Several(Vec<ModelName>),
    /// None has all these functions.
    Nothing(Vec<&'static str>),
}

/// Looks for the model of a history.
pub fn guess(history: &History) -> Guess {
    let mut functions: Vec<F> = history.operations().iter().map(|op| op.f).collect();
    functions.sort_unstable();
    functions.dedup();
    let only = |allowed: &[F]| functions.iter().all(|f| allowed.contains(f));
    let model = |model| Guess::Model { model, initial: None };
    if only(&[F::Get, F::Put, F::Cas, F::Append]) {
        return register(history, &functions);
    }
    if only(&[F::Add, F::Get]) {
        return match read_shape(history) {
            Some(Shape::Number) => model(ModelName::Counter),
            Some(Shape::Collection) => model(ModelName::Set),
            _ => Guess::Several(vec![ModelName::Set, ModelName::SetEventual, ModelName::Counter]),
        };
    }
    if only(&[F::Transfer, F::Get]) {
        return if has_debts(history) {
            Guess::Several(vec![ModelName::Bank, ModelName::BankNegative])
        } else {
            model(ModelName::Bank)
        };
    }
    if only(&[F::Acquire, F::Release]) && !is_given_numbers(history) {
        return if is_answered_numbers(history) {
            model(ModelName::FencedLock)
        } else {
            Guess::Several(vec![ModelName::Lock, ModelName::OwnerLock, ModelName::ReentrantLock])
        };
    }
    let fitting = |info: &&crate::models::ModelInfo| {
        info.family == Family::Object && only(info.functions) && info.model != ModelName::FencedLock
    };
    let mut models: Vec<ModelName> = MODELS.iter().filter(fitting).map(|info| info.model).collect();
    if functions.contains(&F::Acquire) || functions.contains(&F::Renew) {
        models.retain(|&found| found == ModelName::Lease);
    }
    match models[..] {
        [] => Guess::Nothing(functions.iter().map(|&f| history.name(f)).collect()),
        [found] => model(found),
        _ => Guess::Several(models),
    }
}

fn register(history: &History, functions: &[F]) -> Guess {
    let holds_lists = |op: &Operation| {
        (op.f == F::Get && matches!(history.encoded(op.result).view(), View::List(_)))
            || (op.f == F::Append && history.text(op.argument).is_none())
    };
    let is_list = functions.contains(&F::Append) && history.operations().iter().any(holds_lists);
    let model = if is_list {
        ModelName::ListRegister
    } else if functions.contains(&F::Append) || !says_read(history) {
        ModelName::Kv
    } else if functions.contains(&F::Cas) {
        ModelName::CasRegister
    } else {
        ModelName::Register
    };
    let has_own_first_value = matches!(model, ModelName::Kv | ModelName::ListRegister);
    let initial = if has_own_first_value { None } else { first_value(history) };
    Guess::Model { model, initial }
}

fn says_read(history: &History) -> bool {
    let is_swapped = |op: &Operation| op.f == F::Cas;
    history.name(F::Get) == "read" || history.operations().iter().all(is_swapped)
}

/// What each key held at first: what the first answered read of it returned, where it was over before any
/// write was, and nothing that had begun to be written. All keys must agree, and nil needs no saying.
fn first_value(history: &History) -> Option<Datum> {
    let mut first: FxHashMap<Key, &Operation> = FxHashMap::default();
    let mut soonest_write: FxHashMap<Key, u32> = FxHashMap::default();
    for op in history.operations().iter().filter(|op| op.is_ok()) {
        if op.f == F::Get {
            let known = first.entry(op.key).or_insert(op);
            if op.complete < known.complete {
                *known = op;
            }
        } else if !op.refused {
            let soonest = soonest_write.entry(op.key).or_insert(op.complete);
            *soonest = op.complete.min(*soonest);
        }
    }
    let is_written = |read: &Operation| {
        history.operations().iter().any(|op| {
            op.f != F::Get
                && (op.key, op.argument) == (read.key, read.result)
                && op.invoke < read.complete
        })
    };
    let mut values: Vec<Value> = first
        .values()
        .filter(|read| soonest_write.get(&read.key).is_none_or(|&write| read.complete < write))
        .filter(|read| !is_written(read))
        .map(|read| read.result)
        .collect();
    values.sort_unstable();
    values.dedup();
    match values[..] {
        [value] if value != Value::NIL => Some(history.value(value)),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Number,
    Collection,
    Other,
}

/// What the first answered read returned that was not nil.
fn read_shape(history: &History) -> Option<Shape> {
    let reads = history.operations().iter().filter(|op| op.f == F::Get && op.is_ok());
    reads.map(|op| history.encoded(op.result).view()).find_map(|view| match view {
        View::Nil => None,
        View::Integer(_) | View::Number(_) => Some(Shape::Number),
        View::List(_) | View::Set(_) => Some(Shape::Collection),
        _ => Some(Shape::Other),
    })
}

fn has_debts(history: &History) -> bool {
    let below = |item: crate::datum::Encoded<'_>| match item.view() {
        View::Integer(number) => number < 0,
        View::Number(number) => number.starts_with('-'),
        _ => false,
    };
    history.operations().iter().any(|op| match history.encoded(op.result).view() {
        View::Map(mut items) | View::List(mut items) => items.any(below),
        _ => false,
    })
}

fn is_number(history: &History, value: Value) -> bool {
    matches!(history.encoded(value).view(), View::Integer(_) | View::Number(_))
}

fn is_given_numbers(history: &History) -> bool {
    history.operations().iter().any(|op| op.f == F::Acquire && is_number(history, op.argument))
}

fn is_answered_numbers(history: &History) -> bool {
    history.operations().iter().any(|op| op.f == F::Acquire && is_number(history, op.result))
}
