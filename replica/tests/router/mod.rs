//! A small simulator of the course: real replicas over real sockets, in one thread, with
//! lost messages, partitions and kills. It counts what the course counts.

#![expect(clippy::unwrap_used, reason = "a failure here fails the test, as it should")]

use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::TempDir;

/// The only client's id.
pub const CLIENT: &str = "0015";

/// A cluster of replica processes and the network between them.
pub struct Router {
    directory: TempDir,
    flags: Vec<String>,
    replicas: BTreeMap<String, Node>,
    random: ChaCha8Rng,
    /// The fraction of messages between replicas that is lost.
    pub drops: f64,
    /// Replicas on the other side of the partition.
    pub apart: Vec<String>,
    /// Messages between replicas, counted as the course counts.
    pub messages: usize,
    /// What clients were sent and have not read.
    pub answers: Vec<Value>,
    /// The leader, by the word of the latest message.
    pub leader: Option<String>,
    next_mid: u64,
    seed: u64,
}

struct Node {
    child: Child,
    connection: Socket,
}

impl Drop for Router {
    fn drop(&mut self) {
        for node in self.replicas.values_mut() {
            let _ = node.child.kill();
            let _ = node.child.wait();
        }
    }
}

impl Router {
    /// Starts replicas `0000`, `0001`, ... and waits until all have connected.
    pub fn start(count: usize, seed: u64, flags: &[&str]) -> Self {
        let directory = tempfile::Builder::new().prefix("r").tempdir_in("/tmp").unwrap();
        let ids: Vec<String> = (0..count).map(|number| format!("{number:04X}")).collect();
        let mut router = Self {
            directory,
            flags: flags.iter().map(ToString::to_string).collect(),
            replicas: BTreeMap::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
            drops: 0.0,
            apart: Vec::new(),
            messages: 0,
            answers: Vec::new(),
            leader: None,
            next_mid: 0,
            seed,
        };
        for id in &ids {
            router.launch(id, &ids);
        }
        router
    }

    /// Starts one replica; `{id}` in a flag stands for its id.
    fn launch(&mut self, id: &str, ids: &[String]) {
        let path = self.directory.path().join(id);
        let _ = std::fs::remove_file(&path);
        let listener = Socket::new(Domain::UNIX, Type::SEQPACKET, None).unwrap();
        listener.bind(&SockAddr::unix(path).unwrap()).unwrap();
        listener.listen(1).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_replica"))
            .args(self.flags.iter().map(|flag| flag.replace("{id}", id)))
            .arg(id)
            .args(ids.iter().filter(|other| *other != id))
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut waited = [PollFd::new(std::os::fd::AsFd::as_fd(&listener), PollFlags::POLLIN)];
        assert_eq!(poll(&mut waited, PollTimeout::from(10_000_u16)), Ok(1), "{id} connects");
        let (connection, _) = listener.accept().unwrap();
        connection.set_nonblocking(true).unwrap();
        self.replicas.insert(id.to_owned(), Node { child, connection });
    }

    /// Kills all replicas at once, and starts them again.
    pub fn restart_all(&mut self) {
        let ids = self.living();
        for id in &ids {
            self.kill(id);
        }
        for id in &ids {
            self.launch(id, &ids);
        }
    }

    /// Sends a client's request to a replica and says under which `MID`.
    pub fn ask(&mut self, replica: &str, kind: &str, key: &str, value: Option<&str>) -> String {
        self.next_mid += 1;
        let mid = format!("M{:07}", self.next_mid);
        let leader = self.leader.clone().unwrap_or_else(|| "FFFF".to_owned());
        let mut message = json!({"src": CLIENT, "dst": replica, "leader": leader,
            "type": kind, "MID": mid, "key": key});
        if let Some(value) = value {
            message["value"] = value.into();
        }
        self.send(&message);
        mid
    }

    /// Sends a message as it is.
    pub fn send(&mut self, message: &Value) {
        let replica = message["dst"].as_str().unwrap();
        let node = self.replicas.get(replica).expect("a living replica");
        let bytes = message.to_string();
        assert_eq!(node.connection.send(bytes.as_bytes()).unwrap(), bytes.len());
    }

    /// Sends bytes that need not be a message.
    pub fn send_bytes(&mut self, replica: &str, bytes: &[u8]) {
        self.replicas[replica].connection.send(bytes).unwrap();
    }

    /// Kills a replica for good.
    pub fn kill(&mut self, replica: &str) {
        let mut node = self.replicas.remove(replica).expect("a living replica");
        node.child.kill().unwrap();
        node.child.wait().unwrap();
        self.leader = None;
    }

    /// The living replicas.
    pub fn living(&self) -> Vec<String> {
        self.replicas.keys().cloned().collect()
    }

    /// A random living replica.
    pub fn random_replica(&mut self) -> String {
        let living = self.living();
        living[self.random.random_range(0..living.len())].clone()
    }

    /// Routes messages for a while.
    pub fn route_for(&mut self, span: Duration) {
        let until = Instant::now() + span;
        while Instant::now() < until {
            self.route_once(until.saturating_duration_since(Instant::now()));
        }
    }

    /// Routes messages until the condition holds; panics with `story` after half a minute.
    pub fn route_until(&mut self, story: &str, mut condition: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !condition(self) {
            assert!(Instant::now() < deadline, "seed {}: never happened: {story}", self.seed);
            self.route_once(Duration::from_millis(2));
        }
    }

    /// Asks, follows redirects, and routes until there is an answer other than a redirect.
    pub fn complete(&mut self, kind: &str, key: &str, value: Option<&str>) -> Value {
        let mut to = self.leader.clone();
        loop {
            let known = to.take().filter(|id| self.replicas.contains_key(id));
            let replica = known.unwrap_or_else(|| self.random_replica());
            let mid = self.ask(&replica, kind, key, value);
            self.route_until("an answer", |router| {
                router.answers.iter().any(|answer| answer["MID"] == mid)
            });
            let place = self.answers.iter().position(|answer| answer["MID"] == mid).unwrap();
            let answer = self.answers.swap_remove(place);
            if answer["type"] != "redirect" {
                return answer;
            }
            to = answer["leader"].as_str().filter(|id| *id != "FFFF").map(str::to_owned);
        }
    }

    /// Waits at most this long for messages, then routes those that are there.
    fn route_once(&mut self, wait: Duration) {
        let sockets = self.replicas.values().map(|node| &node.connection);
        let mut ready: Vec<_> = sockets
            .map(|socket| PollFd::new(std::os::fd::AsFd::as_fd(socket), PollFlags::POLLIN))
            .collect();
        let millis = u16::try_from(wait.as_millis()).unwrap_or(u16::MAX);
        poll(&mut ready, PollTimeout::from(millis)).unwrap();
        let mut arrived = Vec::new();
        let mut buffer = vec![0; 65_536];
        for (id, node) in &self.replicas {
            while let Ok(length) = (&node.connection).read(&mut buffer) {
                assert!(length > 0, "replica {id} closed its socket");
                assert!(length <= 16_000, "a message of {length} bytes");
                arrived.push(serde_json::from_slice::<Value>(&buffer[..length]).unwrap());
            }
        }
        for message in arrived {
            self.route(message);
        }
    }

    fn route(&mut self, message: Value) {
        let text = |key: &str| message[key].as_str().unwrap_or_default().to_owned();
        let (src, dst, leader) = (text("src"), text("dst"), text("leader"));
        if leader != "FFFF" && !self.apart.contains(&src) && self.replicas.contains_key(&leader) {
            self.leader = Some(leader);
        }
        if dst == CLIENT {
            self.answers.push(message);
            return;
        }
        self.messages += 1;
        let cut = self.apart.contains(&src) != self.apart.contains(&dst);
        if let Some(node) = self.replicas.get(&dst)
            && !cut
            && self.random.random::<f64>() >= self.drops
        {
            // A full socket loses the message, as in the course.
            let _ = node.connection.send(message.to_string().as_bytes());
        }
    }
}
