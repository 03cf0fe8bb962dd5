//! A replica that only talks: how much the harness carries, and whether it loses any of it.
//!
//! `PROGRAM <id> <other id>... <messages> <messages a second>`: once a client has asked `0000`, which leads
//! for ever and answers from its memory, each replica sends so many messages to the others in turn. It
//! writes `sent <id> <count>` for each of them when it is done, and `received <count>` whenever no replica
//! has talked for a while.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv, send, socket,
};
use serde_json::{Value, json};

/// The silence before the count of received messages is printed.
const QUIET: Duration = Duration::from_millis(200);

/// Between two bursts.
const PAUSE: Duration = Duration::from_millis(2);

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut number =
        || arguments.pop().and_then(|word| word.parse::<u64>().ok()).expect("a number");
    let (per_second, messages) = (number(), number());
    let ids = arguments;
    let fd = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::empty(), None);
    let fd = Arc::new(fd.expect("a socket"));
    connect(fd.as_raw_fd(), &UnixAddr::new(ids[0].as_str()).expect("a name")).expect("a listener");
    let (go, begin) = mpsc::channel();
    let (sender, all) = (Arc::clone(&fd), ids.clone());
    std::thread::spawn(move || talk(&sender, &all, messages, per_second, &begin));
    listen(&fd, &ids, &go);
}

fn tell(fd: &OwnedFd, packet: &str) {
    if send(fd.as_raw_fd(), packet.as_bytes(), MsgFlags::MSG_NOSIGNAL).is_err() {
        std::process::exit(0);
    }
}

fn write(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).expect("a log");
    out.flush().expect("a log");
}

fn talk(fd: &OwnedFd, ids: &[String], messages: u64, per_second: u64, begin: &Receiver<()>) {
    if begin.recv().is_err() {
        return;
    }
    let start = Instant::now();
    let mut sent = BTreeMap::<&str, u64>::new();
    let mut n = 0;
    while n < messages {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small count"
        )]
        let due = (start.elapsed().as_secs_f64() * per_second as f64) as u64;
        for to in ids[1..].iter().cycle().skip(usize::try_from(n).unwrap_or(0) % (ids.len() - 1)) {
            if n >= due.min(messages) {
                break;
            }
            tell(
                fd,
                &format!(
                    r#"{{"src":"{}","dst":"{to}","leader":"0000","type":"talk","n":{n},"text":"{}"}}"#,
                    ids[0],
                    "x".repeat(40)
                ),
            );
            *sent.entry(to).or_default() += 1;
            n += 1;
        }
        std::thread::sleep(PAUSE);
    }
    for (to, count) in sent {
        write(&format!("sent {to} {count}\n"));
    }
}

fn listen(fd: &OwnedFd, ids: &[String], go: &mpsc::Sender<()>) {
    let mut data = BTreeMap::<String, Value>::new();
    let mut buffer = vec![0; 1 << 16];
    let (mut received, mut told, mut has_begun) = (0_u64, 0, false);
    let mut last = Instant::now();
    loop {
        if received != told && last.elapsed() > QUIET {
            told = received;
            write(&format!("received {received}\n"));
        }
        let mut polled = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
        if poll(&mut polled, PollTimeout::try_from(QUIET).unwrap_or(PollTimeout::MAX)) == Ok(0) {
            continue;
        }
        let Ok(length) = recv(fd.as_raw_fd(), &mut buffer, MsgFlags::empty()) else { return };
        let packet = &buffer[..length];
        if length == 0 {
            return;
        }
        if packet.windows(13).take(90).any(|text| text == br#""type":"talk""#) {
            received += 1;
            last = Instant::now();
            continue;
        }
        if !has_begun {
            has_begun = true;
            let _ = go.send(());
            if ids[0] == "0000" {
                tell(fd, r#"{"src":"0000","dst":"FFFF","leader":"0000","type":"begin"}"#);
            }
        }
        answer(fd, &ids[0], packet, &mut data);
    }
}

fn answer(fd: &OwnedFd, id: &str, packet: &[u8], data: &mut BTreeMap<String, Value>) {
    let message: Value = serde_json::from_slice(packet).unwrap_or_default();
    let kind = message["type"].as_str().unwrap_or_default();
    if kind != "get" && kind != "put" {
        return;
    }
    let key = message["key"].as_str().unwrap_or_default().to_owned();
    if kind == "put" {
        data.insert(key.clone(), message["value"].clone());
    }
    let kind = if id == "0000" { "ok" } else { "redirect" };
    let value = data.get(&key).cloned().unwrap_or_else(|| json!(""));
    let answer = json!({
        "src": id, "dst": message["src"], "leader": "0000", "type": kind,
        "MID": message["MID"], "value": value,
    });
    tell(fd, &answer.to_string());
}
