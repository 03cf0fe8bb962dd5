//! Damaged files: nothing panics, and the size of the pieces does not matter.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

#[test]
fn no_text_makes_a_reader_panic() {
    let mut accepted = 0;
    for seed in 0..cases(30_000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let files = || FILES.iter().chain(&LINES);
        let at = rng.random_range(0..FILES.len() + LINES.len());
        let &(format, text, _) = files().nth(at).expect("as many files");
        let mut same = files().filter(|(other, ..)| *other == format);
        let other = same.next_back().map_or("", |(_, text, _)| *text);
        let text = damaged(&mut rng, text.as_bytes(), other.as_bytes());
        let format = if rng.random_bool(0.9) {
            format
        } else {
            Format::NAMES[rng.random_range(0..Format::NAMES.len())].1
        };
        let reading = Reading { is_lenient: rng.random(), ..Reading::default() };
        let mut readers = [Reader::new(format, reading), Reader::new(format, reading)];
        let piece = rng.random_range(1..50);
        let results = readers.each_mut().map(|reader| {
            let mut pieces = text.chunks(piece);
            pieces.try_for_each(|piece| reader.feed(piece))
        });
        assert_eq!(results[0], results[1]);
        let whole = Reader::new(format, reading);
        let read = |mut reader: Reader| reader.feed(&text).and_then(|()| reader.finish());
        let whole = read(whole);
        let [in_pieces, _] = readers;
        let in_pieces = results[0].clone().and_then(|()| in_pieces.finish());
        match (in_pieces, whole) {
            (Ok(one), Ok(other)) => {
                let (events, most) = (one.history.event_count(), most_events(&text, format));
                assert!(events <= most, "{events} events of {most}, seed {seed}");
                assert!(one.history.operations().len() as u64 <= events, "seed {seed}");
                accepted += 1;
                assert_eq!(told(&one.history), told(&other.history));
                assert_eq!(one.torn, other.torn);
            }
            (Err(one), Err(other)) => {
                let place = |error: &ParseError| match error {
                    ParseError::Syntax { line, column, .. } => (*line, *column),
                    ParseError::Pairing { line, .. } => (*line, 0),
                    _ => (0, 0),
                };
                assert_eq!(place(&one), place(&other), "{one} / {other}");
            }
            (one, other) => panic!("{one:?} in pieces of {piece}, {other:?} at once, seed {seed}"),
        }
        let _ = Format::detect(&text);
    }
    assert!(accepted > cases(30_000) / 20, "only {accepted} texts were histories");
}

/// How many events a text can hold at most.
fn most_events(text: &[u8], format: Format) -> u64 {
    let count = |bytes: &[u8]| text.iter().filter(|byte| bytes.contains(byte)).count() as u64;
    match format {
        Format::PorcupineJson => 2 * count(b"{"),
        Format::Edn => count(b"{[("),
        Format::Csv | Format::Columns | Format::JepsenLog => count(b"\n"),
        Format::Jsonl | Format::JepsenJson | Format::PorcupineEvents => count(b"{"),
    }
}

/// A text with up to five bytes changed, cut off or put in, or with parts of it or of another one put
/// somewhere.
fn damaged(rng: &mut ChaCha8Rng, text: &[u8], other: &[u8]) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..rng.random_range(1..6) {
        let at = rng.random_range(0..text.len());
        match rng.random_range(0..7) {
            0 => text[at] = rng.random(),
            1 if rng.random() => text.truncate(at.max(1)),
            2 => text[at] = b"0123456789"[rng.random_range(0..10)],
            3 => {
                let to = rng.random_range(at..text.len());
                let part = text[at..to].to_vec();
                let place = rng.random_range(0..text.len());
                text.splice(place..place, part);
            }
            4 => {
                let from = rng.random_range(0..other.len());
                let to = rng.random_range(from..other.len());
                text.splice(at..at, other[from..to].iter().copied());
            }
            5 => {
                text.remove(at);
                if text.is_empty() {
                    text.push(b'\n');
                }
            }
            _ => text.insert(at, b"[]{}\"\\:#, \n;\t-e."[rng.random_range(0..16)]),
        }
    }
    text
}
