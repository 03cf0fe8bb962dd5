//! Lines out of a stream of bytes, which breaks wherever it likes.

use crate::limits;

/// A message out of a stream.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// Without its line end, cut at [`limits::PACKET_BYTES`].
    pub bytes: Vec<u8>,
    /// Its whole length.
    pub length: usize,
}

/// What arrived and is no whole line yet.
#[derive(Debug, Default)]
pub struct Lines {
    begun: Vec<u8>,
    /// The length of the line begun, also of what was cut off.
    length: usize,
}

impl Lines {
    /// Takes what arrived, and calls `found` with each line that it completes. Empty lines are
    /// nothing.
    pub fn push(&mut self, mut bytes: &[u8], mut found: impl FnMut(Line)) {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            self.keep(&bytes[..end]);
            self.take().into_iter().for_each(&mut found);
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = limits::PACKET_BYTES.saturating_sub(self.begun.len());
        self.begun.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.length += bytes.len();
    }

    /// What was begun, as it is.
    pub fn take(&mut self) -> Option<Line> {
        let mut line = Line {
            bytes: std::mem::take(&mut self.begun),
            length: std::mem::take(&mut self.length),
        };
        if line.bytes.last() == Some(&b'\r') {
            line.bytes.pop();
            line.length -= 1;
        }
        (line.length > 0).then_some(line)
    }

    /// What was begun, if it is a whole JSON object already: a program may forget the line end, and
    /// nothing but blanks can follow.
    pub fn take_object(&mut self) -> Option<Line> {
        let is_candidate = self.begun.first() == Some(&b'{')
            && self.begun.last() == Some(&b'}')
            && self.length == self.begun.len();
        let is_object =
            is_candidate && serde_json::from_slice::<serde::de::IgnoredAny>(&self.begun).is_ok();
        if is_object { self.take() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line { bytes: text.as_bytes().to_vec(), length: text.len() }
    }

    #[test]
    fn lines_are_the_same_wherever_the_stream_breaks() {
        let stream = b"{\"a\":1}\n\n{\"b\":2}\r\n garbage \n{\"c\"";
        for size in 1..=stream.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for chunk in stream.chunks(size) {
                lines.push(chunk, |line| found.push(line));
            }
            let expected = [line("{\"a\":1}"), line("{\"b\":2}"), line(" garbage ")];
            assert_eq!(found, expected, "in pieces of {size}");
            assert_eq!(lines.take(), Some(line("{\"c\"")));
            assert_eq!(lines.take(), None);
        }
    }

    #[test]
    fn a_line_without_end_fills_no_memory() {
        let mut lines = Lines::default();
        for _ in 0..100 {
            lines.push(&vec![b'x'; 100_000], |_| panic!("no line yet"));
        }
        let mut found = Vec::new();
        lines.push(b"\n{}\n", |line| found.push(line));
        assert_eq!((found[0].bytes.len(), found[0].length), (limits::PACKET_BYTES, 10_000_000));
        assert_eq!(found[1], line("{}"));
    }

    #[test]
    fn an_object_without_line_end_is_taken_when_it_is_whole() {
        let mut lines = Lines::default();
        lines.push(br#"{"a":{"b":"}"}"#, |_| panic!("no line end"));
        assert_eq!(lines.take_object(), None, "one brace is missing");
        lines.push(b"}", |_| panic!("no line end"));
        assert_eq!(lines.take_object(), Some(line(r#"{"a":{"b":"}"}}"#)));
        // The line end that comes late is an empty line.
        lines.push(b"\n", |_| panic!("nothing"));
        assert_eq!(lines.take_object(), None);
    }
}
