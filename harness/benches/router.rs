//! The router beside a bare relay, measured in the same run.
//!
//! `cargo bench -p harness --bench router [throughput|latency]`. Both carry the same messages between
//! the same number of `SOCK_SEQPACKET` pairs: a *bare relay* is a loop that receives a packet from
//! one and sends it to another, and does nothing else; the *router* is what a run uses: its sockets,
//! its reading tasks, its envelopes, links, rules and counts (without the file of messages). Tables go to standard output.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use harness::ids::NodeId;
use harness::limits;
use harness::network::message_log::MessageLog;
use harness::network::rules::{
    Corrupt, Distribution, Duplicate, FaultId, Latency, Loss, Rule, Size,
};
use harness::network::transport::Transport;
use harness::plan::Plan;
use harness::report::quantiles::Quantiles;
use harness::run::event::Handed;
use harness::run::router::Router;
use harness::scenario::Scenario;
use harness::seed::Seed;
use harness::time::RunTime;
use harness::world::ports::Ports;
use harness::world::transport::{Endpoint, TransportEvent};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv, send, socket, socketpair,
};
use tokio::sync::mpsc;
use tokio::task::LocalSet;

/// Messages from each sender in one measurement.
const MESSAGES: u64 = 200_000;

/// Measurements of each kind; the median is told.
const ROUNDS: usize = 5;

/// Messages on their way at a time: the router never waits for a receiver, it loses what a slow one has no
/// room for.
const WINDOW: u64 = 512;

/// Messages of the measurement of latency.
const PACED: u64 = 3_000;

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|arg| arg == name);
    if is_asked("throughput") {
        throughput();
    }
    if is_asked("latency") {
        latency();
    }
}

fn throughput() {
    println!("\n| one sender, one receiver, 130 bytes a message | messages/s | of the relay |");
    println!("|---|---|---|");
    // One after the other in each round, so that all see the same host.
    let mut rates = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        rates[0].push(rate(&relay(false)));
        rates[1].push(rate(&router(&[], false)));
        rates[2].push(rate(&router(&five_rules(), false)));
    }
    let [relay, none, five] = rates.map(median);
    let share = |rate: f64| format!("{:.0} %", 100.0 * rate / relay);
    println!("| bare relay | {relay:.0} | |");
    println!("| router, no rules | {none:.0} | {} |", share(none));
    println!("| router, five rules on each link | {five:.0} | {} |", share(five));
}

fn latency() {
    println!("\n| from sender to receiver at 1,000 messages/s, µs | p50 | p99 | max |");
    println!("|---|---|---|---|");
    let cells = |times: Vec<Duration>| {
        let quantiles = Quantiles::of(times).expect("messages arrived");
        [quantiles.p50, quantiles.p99, quantiles.max]
            .map(|time| format!("{:.1}", time.as_secs_f64() * 1e6))
            .join(" | ")
    };
    println!("| nothing between (one socket pair) | {} |", cells(direct()));
    println!("| bare relay | {} |", cells(relay(true).times));
    println!("| router, no rules | {} |", cells(router(&[], true).times));
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Five rules that let everything pass, in time and unchanged, but have to decide about it.
fn five_rules() -> [Rule; 5] {
    let distribution = Distribution::Constant { ms: 0.0 };
    [
        Rule::Size(Size { max_bytes: 10_000 }),
        Rule::Loss(Loss { probability: 1e-12 }),
        Rule::Corrupt(Corrupt { probability: 1e-12, bytes: 1, spare_envelope: true }),
        Rule::Duplicate(Duplicate { probability: 1e-12, copies: 1, within_ms: 0.0 }),
        Rule::Latency(Latency { distribution, reorders: false }),
    ]
}

/// What the receivers saw.
struct Received {
    /// From the first message of the measurement to the last.
    duration: Duration,
    messages: u64,
    times: Vec<Duration>,
}

fn rate(received: &Received) -> f64 {
    received.messages as f64 / received.duration.as_secs_f64()
}

// The two sides: what replicas do.

fn message(from: NodeId, to: NodeId, n: u64) -> String {
    format!(
        r#"{{"src":"{from}","dst":"{to}","leader":"0000","type":"append","n":"{n:012}","text":"{}"}}"#,
        "x".repeat(40)
    )
}

/// Sends its messages as fast as they are taken, or one a millisecond; the message itself tells the
/// time since `origin`.
fn sender(
    fd: OwnedFd,
    [from, to]: [NodeId; 2],
    is_paced: bool,
    origin: Instant,
    arrived: Arc<AtomicU64>,
) -> JoinHandle<()> {
    thread::spawn(move || {
        let begin = Instant::now();
        for n in 0..if is_paced { PACED } else { MESSAGES } {
            if is_paced {
                let due = begin + Duration::from_millis(n);
                thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            while n > arrived.load(Ordering::Relaxed) + WINDOW {
                thread::sleep(Duration::from_micros(20));
            }
            let now = u64::try_from(origin.elapsed().as_nanos()).expect("a short bench");
            let packet = message(from, to, now);
            send(fd.as_raw_fd(), packet.as_bytes(), MsgFlags::MSG_NOSIGNAL).expect("a relay");
        }
        // The end: the socket stays open until all have read.
        send(fd.as_raw_fd(), message(from, to, 0).as_bytes(), MsgFlags::MSG_NOSIGNAL)
            .expect("a relay");
        thread::sleep(Duration::from_millis(300));
        drop(fd);
    })
}

fn receiver(fd: OwnedFd, origin: Instant, arrived: Arc<AtomicU64>) -> JoinHandle<Received> {
    thread::spawn(move || {
        let mut buffer = [0; 1024];
        let mut times = Vec::new();
        let mut first = None;
        loop {
            let length = recv(fd.as_raw_fd(), &mut buffer, MsgFlags::empty()).expect("a relay");
            let now = origin.elapsed();
            first.get_or_insert(now);
            let text = std::str::from_utf8(&buffer[..length]).expect("a text");
            let at = text.find("\"n\":\"").expect("a number") + 5;
            let sent: u64 = text[at..at + 12].trim_start_matches('0').parse().unwrap_or(0);
            if sent == 0 {
                let duration = now.saturating_sub(first.unwrap_or(now));
                return Received { duration, messages: times.len() as u64, times };
            }
            times.push(now.saturating_sub(Duration::from_nanos(sent)));
            arrived.fetch_add(1, Ordering::Relaxed);
        }
    })
}

fn pair() -> (OwnedFd, OwnedFd) {
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
        .expect("a pair")
}

/// From a sender straight to a receiver.
fn direct() -> Vec<Duration> {
    let origin = Instant::now();
    let (a, b) = pair();
    let arrived = Arc::new(AtomicU64::new(0));
    let receiver = receiver(b, origin, Arc::clone(&arrived));
    let sender = sender(a, [NodeId(0), NodeId(1)], true, origin, arrived);
    sender.join().expect("a sender");
    receiver.join().expect("a receiver").times
}

/// The bare relay.
fn relay(is_paced: bool) -> Received {
    let origin = Instant::now();
    let arrived = Arc::new(AtomicU64::new(0));
    let (source, theirs) = pair();
    let sender = sender(theirs, [NodeId(0), NodeId(2)], is_paced, origin, Arc::clone(&arrived));
    let (sink, theirs) = pair();
    let receiver = receiver(theirs, origin, arrived);
    let relay = thread::spawn(move || copy(&source, &sink));
    let seen = receiver.join().expect("a receiver");
    sender.join().expect("a sender");
    relay.join().expect("the relay");
    seen
}

/// Copies packets from one to the other until the first is closed: as many as there are each time that
/// it is woken.
fn copy(source: &OwnedFd, sink: &OwnedFd) {
    let mut buffer = vec![0; limits::PACKET_BYTES];
    loop {
        let mut polled = [PollFd::new(source.as_fd(), PollFlags::POLLIN)];
        poll(&mut polled, PollTimeout::NONE).expect("a socket");
        loop {
            match recv(source.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => return,
                Ok(length) => {
                    // A receiver that is slow stops a bare relay.
                    let _ = send(sink.as_raw_fd(), &buffer[..length], MsgFlags::MSG_NOSIGNAL);
                }
                Err(_) => break,
            }
        }
    }
}

// The router.

/// What the router needs of a plan: no rules of its own.
fn plan() -> Plan {
    let text = r#"{"lifetime": 5, "replicas": 4, "clients": {}}"#;
    Plan::draw(&Scenario::parse("bench.json", text).expect("a workload"), Seed(1))
}

fn attach(directory: &Path, id: NodeId) -> OwnedFd {
    let fd = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None);
    let fd = fd.expect("a socket");
    let path = directory.join(id.to_string());
    connect(fd.as_raw_fd(), &UnixAddr::new(&path).expect("a short path")).expect("a listener");
    fd
}

fn router(rules: &[Rule], is_paced: bool) -> Received {
    let folder = tempfile::tempdir().expect("a folder");
    let ids: Vec<NodeId> = (0..4).map(NodeId::replica).collect();
    let plan = plan();
    let mut router = Router::new(&plan.network(&[]), plan.router, Some(3), MessageLog::default());
    let pairs = || ids.iter().flat_map(|&from| ids.iter().map(move |&to| (from, to)));
    for (rule, n) in rules.iter().zip(0..) {
        router.apply(FaultId::Network(n), pairs(), rule);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let (sender_of_events, events) = mpsc::channel(limits::EVENTS_AHEAD);
        let _endpoints: Vec<Endpoint> = ids
            .iter()
            .map(|&id| {
                Endpoint::listen(Transport::Seqpacket, id, folder.path(), &sender_of_events)
                    .expect("a socket")
            })
            .collect();
        let mut attached: Vec<OwnedFd> = ids.iter().map(|&id| attach(folder.path(), id)).collect();
        let (sink, source) = (attached.remove(2), attached.remove(0));
        serve(router, events, source, sink, is_paced).await
        // The endpoints and the idle replicas stay until here.
    })
}

/// What a run does with the network's events.
async fn serve(
    mut router: Router,
    mut events: mpsc::Receiver<TransportEvent>,
    source: OwnedFd,
    sink: OwnedFd,
    is_paced: bool,
) -> Received {
    let alive: BTreeSet<NodeId> = (0..4).map(NodeId::replica).collect();
    let mut ports = Ports::default();
    let mut connected = 0;
    while connected < 4 {
        if let Some(TransportEvent::Connected(id, connection)) = events.recv().await {
            router.connected(id);
            ports.connected(id, connection);
            connected += 1;
        }
    }
    router.start();
    let origin = Instant::now();
    let arrived = Arc::new(AtomicU64::new(0));
    let receiver = receiver(sink, origin, Arc::clone(&arrived));
    let sender = sender(source, [NodeId(0), NodeId(2)], is_paced, origin, arrived);
    while !receiver.is_finished() {
        // As in a run: the next thing by the clock, or an event.
        let next = tokio::time::sleep(limits::TICK);
        tokio::select! {
            biased;
            Some(event) = events.recv() => {
                handle(&mut router, &mut ports, event, origin, &alive);
                for _ in 0..limits::EVENTS_AHEAD {
                    let Ok(event) = events.try_recv() else { break };
                    handle(&mut router, &mut ports, event, origin, &alive);
                }
                let now = RunTime::from(origin.elapsed());
                router.deliver_due(now);
                deliver(&mut router, &mut ports, now);
            }
            () = next => {}
        }
    }
    sender.join().expect("a sender");
    receiver.join().expect("a receiver")
}

fn handle(
    router: &mut Router,
    ports: &mut Ports,
    event: TransportEvent,
    origin: Instant,
    alive: &BTreeSet<NodeId>,
) {
    let now = RunTime::from(origin.elapsed());
    match event {
        TransportEvent::Packet { from, bytes, length } => {
            let bytes: Rc<[u8]> = bytes;
            if let Some(message) = router.read(now, from, &bytes, length) {
                router.route(now, from, &message, &bytes, alive);
            }
            deliver(router, ports, now);
        }
        TransportEvent::Writable(id) => {
            while let Some(packet) = router.first_waiting(id) {
                let Some(sent) = ports.retry(id, &packet) else { return };
                if !router.retried(now, id, sent) {
                    return;
                }
            }
        }
        _ => {}
    }
}

/// Hands over what has arrived.
fn deliver(router: &mut Router, ports: &mut Ports, now: RunTime) {
    while let Some((to, message)) = router.next_arrived() {
        let handed = match router.without_trying(to) {
            Some(sent) => Handed::from(sent),
            None => ports.hand(to, &message.packet, None),
        };
        router.handed(now, to, message, handed);
    }
}
