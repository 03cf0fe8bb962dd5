//! The protocol of Redis, version 2 (RESP): commands for operations, and what the replies mean. Read by hand: the
//! replies come from servers that may be broken, and each length that they give is bounded before it is believed.

use checker::{Datum, F, ModelName};

use super::{Answer, Asked, Elsewhere, halves, plain, shown, typed};
use crate::limits;

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `+OK`.
    Simple(String),
    /// `-ERR ...`.
    Error(String),
    /// `:7`.
    Integer(i64),
    /// `$3` and the bytes; `None`: nil.
    Bulk(Option<Vec<u8>>),
    /// `*2` and the replies; `None`: nil.
    Array(Option<Vec<Reply>>),
}

/// Elements of an array.
const LONGEST_ARRAY: usize = 100_000;

/// Arrays within arrays.
const DEEPEST: usize = 4;

/// What is held at a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// One value.
    Value,
    /// A list, appended to.
    List,
    /// A set.
    Set,
    /// A number, added to.
    Counter,
}

impl Held {
    /// What a key holds under this model.
    pub fn of(model: ModelName) -> Self {
        match model {
            ModelName::Set | ModelName::SetEventual => Self::Set,
            ModelName::Counter | ModelName::CounterBounds => Self::Counter,
            ModelName::ListRegister
            | ModelName::Queue
            | ModelName::UnorderedQueue
            | ModelName::Stack => Self::List,
            _ => Self::Value,
        }
    }
}

/// Compare-and-set in one step. The expected value comes with a word before it, for nil is no text.
const CAS: &str = "local held = redis.call('GET', KEYS[1]) \
                   if (ARGV[1] == 'nil' and not held) or (ARGV[1] == 'value' and held == ARGV[2]) then \
                   redis.call('SET', KEYS[1], ARGV[3]) return 1 else return 0 end";

/// The command for an operation; `None` if there is none.
pub fn command(prefix: &str, asked: Asked<'_>, held: Held) -> Option<Vec<u8>> {
    let key = format!("{prefix}{}", asked.key);
    let value = plain(asked.value);
    let words: Vec<String> = match (asked.f, held) {
        (F::Get, Held::Value | Held::Counter) => vec!["GET".into(), key],
        (F::Get, Held::Set) => vec!["SMEMBERS".into(), key],
        (F::Get, Held::List) => vec!["LRANGE".into(), key, "0".into(), "-1".into()],
        (F::Put, Held::Value) => vec!["SET".into(), key, value],
        (F::Cas, Held::Value) => {
            let (old, new) = halves(asked.value)?;
            let kind = if old.is_nil() { "nil" } else { "value" };
            let words = ["EVAL".into(), CAS.into(), "1".into(), key, kind.into()];
            words.into_iter().chain([plain(old), plain(new)]).collect()
        }
        (F::Append, Held::Value) => vec!["APPEND".into(), key, value],
        (F::Append, Held::List) => vec!["RPUSH".into(), key, value],
        (F::Add, Held::Set) => vec!["SADD".into(), key, value],
        (F::Add, Held::Counter) => vec!["INCRBY".into(), key, value],
        (F::Enqueue | F::Push, Held::List) => vec!["LPUSH".into(), key, value],
        (F::Dequeue, Held::List) => vec!["RPOP".into(), key],
        (F::Pop, Held::List) => vec!["LPOP".into(), key],
        (F::Generate, _) => vec!["INCR".into(), key],
        _ => return None,
    };
    Some(encode(&words))
}

fn encode(words: &[String]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    bytes
}

/// The reply at the beginning of `bytes` with its length; `None` if it is not all there. What is no reply, or too long
/// to be believed, is told.
pub fn read(bytes: &[u8]) -> Result<Option<(Reply, usize)>, String> {
    let mut reader = Reader { bytes, at: 0, elements: 0 };
    let reply = reader.reply(0)?;
    Ok(reply.map(|reply| (reply, reader.at)))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    elements: usize,
}

impl Reader<'_> {
    fn reply(&mut self, depth: usize) -> Result<Option<Reply>, String> {
        let rest = &self.bytes[self.at..];
        if let Some(kind) = rest.first().filter(|kind| !b"+-:$*".contains(kind)) {
            let expected = "allowed: one of `+`, `-`, `:`, `$` and `*` first";
            let kind = char::from(*kind).escape_debug();
            return Err(format!(
                "no reply of Redis begins with `{kind}`: {}; {expected}",
                shown(rest)
            ));
        }
        let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else {
            return if rest.len() > limits::ANSWER_BYTES {
                Err(too_long(rest.len()))
            } else {
                Ok(None)
            };
        };
        let (kind, line) = (rest[0], &rest[1..end]);
        self.at += end + 2;
        let text = || String::from_utf8_lossy(line).into_owned();
        let number = || {
            let number = std::str::from_utf8(line).ok().and_then(|text| text.parse::<i64>().ok());
            number.ok_or_else(|| format!("no number in a reply of Redis: {}", shown(line)))
        };
        match kind {
            b'+' => Ok(Some(Reply::Simple(text()))),
            b'-' => Ok(Some(Reply::Error(text()))),
            b':' => Ok(Some(Reply::Integer(number()?))),
            b'$' => self.bulk(number()?),
            _ => self.array(number()?, depth),
        }
    }

    fn bulk(&mut self, length: i64) -> Result<Option<Reply>, String> {
        if length == -1 {
            return Ok(Some(Reply::Bulk(None)));
        }
        let length = usize::try_from(length)
            .map_err(|_| format!("a reply of Redis is {length} bytes long"))?;
        if length > limits::ANSWER_BYTES {
            return Err(too_long(length));
        }
        let Some(rest) = self.bytes.get(self.at..self.at + length + 2) else { return Ok(None) };
        if &rest[length..] != b"\r\n" {
            return Err(format!("a text of {length} bytes has no end: {}", shown(rest)));
        }
        self.at += length + 2;
        Ok(Some(Reply::Bulk(Some(rest[..length].to_vec()))))
    }

    fn array(&mut self, length: i64, depth: usize) -> Result<Option<Reply>, String> {
        if length == -1 {
            return Ok(Some(Reply::Array(None)));
        }
        let length = usize::try_from(length)
            .map_err(|_| format!("a reply of Redis has {length} elements"))?;
        self.elements = self.elements.saturating_add(length);
        if self.elements > LONGEST_ARRAY || depth >= DEEPEST {
            return Err(format!("a reply of Redis has {length} elements, which is too many"));
        }
        let mut replies = Vec::new();
        for _ in 0..length {
            match self.reply(depth + 1)? {
                Some(reply) => replies.push(reply),
                None => return Ok(None),
            }
        }
        Ok(Some(Reply::Array(Some(replies))))
    }
}

fn too_long(length: usize) -> String {
    format!(
        "a reply of Redis has {length} bytes or more; allowed: at most {}",
        limits::ANSWER_BYTES
    )
}

/// Errors after which a command certainly took no effect: it was refused before it was executed.
const DEFINITE: [&str; 14] = [
    "READONLY",
    "LOADING",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "NOREPLICAS",
    "TRYAGAIN",
    "NOAUTH",
    "NOPERM",
    "WRONGTYPE",
    "OOM",
    "BUSY",
    "NOSCRIPT",
    "CROSSSLOT",
    "MISCONF",
];

/// What a reply means for an operation. `are_numbers`: values that are written are numbers, also where they come back
/// as texts.
pub fn answer(asked: Asked<'_>, held: Held, reply: &Reply, are_numbers: bool) -> Answer {
    let text =
        |bytes: &[u8]| typed(&String::from_utf8_lossy(bytes), are_numbers || held == Held::Counter);
    match (asked.f, reply) {
        (_, Reply::Error(error)) => refused(error),
        (F::Cas, Reply::Integer(0)) => Answer::Fail("another value was there".to_owned()),
        (F::Get, Reply::Bulk(None)) if held == Held::Counter => Answer::Ok(Datum::Integer(0)),
        (F::Get | F::Dequeue | F::Pop, Reply::Bulk(None) | Reply::Array(None)) => {
            Answer::Ok(Datum::Nil)
        }
        (F::Get | F::Dequeue | F::Pop, Reply::Bulk(Some(bytes))) => Answer::Ok(text(bytes)),
        (F::Get, Reply::Array(Some(items))) if matches!(held, Held::Set | Held::List) => {
            let element = |item: &Reply| match item {
                Reply::Bulk(Some(bytes)) => Some(text(bytes)),
                Reply::Integer(number) => Some(Datum::Integer(*number)),
                _ => None,
            };
            match items.iter().map(element).collect::<Option<Vec<_>>>() {
                Some(elements) => Answer::Ok(Datum::List(elements)),
                None => unexpected(asked, reply),
            }
        }
        (F::Get | F::Generate, Reply::Integer(number)) => Answer::Ok(Datum::Integer(*number)),
        (F::Put, Reply::Simple(_))
        | (F::Cas, Reply::Integer(1))
        | (F::Append | F::Add | F::Enqueue | F::Push, Reply::Integer(_)) => Answer::Ok(Datum::Nil),
        _ => unexpected(asked, reply),
    }
}

fn unexpected(asked: Asked<'_>, reply: &Reply) -> Answer {
    let said = shown(format!("{reply:?}").as_bytes());
    Answer::Info(format!("`{}` was answered {said}", asked.f.name()))
}

fn refused(error: &str) -> Answer {
    let mut words = error.split(' ');
    let first = words.next().unwrap_or_default();
    let said = shown(error.as_bytes());
    match first {
        "MOVED" | "ASK" => {
            let address = words.nth(1).filter(|address| address.contains(':'));
            Answer::Redirect(address.map_or(Elsewhere::Unknown, |it| Elsewhere::At(it.to_owned())))
        }
        "READONLY" => Answer::Redirect(Elsewhere::Unknown),
        definite if DEFINITE.contains(&definite) => Answer::Fail(said),
        _ if error.starts_with("ERR unknown command") => Answer::Fail(said),
        _ => Answer::Info(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(f: F, value: &Datum) -> Asked<'_> {
        Asked { f, key: "k", value }
    }

    #[test]
    fn commands_are_written_with_their_lengths() {
        let value = Datum::text("ü\r\n");
        let put = command("p:", asked(F::Put, &value), Held::Value).unwrap();
        assert_eq!(put, "*3\r\n$3\r\nSET\r\n$3\r\np:k\r\n$4\r\nü\r\n\r\n".as_bytes());
        let add = command("", asked(F::Add, &Datum::Integer(-2)), Held::Counter).unwrap();
        assert_eq!(add, b"*3\r\n$6\r\nINCRBY\r\n$1\r\nk\r\n$2\r\n-2\r\n");
        assert_eq!(command("", asked(F::Put, &value), Held::Set), None);
        assert_eq!(command("", asked(F::Renew, &value), Held::Value), None);
    }

    #[test]
    fn replies_are_read_wherever_the_stream_breaks() {
        let stream = b"*3\r\n$1\r\nx\r\n:-7\r\n*-1\r\n+OK\r\n";
        let first = Reply::Array(Some(vec![
            Reply::Bulk(Some(b"x".to_vec())),
            Reply::Integer(-7),
            Reply::Array(None),
        ]));
        for end in 0..stream.len() {
            let found = read(&stream[..end]).unwrap();
            assert_eq!(found, (end >= 21).then(|| (first.clone(), 21)), "{end}");
        }
        assert_eq!(read(b"$-1\r\n"), Ok(Some((Reply::Bulk(None), 5))));
        assert_eq!(read(b"$0\r\n\r\n"), Ok(Some((Reply::Bulk(Some(Vec::new())), 6))));
    }

    #[test]
    fn what_is_no_reply_is_told_and_no_length_is_believed() {
        let cases: [(&[u8], &str); 9] = [
            (b"HTTP/1.1 400", "begins with `H`"),
            (b"$99999999999\r\n", "bytes or more"),
            (b"$-2\r\n", "-2 bytes long"),
            (b"*99999999\r\n", "too many"),
            (b"*50000\r\n*50001\r\n", "too many"),
            (b"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", "too many"),
            (b":x\r\n", "no number"),
            (b"$1\r\nxyz", "has no end"),
            (b"$99999999999999999999\r\n", "no number"),
        ];
        for (bytes, expected) in cases {
            let error = read(bytes).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        assert!(read(&vec![b'+'; limits::ANSWER_BYTES + 2]).is_err());
    }

    #[test]
    fn replies_mean_what_the_function_asked() {
        let nil = Datum::Nil;
        let bulk = |text: &str| Reply::Bulk(Some(text.as_bytes().to_vec()));
        let get = |held, reply, numbers| answer(asked(F::Get, &nil), held, &reply, numbers);
        assert_eq!(get(Held::Value, bulk("x"), true), Answer::Ok(Datum::text("x")));
        assert_eq!(get(Held::Value, Reply::Bulk(None), false), Answer::Ok(Datum::Nil));
        assert_eq!(get(Held::Counter, bulk("7"), false), Answer::Ok(Datum::Integer(7)));
        assert_eq!(get(Held::Counter, Reply::Bulk(None), false), Answer::Ok(Datum::Integer(0)));
        let both = Reply::Array(Some(vec![bulk("1"), bulk("01")]));
        let elements = Datum::List(vec![1.into(), "01".into()]);
        assert_eq!(get(Held::Set, both.clone(), true), Answer::Ok(elements));
        assert!(matches!(get(Held::Value, both, true), Answer::Info(_)));
        let cas = |reply| answer(asked(F::Cas, &nil), Held::Value, &reply, false);
        assert_eq!(cas(Reply::Integer(1)), Answer::Ok(Datum::Nil));
        assert!(matches!(cas(Reply::Integer(0)), Answer::Fail(_)));
        assert!(matches!(cas(Reply::Integer(2)), Answer::Info(_)));
    }

    #[test]
    fn an_error_is_a_redirect_a_refusal_or_no_word_at_all() {
        let nil = Datum::Nil;
        let put = |error: &str| {
            answer(asked(F::Put, &nil), Held::Value, &Reply::Error(error.to_owned()), false)
        };
        let at = |address: &str| Answer::Redirect(Elsewhere::At(address.to_owned()));
        assert_eq!(put("MOVED 3999 127.0.0.1:6381"), at("127.0.0.1:6381"));
        assert_eq!(put("MOVED"), Answer::Redirect(Elsewhere::Unknown));
        assert_eq!(put("READONLY You can't write"), Answer::Redirect(Elsewhere::Unknown));
        assert!(matches!(put("NOREPLICAS Not enough good replicas to write."), Answer::Fail(_)));
        assert!(matches!(put("ERR unknown command 'SET'"), Answer::Fail(_)));
        assert!(matches!(put("ERR timed out"), Answer::Info(_)));
        assert!(matches!(put(""), Answer::Info(_)));
    }
}
