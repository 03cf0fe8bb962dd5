//! A small hand-made run, for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use checker::Datum;

use super::{EndReason, HostRecord, ReplicaRecord, RunRecord};
use crate::cluster::life::{Death, Ending};
use crate::durability::DurabilityRecord;
use crate::fault::{FaultKind, Parameters};
use crate::ids::NodeId;
use crate::nemesis::happened::FaultRecord;
use crate::network::counts::{DropCause, MessageCounts};
use crate::network::protocol::{Example, ProtocolWarning};
use crate::op::{F, OperationError, OperationRecord, Outcome, RequestCounts};
use crate::plan::Plan;
use crate::scenario::Scenario;
use crate::seed::Seed;
use crate::time::RunTime;

/// What a renderer writes.
pub fn text(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

pub fn record() -> RunRecord {
    let workload = r#"{"name": "demo", "lifetime": 9, "start_wait": 1, "end_wait": 2,
        "replicas": 5, "clients": {"count": 2, "keys": 2}}"#;
    let mut scenario = Scenario::parse("demo.json", workload).unwrap();
    scenario.warnings = vec!["`events` is empty: nothing disturbs this run".to_owned()];
    RunRecord {
        plan: Arc::new(Plan::draw(&scenario, Seed(7))),
        scenario: Arc::new(scenario),
        operations: operations(),
        recovery: Vec::new(),
        states: Vec::new(),
        requests: RequestCounts::default(),
        messages: messages(),
        faults: faults(),
        leaders: vec![(RunTime(900_000_000), NodeId(0)), (RunTime(1_350_000_000), NodeId(3))],
        leadership_claims: Vec::new(),
        sightings: Vec::new(),
        durability: DurabilityRecord {
            required: Some(3),
            acknowledged: 2,
            early: 0,
            first: None,
            unseen: None,
        },
        replicas: replicas(),
        violations: BTreeMap::new(),
        interference: BTreeSet::new(),
        checks: Vec::new(),
        notes: Vec::new(),
        protocol_warnings: BTreeMap::from([(
            ProtocolWarning::OddValue,
            Example {
                count: 1204,
                node: NodeId(3),
                at: RunTime(1_101_000_000),
                text: "{\"type\":\"ok\",\"value\":[\u{1b}[2J]}".to_owned(),
            },
        )]),
        host: HostRecord::default(),
        end: EndReason::Completed,
        duration: Duration::from_secs(12),
    }
}

/// An operation of client `client` (0 or 1), times in nanoseconds.
fn operation(index: u64, client: usize, f: F, key: &str, invoked: u64) -> OperationRecord {
    OperationRecord {
        index,
        process: client as u64,
        client: NodeId::client(5, client),
        f,
        key: Some(key.into()),
        value: if f == F::Put { Datum::text("secret") } else { Datum::Nil },
        answer: (f == F::Get).then(|| Datum::text("secret")),
        node: None,
        invoked: RunTime(invoked),
        completed: None,
        outcome: Outcome::Info,
        leader: None,
        redirects: 0,
        error: None,
        is_final_read: false,
    }
}

fn operations() -> Vec<OperationRecord> {
    use F::{Get, Put};
    vec![
        OperationRecord {
            node: Some(NodeId(0)),
            completed: Some(RunTime(1_001_234_567)),
            outcome: Outcome::Ok,
            leader: Some(NodeId(0)),
            ..operation(0, 0, Put, "x", 1_000_000_000)
        },
        OperationRecord {
            node: Some(NodeId(3)),
            completed: Some(RunTime(1_101_000_001)),
            outcome: Outcome::Ok,
            leader: Some(NodeId(0)),
            redirects: 2,
            ..operation(1, 1, Get, "a,\"b\"\n", 1_100_000_000)
        },
        OperationRecord {
            node: Some(NodeId(2)),
            completed: Some(RunTime(1_200_500_000)),
            outcome: Outcome::Fail,
            error: Some(OperationError::Refused),
            ..operation(2, 0, Put, "x", 1_200_000_000)
        },
        OperationRecord {
            node: Some(NodeId(2)),
            completed: Some(RunTime(2_300_000_000)),
            leader: Some(NodeId(3)),
            error: Some(OperationError::TimedOut),
            ..operation(3, 1, Put, "y", 1_300_000_000)
        },
        OperationRecord {
            leader: Some(NodeId(3)),
            error: Some(OperationError::Unanswered),
            ..operation(4, 0, Get, "x", 1_400_000_000)
        },
    ]
}

fn messages() -> BTreeMap<(NodeId, NodeId, Arc<str>), MessageCounts> {
    let client = NodeId::client(5, 0);
    let append = MessageCounts {
        sent: 2300,
        delivered: 2069,
        dropped: BTreeMap::from([(DropCause::Loss, 201), (DropCause::Partition, 30)]),
        duplicated: 5,
        delayed: 7,
        corrupted: 0,
        bytes: 460_000,
    };
    let vote = MessageCounts {
        sent: 10,
        delivered: 8,
        dropped: BTreeMap::from([(DropCause::Gone, 2)]),
        bytes: 900,
        ..MessageCounts::default()
    };
    let answer = MessageCounts { sent: 2, delivered: 2, bytes: 120, ..MessageCounts::default() };
    BTreeMap::from([
        ((NodeId(0), NodeId(1), "append".into()), append),
        ((NodeId(3), NodeId(0), "vote,\u{1b}[31m".into()), vote),
        ((NodeId(0), client, "ok".into()), answer),
    ])
}

fn faults() -> Vec<FaultRecord> {
    let fault = |index, kind, planned| FaultRecord {
        index,
        kind,
        parameters: Parameters::default(),
        ended_ns: None,
        planned_ns: RunTime(planned),
        applied_ns: Some(RunTime(planned + 1000)),
        leader: Some(NodeId(0)),
        targets: Vec::new(),
        sides: Vec::new(),
        links: Vec::new(),
        cuts: Vec::new(),
        not_applied: None,
        had_no_room: false,
    };
    vec![
        FaultRecord { targets: vec![NodeId(0)], ..fault(0, FaultKind::KillLeader, 1_250_000_000) },
        FaultRecord {
            sides: vec![vec![NodeId(1), NodeId(2), NodeId(3)], vec![NodeId(0), NodeId(4)]],
            ..fault(1, FaultKind::PartHard, 1_300_000_000)
        },
        FaultRecord {
            applied_ns: None,
            not_applied: Some("no leader was known".to_owned()),
            had_no_room: false,
            ..fault(2, FaultKind::KillLeader, 1_400_000_000)
        },
    ]
}

fn replicas() -> Vec<ReplicaRecord> {
    let death = |is_planned, how| Death { at: RunTime(1_250_001_000), how, is_planned };
    (0..5)
        .map(|n| ReplicaRecord {
            id: NodeId::replica(n),
            pid: 100,
            connect_time: Some(Duration::from_millis(20)),
            death: match n {
                0 => Some(death(true, Ending::Signal(9))),
                4 => Some(death(false, Ending::Exit(1))),
                _ => None,
            },
            restarts: 0,
            output_bytes: 0,
            cpu_ns: None,
            stderr_tail: String::new(),
        })
        .collect()
}
