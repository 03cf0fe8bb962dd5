//! What the bare cells of a table are, once all of them are known: texts, or numbers and texts.
//!
//! A reader of tables keeps what looks like a number as a symbol until the end of the file.

use super::{History, Key, Value};
use crate::datum::{Encoded, Encoder, Items, View};

impl History {
    /// Makes each symbol, in lists, sets and maps too, a number if that is wanted and it is one; else a
    /// text.
    pub(super) fn type_symbols(&mut self, as_numbers: bool) {
        if !self.keys.iter().chain(self.values.iter()).any(|item| has_symbol(Encoded::new(item))) {
            return;
        }
        let mut scratch = Encoder::default();
        let mut typed = |item: &[u8], out: &mut Vec<u8>| {
            scratch.clear();
            write(Encoded::new(item), as_numbers, &mut scratch);
            out.extend_from_slice(scratch.bytes());
        };
        let keys = std::mem::take(&mut self.keys).map(&mut typed);
        let values = std::mem::take(&mut self.values).map(&mut typed);
        (self.keys, self.values) = (keys.0, values.0);
        for operation in &mut self.operations {
            operation.key = Key(keys.1[operation.key.index()]);
            for value in [&mut operation.argument, &mut operation.result] {
                *value = Value(values.1[value.0 as usize]);
            }
        }
    }
}

fn has_symbol(value: Encoded<'_>) -> bool {
    match value.view() {
        View::Symbol(_) => true,
        View::List(mut items) | View::Set(mut items) | View::Map(mut items) => {
            items.any(has_symbol)
        }
        _ => false,
    }
}

fn write(value: Encoded<'_>, as_numbers: bool, out: &mut Encoder) {
    let all = |items: Items<'_>, out: &mut Encoder| {
        items.for_each(|item| write(item, as_numbers, out));
    };
    match value.view() {
        View::Symbol(symbol) if as_numbers && out.number(symbol) => {}
        View::Symbol(symbol) => out.text(symbol),
        View::List(items) => {
            let mark = out.begin();
            all(items, out);
            out.end_list(mark);
        }
        View::Set(items) => {
            let mark = out.begin();
            all(items, out);
            out.end_set(mark);
        }
        View::Map(items) => {
            let mark = out.begin();
            all(items, out);
            out.end_map(mark);
        }
        _ => out.copy(value),
    }
}
