//! The records of the log file, as bytes.
//!
//! A record is a header of 16 bytes (length of the payload, 8 bytes; its checksum, 4 bytes; a
//! checksum of the header itself and its place in the file, 4 bytes), the payload, zeros, and a last
//! byte that is never zero, together a multiple of 16 bytes. So a header never lies across two
//! pages and is whole or damaged, never cut off; a damaged length does not make a whole record
//! look like one that was cut off; one that was cut off lacks its last byte; and one that was moved
//! or copied does not pass for another. All numbers are little-endian.

use std::sync::Arc;

use super::Ballot;
use crate::core::{Command, Entry, Id, Index, RequestId, Term};

/// The size of a header, and what the size of a record is a multiple of.
pub const ALIGNMENT: usize = 16;

/// Where in a header its own checksum is.
const HEADER_SUM: usize = 12;

/// The last byte of every record.
const END: u8 = 0xA5;

/// What one call to store changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// A new ballot.
    pub ballot: Option<Ballot>,
    /// The log from this index on.
    pub log: Option<(Index, Vec<Entry>)>,
}

/// How many bytes the record takes that begins with this header at this place in the file.
pub fn record_size(offset: u64, header: &[u8; ALIGNMENT]) -> Result<usize, &'static str> {
    let (said, sum) = header.split_at(HEADER_SUM);
    if checksum(offset, said).to_le_bytes() != sum {
        return Err("a header that does not match its checksum");
    }
    let length = usize::try_from(Reader(said).u64()?).map_err(|_| "an impossible length")?;
    Ok(padded(length))
}

fn padded(payload: usize) -> usize {
    (ALIGNMENT + payload + 1).next_multiple_of(ALIGNMENT)
}

/// A record for this place in the file.
pub fn encode(offset: u64, ballot: Option<Ballot>, log: Option<(Index, &[Entry])>) -> Vec<u8> {
    let mut bytes = vec![0; ALIGNMENT];
    bytes.push(u8::from(ballot.is_some()) | u8::from(log.is_some()) << 1);
    if let Some(Ballot { term, vote }) = ballot {
        bytes.extend(term.0.to_le_bytes());
        bytes.extend(vote.unwrap_or(Id::EVERYONE).0.to_le_bytes());
    }
    if let Some((from, entries)) = log {
        bytes.extend(from.0.to_le_bytes());
        bytes.extend((entries.len() as u64).to_le_bytes());
        for entry in entries {
            encode_entry(&mut bytes, entry);
        }
    }
    let payload = bytes.len() - ALIGNMENT;
    let sum = checksum(offset, &bytes[ALIGNMENT..]);
    bytes[..8].copy_from_slice(&(payload as u64).to_le_bytes());
    bytes[8..HEADER_SUM].copy_from_slice(&sum.to_le_bytes());
    let sum = checksum(offset, &bytes[..HEADER_SUM]);
    bytes[HEADER_SUM..ALIGNMENT].copy_from_slice(&sum.to_le_bytes());
    bytes.resize(padded(payload) - 1, 0);
    bytes.push(END);
    bytes
}

/// Reads a whole record from this place in the file; an error says what is wrong with it.
pub fn decode(offset: u64, record: &[u8]) -> Result<Change, &'static str> {
    let (header, rest) = record.split_at_checked(ALIGNMENT).ok_or("a header that is cut off")?;
    let mut header = Reader(header);
    let length = usize::try_from(header.u64()?).map_err(|_| "an impossible length")?;
    let expected = header.u32()?;
    let payload = rest.get(..length).ok_or("a record that is cut off")?;
    if record.last() != Some(&END) {
        return Err("a record without its end");
    }
    let padding = &rest[length..rest.len() - 1];
    if expected != checksum(offset, payload) || padding.iter().any(|&b| b != 0) {
        return Err("a record that does not match its checksum");
    }
    let mut reader = Reader(payload);
    let flags = reader.u8()?;
    let mut change = Change::default();
    if flags & 1 != 0 {
        let (term, vote) = (Term(reader.u64()?), Id(reader.u16()?));
        change.ballot = Some(Ballot { term, vote: (vote != Id::EVERYONE).then_some(vote) });
    }
    if flags & 2 != 0 {
        let (from, count) = (Index(reader.u64()?), reader.u64()?);
        let entries = (0..count).map(|_| decode_entry(&mut reader)).collect::<Result<_, _>>()?;
        change.log = Some((from, entries));
    }
    Ok(change)
}

fn checksum(offset: u64, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&offset.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

fn encode_entry(bytes: &mut Vec<u8>, entry: &Entry) {
    bytes.extend(entry.term.0.to_le_bytes());
    match &entry.command {
        Command::Noop => bytes.push(0),
        Command::Put { id, key, value } => {
            bytes.push(1);
            bytes.extend(id.client.0.to_le_bytes());
            for text in [&id.mid, key, value] {
                bytes.extend((text.len() as u64).to_le_bytes());
                bytes.extend(text.as_bytes());
            }
        }
    }
}

fn decode_entry(reader: &mut Reader<'_>) -> Result<Entry, &'static str> {
    let term = Term(reader.u64()?);
    let command = match reader.u8()? {
        0 => Command::Noop,
        1 => {
            let client = Id(reader.u16()?);
            let id = RequestId { client, mid: reader.text()? };
            Command::Put { id, key: reader.text()?, value: reader.text()? }
        }
        _ => return Err("an unknown command"),
    };
    Ok(Entry { term, command })
}

/// Reads numbers and texts off the front of some bytes.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let (taken, rest) = self.0.split_first_chunk().ok_or("a record that is too short")?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, &'static str> {
        Ok(self.take::<1>()?[0])
    }

    fn u16(&mut self) -> Result<u16, &'static str> {
        Ok(u16::from_le_bytes(self.take()?))
    }

    fn u32(&mut self) -> Result<u32, &'static str> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    fn u64(&mut self) -> Result<u64, &'static str> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    fn text(&mut self) -> Result<Arc<str>, &'static str> {
        let length = usize::try_from(self.u64()?).map_err(|_| "an impossible length")?;
        let (text, rest) = self.0.split_at_checked(length).ok_or("a record that is too short")?;
        self.0 = rest;
        std::str::from_utf8(text).map(Arc::from).map_err(|_| "a text that is not UTF-8")
    }
}
