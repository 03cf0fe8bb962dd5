//! Operations as Porcupine has them, in JSON: a list of objects, or one object after another.
//!
//! ```json
//! [{"clientId":1,"input":{"op":"put","key":"x","value":"1"},"call":0,"output":{},"return":9},
//!  {"clientId":2,"input":{"op":"get","key":"x"},"call":3,"output":{"value":"1"},"return":12},
//!  {"clientId":1,"input":{"op":"cas","key":"x","expected":"1","value":"2"},"call":20,
//!   "output":{"ok":false},"return":25},
//!  {"clientId":2,"input":{"op":"append","key":"x","value":"3"},"call":30,"return":null}]
//! ```
//!
//! That is Go's `porcupine.Operation` as `encoding/json` writes it, also with the names in capitals
//! (`ClientId`, `Input`, `Call`, `Output`, `Return`), with an input and an output of these shapes. The
//! times are nanoseconds, in any order; at the same time calls come before returns, as in
//! Porcupine. Without a `return` nobody knows what became of the operation. `op` may be `get`,
//! `read`, `put`, `write`, `append` or `cas`, or 0, 1 and 2 for get, put and append. The output of a
//! get may be its value alone; null is `nil`. A `cas` whose output says `"ok":false` was refused.
//! Objects with `"Annotations"` and other fields are read without those.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::ParseError;
use crate::event::F;
use crate::history::{History, Whole, WholeRecorder};

/// An operation that does not end within this many bytes never will.
const LONGEST_OBJECT_BYTES: usize = 1 << 24;

#[derive(Debug, Deserialize)]
struct Object {
    #[serde(rename = "clientId", alias = "ClientId", alias = "client_id", alias = "client")]
    client: u64,
    #[serde(alias = "Input")]
    input: Input,
    #[serde(alias = "Call")]
    call: u64,
    #[serde(default, alias = "Output")]
    output: Value,
    #[serde(default, rename = "return", alias = "Return")]
    r#return: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Input {
    #[serde(alias = "Op", alias = "f")]
    op: Value,
    #[serde(default, alias = "Key")]
    key: Value,
    #[serde(default, alias = "Value")]
    value: Value,
    #[serde(default, alias = "Expected", alias = "old", alias = "from")]
    expected: Value,
}

/// Reads operations from pieces of a file; they are put in order at its end.
#[derive(Debug)]
pub struct Reader {
    recorder: WholeRecorder,
    /// What is not taken apart yet, and where it begins.
    begun: Vec<u8>,
    line: u64,
    column: usize,
    in_list: bool,
    is_over: bool,
}

impl Default for Reader {
    fn default() -> Self {
        Reader::new()
    }
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new() -> Self {
        Reader {
            recorder: WholeRecorder::new(),
            begun: Vec::new(),
            line: 1,
            column: 1,
            in_list: false,
            is_over: false,
        }
    }

    /// Takes the next piece of the file, cut anywhere.
    pub fn chunk(&mut self, chunk: &[u8]) -> Result<(), ParseError> {
        self.begun.extend_from_slice(chunk);
        loop {
            self.skip_punctuation();
            if self.begun.is_empty() {
                return Ok(());
            }
            if self.begun[0] != b'{' || self.is_over {
                let found = String::from_utf8_lossy(&self.begun[..self.begun.len().min(20)]);
                let expected = if self.is_over { "the end of the file" } else { "an object" };
                return Err(self.wrong(0, format!("{:?}", found.trim_end()), expected));
            }
            let mut objects = serde_json::Deserializer::from_slice(&self.begun).into_iter();
            let object: Object = match objects.next() {
                Some(Ok(object)) => object,
                Some(Err(error)) if error.is_eof() && self.begun.len() < LONGEST_OBJECT_BYTES => {
                    return Ok(());
                }
                Some(Err(error)) => return Err(self.fault(&error)),
                None => return Ok(()),
            };
            let bytes = objects.byte_offset();
            self.operation(&object)?;
            self.pass(bytes);
        }
    }

    /// The history of all operations, and whether the last one was torn and left out.
    pub fn finish(self) -> (History, bool) {
        let is_torn = !self.begun.is_empty() || (self.in_list && !self.is_over);
        (self.recorder.finish(), is_torn)
    }

    /// Passes over white space, the brackets of the list and commas.
    fn skip_punctuation(&mut self) {
        let mut at = 0;
        for byte in &self.begun {
            match byte {
                b'[' if !self.in_list && self.recorder.is_empty() => self.in_list = true,
                b']' if self.in_list && !self.is_over => self.is_over = true,
                b',' if self.in_list && !self.recorder.is_empty() => {}
                _ if byte.is_ascii_whitespace() => {}
                _ => break,
            }
            at += 1;
        }
        self.pass(at);
    }

    fn pass(&mut self, bytes: usize) {
        for &byte in &self.begun[..bytes] {
            (self.line, self.column) =
                if byte == b'\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        }
        self.begun.drain(..bytes);
    }

    fn operation(&mut self, object: &Object) -> Result<(), ParseError> {
        let Object { client, ref input, call, ref output, r#return } = *object;
        let f = match &input.op {
            Value::String(op) => match op.to_ascii_lowercase().as_str() {
                "get" | "read" => Some(F::Get),
                "put" | "write" => Some(F::Put),
                "append" => Some(F::Append),
                "cas" => Some(F::Cas),
                _ => None,
            },
            Value::Number(op) => match op.as_u64() {
                Some(0) => Some(F::Get),
                Some(1) => Some(F::Put),
                Some(2) => Some(F::Append),
                _ => None,
            },
            _ => None,
        };
        let Some(f) = f else {
            let expected = "get, put, append, cas, or 0, 1 or 2";
            return Err(self.wrong(0, format!("{} as op", input.op), expected));
        };
        if let Some(end) = r#return.filter(|&end| end < call) {
            let found = format!("a return at {end} before the call at {call}");
            return Err(self.wrong(0, found, "a return at or after its call"));
        }
        if f == F::Cas && input.expected.is_null() && input.value.is_null() {
            return Err(self.wrong(0, "a cas without values".to_owned(), "expected and value"));
        }
        let answer = output
            .as_object()
            .and_then(|output| ["value", "Value"].iter().find_map(|name| output.get(*name)));
        let refused = ["ok", "Ok", "OK"].iter().any(|name| output.get(name) == Some(&false.into()));
        let answer = if output.is_object() { answer.unwrap_or(&Value::Null) } else { output };
        let value = text(&input.value);
        let result = match f {
            F::Get => Some(text(answer)),
            F::Cas => Some(text(&input.expected)),
            F::Put | F::Append => None,
        };
        let whole = Whole {
            client,
            f,
            key: if input.key.is_null() { "" } else { &text(&input.key) },
            value: (f != F::Get).then_some(&*value),
            result: result.as_deref(),
            refused: f == F::Cas && refused,
            call_ns: call,
            return_ns: r#return,
        };
        let line = self.line;
        self.recorder.push(&whole).map_err(|source| ParseError::Pairing { line, source })
    }

    fn fault(&self, error: &serde_json::Error) -> ParseError {
        let found = crate::format::found(error);
        let (line, column) = (self.line + error.line().max(1) as u64 - 1, error.column().max(1));
        let column = if error.line() <= 1 { self.column + column - 1 } else { column };
        let expected = "an operation with clientId, input, call, output and return".to_owned();
        ParseError::Syntax { line, column, found, expected }
    }

    fn wrong(&self, ahead: usize, found: String, expected: &str) -> ParseError {
        let (line, column) = (self.line, self.column + ahead);
        ParseError::Syntax { line, column, found, expected: expected.to_owned() }
    }
}

/// A string is its text, null is `nil`, anything else its notation.
fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed("nil"),
        other => Cow::Owned(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Options, check};

    const OPERATIONS: &str = r#"[
{"clientId":1,"input":{"op":"put","key":"x","value":"1"},"call":0,"output":{},"return":9},
{"ClientId":2,"Input":{"Op":0,"Key":"x"},"Call":3,"Output":{"Value":"1"},"Return":12},
{"clientId":1,"input":{"op":"append","key":"x","value":"2"},"call":13,"output":null,"return":null},
{"clientId":1,"input":{"op":"get","key":"x"},"call":30,"output":"12","return":40}]
"#;

    fn read(text: &str, cut: usize) -> Result<(History, bool), ParseError> {
        let mut reader = Reader::new();
        for chunk in text.as_bytes().chunks(cut) {
            reader.chunk(chunk)?;
        }
        Ok(reader.finish())
    }

    #[test]
    fn operations_are_read_however_the_file_is_cut() {
        for cut in [1, 7, 100, 10_000] {
            let (history, is_torn) = read(OPERATIONS, cut).unwrap();
            assert!(!is_torn);
            assert_eq!((history.operations().len(), history.event_count()), (4, 7));
            assert_eq!(check(&history, &Options::default()).verdict.name(), "valid");
        }
    }

    #[test]
    fn a_file_that_ends_in_the_middle_loses_its_last_operation() {
        let cut = OPERATIONS.rfind("output").unwrap();
        let (history, is_torn) = read(&OPERATIONS[..cut], 64).unwrap();
        assert_eq!((history.operations().len(), is_torn), (3, true));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let said = |text| read(text, 9).unwrap_err().to_string();
        let wrong = said("[{\"clientId\":1,\n\"input\":{\"op\":\"pop\"},\"call\":1}]");
        assert_eq!(
            wrong,
            "line 1, column 2: found \"pop\" as op, expected get, put, append, cas, or 0, 1 or 2"
        );
        let wrong = said("[\n  {\"clientId\":-1,\"input\":{\"op\":\"get\"},\"call\":1}]");
        assert!(wrong.starts_with("line 2, column 16: found invalid value"), "{wrong}");
        let wrong = said("[{\"clientId\":1,\"input\":{\"op\":0},\"call\":5,\"return\":2}]");
        assert!(wrong.contains("a return at 2 before the call at 5"), "{wrong}");
        assert!(said("[] x").contains("expected the end of the file"));
    }

    #[test]
    fn at_the_same_time_calls_come_first() {
        let text = r#"{"clientId":1,"input":{"op":1,"key":"x","value":"1"},"call":0,"return":5}
            {"clientId":2,"input":{"op":0,"key":"x"},"call":5,"output":{"value":""},"return":6}"#;
        let (history, _) = read(text, 50).unwrap();
        assert_eq!(check(&history, &Options::default()).verdict.name(), "valid");
    }
}
