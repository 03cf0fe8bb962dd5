//! Messages that a full socket did not take.

use std::collections::VecDeque;
use std::io;

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
    pub fn send(
        &mut self,
        message: Vec<u8>,
        mut write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<()> {
        let mut written = 0;
        if self.is_empty() {
            written = written_now(write(&message))?;
        }
        if written < message.len() && self.bytes + message.len() <= LIMIT_BYTES {
            let rest = if written == 0 { message } else { message[written..].to_vec() };
            self.bytes += rest.len();
            self.messages.push_back(rest);
        }
        Ok(())
    }

    /// Sends what is kept until `write` takes no more.
    pub fn send_kept(
        &mut self,
        mut write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<()> {
        while let Some(message) = self.messages.front_mut() {
            let written = written_now(write(message))?;
            self.bytes -= written;
            if written < message.len() {
                message.drain(..written);
                return Ok(());
            }
            self.messages.pop_front();
        }
        Ok(())
    }
}

/// How much a socket took: nothing, if it would have blocked.
fn written_now(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) =>
        {
            Ok(0)
        }
        other => other,
    }
}
