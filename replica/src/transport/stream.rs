//! The course's transport of 2021: a UNIX socket that carries one JSON object a line.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use super::outbox::Outbox;
use super::{Received, Transport};

/// A longer line is not a message: it is skipped, so that it cannot eat the memory.
const LINE_LIMIT: usize = 1 << 20;

/// A connected `SOCK_STREAM` socket.
#[derive(Debug)]
pub struct Stream {
    name: String,
    socket: UnixStream,
    /// What arrived and was not taken yet.
    arrived: Vec<u8>,
    /// Where the first line that was not taken begins.
    taken: usize,
    /// Up to where there is certainly no end of line.
    searched: usize,
    outbox: Outbox,
}

impl Stream {
    /// Connects to the socket of that name in the working directory.
    pub fn connect(name: &str) -> io::Result<Self> {
        let socket = UnixStream::connect(name)?;
        socket.set_nonblocking(true)?;
        let (name, arrived, outbox) = (name.to_owned(), Vec::new(), Outbox::default());
        Ok(Self { name, socket, arrived, taken: 0, searched: 0, outbox })
    }

    /// Moves the next whole line, if there is one, into `buffer`.
    fn take_line(&mut self, buffer: &mut Vec<u8>) -> bool {
        let unsearched = &self.arrived[self.searched..];
        let Some(offset) = unsearched.iter().position(|&byte| byte == b'\n') else {
            self.searched = self.arrived.len();
            return false;
        };
        let end = self.searched + offset;
        buffer.clear();
        buffer.extend_from_slice(&self.arrived[self.taken..end]);
        self.taken = end + 1;
        self.searched = self.taken;
        true
    }

    fn forget_taken(&mut self) {
        self.arrived.drain(..self.taken);
        self.taken = 0;
        if self.arrived.len() > LINE_LIMIT {
            self.arrived.clear();
        }
        self.searched = self.arrived.len();
    }
}

impl Transport for Stream {
    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<Received> {
        loop {
            if self.take_line(buffer) {
                return Ok(Received::Message);
            }
            self.forget_taken();
            let mut chunk = [0; 16_384];
            match self.socket.read(&mut chunk) {
                Ok(0) => return Ok(Received::Closed),
                Ok(length) => self.arrived.extend_from_slice(&chunk[..length]),
                Err(error) => return super::failed_receive(error),
            }
        }
    }

    fn send(&mut self, mut message: Vec<u8>) {
        message.push(b'\n');
        self.outbox.send(message, |bytes| self.socket.write(bytes));
    }

    fn send_kept(&mut self) {
        self.outbox.send_kept(|bytes| self.socket.write(bytes));
    }

    fn reconnect(&mut self) -> io::Result<()> {
        *self = Self::connect(&self.name)?;
        Ok(())
    }

    fn has_kept(&self) -> bool {
        !self.outbox.is_empty()
    }

    fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn lines_are_put_together_and_taken_apart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("0000");
        let listener = UnixListener::bind(&path).unwrap();
        let mut stream = Stream::connect(path.to_str().unwrap()).unwrap();
        let (mut other, _) = listener.accept().unwrap();
        let mut buffer = Vec::new();
        let mut next = |stream: &mut Stream| {
            let received = stream.receive(&mut buffer).unwrap();
            (received, String::from_utf8(buffer.clone()).unwrap())
        };
        other.write_all(b"{\"a\":1}\n{\"b\"").unwrap();
        assert_eq!(next(&mut stream), (Received::Message, "{\"a\":1}".into()));
        assert_eq!(next(&mut stream).0, Received::Nothing);
        other.write_all(b":2}\n\nend\n").unwrap();
        assert_eq!(next(&mut stream), (Received::Message, "{\"b\":2}".into()));
        assert_eq!(next(&mut stream), (Received::Message, String::new()));
        assert_eq!(next(&mut stream), (Received::Message, "end".into()));
        drop(other);
        assert_eq!(next(&mut stream).0, Received::Closed);
    }

    #[test]
    fn a_line_without_end_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("0000");
        let listener = UnixListener::bind(&path).unwrap();
        let mut stream = Stream::connect(path.to_str().unwrap()).unwrap();
        let (mut other, _) = listener.accept().unwrap();
        let mut buffer = Vec::new();
        let chunk = [b'x'; 16_384];
        for _ in 0..=2 * LINE_LIMIT / chunk.len() {
            other.write_all(&chunk).unwrap();
            assert_eq!(stream.receive(&mut buffer).unwrap(), Received::Nothing);
            assert!(stream.arrived.len() <= LINE_LIMIT);
        }
    }
}
