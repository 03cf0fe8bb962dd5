//! Servers and client programs that do what none should.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;
use tokio::time::timeout;

use super::*;
use crate::system::description::Client;

/// In a world of its own, and never for long.
fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bounded = async { timeout(Duration::from_secs(20), test).await.expect("it ends") };
    LocalSet::new().block_on(&runtime, bounded);
}

fn http() -> Http {
    let text = r#"
command = ["x", "{port}"]
[client]
kind = "http"
[[client.operations]]
f = "get"
path = "/{key}"
"#;
    let description = Description::parse("s.toml", Path::new("/"), text).unwrap();
    let Client::Http(client) = description.client else { panic!("http") };
    Http::new(client)
}

const CLIENT: NodeId = NodeId(7);
const GET: Asked<'_> = Asked { f: F::Get, key: "k", value: &Datum::Nil };

/// Accepts a connection, waits for a request to its end, and goes on.
async fn accepted(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") && !request.ends_with(b"k\r\n") {
        request.push(stream.read_u8().await.unwrap());
    }
    stream
}

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// What a client makes of a server that says this, and closes.
async fn http_said(said: &[u8]) -> Answer {
    let (http, (listener, port)) = (http(), listener().await);
    let serve = async {
        let mut stream = accepted(&listener).await;
        // A client that has heard enough hangs up.
        let _ = stream.write_all(said).await;
    };
    tokio::join!(http.ask(CLIENT, port, GET), serve).0
}

fn unclear(answer: &Answer) -> &str {
    match answer {
        Answer::Info(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn whatever_a_server_says_over_http_its_client_is_told_in_a_sentence() {
    run(async {
        let answer = http_said(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx").await;
        assert_eq!(answer, Answer::Ok(Datum::text("x")));
        let long = [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &vec![b'x'; 3 << 20]].concat();
        let headers = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(2000));
        let cases: [(&[u8], &str); 7] = [
            (b"", "closed before there was an answer"),
            (b"HTTP/1.1 200 O", "closed before there was an answer"),
            (b"hello\r\n\r\n", "the answer is no HTTP"),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx", "a body that cannot be read"),
            (b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nx", "the answer is no HTTP"),
            (&long, "longer than 1048576 bytes"),
            (headers.as_bytes(), "the answer is no HTTP"),
        ];
        for (said, expected) in cases {
            let answer = http_said(said).await;
            assert!(unclear(&answer).contains(expected), "{answer:?}: {expected}");
        }
    });
}

#[test]
fn what_never_left_took_no_effect_and_what_may_have_arrived_is_unclear() {
    run(async {
        let (http, (listener, port)) = (http(), listener().await);
        let never = async {
            let mut stream = accepted(&listener).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nx-").await.unwrap();
            stream
        };
        tokio::select! {
            answer = http.ask(CLIENT, port, GET) => panic!("{answer:?}"),
            _ = never => {}
        }
        drop(listener);
        let refused = http.ask(CLIENT, port, GET).await;
        assert!(matches!(&refused, Answer::Fail(why) if why.contains("cannot connect")));
        let resp = Resp::new("", ModelName::Kv);
        assert!(matches!(resp.ask(CLIENT, port, GET).await, Answer::Fail(_)));
    });
}

#[test]
fn a_connection_that_was_closed_meanwhile_is_opened_again() {
    run(async {
        let (http, (listener, port)) = (http(), listener().await);
        for _ in 0..3 {
            let serve = async {
                let mut stream = accepted(&listener).await;
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx").await.unwrap();
                stream
            };
            let (answer, stream) = tokio::join!(http.ask(CLIENT, port, GET), serve);
            assert_eq!(answer, Answer::Ok(Datum::text("x")));
            drop(stream);
            // The end arrives before the next request.
            while !http.has_closed(CLIENT, port) {
                tokio::task::yield_now().await;
            }
        }
    });
}

#[test]
fn whatever_a_server_says_in_the_protocol_of_redis_its_client_is_told_in_a_sentence() {
    run(async {
        let said = async |said: &[u8]| {
            let (resp, (listener, port)) = (Resp::new("", ModelName::Kv), listener().await);
            let serve = async {
                let mut stream = accepted(&listener).await;
                let _ = stream.write_all(said).await;
            };
            tokio::join!(resp.ask(CLIENT, port, GET), serve).0
        };
        assert_eq!(said(b"$1\r\nx\r\n").await, Answer::Ok(Datum::text("x")));
        let endless = [&b"$1000000\r\n"[..], &vec![b'x'; 3 << 20]].concat();
        let cases: [(&[u8], &str); 6] = [
            (b"", "closed before there was a reply"),
            (b"$5\r\nx", "closed before there was a reply"),
            (b"HTTP/1.1 400\r\n", "no reply of Redis begins with `H`"),
            (b"$1\r\nx\r\n$1\r\ny\r\n", "more was replied than was asked"),
            (b"$9999999999\r\n", "bytes or more"),
            (&endless, "has no end"),
        ];
        for (bytes, expected) in cases {
            let answer = said(bytes).await;
            assert!(unclear(&answer).contains(expected), "{answer:?}: {expected}");
        }
    });
}

fn exec(folder: &Path, script: &str) -> Exec {
    let arguments = vec!["-c".into(), script.into()];
    let command = Command::new("/bin/sh".into(), arguments, folder);
    Exec::new(command, folder.to_owned(), "a-test")
}

fn replica() -> Replica {
    let ports = BTreeMap::from([("client".to_owned(), 1)]);
    Replica { id: 0, name: "n0".into(), address: "127.0.0.1:1".into(), ports }
}

#[test]
fn whatever_a_clients_program_does_the_run_is_told_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let replica = replica();
        let good = r#"n=0; while read line; do n=$((n+1)); echo '{"id": '$n', "type": "ok", "value": '$n'}'; done"#;
        let exec_good = exec(folder.path(), good);
        for n in 1..3 {
            let answer = exec_good.ask(CLIENT, &replica, GET).await;
            assert_eq!(answer, Answer::Ok(n.into()), "one process for all its operations");
        }
        let cases = [
            ("exit 3", "ended (exit status 3) without a completion"),
            ("read line; kill -9 $$", "ended (killed by SIGKILL)"),
            ("exec cat", "which is no completion"),
            ("yes", "`y`, which is no completion"),
            ("cat /dev/zero", "a line longer than 1048576 bytes"),
            ("exec >&-; sleep 60", "closed its standard output"),
        ];
        for (script, expected) in cases {
            let answer = exec(folder.path(), script).ask(CLIENT, &replica, GET).await;
            assert!(unclear(&answer).contains(expected), "{script}: {answer:?}");
        }
        let missing = Command::new("/no/such/program".into(), Vec::new(), folder.path());
        let missing = Exec::new(missing, folder.path().to_owned(), "a-test");
        let answer = missing.ask(CLIENT, &replica, GET).await;
        assert!(matches!(&answer, Answer::Fail(why) if why.contains("/no/such/program")));
    });
}

/// Waits until a process is gone, or dead and not asked for its status.
async fn gone(pid: &str) {
    let state = || std::fs::read_to_string(format!("/proc/{pid}/stat"));
    while state().is_ok_and(|text| !text.contains(") Z ")) {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_clients_program_that_hangs_ends_with_its_run_and_so_does_its_child() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    run(async {
        let replica = replica();
        let exec = exec(folder.path(), "sleep 1000 & echo $$ $! > part; mv part pids; wait");
        let started = async {
            while !pids.exists() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            answer = exec.ask(CLIENT, &replica, GET) => panic!("{answer:?}"),
            () = started => {}
        }
        exec.stop();
        for pid in std::fs::read_to_string(&pids).unwrap().split_whitespace() {
            gone(pid).await;
        }
    });
}

#[test]
fn a_clients_program_that_is_late_answers_the_next_operation_and_the_late_answer_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let replica = replica();
        let script = r#"read line; touch asked; while [ ! -e go ]; do sleep 0.01; done
            echo '{"id": 1, "type": "ok", "value": 1}'; read line; echo '{"id": 2, "type": "ok", "value": 2}'; read line"#;
        let exec = exec(folder.path(), script);
        let asked = async {
            while !folder.path().join("asked").exists() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            answer = exec.ask(CLIENT, &replica, GET) => panic!("{answer:?}"),
            () = asked => {}
        }
        std::fs::write(folder.path().join("go"), "").unwrap();
        assert_eq!(exec.ask(CLIENT, &replica, GET).await, Answer::Ok(2.into()));
    });
}
