//! A replica that shows what the network does: it numbers and stamps messages to all others, and
//! writes down what arrives.
//!
//! Every two milliseconds it sends each other replica a message with a number, the system's
//! monotonic time, and a text that follows from the number (20 characters, every third time 400).
//! For each packet that it receives it writes a line: `<from> <number> <sent_ns> <received_ns> <sound>`,
//! where `sound` tells whether the text is as it was; `garbage` for what is no such message. `0000`
//! leads for ever and answers clients from its memory.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv, send, socket,
};
use nix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

fn main() {
    let ids: Vec<String> = std::env::args().skip(1).collect();
    let fd = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::empty(), None);
    let fd = Arc::new(fd.expect("a socket"));
    connect(fd.as_raw_fd(), &UnixAddr::new(ids[0].as_str()).expect("a name")).expect("a listener");
    let sender = Arc::clone(&fd);
    let all = ids.clone();
    std::thread::spawn(move || stamp(&sender, &all));
    serve(&fd, &ids[0]);
}

fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("a clock");
    u64::try_from(Duration::from(now).as_nanos()).expect("less than centuries")
}

fn text(n: u64) -> String {
    let length = if n.is_multiple_of(3) { 400 } else { 20 };
    n.to_string().chars().cycle().take(length).collect()
}

fn tell(fd: &OwnedFd, message: &Value) {
    let packet = message.to_string();
    if send(fd.as_raw_fd(), packet.as_bytes(), MsgFlags::MSG_NOSIGNAL).is_err() {
        std::process::exit(0);
    }
}

fn stamp(fd: &OwnedFd, ids: &[String]) {
    for n in 0.. {
        for to in &ids[1..] {
            tell(
                fd,
                &json!({
                    "src": ids[0], "dst": to, "leader": "0000", "type": "stamp",
                    "n": n, "sent_ns": now_ns(), "text": text(n),
                }),
            );
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn serve(fd: &OwnedFd, id: &str) {
    let mut data = BTreeMap::<String, Value>::new();
    let mut buffer = vec![0; 1 << 16];
    let mut out = std::io::stdout().lock();
    loop {
        let length = match recv(fd.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            Ok(0) | Err(_) => return,
            Ok(length) => length,
        };
        let received = now_ns();
        let message: Value = serde_json::from_slice(&buffer[..length]).unwrap_or_default();
        let kind = message["type"].as_str().unwrap_or_default();
        if kind == "get" || kind == "put" {
            let key = message["key"].as_str().unwrap_or_default().to_owned();
            if kind == "put" {
                data.insert(key.clone(), message["value"].clone());
            }
            let answer = if id == "0000" { "ok" } else { "redirect" };
            let value = data.get(&key).cloned().unwrap_or_else(|| json!(""));
            tell(
                fd,
                &json!({
                    "src": id, "dst": message["src"], "leader": "0000", "type": answer,
                    "MID": message["MID"], "value": value,
                }),
            );
            continue;
        }
        if kind == "status" {
            continue;
        }
        let number = |name: &str| message[name].as_u64();
        let line = match (message["src"].as_str(), number("n"), number("sent_ns")) {
            (Some(from), Some(n), Some(sent)) if kind == "stamp" => {
                let sound = message["text"].as_str() == Some(&text(n));
                format!("{from} {n} {sent} {received} {sound}\n")
            }
            _ => "garbage\n".to_owned(),
        };
        out.write_all(line.as_bytes()).expect("a log");
        out.flush().expect("a log");
    }
}
