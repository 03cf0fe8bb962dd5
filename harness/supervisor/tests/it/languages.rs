//! Programs of languages with machines of their own, where these are installed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::support::{Busy, SpawnAlone, compiled, interpreter, same};

fn program(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(name);
    path.to_string_lossy().into_owned()
}

#[test]
fn threads_processes_and_coroutines_of_python_are_the_same_each_time() {
    let Some(python) = interpreter("python3") else { return };
    let ran = same(3, &python, &[&program("many.py")]);
    assert_eq!(ran.status.and_then(|status| status.code()), Some(0), "{ran:?}");
    assert_eq!(ran.remarks, [] as [String; 0], "{}", ran.output);
}

#[test]
fn timers_and_sockets_of_node_are_the_same_each_time() {
    let Some(node) = interpreter("node") else { return };
    let ran = same(3, &node, &[&program("many.js")]);
    assert_eq!(ran.status.and_then(|status| status.code()), Some(0), "{ran:?}");
    assert_eq!(ran.remarks, [] as [String; 0], "{}", ran.output);
}

#[test]
fn threads_pools_and_sockets_of_java_are_the_same_each_time() {
    let Some((java, folder)) = java("Many.java") else { return };
    let ran = same(3, &java, &["-cp", &folder, "Many"]);
    assert_eq!(ran.status.and_then(|status| status.code()), Some(7), "{ran:?}");
    assert_eq!(ran.remarks, [] as [String; 0], "{}", ran.output);
}

#[test]
fn goroutines_timers_sockets_and_the_garbage_collector_of_go_are_the_same_each_time() {
    let Some(go) = interpreter("go") else { return };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go");
    let compiled = folder.join("many");
    let mut compiler = Command::new(go);
    compiler.args(["build", "-o"]).arg(&compiled).arg(program("many.go"));
    compiler.env("GO111MODULE", "off").env("GOCACHE", folder.join("cache"));
    let status = compiler.spawn_alone().and_then(|mut compiler| compiler.wait());
    assert!(status.expect("a compiler").success());
    let ran = same(3, &compiled, &[]);
    assert!(ran.output.contains("a long sleep"), "{}", ran.output);
    assert_eq!(ran.status.and_then(|status| status.code()), Some(7), "{ran:?}");
    assert_eq!(ran.remarks, [] as [String; 0], "{}", ran.output);
}

/// The machine of Java, and the folder into which this program was compiled.
fn java(name: &str) -> Option<(PathBuf, String)> {
    let (java, compiler) = (interpreter("java")?, interpreter("javac")?);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("java").to_string_lossy().into_owned();
    let compiled = Command::new(compiler).args(["-d", &folder, &program(name)]).spawn_alone();
    let status = compiled.and_then(|mut compiler| compiler.wait()).expect("a compiler");
    assert!(status.success(), "{name}");
    Some((java, folder))
}

#[test]
fn coroutines_on_several_threads_of_rust_are_the_same_each_time() {
    let me = std::env::current_exe().expect("a program");
    let ran = same(3, &me, &["--ignored", "--nocapture", "--exact", "languages::program_of_tokio"]);
    assert!(ran.output.contains("a long sleep"), "{}", ran.output);
    assert_eq!(ran.status.and_then(|status| status.code()), Some(0), "{ran:?}");
    assert_eq!(ran.remarks, [] as [String; 0], "{}", ran.output);
}

#[test]
#[ignore = "the program that the test above runs in virtual time"]
fn program_of_tokio() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build();
    runtime.expect("threads").block_on(async {
        let begin = Instant::now();
        let server = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = server.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((mut peer, _)) = server.accept().await {
                tokio::spawn(async move {
                    let mut bytes = [0; 16];
                    while let Ok(count @ 1..) = peer.read(&mut bytes).await {
                        tokio::time::sleep(Duration::from_millis(u64::from(bytes[0]) % 7)).await;
                        let _ = peer.write_all(&bytes[..count]).await;
                    }
                });
            }
        });
        let (told, mut heard) = tokio::sync::mpsc::channel(4);
        for number in 0..5_u8 {
            let told = told.clone();
            tokio::spawn(async move {
                let mut socket = TcpStream::connect(("127.0.0.1", port)).await.expect("a server");
                for round in 0..4 {
                    socket.write_all(&[number * 31 + round]).await.expect("it is open");
                    let answer = socket.read_u8().await.expect("an answer");
                    told.send((number, round, answer)).await.expect("a hearer");
                }
            });
        }
        drop(told);
        while let Some(what) = heard.recv().await {
            println!("{what:?} on {:?} after {:?}", std::thread::current().id(), begin.elapsed());
        }
        // The order of a map is drawn by each program anew.
        println!("{:?}", (0..10).map(|n| (n, n)).collect::<HashMap<_, _>>());
        tokio::time::sleep(Duration::from_secs(50_000)).await;
        println!("a long sleep: {:?}", begin.elapsed());
    });
}

#[test]
fn a_server_of_c_with_threads_timers_and_signals_is_the_same_each_time() {
    let Some(program) = compiled("server.c") else { return };
    let ran = same(3, &program, &[]);
    assert!(ran.output.contains("guarded 100 raced "), "{}", ran.output);
    assert_eq!(ran.remarks, [] as [String; 0], "{}", ran.output);
}

#[test]
fn a_busy_host_changes_nothing() {
    let me = std::env::current_exe().expect("a program");
    let mut all = vec![(
        me,
        ["--ignored", "--nocapture", "--exact", "languages::program_of_tokio"]
            .map(str::to_owned)
            .to_vec(),
    )];
    all.extend(compiled("server.c").map(|server| (server, Vec::new())));
    all.extend(compiled("conditions.c").map(|conditions| (conditions, Vec::new())));
    all.extend(interpreter("python3").map(|python| (python, vec![program("many.py")])));
    let run = |times: usize, (program, words): &(PathBuf, Vec<String>)| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        same(times, program, &words)
    };
    let calm: Vec<_> = all.iter().map(|it| run(1, it)).collect();
    let busy = Busy::start(4);
    let beside: Vec<_> = all.iter().map(|it| run(2, it)).collect();
    drop(busy);
    assert_eq!(calm, beside);
}
