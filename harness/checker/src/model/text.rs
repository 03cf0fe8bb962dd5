//! A string that is read, replaced, and appended to.

use super::{Call, Model};

/// One key of a key-value store with get, put and append, empty at first.
#[derive(Debug, Clone, Copy)]
pub struct Text;

/// An operation on a string, with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TextOp {
    /// A get that returned this.
    Get(Box<str>),
    /// A put of this.
    Put(Box<str>),
    /// An append of this.
    Append(Box<str>),
}

impl Model for Text {
    type Op = TextOp;
    type State = Box<str>;

    fn initial(&self) -> Box<str> {
        "".into()
    }

    fn step(&self, state: &Box<str>, op: &TextOp) -> Option<Box<str>> {
        match op {
            TextOp::Get(value) => (state == value).then(|| value.clone()),
            TextOp::Put(value) => Some(value.clone()),
            TextOp::Append(value) => Some([&**state, &**value].concat().into()),
        }
    }

    fn is_read_only(&self, op: &TextOp) -> bool {
        matches!(op, TextOp::Get(_))
    }

    /// An open put or append whose text is in nothing that anybody read helps nobody.
    fn strike_out(&self, calls: &[Call<TextOp>], keep: &mut [bool]) {
        for (call, keep) in calls.iter().zip(keep) {
            if let (TextOp::Put(text) | TextOp::Append(text), None) = (&call.op, call.complete) {
                *keep &= calls
                    .iter()
                    .any(|read| matches!(&read.op, TextOp::Get(value) if value.contains(&**text)));
            }
        }
    }
}
