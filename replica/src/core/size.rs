//! How many bytes a message will take on the wire.
//!
//! The course's simulators read 16,384 bytes of a packet and lose the rest without a word, so
//! every batch is cut by an upper bound of its encoded size before it is sent.

use super::log::{Command, Entry};
use super::types::{Operation, Request};

/// No message is larger than this, in bytes.
pub const MESSAGE_LIMIT: usize = 16_000;

/// An upper bound for everything in a message that is neither entry nor queued request.
const ENVELOPE: usize = 400;

/// What a batch of entries, or the part of a queue, may take of a message. A larger request is
/// refused before it gets here.
pub const BATCH_LIMIT: usize = MESSAGE_LIMIT - ENVELOPE;

/// An upper bound for the brackets, commas, quotes, client and term around an item's texts.
const FRAME: usize = 64;

/// What a `MID` may take. Every answer carries one back, and an answer has no more room for it.
const MID_LIMIT: usize = 256;

/// Whether a message id is short enough to be given back in an answer.
#[must_use]
pub fn is_mid(mid: &str) -> bool {
    escaped(mid) <= MID_LIMIT
}

/// Whether a request fits into every message that has to carry it.
pub fn fits(request: &Request) -> bool {
    self::request(request) <= BATCH_LIMIT
}

/// The bytes of a text as a JSON string, without its quotes.
fn escaped(text: &str) -> usize {
    let cost = |byte: u8| match byte {
        b'"' | b'\\' => 2,
        0..=0x1f => 6,
        _ => 1,
    };
    text.bytes().map(cost).sum()
}

/// An upper bound for an entry.
pub fn entry(entry: &Entry) -> usize {
    match &entry.command {
        Command::Noop => FRAME,
        Command::Put { id, key, value } => FRAME + escaped(&id.mid) + escaped(key) + escaped(value),
    }
}

/// An upper bound for a request.
fn request(request: &Request) -> usize {
    let texts = match &request.operation {
        Operation::Get { key } => escaped(key),
        Operation::Put { key, value } => escaped(key) + escaped(value),
    };
    FRAME + escaped(&request.id.mid) + texts
}

/// How many of the first entries fit into a message that may carry so many bytes of them.
pub fn batch_length(entries: &[Entry], limit: usize) -> usize {
    fitting(entries, limit, entry)
}

/// How many of the first requests of a queue fit into a message.
pub fn queue_length<'a>(requests: impl IntoIterator<Item = &'a Request>) -> usize {
    let requests: Vec<_> = requests.into_iter().collect();
    fitting(&requests, BATCH_LIMIT, |queued| request(queued))
}

/// At least one, so that every batch advances.
fn fitting<T>(items: &[T], limit: usize, size: impl Fn(&T) -> usize) -> usize {
    let mut total = 0;
    let fits = items.iter().take_while(|item| {
        total += size(item);
        total <= limit
    });
    fits.count().max(1).min(items.len())
}
