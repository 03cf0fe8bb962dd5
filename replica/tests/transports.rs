//! Each transport, as the course's simulators speak it, with a replica that is alone.

use std::io::{BufRead, BufReader, Write};
use std::net::UdpSocket;
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Output};
use std::time::Duration;

use serde_json::{Value, json};

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
