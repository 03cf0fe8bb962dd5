//! The fast path for a line exactly as the journal writes it: its fields in their order, no blanks,
//! no escapes. Anything else is left to the general JSON parser, which also finds the errors; so
//! this one only ever answers with what that one would.

use std::borrow::Cow;

use crate::event::{Event, EventType, F};

/// The event of the line with which these bytes begin, and its length with the line end; none if it is not
/// in the journal's own form, right or wrong, or its end is not there yet.
pub(super) fn parse(bytes: &[u8]) -> Option<(Event<'_>, usize)> {
    let mut rest = Rest(bytes);
    rest.skip(b"{\"index\":")?;
    let index = rest.number()?;
    rest.skip(b",\"time_ns\":")?;
    let time_ns = rest.number()?;
    rest.skip(b",\"process\":")?;
    let process = rest.number()?;
    rest.skip(b",\"client\":")?;
    let client = rest.text()?;
    rest.skip(b",\"type\":")?;
    let r#type = match rest.bytes()? {
        b"invoke" => EventType::Invoke,
        b"ok" => EventType::Ok,
        b"fail" => EventType::Fail,
        b"info" => EventType::Info,
        _ => return None,
    };
    rest.skip(b",\"f\":")?;
    let f = match rest.bytes()? {
        b"get" => F::Get,
        b"put" => F::Put,
        b"cas" => F::Cas,
        b"append" => F::Append,
        _ => return None,
    };
    rest.skip(b",\"key\":")?;
    let key = rest.text()?;
    rest.skip(b",\"value\":")?;
    let value = rest.text_or_null()?;
    rest.skip(b",\"node\":")?;
    let node = rest.text_or_null()?;
    rest.skip(b",\"error\":")?;
    let error = rest.text_or_null()?;
    rest.skip(b"}\n").or_else(|| rest.skip(b"}\r\n"))?;
    let event = Event { index, time_ns, process, client, r#type, f, key, value, node, error };
    Some((event, bytes.len() - rest.0.len()))
}

/// What is not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn skip(&mut self, literal: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    /// At most 19 digits, which fit 64 bits, without a zero in front of others.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        let mut digits = 0;
        while let Some(digit @ b'0'..=b'9') = self.0.get(digits) {
            if digits == 19 || (digits == 1 && self.0[0] == b'0') {
                return None;
            }
            number = 10 * number + u64::from(digit - b'0');
            digits += 1;
        }
        self.0 = &self.0[digits..];
        (digits > 0).then_some(number)
    }

    /// What stands between two quotation marks, if nothing of it is escaped or would have to be.
    fn bytes(&mut self) -> Option<&'a [u8]> {
        self.skip(b"\"")?;
        let special = |byte: &u8| *byte == b'"' || *byte == b'\\' || *byte < b' ';
        let end = self.0.iter().position(special)?;
        if self.0[end] != b'"' {
            return None;
        }
        let bytes = &self.0[..end];
        self.0 = &self.0[end + 1..];
        Some(bytes)
    }

    fn text(&mut self) -> Option<Cow<'a, str>> {
        std::str::from_utf8(self.bytes()?).ok().map(Cow::Borrowed)
    }

    #[expect(clippy::option_option, reason = "the outer one leaves the fast path")]
    fn text_or_null(&mut self) -> Option<Option<Cow<'a, str>>> {
        if self.skip(b"null").is_some() { Some(None) } else { self.text().map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    /// Pieces of lines, right and wrong, from which whole lines are put together.
    fn number() -> impl Strategy<Value = String> {
        prop_oneof![
            8 => any::<u64>().prop_map(|number| number.to_string()),
            8 => (0..1000_u64).prop_map(|number| number.to_string()),
            1 => Just("007".to_owned()),
            1 => Just("-1".to_owned()),
            1 => Just("1.0".to_owned()),
            1 => Just("1e3".to_owned()),
            1 => Just("18446744073709551616".to_owned()),
            1 => Just("9999999999999999999".to_owned()),
            1 => Just(String::new()),
            1 => Just("\"5\"".to_owned()),
        ]
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            8 => "[a-z0-9]{0,8}".prop_map(|text| format!("\"{text}\"")),
            4 => any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
            2 => any::<String>().prop_map(|text| format!("\"{text}\"")),
            2 => Just("null".to_owned()),
            1 => Just("nul".to_owned()),
            1 => Just("12".to_owned()),
            1 => Just("\"\u{1}\"".to_owned()),
        ]
    }

    fn word(words: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop::sample::select(words).prop_map(|word| format!("\"{word}\""))
    }

    fn line() -> impl Strategy<Value = String> {
        let types = word(&["invoke", "ok", "fail", "info", "Ok", ""]);
        let functions = word(&["get", "put", "cas", "append", "read", "write", "swap"]);
        let numbers = (number(), number(), number());
        let end = prop::sample::select(&["", "\n", "\r\n", " ", "}", "\n\n"][..]);
        (numbers, text(), types, functions, text(), text(), text(), text(), end).prop_map(
            |((index, time, process), client, kind, f, key, value, node, error, end)| {
                format!(
                    "{{\"index\":{index},\"time_ns\":{time},\"process\":{process},\
                     \"client\":{client},\"type\":{kind},\"f\":{f},\"key\":{key},\
                     \"value\":{value},\"node\":{node},\"error\":{error}}}{end}"
                )
            },
        )
    }

    fn agrees(line: &[u8]) -> Result<bool, TestCaseError> {
        let fast = parse(line);
        if let Some((event, length)) = &fast {
            let general: Result<Event<'_>, _> = serde_json::from_slice(&line[..*length]);
            prop_assert_eq!(Some(event), general.as_ref().ok());
        }
        Ok(fast.is_some())
    }

    #[test]
    fn a_line_of_the_journal_takes_the_fast_path() {
        let event = Event {
            index: 0,
            time_ns: 1_234_567_890_123,
            process: 10,
            client: "0015".into(),
            r#type: EventType::Info,
            f: F::Append,
            key: "ключ".into(),
            value: None,
            node: Some("0001".into()),
            error: Some("timeout".into()),
        };
        let line = serde_json::to_string(&event).unwrap();
        for (end, behind) in [("\n", ""), ("\r\n", ""), ("\n", "{")] {
            let bytes = format!("{line}{end}{behind}");
            let length = line.len() + end.len();
            assert_eq!(parse(bytes.as_bytes()), Some((event.clone(), length)));
        }
        assert_eq!(parse(line.as_bytes()), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 4000,
            rng_seed: RngSeed::Fixed(4),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn what_the_fast_path_takes_the_general_parser_takes_alike(line in line()) {
            agrees(line.as_bytes())?;
        }

        #[test]
        fn it_agrees_on_damaged_lines(
            line in line(),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut line = line.into_bytes();
            let at = at.index(line.len());
            line[at] = byte;
            agrees(&line)?;
            line.remove(at);
            agrees(&line)?;
            line.truncate(at);
            agrees(&line)?;
        }
    }
}
