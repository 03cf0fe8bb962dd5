//! Cutting a stream of bytes into lines.

use memchr::memchr;

/// Remembers the beginning of a line whose end is not there yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
    /// Lines that ended.
    count: u64,
}

impl Lines {
    /// Hands on each line that ends in these bytes, without its end, with its number from 1.
    pub(super) fn feed<E>(
        &mut self,
        mut bytes: &[u8],
        mut line: impl FnMut(&[u8], u64) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(at) = memchr(b'\n', bytes) {
            let (whole, rest) = (&bytes[..at], &bytes[at + 1..]);
            self.count += 1;
            if self.begun.is_empty() {
                line(whole.strip_suffix(b"\r").unwrap_or(whole), self.count)?;
            } else {
                self.begun.extend_from_slice(whole);
                let begun = std::mem::take(&mut self.begun);
                line(begun.strip_suffix(b"\r").unwrap_or(&begun), self.count)?;
            }
            bytes = rest;
        }
        self.begun.extend_from_slice(bytes);
        Ok(())
    }

    /// What came after the last line end, if anything did, with its number.
    pub(super) fn rest(self) -> Option<(Vec<u8>, u64)> {
        (!self.begun.is_empty()).then_some((self.begun, self.count + 1))
    }

    /// The number of the line that is waiting.
    pub(super) fn number(&self) -> u64 {
        self.count + 1
    }

    /// How many bytes of a line are waiting for its end.
    pub(super) fn waiting(&self) -> usize {
        self.begun.len()
    }
}
