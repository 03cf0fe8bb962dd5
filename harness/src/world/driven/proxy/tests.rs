use tokio::task::LocalSet;
use tokio::time::timeout;

use super::*;
use crate::network::rules::{Corrupt, Distribution, Latency};

const LONG: Duration = Duration::from_secs(20);

struct Two {
    proxies: Proxies,
    replicas: [NodeId; 2],
    /// What the second replica listens at.
    listener: TcpListener,
    _addresses: Addresses,
}

impl Two {
    async fn replicas() -> Self {
        let replicas = [NodeId::replica(0), NodeId::replica(1)];
        let mut addresses = Addresses::reserve(2, &["client".to_owned()]).unwrap();
        let listener = TcpListener::bind(at(addresses.client(1))).await.unwrap();
        let seed = |from: NodeId, to: NodeId| Seed(u64::from(from.0) << 16 | u64::from(to.0));
        let proxies = Proxies::listen(&replicas, &mut addresses, seed).unwrap();
        Self { proxies, replicas, listener, _addresses: addresses }
    }

    /// The first replica calls the second.
    async fn call(&self) -> TcpStream {
        TcpStream::connect(at(self.proxies.port(0, 1, 0).unwrap())).await.unwrap()
    }

    async fn both(&self) -> (TcpStream, TcpStream) {
        let caller = self.call().await;
        (caller, self.listener.accept().await.unwrap().0)
    }

    fn there(&self) -> (NodeId, NodeId) {
        (self.replicas[0], self.replicas[1])
    }

    fn cut(&self, pairs: &[(NodeId, NodeId)]) {
        self.proxies.apply(FaultId::Planned(0, 0), pairs, &Rule::Cut);
    }
}

async fn read(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

/// In a world of its own, and never for long.
fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bounded = async { timeout(LONG, test).await.expect("it ends") };
    LocalSet::new().block_on(&runtime, bounded);
}

#[test]
fn bytes_cross_in_both_directions_and_each_end_may_close_its_own() {
    run(async {
        let two = Two::replicas().await;
        let (mut caller, mut callee) = two.both().await;
        let long = vec![7; 1 << 20];
        let (sent, got) = tokio::join!(caller.write_all(&long), read(&mut callee, long.len()));
        sent.unwrap();
        assert_eq!(got, long);
        caller.shutdown().await.unwrap();
        assert_eq!(callee.read(&mut [0; 9]).await.unwrap(), 0, "a half-close is passed on");
        callee.write_all(b"still").await.unwrap();
        assert_eq!(read(&mut caller, 5).await, b"still");
        drop(callee);
        assert_eq!(caller.read(&mut [0; 9]).await.unwrap(), 0);
        let counts = two.proxies.counts();
        assert!(counts.values().any(|it| it.bytes == 1 << 20), "{counts:?}");
    });
}

#[test]
fn a_cut_link_stands_still_and_loses_nothing() {
    run(async {
        let two = Two::replicas().await;
        let (mut caller, mut callee) = two.both().await;
        two.cut(&[two.there()]);
        caller.write_all(b"late").await.unwrap();
        // The other direction carries all the while.
        for _ in 0..20 {
            callee.write_all(b"x").await.unwrap();
            assert_eq!(read(&mut caller, 1).await, b"x");
        }
        let mut early = [0; 4];
        assert!(callee.try_read(&mut early).is_err(), "nothing crossed");
        // Nor is a connection opened meanwhile.
        let mut second = two.call().await;
        second.write_all(b"second").await.unwrap();
        two.proxies.lift(FaultId::Planned(0, 0));
        assert_eq!(read(&mut callee, 4).await, b"late");
        let mut accepted = two.listener.accept().await.unwrap().0;
        assert_eq!(read(&mut accepted, 6).await, b"second");
    });
}

#[test]
fn a_reset_reaches_both_ends() {
    run(async {
        let two = Two::replicas().await;
        let (mut caller, mut callee) = two.both().await;
        caller.write_all(b"x").await.unwrap();
        read(&mut callee, 1).await;
        two.proxies.reset(two.replicas[1]);
        for stream in [&mut caller, &mut callee] {
            let error = stream.read(&mut [0; 9]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        }
        let (mut caller, mut callee) = two.both().await;
        caller.write_all(b"again").await.unwrap();
        assert_eq!(read(&mut callee, 5).await, b"again");
    });
}

#[test]
fn where_nobody_listens_the_caller_is_told() {
    run(async {
        let Two { proxies, listener, .. } = Two::replicas().await;
        drop(listener);
        let mut caller = TcpStream::connect(at(proxies.port(0, 1, 0).unwrap())).await.unwrap();
        assert!(caller.read(&mut [0; 9]).await.is_err());
    });
}

#[test]
fn what_is_delayed_arrives_at_once_when_the_rule_ends() {
    run(async {
        let two = Two::replicas().await;
        let (mut caller, mut callee) = two.both().await;
        let distribution = Distribution::Constant { ms: 600_000.0 };
        let latency = Rule::Latency(Latency { distribution, reorders: false });
        two.proxies.apply(FaultId::Planned(0, 0), &[two.there()], &latency);
        caller.write_all(b"slow").await.unwrap();
        caller.shutdown().await.unwrap();
        for _ in 0..20 {
            callee.write_all(b"x").await.unwrap();
            assert_eq!(read(&mut caller, 1).await, b"x");
        }
        assert!(callee.try_read(&mut [0; 4]).is_err(), "it is on its way");
        two.proxies.lift_all();
        let mut all = Vec::new();
        callee.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"slow");
    });
}

#[test]
fn bytes_arrive_changed_and_none_is_lost() {
    run(async {
        let two = Two::replicas().await;
        let (mut caller, mut callee) = two.both().await;
        let corrupt = Corrupt { probability: 1.0, bytes: 1, spare_envelope: false };
        two.proxies.apply(FaultId::Planned(0, 0), &[two.there()], &Rule::Corrupt(corrupt));
        caller.write_all(&[0; 100]).await.unwrap();
        let got = read(&mut callee, 100).await;
        assert_eq!(got.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1, "{got:?}");
    });
}
