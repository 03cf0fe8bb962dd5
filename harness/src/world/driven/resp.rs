//! Commands to a server that speaks the protocol of Redis.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use checker::{Datum, ModelName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::addresses::at;
use crate::clients::drivers::resp::{self, Held, Reply};
use crate::clients::drivers::{Answer, Asked};
use crate::ids::NodeId;
use crate::limits;

/// The clients of such a system, with the connections that they keep.
pub struct Resp {
    prefix: String,
    held: Held,
    idle: RefCell<BTreeMap<(NodeId, u16), TcpStream>>,
    /// Whether clients write numbers.
    are_numbers: Cell<bool>,
}

impl Resp {
    /// Clients whose keys begin so, under this model.
    pub fn new(prefix: &str, model: ModelName) -> Self {
        Self {
            prefix: prefix.to_owned(),
            held: Held::of(model),
            idle: RefCell::default(),
            are_numbers: Cell::new(false),
        }
    }

    /// Asks the replica at this port.
    pub async fn ask(&self, client: NodeId, port: u16, asked: Asked<'_>) -> Answer {
        if matches!(asked.value, Datum::Integer(_)) {
            self.are_numbers.set(true);
        }
        let Some(command) = resp::command(&self.prefix, asked, self.held) else {
            let f = asked.f.name();
            return Answer::Fail(format!("there is no command of Redis for `{f}` here"));
        };
        let kept = self.idle.borrow_mut().remove(&(client, port)).filter(is_open);
        let stream = match kept {
            Some(stream) => Ok(stream),
            None => TcpStream::connect(at(port)).await,
        };
        let mut stream = match stream {
            Ok(stream) => stream,
            Err(error) => return Answer::Fail(format!("cannot connect: {error}")),
        };
        let _ = stream.set_nodelay(true);
        if let Err(error) = stream.write_all(&command).await {
            // A part of it may have arrived, but no server executes a part.
            return Answer::Info(format!("the command could not be sent: {error}"));
        }
        match read(&mut stream).await {
            Ok(reply) => {
                self.idle.borrow_mut().insert((client, port), stream);
                resp::answer(asked, self.held, &reply, self.are_numbers.get())
            }
            Err(why) => Answer::Info(why),
        }
    }
}

/// Whether the server has neither closed a connection, nor said what it was not asked.
fn is_open(stream: &TcpStream) -> bool {
    let unread = stream.try_read(&mut [0]);
    unread.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

async fn read(stream: &mut TcpStream) -> Result<Reply, String> {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 16 << 10]);
    // A reply that is not all there is not read again for each byte.
    let mut enough = 1;
    loop {
        let length = stream.read(&mut buffer).await;
        let length = length.map_err(|error| format!("the reply could not be read: {error}"))?;
        if length == 0 {
            return Err("the connection was closed before there was a reply".to_owned());
        }
        bytes.extend_from_slice(&buffer[..length]);
        if bytes.len() > 2 * limits::ANSWER_BYTES {
            return Err(format!("a reply has {} bytes or more", 2 * limits::ANSWER_BYTES));
        }
        if bytes.len() < enough && !bytes.ends_with(b"\r\n") {
            continue;
        }
        match resp::read(&bytes)? {
            Some((reply, length)) if length == bytes.len() => return Ok(reply),
            Some(_) => return Err("more was replied than was asked".to_owned()),
            None => enough = 2 * bytes.len(),
        }
    }
}
