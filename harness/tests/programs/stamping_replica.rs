//! A replica that shows what the network does: it numbers and stamps messages to all others, and
//! writes down what arrives.
//!
//! Every two milliseconds it sends each other replica a message with a number, the system's
//! monotonic time, and a text that follows from the number (20 characters, every third time 400).
//! For each packet that it receives it writes a line: `<from> <number> <sent_ns> <received_ns> <sound>`,
//! where `sound` tells whether the text is as it was; `garbage` for what is no such message. `0000`
//! leads for ever and answers clients from its memory. With `stream` as its last argument it talks by lines; a
//! connection that ends is made again, and told by a line.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv, send, socket,
};
use nix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

fn main() {
    let mut ids: Vec<String> = std::env::args().skip(1).collect();
    let is_stream = ids.last().is_some_and(|last| last == "stream");
    if is_stream {
        ids.pop();
    }
    let line = Arc::new(Line::new(&ids[0], is_stream));
    let sender = Arc::clone(&line);
    let all = ids.clone();
    std::thread::spawn(move || stamp(&sender, &all));
    serve(&line, &ids[0]);
}

/// The connection to the network; one that was reset is made again.
struct Line {
    name: String,
    is_stream: bool,
    fd: Mutex<Arc<OwnedFd>>,
}

impl Line {
    fn new(name: &str, is_stream: bool) -> Self {
        let fd = Mutex::new(Arc::new(connected(name, is_stream)));
        Self { name: name.to_owned(), is_stream, fd }
    }

    fn fd(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.fd.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn connect_again(&self) {
        let fd = Arc::new(connected(&self.name, self.is_stream));
        *self.fd.lock().unwrap_or_else(PoisonError::into_inner) = fd;
    }

    fn tell(&self, message: &Value) {
        let mut packet = message.to_string();
        if self.is_stream {
            packet.push('\n');
        }
        let mut left = packet.as_bytes();
        while !left.is_empty() {
            // A reader notices that the connection is gone.
            match send(self.fd().as_raw_fd(), left, MsgFlags::MSG_NOSIGNAL) {
                Ok(sent) => left = &left[sent..],
                Err(_) => return,
            }
        }
    }
}

fn connected(name: &str, is_stream: bool) -> OwnedFd {
    let kind = if is_stream { SockType::Stream } else { SockType::SeqPacket };
    let fd = socket(AddressFamily::Unix, kind, SockFlag::empty(), None).expect("a socket");
    if connect(fd.as_raw_fd(), &UnixAddr::new(name).expect("a name")).is_err() {
        // The harness is gone.
        std::process::exit(0);
    }
    fd
}

fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("a clock");
    u64::try_from(Duration::from(now).as_nanos()).expect("less than centuries")
}

fn text(n: u64) -> String {
    let length = if n.is_multiple_of(3) { 400 } else { 20 };
    n.to_string().chars().cycle().take(length).collect()
}

fn stamp(line: &Line, ids: &[String]) {
    for n in 0.. {
        for to in &ids[1..] {
            line.tell(&json!({
                "src": ids[0], "dst": to, "leader": "0000", "type": "stamp",
                "n": n, "sent_ns": now_ns(), "text": text(n),
            }));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn serve(line: &Line, id: &str) {
    let mut data = BTreeMap::<String, Value>::new();
    let mut buffer = vec![0; 1 << 16];
    let mut begun: Vec<u8> = Vec::new();
    loop {
        let length = match recv(line.fd().as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            Ok(0) | Err(_) => {
                begun.clear();
                write("the connection ended\n");
                line.connect_again();
                continue;
            }
            Ok(length) => length,
        };
        if !line.is_stream {
            hear(line, id, &buffer[..length], &mut data);
            continue;
        }
        begun.extend_from_slice(&buffer[..length]);
        while let Some(end) = begun.iter().position(|&byte| byte == b'\n') {
            let whole: Vec<u8> = begun.drain(..=end).collect();
            hear(line, id, &whole, &mut data);
        }
    }
}

fn write(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).expect("a log");
    out.flush().expect("a log");
}

fn hear(line: &Line, id: &str, packet: &[u8], data: &mut BTreeMap<String, Value>) {
    let received = now_ns();
    let message: Value = serde_json::from_slice(packet).unwrap_or_default();
    let kind = message["type"].as_str().unwrap_or_default();
    if kind == "get" || kind == "put" {
        let key = message["key"].as_str().unwrap_or_default().to_owned();
        if kind == "put" {
            data.insert(key.clone(), message["value"].clone());
        }
        let answer = if id == "0000" { "ok" } else { "redirect" };
        let value = data.get(&key).cloned().unwrap_or_else(|| json!(""));
        line.tell(&json!({
            "src": id, "dst": message["src"], "leader": "0000", "type": answer,
            "MID": message["MID"], "value": value,
        }));
    } else if kind != "status" {
        let number = |name: &str| message[name].as_u64();
        match (message["src"].as_str(), number("n"), number("sent_ns")) {
            (Some(from), Some(n), Some(sent)) if kind == "stamp" => {
                let sound = message["text"].as_str() == Some(&text(n));
                write(&format!("{from} {n} {sent} {received} {sound}\n"));
            }
            _ => write("garbage\n"),
        }
    }
}
