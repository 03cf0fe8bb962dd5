//! Histories of transactions: Jepsen's EDN, and the same maps as JSON, as elle-cli takes them.
//!
//! An event is a map with `:type`, `:process` and `:value`, perhaps with `:index`. Its value is a list of
//! micro-operations: `[:append key element]`, `[:r key [elements]]`, `[:w key value]`, `[:r key value]`.
//! Events stand one after another or in one list or vector; those of a process that is no number, as of the
//! nemesis, are passed over. EDN and JSON are read by one scanner, since they differ in nothing else here: in
//! both a comma is a blank, and a word may be a keyword or a text.
//!
//! What a transaction read is taken from its `ok`. Of one that ended otherwise only the writes count, and
//! these are in its invocation.

use memchr::memchr_iter;

use super::{ParseError, Place};
use crate::datum::{Datum, number};
use crate::models::ModelName;
use crate::transactional::{Builder, Frame, NEVER, Name, Status, TooMany, Transactions};

/// The most bytes that one event may have.
const LONGEST: usize = 32 << 20;

/// The most brackets that may be open at once.
const DEEPEST: usize = 64;

/// Transactions, and what became of the file that they were read from.
#[derive(Debug)]
pub struct ReadTransactions {
    /// The transactions.
    pub transactions: Transactions,
    /// The model that the micro-operations are of; none if there are only reads of nothing.
    pub model: Option<ModelName>,
    /// The line at which the end of the file is torn, if it is; what is torn is left out.
    pub torn: Option<u64>,
}

/// Whether a file that begins like this is a history of transactions: whether the value of its first events is
/// a list of micro-operations.
pub fn looks_like(beginning: &[u8]) -> bool {
    let beginning = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning);
    let mut cursor = Cursor::new(beginning);
    for _ in 0..SAMPLE {
        match cursor.event() {
            Ok(Some(event)) => {
                let is_client = event.process.as_ref().and_then(integer).is_some();
                if let (true, Some(value)) = (is_client, event.value) {
                    return has_micro_operations(value);
                }
            }
            _ => return false,
        }
    }
    false
}

/// How many events are looked at for the first of a client.
const SAMPLE: usize = 100;

fn has_micro_operations(value: &[u8]) -> bool {
    let mut cursor = Cursor::new(value);
    cursor.enter().is_ok_and(|is_list| is_list)
        && cursor.enter().is_ok_and(|is_list| is_list)
        && cursor.token().is_ok_and(|token| micro(token).is_some())
}

/// What a micro-operation does, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Append,
    Write,
    Read,
}

fn micro(token: &[u8]) -> Option<Does> {
    match word(token) {
        b"append" => Some(Does::Append),
        b"w" | b"write" => Some(Does::Write),
        b"r" | b"read" => Some(Does::Read),
        _ => None,
    }
}

/// A keyword or text without its marks.
fn word(token: &[u8]) -> &[u8] {
    let inside = token.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    let word = inside.unwrap_or(token);
    word.strip_prefix(b":").unwrap_or(word)
}

fn integer(token: &&[u8]) -> Option<i64> {
    number::small(token)
}

/// Reads a history in pieces.
#[derive(Debug, Default)]
pub struct Reader {
    /// What is left of the last piece.
    rest: Vec<u8>,
    events: Events,
    /// How many lines have ended before the rest.
    lines: u64,
    has_begun: bool,
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), ParseError> {
        let mut rest = std::mem::take(&mut self.rest);
        if rest.is_empty() {
            let used = self.take(piece)?;
            rest.extend_from_slice(&piece[used..]);
        } else {
            rest.extend_from_slice(piece);
            let used = self.take(&rest)?;
            rest.drain(..used);
        }
        if rest.len() > LONGEST {
            let place = Place { line: self.lines + 1, column: 1 };
            return Err(place.wrong("an event of more than 32 MB", "its end"));
        }
        self.rest = rest;
        Ok(())
    }

    /// What is read so far, in bytes of memory.
    pub fn memory_bytes(&self) -> u64 {
        self.events.builder.memory_bytes() + self.rest.capacity() as u64
    }

    /// All transactions of the file.
    pub fn finish(mut self) -> Result<ReadTransactions, ParseError> {
        // A last token may be complete only because the file is.
        let mut rest = std::mem::take(&mut self.rest);
        rest.push(b'\n');
        let used = self.take(&rest)?;
        let blank = rest.len() - rest[used..].trim_ascii_start().len();
        self.lines += memchr_iter(b'\n', &rest[used..blank]).count() as u64;
        let left = rest[blank..].trim_ascii();
        let torn = (!left.is_empty()).then_some(self.lines + 1);
        if let Some(at) = memchr_iter(b'\n', left).find(|&at| left[at + 1..].starts_with(b"{")) {
            let line = self.lines + 2 + memchr_iter(b'\n', &left[..at]).count() as u64;
            let place = Place { line: self.lines + 1, column: 1 };
            return Err(place.wrong(
                format!("an event that does not end before the next one (line {line})"),
                "}",
            ));
        }
        self.events.finish(torn)
    }

    /// Takes all events that end in these bytes, and says how many bytes they have.
    fn take(&mut self, bytes: &[u8]) -> Result<usize, ParseError> {
        let mut cursor = Cursor::new(bytes);
        if !self.has_begun {
            cursor.at = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        }
        let mut used = 0;
        let lines = self.lines;
        let in_file = |wrong: Wrong| wrong.in_file(bytes, lines);
        loop {
            match cursor.event() {
                Ok(None) => {
                    used = cursor.at;
                    break;
                }
                Err(Wrong { is_end: true, .. }) => break,
                Err(wrong) => return Err(in_file(wrong)),
                Ok(Some(event)) => {
                    used = cursor.at;
                    self.events.take(&event, bytes).map_err(in_file)?;
                }
            }
        }
        self.has_begun |= used > 0;
        self.lines += memchr_iter(b'\n', &bytes[..used]).count() as u64;
        Ok(used)
    }
}

/// Something that is not what it should be.
#[derive(Debug)]
struct Wrong {
    at: usize,
    found: String,
    expected: String,
    /// Whether only the bytes are over.
    is_end: bool,
}

impl Wrong {
    fn in_file(self, bytes: &[u8], lines_before: u64) -> ParseError {
        let at = self.at.min(bytes.len());
        let Place { line, column } = Place::default().after(&bytes[..at]);
        Place { line: line + lines_before, column }.wrong(self.found, self.expected)
    }
}

/// The parts of an event, as they stand in the file.
#[derive(Debug, Default)]
struct Event<'a> {
    begin: usize,
    r#type: Option<&'a [u8]>,
    process: Option<&'a [u8]>,
    index: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    /// Where the value begins.
    value_at: usize,
}

/// Goes over bytes of EDN or JSON.
#[derive(Debug, Clone)]
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b',' | b'\n' | b'\t' | b'\r')
}

fn ends_word(byte: u8) -> bool {
    is_blank(byte) || matches!(byte, b'[' | b']' | b'{' | b'}' | b'(' | b')' | b'"' | b';')
}

impl<'a> Cursor<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Cursor { bytes, at: 0 }
    }

    fn wrong(&self, at: usize, expected: &str) -> Wrong {
        let rest = &self.bytes[at.min(self.bytes.len())..];
        let end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        let found = String::from_utf8_lossy(&rest[..end.min(60)]).into_owned();
        Wrong { at, found, expected: expected.to_owned(), is_end: false }
    }

    fn over(&self) -> Wrong {
        let (at, found) = (self.bytes.len(), "the end".to_owned());
        Wrong { at, found, expected: "the rest of an event".to_owned(), is_end: true }
    }

    /// The next byte that is no blank and in no comment.
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            if is_blank(byte) {
                self.at += 1;
            } else if byte == b';' {
                let rest = &self.bytes[self.at..];
                self.at += rest.iter().position(|&byte| byte == b'\n')?;
            } else {
                return Some(byte);
            }
        }
    }

    /// The next event, if one begins in these bytes.
    fn event(&mut self) -> Result<Option<Event<'a>>, Wrong> {
        loop {
            match self.peek() {
                None => return Ok(None),
                Some(b'{') => break,
                // The list or vector around all events.
                Some(b'[' | b']' | b'(' | b')') => self.at += 1,
                // The tag of a record.
                Some(b'#') => {
                    let rest = &self.bytes[self.at..];
                    let Some(length) = rest.iter().position(|&it| it == b'{' || it == b'\n') else {
                        return Ok(None);
                    };
                    if length == 1 || rest[length] == b'\n' {
                        return Err(self.wrong(self.at, "an event: a map"));
                    }
                    self.at += length;
                }
                Some(_) => return Err(self.wrong(self.at, "an event: a map")),
            }
        }
        let mut event = Event { begin: self.at, ..Event::default() };
        self.at += 1;
        loop {
            match self.peek().ok_or_else(|| self.over())? {
                b'}' => break,
                b':' | b'"' => {}
                _ => return Err(self.wrong(self.at, "a keyword or a name in quotes, or }")),
            }
            let begin = self.at;
            self.skip()?;
            let name = word(&self.bytes[begin..self.at]);
            // JSON's colon stands alone, or before its value; EDN's never does.
            if self.bytes[begin] == b'"' {
                match self.peek().ok_or_else(|| self.over())? {
                    b':' => self.at += 1,
                    _ => return Err(self.wrong(self.at, ":")),
                }
            }
            self.peek().ok_or_else(|| self.over())?;
            let begin = self.at;
            self.skip()?;
            let value = Some(&self.bytes[begin..self.at]);
            match name {
                b"type" => event.r#type = value,
                b"process" => event.process = value,
                b"index" => event.index = value,
                b"value" => (event.value, event.value_at) = (value, begin),
                _ => {}
            }
        }
        self.at += 1;
        Ok(Some(event))
    }

    /// Passes over one value.
    fn skip(&mut self) -> Result<(), Wrong> {
        let mut depth = 0_usize;
        let begin = self.at;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'[' | b'{' | b'(' => {
                    depth += 1;
                    self.at += 1;
                    if depth > DEEPEST {
                        return Err(self.wrong(self.at, "fewer brackets in brackets"));
                    }
                }
                b']' | b'}' | b')' => {
                    if depth == 0 {
                        return Err(self.wrong(self.at, "a value"));
                    }
                    depth -= 1;
                    self.at += 1;
                }
                b'"' => self.skip_text()?,
                b'\\' => self.at += 2,
                // A tag belongs to what follows.
                b'#' => {
                    self.at += 1;
                    self.skip_word();
                    self.peek();
                    continue;
                }
                _ if ends_word(byte) => self.at += 1,
                _ => self.skip_word(),
            }
            if depth == 0 && self.at > begin {
                // A word that ends with the bytes may go on.
                if self.at >= self.bytes.len() && !matches!(byte, b']' | b'}' | b')' | b'"') {
                    break;
                }
                return Ok(());
            }
        }
        Err(self.over())
    }

    fn skip_word(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|&byte| ends_word(byte)).unwrap_or(rest.len());
    }

    fn skip_text(&mut self) -> Result<(), Wrong> {
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'"' => return Ok(()),
                b'\\' => self.at += 1,
                _ => {}
            }
        }
        Err(self.over())
    }

    /// Steps into a list, if one begins here.
    fn enter(&mut self) -> Result<bool, Wrong> {
        let is_list = matches!(self.peek().ok_or_else(|| self.over())?, b'[' | b'(');
        self.at += usize::from(is_list);
        Ok(is_list)
    }

    /// Steps out of a list, if it ends here.
    fn leaves(&mut self) -> bool {
        let ends = matches!(self.peek(), Some(b']' | b')'));
        self.at += usize::from(ends);
        ends
    }

    /// The bytes of the next value.
    fn token(&mut self) -> Result<&'a [u8], Wrong> {
        self.peek();
        let begin = self.at;
        if self.bytes.get(begin).is_none_or(|byte| !byte.is_ascii_digit()) {
            self.skip()?;
        } else {
            self.skip_word();
        }
        Ok(&self.bytes[begin..self.at])
    }
}

/// A transaction that has begun.
#[derive(Debug, Default)]
struct Open {
    has_begun: bool,
    invoke: u32,
    index: u64,
    value: Vec<u8>,
}

/// Pairs invocations and completions.
#[derive(Debug, Default)]
struct Events {
    builder: Builder,
    /// By session.
    open: Vec<Open>,
    /// Events of clients so far.
    place: u32,
    appends: Option<Mixed>,
    writes: Option<Mixed>,
    reads_lists: bool,
    reads_values: Option<Mixed>,
}

/// Where something stands that does not go together with something else.
type Mixed = u64;

impl Events {
    fn take(&mut self, event: &Event<'_>, bytes: &[u8]) -> Result<(), Wrong> {
        let wrong = |what: &str, expected: &str| {
            let (found, expected) = (what.to_owned(), expected.to_owned());
            Wrong { at: event.begin, found, expected, is_end: false }
        };
        let Some(process) = event.process else {
            return Err(wrong("an event without :process", ":process"));
        };
        let Some(process) = integer(&process) else { return Ok(()) };
        let session = self.builder.session(Name::Integer(process));
        if session as usize >= self.open.len() {
            self.open.resize_with(session as usize + 1, Open::default);
        }
        let place = self.place;
        self.place += 1;
        let index = event.index.as_ref().and_then(integer);
        let index = index.and_then(|it| u64::try_from(it).ok()).unwrap_or(u64::from(place));
        let open = &mut self.open[session as usize];
        let status = match event.r#type.map(word) {
            Some(b"invoke") => {
                if open.has_begun {
                    let found =
                        format!("process {process} begins a transaction during another one");
                    return Err(wrong(&found, "the completion of the first"));
                }
                (open.has_begun, open.invoke, open.index) = (true, place, index);
                open.value.clear();
                open.value.extend_from_slice(event.value.unwrap_or_default());
                return Ok(());
            }
            Some(b"ok") => Status::Ok,
            Some(b"fail") => Status::Fail,
            Some(b"info") => Status::Info,
            _ => return Err(wrong("an event of another type", "invoke, ok, fail or info")),
        };
        if !open.has_begun {
            let found =
                format!("a completion of process {process}, which has not begun a transaction");
            return Err(wrong(&found, "its invocation before it"));
        }
        open.has_begun = false;
        let (invoke, invoke_index) = (open.invoke, open.index);
        if status == Status::Ok {
            let value = event.value.unwrap_or_default();
            self.micros(value, true).map_err(|mut wrong| {
                wrong.at += event.value_at;
                wrong
            })?;
        } else {
            let value = std::mem::take(&mut open.value);
            self.micros(&value, false).map_err(|inside| Wrong { at: event.begin, ..inside })?;
            self.open[session as usize].value = value;
        }
        let complete_index = index;
        let frame =
            Frame { session, status, invoke, complete: place, index: invoke_index, complete_index };
        debug_assert!(event.begin < bytes.len());
        self.builder.finish_transaction(frame).map_err(|too_many| of_limit(too_many, event.begin))
    }

    /// The micro-operations of a transaction; with `reads`, also what it read.
    fn micros(&mut self, value: &[u8], reads: bool) -> Result<(), Wrong> {
        let mut cursor = Cursor::new(value);
        if value.is_empty() || !cursor.enter()? {
            return Err(
                cursor.wrong(0, "a list of micro-operations, such as [[:append 1 2] [:r 1 [2]]]")
            );
        }
        while !cursor.leaves() {
            let begin = cursor.at;
            let expected =
                "a micro-operation: [:append key element], [:w key value] or [:r key value]";
            if !cursor.enter()? {
                return Err(cursor.wrong(begin, expected));
            }
            let Some(does) = micro(cursor.token()?) else {
                return Err(cursor.wrong(begin, expected));
            };
            let token = cursor.token()?;
            let key = match number::small(token) {
                Some(number) => self.builder.key(Name::Integer(number)),
                None => self.builder.key((&datum(token)).into()),
            };
            match does {
                Does::Read if !reads => {
                    // What follows may be missing: it is unknown, and what stands there means nothing.
                    if cursor.leaves() {
                        continue;
                    }
                    cursor.token()?;
                }
                Does::Read => self.read(&mut cursor, key)?,
                Does::Append | Does::Write => {
                    let token = cursor.token()?;
                    let version = self.version(key, token);
                    let place = u64::from(self.place);
                    if does == Does::Append {
                        self.appends.get_or_insert(place);
                        self.builder.append(key, version);
                    } else {
                        self.writes.get_or_insert(place);
                        self.builder.write(key, version);
                    }
                }
            }
            if !cursor.leaves() {
                return Err(cursor.wrong(cursor.at, "the end of the micro-operation, ]"));
            }
        }
        Ok(())
    }

    fn version(&mut self, key: u32, token: &[u8]) -> u32 {
        match number::small(token) {
            Some(number) => self.builder.version(key, Name::Integer(number)),
            None => self.builder.version(key, (&datum(token)).into()),
        }
    }

    /// What a read returned: a list, or a value.
    fn read(&mut self, cursor: &mut Cursor<'_>, key: u32) -> Result<(), Wrong> {
        if cursor.enter()? {
            self.reads_lists = true;
            while !cursor.leaves() {
                let token = cursor.token()?;
                let version = self.version(key, token);
                self.builder.element(version);
            }
            self.builder.end_list(key);
            return Ok(());
        }
        let token = cursor.token()?;
        if matches!(token, b"nil" | b"null") {
            self.builder.read(key, None);
        } else {
            self.reads_values.get_or_insert(u64::from(self.place));
            let version = self.version(key, token);
            self.builder.read(key, Some(version));
        }
        Ok(())
    }

    fn finish(mut self, torn: Option<u64>) -> Result<ReadTransactions, ParseError> {
        let mut open: Vec<(u32, usize)> = (0..self.open.len())
            .filter(|&session| self.open[session].has_begun)
            .map(|session| (self.open[session].invoke, session))
            .collect();
        open.sort_unstable();
        for (invoke, session) in open {
            let Open { index, value, .. } = std::mem::take(&mut self.open[session]);
            let whole = |wrong: Wrong| Place::default().wrong(wrong.found, wrong.expected);
            self.micros(&value, false).map_err(whole)?;
            let session = u32::try_from(session).unwrap_or(NEVER);
            let (status, complete) = (Status::Info, NEVER);
            let frame = Frame { session, status, invoke, complete, index, complete_index: index };
            self.builder.finish_transaction(frame).map_err(|it| whole(of_limit(it, 0)))?;
        }
        let has_lists = self.appends.is_some() || self.reads_lists;
        let values = self.writes.or(self.reads_values);
        if let (true, Some(event)) = (has_lists, values) {
            let found =
                format!("lists and registers in one history, the first register in event {event}");
            return Err(Place::default()
                .wrong(found, "appends and reads of lists, or writes and reads of values"));
        }
        if self.place == 0 {
            return Err(ParseError::NoEvents);
        }
        let model = match (has_lists, values.is_some()) {
            (true, _) => Some(ModelName::ListAppend),
            (_, true) => Some(ModelName::RwRegister),
            _ => None,
        };
        Ok(ReadTransactions { transactions: self.builder.finish(), model, torn })
    }
}

fn of_limit(too_many: TooMany, at: usize) -> Wrong {
    Wrong { at, found: too_many.to_string(), expected: "fewer".to_owned(), is_end: false }
}

fn datum(token: &[u8]) -> Datum {
    Datum::parse(&String::from_utf8_lossy(token))
}

/// Reads a whole text.
pub fn read(text: &[u8]) -> Result<ReadTransactions, ParseError> {
    let mut reader = Reader::new();
    reader.feed(text)?;
    reader.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transactional::Micro;

    const EDN: &str = "{:index 0, :type :invoke, :f :txn, :process 0, :value [[:append 5 1] [:r 5 nil]]}
{:index 1, :type :info, :f :start, :process :nemesis, :value {:a [1 2]}, :at #inst \"2026-01-01\", :on #{1 2}}
{:index 2, :type :ok, :f :txn, :process 0, :value [[:append 5 1] [:r 5 [1]]]}
#jepsen.history.Op{:index 3, :type :invoke, :f :txn, :process 1, :value [[:append :x \"a b\"] [:r 5 nil]]}
{:index 4, :type :info, :f :txn, :process 1, :value [[:append :x \"a b\"] [:r 5 nil]], :error [:timeout \"]\"]}
{:index 5, :type :invoke, :f :txn, :process 2, :value [[:r :x nil]]}";

    const JSON: &str = r#"[{"index":0,"type":"invoke","f":"txn","process":0,"value":[["append",5,1],["r",5,null]]},
{"index":2,"type":"ok","f":"txn","process":0,"value":[["append",5,1],["r",5,[1]]]} , {"index" : 3,
"type":"invoke","f":"txn","process":1,"value":[["append","x","a b"],["r",5,null]]},
{"index":4,"type":"info","process":1,"value":null},{"type":"invoke","process":2,"value":[["r","x",null]]}]"#;

    fn shown(read: &ReadTransactions) -> Vec<(Status, Vec<Micro>)> {
        let all = &read.transactions;
        all.all()
            .map(|it| (all.frame(it).status, all.micros(it).map(|it| it.1).collect()))
            .collect()
    }

    #[test]
    fn edn_and_json_say_the_same_however_they_are_cut() {
        let whole = read(EDN.as_bytes()).unwrap();
        assert!(looks_like(EDN.as_bytes()) && looks_like(JSON.as_bytes()));
        assert_eq!(whole.model, Some(ModelName::ListAppend));
        let statuses: Vec<Status> = shown(&whole).iter().map(|it| it.0).collect();
        assert_eq!(statuses, [Status::Ok, Status::Info, Status::Info]);
        assert_eq!(shown(&read(JSON.as_bytes()).unwrap()), shown(&whole));
        for text in [EDN, JSON] {
            for cut in 0..text.len() {
                let mut reader = Reader::new();
                reader.feed(&text.as_bytes()[..cut]).unwrap();
                reader.feed(&text.as_bytes()[cut..]).unwrap();
                let read = reader.finish().unwrap();
                assert_eq!((shown(&read), read.torn), (shown(&whole), None), "cut at {cut}");
            }
        }
    }

    #[test]
    fn only_the_end_may_be_torn() {
        let torn = &EDN[..EDN.len() - 3];
        let read_torn = read(torn.as_bytes()).unwrap();
        assert_eq!((read_torn.torn, read_torn.transactions.len()), (Some(6), 2));
        let middle = EDN.replacen("[[:append 5 1] [:r 5 [1]]]}", "[[:append 5 1", 1);
        assert!(read(middle.as_bytes()).is_err());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let told = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
        let begun = "{:type :invoke :process 1 :value [[:w 1 1]]}\n";
        assert_eq!(
            told("{:type :ok :process 1 :value [[:w 1 1]]}"),
            "line 1, column 1: found a completion of process 1, which has not begun a transaction, \
             expected its invocation before it"
        );
        assert!(told(&format!("{begun}{begun}")).starts_with("line 2, column 1: found process 1"));
        let strange = format!("{begun}{{:type :ok :process 1 :value [[:cas 1 1]]}}");
        assert!(told(&strange).starts_with("line 2, column 31: found"), "{}", told(&strange));
        let mixed = format!("{begun}{{:type :ok :process 1 :value [[:w 1 1] [:append 1 1]]}}");
        assert!(told(&mixed).contains("lists and registers"));
        assert!(!looks_like(b"{:type :invoke :process 1 :f :read :value nil}"));
        assert!(!looks_like(b"{:type :invoke :process 1 :f :cas :value [1 2]}"));
    }
}
