//! The open connections, and when each of them last took something.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A connection that is being answered.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    moved: Mutex<Instant>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Connections(Mutex<Vec<Arc<Connection>>>);

impl Connections {
    /// One more, for which the stalest ones make room if there are `most` already.
    pub fn add(&self, stream: TcpStream, most: usize) -> Arc<Connection> {
        let added = Arc::new(Connection { stream, moved: Mutex::new(Instant::now()) });
        let mut open = lock(&self.0);
        while open.len() >= most.max(1) {
            close_stalest(&mut open);
        }
        open.push(Arc::clone(&added));
        added
    }

    /// Its answer is over.
    pub fn remove(&self, connection: &Arc<Connection>) {
        lock(&self.0).retain(|it| !Arc::ptr_eq(it, connection));
    }

    /// Closes the one that has been still for longest.
    pub fn close_stalest(&self) {
        close_stalest(&mut lock(&self.0));
    }
}

fn close_stalest(open: &mut Vec<Arc<Connection>>) {
    let stalest = (0..open.len()).min_by_key(|&n| *lock(&open[n].moved));
    if let Some(n) = stalest {
        open.swap_remove(n).close();
    }
}

impl Connection {
    /// Its socket, to read from.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Ends it at once, also while something waits for it to be read.
    pub fn close(&self) {
        // One that is closed already is what was asked for.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Writes, and notes that the other side took something.
impl Write for &Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = (&self.stream).write(bytes)?;
        *lock(&self.moved) = Instant::now();
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
