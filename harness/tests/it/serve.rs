//! `harness serve` from the outside: browsers that do not read, names of any bytes, files with two names.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::process::Child;
use std::time::Duration;

use crate::support::Bench;

/// How long a test waits for an answer before it fails.
const DEADLINE: Duration = Duration::from_secs(60);

/// A server of the folder `results`, ended with its guard.
struct Serving {
    child: Child,
    address: SocketAddr,
}

impl Serving {
    fn new(bench: &Bench) -> Self {
        let mut command = bench.command(&["serve", "results", "--listen", "127.0.0.1:0"]);
        let mut child = command.spawn().expect("the harness starts");
        let mut line = String::new();
        let out = child.stdout.as_mut().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let address = line.trim().trim_start_matches("http://").trim_end_matches('/');
        let address = address.parse().unwrap_or_else(|_| panic!("an address: {line}"));
        Self { child, address }
    }

    /// A connection over which this was asked for, and nothing read yet.
    fn ask(&self, target: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a time limit");
        write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it reads");
        stream
    }

    /// Status and body.
    fn get(&self, target: &str) -> (u16, Vec<u8>) {
        let mut all = Vec::new();
        self.ask(target).read_to_end(&mut all).expect("an answer");
        let end = all.windows(4).position(|it| it == b"\r\n\r\n").expect("a whole head");
        let head = String::from_utf8_lossy(&all[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
        (status, all[end + 4..].to_vec())
    }

    fn page(&self, target: &str) -> String {
        let (status, body) = self.get(target);
        assert_eq!(status, 200, "{target}");
        String::from_utf8(body).expect("a page is text")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn results(bench: &Bench) -> std::path::PathBuf {
    fs::create_dir(bench.path("results")).expect("a folder");
    bench.path("results")
}

#[test]
fn clients_that_never_read_hold_up_no_other() {
    let bench = Bench::new();
    let results = results(&bench);
    // More than any buffer of a socket takes.
    fs::File::create(results.join("large")).unwrap().set_len(256 << 20).unwrap();
    fs::write(results.join("small"), "read me").unwrap();
    let serving = Serving::new(&bench);
    let mut idle = Vec::new();
    for n in 0..200 {
        idle.push(serving.ask("/large"));
        // Some that do not even ask.
        idle.push(TcpStream::connect(serving.address).expect("it listens"));
        if n % 50 == 0 {
            assert_eq!(serving.get("/small"), (200, b"read me".to_vec()), "after {n}");
        }
    }
    assert_eq!(serving.get("/small"), (200, b"read me".to_vec()));
    drop(idle);
    assert_eq!(serving.get("/small"), (200, b"read me".to_vec()));
}

#[test]
fn names_of_any_bytes_are_listed_and_reached() {
    let bench = Bench::new();
    let results = results(&bench);
    let folder = results.join(OsStr::from_bytes(b"<b>od d\xff"));
    fs::create_dir(&folder).unwrap();
    let names: [&[u8]; 8] = [
        b"with space",
        b"\"quotes' and `more`",
        b"<script>alert(1)<",
        b"two\nlines",
        b"no text \xff\xfe",
        b"100%41?a=b#c",
        b"..hidden",
        "\u{202e}gnp.\u{e4}".as_bytes(),
    ];
    for name in names {
        fs::write(folder.join(OsStr::from_bytes(name)), name).unwrap();
    }
    let serving = Serving::new(&bench);
    let links = |page: &str| -> Vec<String> {
        let links = page.split("href=\"").skip(1).filter_map(|it| it.split('"').next());
        links.map(str::to_owned).collect()
    };
    // The page of all runs leads to the files that belong to no run.
    let start = serving.page("/");
    assert!(links(&start).contains(&"/?files".to_owned()), "{start}");
    let above = serving.page("/?files");
    assert_eq!(links(&above).len(), 1, "{above}");
    let page = serving.page(&links(&above)[0]);
    for unsafe_text in ["<script>", "<b>", "\n", "\u{202e}"] {
        assert!(!page.contains(unsafe_text), "{unsafe_text:?} in {page}");
    }
    let mut found: Vec<Vec<u8>> =
        links(&page).iter().map(|link| serving.get(link)).map(|(_, body)| body).collect();
    found.sort();
    let mut expected = names.map(<[u8]>::to_vec).to_vec();
    expected.sort();
    assert_eq!(found, expected, "{page}");
}

#[test]
fn a_file_with_a_second_name_is_noted_and_not_sent() {
    let bench = Bench::new();
    let results = results(&bench);
    fs::create_dir_all(results.join("demo/1")).unwrap();
    let secret = bench.file("secret", "of the user");
    fs::hard_link(secret, results.join("demo/1/linked")).unwrap();
    fs::write(results.join("demo/1/own"), "of the run").unwrap();
    let serving = Serving::new(&bench);
    let (status, said) = serving.get("/demo/1/linked");
    let said = String::from_utf8(said).unwrap();
    assert_eq!(status, 403, "{said}");
    assert!(said.contains("a second name (a hard link)") && said.contains("copy it"), "{said}");
    let page = serving.page("/demo/1");
    assert!(page.contains("linked</a> (a hard link"), "{page}");
    assert_eq!(serving.get("/demo/1/own"), (200, b"of the run".to_vec()));
}
