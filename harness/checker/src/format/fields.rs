//! The fields of an object that a format knows, as values in their bytes. Others are passed over.

use super::ParseError;
use super::elements::Element;
use super::json::{Json, Wrong};
use crate::datum::{Encoded, Encoder};

/// Where a value lies in the encoder, and where it stands in its object.
#[derive(Debug, Clone, Copy)]
struct Slot {
    from: usize,
    to: usize,
    at: usize,
}

/// The known fields of one object at a time, by their numbers.
#[derive(Debug)]
pub(super) struct Fields<const N: usize> {
    slots: [Option<Slot>; N],
    encoder: Encoder,
}

impl<const N: usize> Default for Fields<N> {
    fn default() -> Self {
        Fields { slots: [None; N], encoder: Encoder::default() }
    }
}

impl<const N: usize> Fields<N> {
    /// Reads an object. A function tells the number of a known name.
    pub(super) fn read(
        &mut self,
        element: &Element<'_>,
        number: impl Fn(&str) -> Option<usize>,
    ) -> Result<(), ParseError> {
        self.slots = [None; N];
        self.encoder.clear();
        let Fields { slots, encoder } = self;
        let read = Json::new(element.text).members(|json, name, at| {
            let from = encoder.at();
            json.value(encoder)?;
            let slot = Slot { from, to: encoder.at(), at };
            match number(name) {
                None => encoder.truncate(from),
                Some(number) if slots[number].is_none() => slots[number] = Some(slot),
                Some(_) => {
                    let (found, expected) =
                        (format!("a second {name}"), "each field once".to_owned());
                    return Err(Wrong { at, found, expected, is_end: false });
                }
            }
            Ok(())
        });
        read.map_err(|wrong| element.broken(wrong))
    }

    /// The value of a field; null is as good as none.
    pub(super) fn get(&self, number: usize) -> Option<Encoded<'_>> {
        let Slot { from, to, .. } = self.slots[number]?;
        Some(self.encoder.slice(from, to)).filter(|value| !value.is_nil())
    }

    /// Where the value of a field stands in its object; 0 if it is not there.
    pub(super) fn place(&self, number: usize) -> usize {
        self.slots[number].map_or(0, |slot| slot.at)
    }

    /// That a field is not what it should be, or not there.
    pub(super) fn wrong(
        &self,
        element: &Element<'_>,
        number: usize,
        name: &str,
        expected: &str,
    ) -> ParseError {
        let found = self.get(number).map_or("nothing".to_owned(), |value| shown(value));
        element.wrong_at(self.place(number), format!("{found} as {name}"), expected)
    }
}

/// A value for people, shortened.
pub(super) fn shown(value: Encoded<'_>) -> String {
    const LONGEST: usize = 60;
    let text = value.datum().to_string();
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}
