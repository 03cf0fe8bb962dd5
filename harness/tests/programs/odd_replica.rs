//! A store for the tests that is wrong in the way that its last argument names.
//!
//! The replica `0000` leads for ever and alone holds the data; the others redirect to it. Started
//! as `odd_replica <id> <other id>... <way>`; with a directory before the way, that `counts` uses.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv, send, socket,
};
use serde_json::{Value, json};

fn main() {
    let words = std::env::args_os().skip(1);
    let arguments: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let (way, ids) = arguments.split_last().expect("ids and a way");
    let id = ids[0].clone();
    match way.as_str() {
        "exits-at-once" => {
            eprintln!("no such table: replicas");
            std::process::exit(3);
        }
        "never-connects" => sleep_for_ever(),
        "one-never-connects" if id == "0003" => sleep_for_ever(),
        "starts-late" if id == "0004" => std::thread::sleep(Duration::from_millis(1500)),
        "ignores-sigterm" => {
            // SAFETY: ignoring a signal installs no handler.
            #[expect(unsafe_code, reason = "there is no safe call that ignores a signal")]
            unsafe { signal(Signal::SIGTERM, SigHandler::SigIgn) }.expect("SIGTERM can be ignored");
        }
        "has-a-child" => {
            // A child that made a session of its own: no process group reaches it.
            let mut child = std::process::Command::new("setsid");
            let child = child.args(["sleep", "1000"]).spawn();
            let mut child = child.expect("setsid and sleep are everywhere");
            std::thread::spawn(move || child.wait());
        }
        "counts" => {
            // The directory's name may be no text.
            let words: Vec<_> = std::env::args_os().collect();
            let path = PathBuf::from(&words[words.len() - 2]).join("count");
            std::thread::spawn(move || count(&path));
        }
        "floods-output" => {
            std::thread::spawn(|| {
                loop {
                    println!("{}", "x".repeat(1000));
                }
            });
        }
        _ => {}
    }
    if let Some(seconds) = way.strip_prefix("hides-a-child-") {
        // Neither its session nor its environment tells where it comes from.
        let mut child = std::process::Command::new("/usr/bin/env");
        let child = child.env_clear().args(["setsid", "sleep", seconds]).spawn();
        let mut child = child.expect("env, setsid and sleep are everywhere");
        std::thread::spawn(move || child.wait());
    }
    let socket = Socket::connect(&id);
    Store { id, way: way.clone(), socket, data: BTreeMap::new(), puts: 0, gets: 0 }.serve();
}

/// Writes one record after the other to a file that is longer from the beginning, and says how many it found there,
/// every hundredth that it wrote, and what it could not write.
fn count(path: &std::path::Path) {
    const RECORD: usize = 64;
    const SPACE: usize = 1 << 20;
    let found = std::fs::read(path).unwrap_or_default();
    let mut written = found.chunks(RECORD).take_while(|record| record[0] != 0).count();
    println!("found {written}");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = file.expect("a file in the data directory");
    file.set_len(SPACE as u64).expect("room for a megabyte");
    while written * RECORD < SPACE {
        std::thread::sleep(Duration::from_millis(2));
        match file.write_all_at(&[b'x'; RECORD], (written * RECORD) as u64) {
            Ok(()) => written += 1,
            Err(error) => println!("cannot write: {error}"),
        }
        if written.is_multiple_of(100) {
            println!("wrote {written}");
        }
    }
}

fn sleep_for_ever() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(1000));
    }
}

struct Socket(OwnedFd);

impl Socket {
    fn connect(id: &str) -> Self {
        let fd = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::empty(), None);
        let fd = fd.expect("a socket");
        connect(fd.as_raw_fd(), &UnixAddr::new(id).expect("a short name")).expect("a listener");
        Self(fd)
    }

    fn send(&self, packet: &[u8]) {
        if send(self.0.as_raw_fd(), packet, MsgFlags::MSG_NOSIGNAL).is_err() {
            std::process::exit(0);
        }
    }

    fn receive(&self) -> Value {
        let mut buffer = vec![0; 1 << 16];
        match recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            Ok(0) | Err(_) => std::process::exit(0),
            Ok(length) => {
                serde_json::from_slice(&buffer[..length]).expect("the harness sends JSON")
            }
        }
    }
}

struct Store {
    id: String,
    way: String,
    socket: Socket,
    data: BTreeMap<String, String>,
    puts: u32,
    gets: u32,
}

impl Store {
    fn leads(&self) -> bool {
        self.id == "0000"
    }

    fn serve(&mut self) {
        self.tell("FFFF", json!({"type": "hello"}));
        if self.way == "floods" && self.id == "0001" {
            loop {
                self.tell("0002", json!({"type": "flood"}));
            }
        }
        if self.way == "hangs-up" && self.id == "0003" {
            // The descriptor is closed with its owner; the process lives on.
            let _ = nix::sys::socket::shutdown(
                self.socket.0.as_raw_fd(),
                nix::sys::socket::Shutdown::Both,
            );
            sleep_for_ever();
        }
        if self.way == "does-not-read" && self.id == "0002" {
            sleep_for_ever();
        }
        loop {
            let message = self.socket.receive();
            match message["type"].as_str() {
                Some("get" | "put") => self.answer(&message),
                Some("status") => self.tell_status(&message),
                _ => continue,
            }
            self.misbehave(&message);
        }
    }

    fn tell(&self, to: &str, mut message: Value) {
        let fields = message.as_object_mut().expect("an object");
        fields.insert("src".into(), self.id.clone().into());
        fields.insert("dst".into(), to.into());
        fields.insert("leader".into(), "0000".into());
        self.socket.send(message.to_string().as_bytes());
    }

    fn answer(&mut self, request: &Value) {
        let (client, mid) = (request["src"].as_str().unwrap_or_default(), &request["MID"]);
        if self.way == "redirects-for-ever" {
            return self.tell(client, json!({"type": "redirect", "MID": mid}));
        }
        if !self.leads() {
            return self.tell(client, json!({"type": "redirect", "MID": mid}));
        }
        if self.way == "answers-at-length" {
            let padding = "x".repeat(20_000);
            return self
                .tell(client, json!({"type": "ok", "MID": mid, "value": "", "padding": padding}));
        }
        let key = request["key"].as_str().unwrap_or_default().to_owned();
        if request["type"] == "put" {
            self.puts += 1;
            let value = request["value"].as_str().unwrap_or_default().to_owned();
            let forgets = self.way == "forgets" && self.puts.is_multiple_of(20);
            if self.way == "refuses" && self.puts.is_multiple_of(5) {
                return self.tell(client, json!({"type": "fail", "MID": mid}));
            }
            if !forgets {
                self.data.insert(key, value);
            }
            self.tell(client, json!({"type": "ok", "MID": mid}));
        } else {
            self.gets += 1;
            let value = match self.data.get(&key) {
                _ if self.way == "invents" && self.gets.is_multiple_of(50) => json!("invented"),
                Some(value) => json!(value),
                None if self.way == "empty-list" => json!([]),
                None => json!(""),
            };
            self.tell(client, json!({"type": "ok", "MID": mid, "value": value}));
        }
        if self.way == "answers-twice" {
            self.tell(client, json!({"type": "ok", "MID": mid, "value": ""}));
        }
    }

    fn tell_status(&self, question: &Value) {
        let digest = match self.way.as_str() {
            "diverges" => &self.id,
            "agrees" => "0123",
            "dies-of-status" => std::process::exit(1),
            // The others do not know the message.
            _ => return,
        };
        let to = question["src"].as_str().unwrap_or_default();
        self.tell(to, json!({"type": "status", "commit": 7, "digest": digest}));
    }

    /// What else a replica may do, after each answer.
    fn misbehave(&self, request: &Value) {
        match self.way.as_str() {
            "garbage" => {
                self.socket.send(b"");
                self.socket.send(b"\xff\xfe not JSON");
                self.socket.send(b"[1, 2, 3]");
                self.socket.send(br#"{"type":"half a mess"#);
                self.socket.send(br#"{"src":"0000"}"#);
                self.tell("ABCD", json!({"type": "to nobody"}));
                self.tell(&self.id, json!({"type": "to itself"}));
                self.tell("0015", json!({"type": "ok", "MID": "never asked"}));
                self.socket.send(br#"{"src":"0004","dst":"0001","leader":"FFFF","type":"forged"}"#);
            }
            "large" => {
                self.tell("0001", json!({"type": "large", "padding": "x".repeat(100_000)}));
            }
            "talks-to-itself" => self.tell(&self.id, json!({"type": "echo"})),
            "dies-midway" if self.puts == 100 => {
                let _ = std::io::stderr().write_all(b"index out of range\n");
                std::process::exit(7);
            }
            "answers-strangely" => {
                self.tell(
                    request["src"].as_str().unwrap_or_default(),
                    json!({"type": "maybe", "MID": request["MID"]}),
                );
            }
            _ => {}
        }
    }
}
