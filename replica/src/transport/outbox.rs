//! Messages that a full socket did not take.

use std::collections::VecDeque;
use std::io;

use tracing::debug;

/// How many bytes are kept. What goes beyond is lost, as on any network: a replica that is not
/// read from for that long is as good as cut off, and must not eat the machine's memory.
const LIMIT_BYTES: usize = 8 << 20;

/// A bounded queue of encoded messages.
#[derive(Debug, Default)]
pub struct Outbox {
    messages: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Outbox {
    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Sends through `write`, behind what is kept already, or keeps the message.
    pub fn send(&mut self, message: Vec<u8>, write: impl FnOnce(&[u8]) -> io::Result<usize>) {
        let mut written = 0;
        if self.is_empty() {
            written = written_now(write(&message), message.len());
        }
        if written < message.len() && self.bytes + message.len() <= LIMIT_BYTES {
            let rest = if written == 0 { message } else { message[written..].to_vec() };
            self.bytes += rest.len();
            self.messages.push_back(rest);
        }
    }

    /// Sends what is kept until `write` takes no more.
    pub fn send_kept(&mut self, mut write: impl FnMut(&[u8]) -> io::Result<usize>) {
        while let Some(message) = self.messages.front_mut() {
            let written = written_now(write(message), message.len());
            self.bytes -= written;
            if written < message.len() {
                message.drain(..written);
                return;
            }
            self.messages.pop_front();
        }
    }
}

/// How much a socket took: nothing, if it would have blocked. What it refuses is lost, as on any
/// network; whether it is closed is told by the next attempt to receive.
fn written_now(result: io::Result<usize>, length: usize) -> usize {
    match result {
        Ok(written) => written,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) =>
        {
            0
        }
        Err(error) => {
            debug!(bytes = length, "a message is lost: {error}");
            length
        }
    }
}
