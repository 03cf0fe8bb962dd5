//! Each transport, as the course's simulators speak it, with a replica that is alone.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::UdpSocket;
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Output};
use std::time::Duration;

use serde_json::{Value, json};
use socket2::{Domain, SockAddr, Socket, Type};

/// A replica that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn replica() -> Command {
    Command::new(env!("CARGO_BIN_EXE_replica"))
}

fn put() -> Value {
    json!({"src": "0015", "dst": "0000", "leader": "FFFF", "type": "put", "MID": "M1",
        "key": "key", "value": "value"})
}

fn get() -> Value {
    json!({"src": "0015", "dst": "0000", "leader": "FFFF", "type": "get", "MID": "M2",
        "key": "key"})
}

#[test]
fn stream_carries_a_message_a_line() {
    let directory = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(directory.path().join("0000")).unwrap();
    let running = Running(replica().arg("0000").current_dir(directory.path()).spawn().unwrap());
    let (mut socket, _) = listener.accept().unwrap();
    let mut lines = BufReader::new(socket.try_clone().unwrap()).lines();
    let mut ask = |message: Value| {
        writeln!(socket, "{message}").unwrap();
        serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap()
    };
    assert_eq!(ask(put())["type"], "ok");
    assert_eq!(ask(get())["value"], "value");
    drop((socket, lines, listener));
    let mut running = running;
    assert!(running.0.wait().unwrap().success(), "ends when its socket is closed");
}

/// A connection that is closed while its listener stays is made again, and the replica is the same.
#[test]
fn a_closed_connection_is_made_again() {
    for kind in [Type::STREAM, Type::SEQPACKET] {
        let directory = tempfile::tempdir().unwrap();
        let listener = Socket::new(Domain::UNIX, kind, None).unwrap();
        listener.bind(&SockAddr::unix(directory.path().join("0000")).unwrap()).unwrap();
        listener.listen(8).unwrap();
        let mut running =
            Running(replica().arg("0000").current_dir(directory.path()).spawn().unwrap());
        let ask = |message: Value| {
            let (mut socket, _) = listener.accept().unwrap();
            socket.write_all(format!("{message}\n").as_bytes()).unwrap();
            let mut answer = vec![0; 1_024];
            let length = socket.read(&mut answer).unwrap();
            serde_json::from_slice::<Value>(&answer[..length]).unwrap()
        };
        assert_eq!(ask(put())["type"], "ok");
        assert_eq!(ask(get())["value"], "value");
        drop(listener);
        assert!(running.0.wait().unwrap().success(), "ends when no harness is there");
    }
}

#[test]
fn udp_says_hello_first() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let port = socket.local_addr().unwrap().port().to_string();
    let arguments = ["--transport", "udp", &port, "0000"];
    let _running = Running(replica().args(arguments).spawn().unwrap());
    let mut buffer = [0; 1_024];
    let mut receive = || {
        let (length, from) = socket.recv_from(&mut buffer).unwrap();
        (serde_json::from_slice::<Value>(&buffer[..length]).unwrap(), from)
    };
    let (hello, replica) = receive();
    assert_eq!((&hello["type"], &hello["dst"]), (&json!("hello"), &json!("FFFF")));
    assert_eq!(hello["src"], "0000");
    socket.send_to(put().to_string().as_bytes(), replica).unwrap();
    assert_eq!(receive().0["type"], "ok");
    socket.send_to(get().to_string().as_bytes(), replica).unwrap();
    assert_eq!(receive().0["value"], "value");
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_missing_socket_ends_in_a_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let output = replica().arg("0000").current_dir(directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("cannot reach the simulator as 0000"), "{}", said(&output));
}

#[test]
fn wrong_arguments_end_with_code_2() {
    for arguments in [&["00"][..], &["0000", "0000"], &["--bug", "none", "0000"], &[]] {
        let output = replica().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
    }
}

#[test]
fn a_corrupt_store_is_refused_in_one_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let _listener = UnixListener::bind(directory.path().join("0000")).unwrap();
    std::fs::create_dir(directory.path().join("data")).unwrap();
    std::fs::write(directory.path().join("data/raft.log"), "not a store").unwrap();
    let arguments = ["--data-dir", "data", "0000"];
    let output = replica().args(arguments).current_dir(directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("corrupt") && said(&output).lines().count() == 1);
}

/// What no message of the protocol looks like, each a line.
const GARBAGE: [&str; 8] = [
    "",
    "not JSON",
    "[1, 2, 3]",
    "{\"src\": \"0001\"}",
    "{\"src\": \"0015\", \"dst\": \"0000\", \"leader\": \"FFFF\", \"type\": \"get\", \"MID\": \"M0\"}",
    "{\"src\": \"0015\", \"dst\": \"0000\", \"leader\": \"FFFF\", \"type\": \"get\", \"MID\": 7, \"key\": []}",
    "{\"src\": \"0001\", \"dst\": \"0000\", \"leader\": \"FFFF\", \"type\": \"append\", \"term\": -1}",
    "{\"src\": \"0001\", \"dst\": \"0000\", \"leader\": \"FFFF\", \"type\": \"elect\", \
     \"term\": 18446744073709551615, \"pre\": false, \"at\": [9, 9, 9]}",
];

/// Without a leader requests wait in a queue, whose messages are cut by size as well.
#[test]
fn garbage_is_ignored_and_what_is_too_large_is_answered_fail() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let port = socket.local_addr().unwrap().port().to_string();
    let arguments = ["--transport", "udp", &port, "0000", "0001", "0002"];
    let mut running = Running(replica().args(arguments).spawn().unwrap());
    let mut buffer = vec![0; 65_536];
    let (_, replica) = socket.recv_from(&mut buffer).unwrap();
    for garbage in GARBAGE.map(str::as_bytes).into_iter().chain([&[0xff, 0, 0xc3, 0x28][..]]) {
        socket.send_to(garbage, replica).unwrap();
    }
    // A message id that no answer could carry: not a request, and not answered.
    let mut nameless = put();
    nameless["MID"] = json!("M".repeat(257));
    socket.send_to(nameless.to_string().as_bytes(), replica).unwrap();
    let mut ask = |mid: &str, change: fn(&mut Value)| {
        let mut message = put();
        message["MID"] = json!(mid);
        change(&mut message);
        socket.send_to(message.to_string().as_bytes(), replica).unwrap();
        loop {
            let (length, _) = socket.recv_from(&mut buffer).unwrap();
            assert!(length <= 16_000, "{length} bytes");
            let answer: Value = serde_json::from_slice(&buffer[..length]).unwrap();
            assert_ne!(answer["MID"], nameless["MID"], "answered");
            if answer["MID"] == mid {
                return answer;
            }
        }
    };
    assert_eq!(ask("M3", |put| put["value"] = json!("v".repeat(20_000)))["type"], "fail");
    assert_eq!(ask("M4", |put| put["value"] = json!("\u{1}".repeat(3_000)))["type"], "fail");
    assert_eq!(ask("M5", |put| put["key"] = json!("k".repeat(16_000)))["type"], "fail");
    let status = ask("M6", |put| put["type"] = json!("status"));
    assert_eq!((&status["type"], &status["queued"]), (&json!("status"), &json!(0)));
    assert!(running.0.try_wait().unwrap().is_none(), "it is still there");
}

#[test]
fn what_was_acknowledged_survives_a_sigterm() {
    let directory = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(directory.path().join("0000")).unwrap();
    let ask = |message: Value| {
        let mut command = replica();
        command.args(["--data-dir", "data", "0000"]).current_dir(directory.path());
        let mut running = Running(command.spawn().unwrap());
        let (mut socket, _) = listener.accept().unwrap();
        writeln!(socket, "{message}").unwrap();
        let answer = BufReader::new(&socket).lines().next().unwrap().unwrap();
        let pid = running.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(!running.0.wait().unwrap().success());
        serde_json::from_str::<Value>(&answer).unwrap()
    };
    assert_eq!(ask(put())["type"], "ok");
    assert_eq!(ask(get())["value"], "value");
}
