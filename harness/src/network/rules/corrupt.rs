//! Corruption: some messages arrive with other bytes than were sent, at the receiver for which they
//! were meant.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Decision, Message};
use crate::seed::{self, Seed};

/// Changes bytes of this fraction of the messages.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Corrupt {
    /// From 0 to 1.
    pub probability: f64,
    /// How many bytes of such a message.
    pub bytes: u32,
    /// Whether `src`, `dst`, `leader`, `type` and `MID` are spared. The message is then still JSON:
    /// letters and digits of its other values become other letters and digits, as if no checksum
    /// had noticed. Otherwise any bit of any byte may be flipped.
    pub spare_envelope: bool,
}

impl Corrupt {
    pub(super) fn decide(&self, seed: Seed, message: &Message) -> Decision {
        if seed.fraction(message.n) < self.probability {
            Decision::Change(*self, Seed(seed.draw(message.n)))
        } else {
            Decision::Pass
        }
    }

    /// The packet as it arrives; `None` if there is nothing in it that could be changed.
    pub fn change(&self, packet: &[u8], draw: Seed) -> Option<Vec<u8>> {
        let spared = if self.spare_envelope { Some(payload(packet)?) } else { None };
        let places = spared.as_ref().map_or(packet.len(), Vec::len);
        if places == 0 {
            return None;
        }
        let mut changed = packet.to_vec();
        for n in 0..u64::from(self.bytes) {
            let place = seed::index(draw.draw(2 * n + 2), places);
            let bits = draw.draw(2 * n + 3);
            match &spared {
                None => changed[place] ^= 1 << seed::index(bits, 8),
                Some(payload) => {
                    let place = payload[place];
                    changed[place] = another(changed[place], bits);
                }
            }
        }
        // Two changes of one byte may undo each other: then the first is made alone.
        if changed == packet {
            return Self { bytes: 1, ..*self }.change(packet, draw);
        }
        Some(changed)
    }
}

/// What routing needs of a message.
const ENVELOPE: [&str; 5] = ["src", "dst", "leader", "type", "MID"];

/// The places of all letters and digits in the values that are not the envelope's; `None` for what is
/// no JSON object.
fn payload(packet: &[u8]) -> Option<Vec<usize>> {
    let fields: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(packet).ok()?;
    let mut places = Vec::new();
    for (name, value) in fields {
        if !ENVELOPE.contains(&&*name) {
            let text = value.get().as_bytes();
            // The value is borrowed from the packet.
            let start = text.as_ptr() as usize - packet.as_ptr() as usize;
            places.extend(changeable(text).map(|place| start + place));
        }
    }
    places.sort_unstable();
    Some(places)
}

/// The places of letters and digits that can be others without a change of the JSON's structure:
/// all in texts but escapes, the digits of numbers.
fn changeable(json: &[u8]) -> impl Iterator<Item = usize> {
    let (mut in_text, mut escaped) = (false, 0_u8);
    let mut exponent = false;
    json.iter().enumerate().filter_map(move |(place, &byte)| {
        if escaped > 0 {
            escaped = if byte == b'u' && escaped == 1 { 5 } else { escaped - 1 };
            return None;
        }
        match byte {
            b'"' => in_text = !in_text,
            b'\\' => escaped = 1,
            // The digits of an exponent would make another kind of number.
            b'e' | b'E' if !in_text => exponent = true,
            b',' | b']' | b'}' if !in_text => exponent = false,
            _ => {}
        }
        let is_free = if in_text { byte.is_ascii_alphanumeric() } else { byte.is_ascii_digit() };
        (is_free && (in_text || !exponent)).then_some(place)
    })
}

/// Another letter for a letter, another digit for a digit; never a zero, which may not stand first.
fn another(byte: u8, bits: u64) -> u8 {
    let alphabet: &[u8] = match byte {
        b'0'..=b'9' => b"123456789",
        b'a'..=b'z' => b"abcdefghijklmnopqrstuvwxyz",
        _ => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    };
    let others: Vec<u8> = alphabet.iter().copied().filter(|&other| other != byte).collect();
    others[seed::index(bits, others.len())]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn corrupt(spare_envelope: bool, bytes: u32) -> Corrupt {
        Corrupt { probability: 1.0, bytes, spare_envelope }
    }

    proptest! {
        #[test]
        fn a_spared_envelope_reads_as_before_and_the_rest_is_json_and_another(
            seed: u64, bytes in 1_u32..20, text in "\\PC{1,30}", number: i32, tail: bool,
        ) {
            let message = json!({
                "src": "0000", "dst": "0001", "leader": "FFFF", "type": "append", "MID": "m1",
                "text": text, "n": [number, 10, 0.5e10, {"x\"y": "\u{e9}\n1"}], "is": true,
            });
            let mut packet = message.to_string().into_bytes();
            if tail { packet.push(b'\n'); }
            let changed = corrupt(true, bytes).change(&packet, Seed(seed)).unwrap();
            let seen: Value = serde_json::from_slice(&changed).unwrap();
            for field in ENVELOPE {
                prop_assert_eq!(&seen[field], &message[field]);
            }
            prop_assert_ne!(&seen, &message);
            prop_assert_eq!(changed.len(), packet.len());
        }

        #[test]
        fn without_sparing_some_bytes_are_others(
            seed: u64, bytes in 1_u32..9, packet in prop::collection::vec(any::<u8>(), 1..80),
        ) {
            let changed = corrupt(false, bytes).change(&packet, Seed(seed)).unwrap();
            let others = packet.iter().zip(&changed).filter(|(old, new)| old != new).count();
            prop_assert!((1..=bytes as usize).contains(&others));
        }
    }

    #[test]
    fn what_has_nothing_to_change_stays() {
        let bare = br#"{"src":"0000","dst":"0001","type":"x","MID":"7","is":null}"#;
        assert_eq!(corrupt(true, 3).change(bare, Seed(1)), None);
        assert_eq!(corrupt(true, 3).change(b"no JSON 123", Seed(1)), None);
        assert_eq!(corrupt(false, 3).change(b"", Seed(1)), None);
    }
}
