//! A small server of files: one folder, read only, for a browser on the same machine.
//!
//! It knows GET and HEAD, closes each connection after its answer, and sends nothing that does not
//! lie within the folder, links followed; what replicas wrote is sent as text, so that no page of theirs reads
//! the results of others. On a loopback address it answers only to loopback names, so that
//! no page from elsewhere can read results through a name that it points here.
//!
//! A browser that does not read holds up no other: where all connections are taken, the one that has been still for
//! longest is closed for a new one. `target` finds what a request names.

mod connections;
mod target;

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::limits;
use connections::{Connection, Connections};

/// A listening server.
pub struct Server {
    root: Arc<PathBuf>,
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Listens on `address`; `root` is an absolute path without links.
    pub fn bind(root: PathBuf, address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        Ok(Self { root: Arc::new(root), listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the process ends.
    pub fn run(&self) {
        let open = Arc::new(Connections::default());
        for stream in self.listener.incoming() {
            let Ok(stream) = stream else {
                // No descriptor is left for it, most likely: the next attempt would fail at once, too.
                open.close_stalest();
                thread::sleep(limits::SERVE_PAUSE);
                continue;
            };
            let connection = open.add(stream, limits::SERVE_CONNECTIONS);
            let (root, open, ip) = (Arc::clone(&self.root), Arc::clone(&open), self.address.ip());
            let ours = Arc::clone(&connection);
            let answers = move || {
                // A browser that goes away is no concern of ours.
                let _ = answer(&root, ip, &ours);
                open.remove(&ours);
            };
            if thread::Builder::new().spawn(answers).is_err() {
                connection.close();
            }
        }
    }
}

/// What is sent back.
struct Response {
    status: &'static str,
    kind: &'static str,
    body: Body,
}

enum Body {
    Text(String),
    File(File, u64),
}

impl Response {
    fn refusal(status: &'static str) -> Self {
        Self::refusal_for(status, status)
    }

    fn refusal_for(status: &'static str, reason: &str) -> Self {
        Self { status, kind: "text/plain; charset=utf-8", body: Body::Text(format!("{reason}\n")) }
    }

    fn html(text: String) -> Self {
        Self { status: "200 OK", kind: "text/html; charset=utf-8", body: Body::Text(text) }
    }
}

/// The end of a request's head.
const END: &[u8] = b"\r\n\r\n";

fn answer(root: &Path, ip: IpAddr, mut connection: &Connection) -> io::Result<()> {
    let stream = connection.stream();
    stream.set_write_timeout(Some(Duration::from_secs(30)))?;
    let head = read(stream, limits::SERVE_REQUEST_BYTES, |head| {
        let from = head.len().saturating_sub(limits::SERVE_READ_BYTES + END.len());
        head[from..].windows(END.len()).any(|it| it == END)
    })?;
    let end = head.windows(END.len()).position(|it| it == END).map(|at| at + END.len());
    let head = std::str::from_utf8(&head[..end.unwrap_or(head.len())]).unwrap_or_default();
    let answer = respond(root, ip, head);
    let length = match &answer.body {
        Body::Text(text) => text.len() as u64,
        Body::File(_, length) => *length,
    };
    write!(
        connection,
        "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {length}\r\nConnection: close\r\n\
         X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\r\n",
        answer.status, answer.kind
    )?;
    if !head.starts_with("HEAD ") {
        match answer.body {
            Body::Text(text) => connection.write_all(text.as_bytes())?,
            Body::File(file, length) => drop(io::copy(&mut file.take(length), &mut connection)?),
        }
    }
    // A connection that is closed over what was not read takes the answer with it.
    stream.shutdown(Shutdown::Write)?;
    read(stream, limits::SERVE_LEFT_BYTES, |_| false).map(drop)
}

/// What comes until it is enough, too much, over, or late: a slow client waits no longer.
fn read(
    mut stream: &TcpStream,
    most: usize,
    is_enough: impl Fn(&[u8]) -> bool,
) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + limits::SERVE_REQUEST_TIME;
    let mut bytes = Vec::new();
    let mut part = [0; limits::SERVE_READ_BYTES];
    while bytes.len() < most {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&part[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
        if is_enough(&bytes) {
            break;
        }
    }
    Ok(bytes)
}

fn respond(root: &Path, ip: IpAddr, head: &str) -> Response {
    let mut lines = head.split("\r\n");
    let request: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, version] = request[..] else {
        return Response::refusal("400 Bad Request");
    };
    if !version.starts_with("HTTP/1.") || !head.ends_with("\r\n\r\n") {
        return Response::refusal("400 Bad Request");
    }
    if method != "GET" && method != "HEAD" {
        return Response::refusal("405 Method Not Allowed");
    }
    let host = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("host").then(|| value.trim())
    });
    if ip.is_loopback() && !host.is_some_and(is_loopback_name) {
        return Response::refusal("403 Forbidden");
    }
    target::found(root, target).unwrap_or_else(|| Response::refusal("404 Not Found"))
}

fn is_loopback_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn status(root: &Path, target: &str, host: &str) -> String {
        let head = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        respond(root, LOOPBACK, &head).status.to_owned()
    }

    #[test]
    fn nothing_outside_of_the_folder_is_sent() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().canonicalize().unwrap().join("results");
        fs::create_dir_all(root.join("demo")).unwrap();
        fs::write(root.join("demo/a b.csv"), "1").unwrap();
        fs::write(outer.path().join("secret"), "1").unwrap();
        std::os::unix::fs::symlink("demo", root.join("latest")).unwrap();
        std::os::unix::fs::symlink("../secret", root.join("link")).unwrap();
        std::os::unix::fs::symlink("/", root.join("demo/root")).unwrap();
        nix::unistd::mkfifo(&root.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        for target in ["/", "/demo", "/demo/", "/demo/a%20b.csv", "/latest/a%20b.csv?x#y"] {
            assert_eq!(status(&root, target, "localhost:8617"), "200 OK", "{target}");
        }
        let outside = [
            "/../secret",
            "/demo/../../secret",
            "/%2e%2e/secret",
            "/..%2fsecret",
            "/link",
            "/pipe",
            "/demo/root/etc/passwd",
            "//etc/passwd",
            "/%00",
            "/%zz",
            "/%2",
            "etc/passwd",
            "http://localhost/secret",
            "/nothing",
        ];
        for target in outside {
            assert_eq!(status(&root, target, "localhost"), "404 Not Found", "{target}");
        }
    }

    /// What a server answers to this.
    fn said_to(request: &[u8]) -> String {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let listener = TcpListener::bind((LOOPBACK, 0)).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let server =
            thread::spawn(move || answer(&root, LOOPBACK, &Connections::default().add(stream, 1)));
        client.write_all(request).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut said = String::new();
        client.read_to_string(&mut said).unwrap();
        server.join().unwrap().unwrap();
        said
    }

    #[test]
    fn whatever_is_sent_gets_an_answer() {
        let long = [b"GET /", "x".repeat(100_000).as_bytes(), b" HTTP/1.1\r\n\r\n"].concat();
        let body = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n123456789";
        for (request, status) in [
            (&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], "200 OK"),
            (&body[..], "405 Method Not Allowed"),
            (&long[..], "400 Bad Request"),
            (&b"GET /\xff\x00 HTTP/1.1\r\n\r\n"[..], "400 Bad Request"),
            (&b""[..], "400 Bad Request"),
        ] {
            let said = said_to(request);
            assert!(said.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{said}");
        }
        let head = said_to(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(head.ends_with("\r\n\r\n"), "{head}");
    }

    #[test]
    fn another_name_for_this_machine_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for host in ["127.0.0.1:8617", "[::1]:80", "LOCALHOST"] {
            assert_eq!(status(&root, "/", host), "200 OK", "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example:80", ""] {
            assert_eq!(status(&root, "/", host), "403 Forbidden", "{host}");
        }
        let head = "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        assert_eq!(respond(&root, LOOPBACK, head).status, "405 Method Not Allowed");
        assert_eq!(respond(&root, LOOPBACK, "nonsense").status, "400 Bad Request");
    }
}
