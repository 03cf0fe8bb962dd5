//! What Porcupine's operations and events have in common: the input of a call, and its output.
//!
//! An input is an object with `op` and, where there are some, `key` and `value`; a compare-and-set has
//! also `expected`, or a `value` of `[old, new]`. Names may be in capitals, as Go writes them. `op` is
//! the name of a function, or 0, 1 or 2 for get, put and append. An output is the answer itself, or an
//! object with the answer in `value`; nothing or null is nil. A compare-and-set whose output is false,
//! or says `"ok":false`, was refused.

use crate::datum::{Encoded, Items, View};
use crate::event::F;

/// What is wrong with an input or output.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) found: String,
    pub(super) expected: String,
}

impl Wrong {
    fn new(found: impl Into<String>, expected: impl Into<String>) -> Wrong {
        Wrong { found: found.into(), expected: expected.into() }
    }
}

/// What is called, and with what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) f: F,
    /// Whether it is called `read` or `write`.
    pub(super) says_read: bool,
    pub(super) key: Option<Encoded<'a>>,
    /// What is given; of a compare-and-set, what it writes.
    pub(super) argument: Option<Encoded<'a>>,
    /// Of a compare-and-set: what it expects.
    pub(super) expected: Option<Encoded<'a>>,
}

impl<'a> Input<'a> {
    pub(super) fn read(value: Option<Encoded<'a>>) -> Result<Self, Wrong> {
        const EXPECTED: &str = "an object with op, and key and value where there are some";
        let Some(View::Map(fields)) = value.map(Encoded::view) else {
            return Err(Wrong::new("an input of another shape", EXPECTED));
        };
        let op = field(&fields, &["op", "f"])?;
        let op = op.ok_or_else(|| Wrong::new("an input without op", EXPECTED))?;
        let (f, says_read) = function(op)?;
        let key = field(&fields, &["key"])?;
        let value = field(&fields, &["value", "new", "to"])?;
        let expected = field(&fields, &["expected", "old", "from"])?;
        let (expected, argument) = match value.and_then(Encoded::pair) {
            Some((old, new)) if f == F::Cas && expected.is_none() => (Some(old), Some(new)),
            _ if f == F::Cas && value.is_none() && expected.is_none() => {
                return Err(Wrong::new("a cas without values", "expected and value"));
            }
            _ => (expected, value),
        };
        let argument = argument.filter(|_| !f.takes_nothing());
        Ok(Input { f, says_read, key, argument, expected })
    }
}

/// What was answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output<'a> {
    pub(super) answer: Option<Encoded<'a>>,
    /// Of a compare-and-set: that something else was there.
    pub(super) refused: bool,
}

impl<'a> Output<'a> {
    pub(super) fn read(f: F, value: Option<Encoded<'a>>) -> Result<Self, Wrong> {
        let Some(View::Map(fields)) = value.map(Encoded::view) else {
            let is_false = |value: Encoded<'_>| matches!(value.view(), View::Bool(false));
            let refused = f == F::Cas && value.is_some_and(is_false);
            return Ok(Output { answer: value.filter(|_| !is_silent(f)), refused });
        };
        let answer = field(&fields, &["value"])?;
        let ok = field(&fields, &["ok"])?;
        let says_nothing = field(&fields, &["err", "error"])?.is_none();
        if f.only_asks() && answer.is_none() && ok.is_none() && says_nothing && fields.count() > 0 {
            let expected = "the answer itself, or an object with value";
            return Err(Wrong::new(format!("an output of {} without value", f.name()), expected));
        }
        let is_false = matches!(ok.map(Encoded::view), Some(View::Bool(false)));
        let answer = answer.filter(|_| !is_silent(f));
        Ok(Output { answer, refused: f == F::Cas && is_false })
    }
}

/// Whether an answer says no more than that it took effect.
fn is_silent(f: F) -> bool {
    matches!(f, F::Put | F::Append | F::Cas)
}

/// The value of the field that has one of these names.
fn field<'a>(fields: &Items<'a>, names: &[&str]) -> Result<Option<Encoded<'a>>, Wrong> {
    let mut fields = fields.clone();
    let mut found: Option<(&str, Encoded<'a>)> = None;
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        let name = name.text().unwrap_or_default();
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            continue;
        }
        if let Some((first, _)) = found.replace((name, value)) {
            return Err(Wrong::new(format!("both {first} and {name}"), "one of them"));
        }
    }
    Ok(found.map(|(_, value)| value))
}

fn function(op: Encoded<'_>) -> Result<(F, bool), Wrong> {
    let f = match op.view() {
        View::Integer(0) => Some((F::Get, false)),
        View::Integer(1) => Some((F::Put, false)),
        View::Integer(2) => Some((F::Append, false)),
        View::Text(name) => {
            let name = name.to_ascii_lowercase();
            let says_read = matches!(name.as_str(), "read" | "write");
            F::named(&name).map(|f| (f, says_read))
        }
        _ => None,
    };
    f.ok_or_else(|| {
        let expected = format!("{}, or 0, 1 or 2", super::words::functions());
        Wrong::new(format!("{} as op", super::fields::shown(op)), expected)
    })
}
