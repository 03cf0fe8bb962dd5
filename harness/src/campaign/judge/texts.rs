//! What people read at the end of a good, a bad, a vacuous and a disturbed run, word for word.
//!
//! A change of words is one reviewed diff: `make snapshots` writes the texts anew.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use checker::{Datum, ModelName};

use super::judge;
use crate::cluster::life::{Death, Ending};
use crate::course;
use crate::exit::Exit;
use crate::fault::{FaultKind, Parameters};
use crate::files::folder::Folder;
use crate::host::disturbance::{Disturbance, DisturbanceKind};
use crate::ids::NodeId;
use crate::journal::faults::FaultsFile;
use crate::journal::history::{About, Journal, Kept};
use crate::nemesis::happened::FaultRecord;
use crate::op::{F, OperationError, OperationRecord, Outcome};
use crate::plan::Plan;
use crate::record::{RunRecord, sample};
use crate::report::{Finished, Style, console_block};
use crate::scenario::Scenario;
use crate::seed::Seed;
use crate::text::is_as_kept;
use crate::time::RunTime;

const WORKLOAD: &str = r#"{"name": "demo", "lifetime": 8, "start_wait": 0, "end_wait": 0,
    "replicas": 5, "clients": {"count": 2, "keys": 2},
    "events": [{"type": "kill_leader", "time": 4}]}"#;

const LEADER: NodeId = NodeId(0);
const NEXT_LEADER: NodeId = NodeId(2);

/// When the leader is killed.
const KILL: RunTime = RunTime(4_000_000_000);

/// Two clients put and get by turns, ten times a second, and all are answered within a millisecond.
fn operations() -> Vec<OperationRecord> {
    let operation = |n: u64| {
        let invoked = RunTime(n * 100_000_000);
        let leader = if invoked < KILL { LEADER } else { NEXT_LEADER };
        let client = usize::from(n % 2 == 1);
        let f = if n % 4 < 2 { F::Put } else { F::Get };
        // A get returns what the put two operations before it wrote.
        let value = Datum::text(&format!("v{}", n / 4 * 4 + n % 2));
        OperationRecord {
            index: n,
            process: n % 2,
            client: NodeId::client(5, client),
            f,
            key: Some(format!("k{client}").into()),
            answer: (f == F::Get).then(|| value.clone()),
            value: if f == F::Put { value } else { Datum::Nil },
            node: Some(leader),
            invoked,
            completed: Some(RunTime(invoked.0 + 1_000_000)),
            outcome: Outcome::Ok,
            leader: Some(leader),
            redirects: 0,
            error: None,
            is_final_read: false,
        }
    };
    (0..80).map(operation).collect()
}

/// A run in which a leader was killed, and another one led on.
fn good() -> RunRecord {
    let scenario = Scenario::parse("demo.json", WORKLOAD).unwrap();
    let mut record = sample::record();
    record.plan = Arc::new(Plan::draw(&scenario, Seed(7)));
    record.scenario = Arc::new(scenario);
    record.operations = operations();
    record.protocol_warnings.clear();
    record.faults = vec![FaultRecord {
        index: 0,
        kind: FaultKind::KillLeader,
        parameters: Parameters::default(),
        planned_ns: KILL,
        applied_ns: Some(KILL),
        ended_ns: None,
        leader: Some(LEADER),
        targets: vec![LEADER],
        sides: Vec::new(),
        links: Vec::new(),
        cuts: Vec::new(),
        not_applied: None,
        had_no_room: false,
    }];
    record.leaders = vec![(RunTime(100_000_000), LEADER), (RunTime(4_090_000_000), NEXT_LEADER)];
    for replica in &mut record.replicas {
        let death = Death { at: KILL, how: Ending::Signal(9), is_planned: true };
        replica.death = (replica.id == LEADER).then_some(death);
    }
    record.duration = Duration::from_secs(8);
    record
}

/// What the console shows of the judged run, and its explanation.
fn told(record: &RunRecord, exit: Exit) -> String {
    let folder = tempfile::tempdir().unwrap();
    let place = Folder::open(folder.path()).unwrap();
    let about = About { scenario: "demo", seed: 7, model: ModelName::Kv };
    let mut journal = Journal::create(&place, folder.path(), about).unwrap();
    for operation in &record.operations {
        journal.invoked(operation).unwrap();
        journal.completed(operation).unwrap();
    }
    journal.flush().unwrap();
    FaultsFile::create(&place, &record.faults).unwrap();
    let judged =
        judge(record, Kept::File(journal.close().0.reopened().unwrap()), folder.path()).unwrap();
    assert_eq!(judged.verdict.exit(), exit, "{:#?}", judged.verdict);
    let explanation = judged.explanation();
    let statistics = course::Statistics::of(record);
    let finished = Finished {
        record,
        verdict: &judged.verdict,
        witness: judged.witness.as_ref(),
        judgement: course::judge(&record.scenario, &statistics),
        statistics,
        explanation: Some(explanation.clone()),
        reproduce: "harness run workloads/demo.json --seed 7".to_owned(),
        folder: "results/demo/19700101T000000Z-7".into(),
        results: Path::new("results"),
        is_again: false,
        start: jiff::Timestamp::UNIX_EPOCH,
        clock: crate::world::Clock::Real,
    };
    let console = console_block(&finished, Style::new(false));
    fs::remove_dir_all(folder).unwrap();
    format!("{console}\n$ harness explain results/latest\n{}", explanation.text(100))
}

#[test]
fn a_good_run() {
    is_as_kept("run-good", &told(&good(), Exit::Valid));
}

/// After the kill one get returns what was there before the last put, as from a copy that is late.
#[test]
fn a_bad_run() {
    let mut record = good();
    let stale = &mut record.operations[43];
    assert_eq!(stale.f, F::Get);
    stale.answer = Some("v37".into());
    stale.node = Some(NodeId(4));
    is_as_kept("run-bad", &told(&record, Exit::Safety));
}

/// Nothing is answered in the whole run.
#[test]
fn a_vacuous_run() {
    let mut record = good();
    for operation in &mut record.operations {
        operation.outcome = Outcome::Info;
        operation.error = Some(OperationError::TimedOut);
        operation.answer = None;
    }
    is_as_kept("run-vacuous", &told(&record, Exit::Vacuous));
}

/// A replica was stopped by a signal that the harness did not send.
#[test]
fn a_disturbed_run() {
    let mut record = good();
    record.host.disturbances = vec![Disturbance {
        kind: DisturbanceKind::Stopped,
        replica: Some(NodeId(3)),
        from: RunTime(5_000_000_000),
        until: RunTime(6_000_000_000),
        figure: 1.0,
    }];
    is_as_kept("run-disturbed", &told(&record, Exit::Environment));
}
