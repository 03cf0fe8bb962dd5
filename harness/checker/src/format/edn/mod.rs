//! EDN, the notation of Clojure's data, by its grammar (<https://github.com/edn-format/edn>).
//!
//! - [`Splitter`] cuts a stream into its top-level forms. It looks at each byte once, so that a form of
//!   a million lines costs what it weighs.
//! - [`Walker`] goes over the bytes of one form: it passes over what is not asked for, and writes
//!   values into an [`Encoder`](crate::datum::Encoder).
//!
//! Two things are refused that the grammar allows, because they are the marks of a torn file: a form or
//! a string that swallows the beginning of another event (see [`Walker::begins_event`]).

mod split;
mod value;
mod walk;

pub(super) use super::place::Place;
pub(super) use split::{Form, Splitter};
pub(super) use walk::{Kind, Walker, Wrong};

/// The most brackets that may be open at once, so that no text can exhaust the stack.
const DEEPEST: usize = 64;

/// What a byte is where the ends of forms are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Part of a name, number, tag.
    Word,
    /// Blanks, line ends, commas.
    Blank,
    Open,
    Close,
    Quote,
    Semicolon,
    Backslash,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Word; 256];
    let mut byte = 0;
    while byte < 0x21 {
        // Java's idea of a blank, without the other control characters.
        if matches!(byte, 0x09..=0x0d | 0x1c..=0x20) {
            classes[byte] = Class::Blank;
        }
        byte += 1;
    }
    classes[b',' as usize] = Class::Blank;
    classes[b'(' as usize] = Class::Open;
    classes[b'[' as usize] = Class::Open;
    classes[b'{' as usize] = Class::Open;
    classes[b')' as usize] = Class::Close;
    classes[b']' as usize] = Class::Close;
    classes[b'}' as usize] = Class::Close;
    classes[b'"' as usize] = Class::Quote;
    classes[b';' as usize] = Class::Semicolon;
    classes[b'\\' as usize] = Class::Backslash;
    classes
};

fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

/// What closes what this byte opens.
fn closer(open: u8) -> u8 {
    match open {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

/// Counts the bytes that are looked at, for the tests that no reading is quadratic.
#[cfg(test)]
pub(super) mod work {
    use std::cell::Cell;

    thread_local!(static VISITED: Cell<usize> = const { Cell::new(0) });

    pub(in crate::format) fn visit(bytes: usize) {
        VISITED.set(VISITED.get() + bytes);
    }

    /// What was looked at since the last call, in this thread.
    pub(in crate::format) fn take() -> usize {
        VISITED.replace(0)
    }
}

#[cfg(not(test))]
pub(super) mod work {
    pub(in crate::format) fn visit(_bytes: usize) {}
}

#[cfg(test)]
mod tests;
