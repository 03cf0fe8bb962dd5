//! A plan read from a file keeps the same bounds as a workload: a run that follows it neither panics nor waits for ever.

use std::time::Duration;

use crate::fault::FaultEvent;
use crate::ids::NodeId;
use crate::limits;
use crate::plan::host::{HostPlan, ReplicaHost};
use crate::plan::{OperationPlan, Plan, PlannedRequest};
use crate::scenario::{Clients, Scenario};
use crate::shrink::workload;

/// The longest phase of a run.
const LONGEST: Duration = Duration::from_secs(1_000_000);

/// The longest that a replica may be held up at its start: more than any profile asks for.
const LONGEST_START: Duration = Duration::from_secs(10_000_000);

/// The longest key.
const KEY_BYTES: usize = 1024;

/// What is wrong with a plan: its place, the reason, what is allowed.
pub(super) fn check(plan: &Plan) -> Result<(), String> {
    let scenario = &plan.scenario;
    check_phases(scenario)?;
    let faults: Vec<FaultEvent> = plan.faults.iter().map(|fault| fault.event.clone()).collect();
    workload::refuse_unsound(scenario, &faults, plan.seed, plan.system.naming)
        .map_err(|problem| format!("as a workload it is refused: {problem}"))?;
    check_operations(plan)?;
    if let Some(host) = &plan.host {
        check_host(host, scenario.replicas)?;
    }
    if !plan.processor.is_sound() {
        let wrong = "`processor`: a cost is out of its bounds; allowed: at most 1,000,000,000 ns, and at least 1 ns \
                     for a call, for reading a clock, and for `wake_spread_ns` and `sleep_ns`";
        return Err(wrong.to_owned());
    }
    if !plan.turns.is_sound() {
        let wrong = "`turns` is out of its bounds; allowed: `late_ns` of at most 1,000,000,000, and at most 10,000 \
                     changes";
        return Err(wrong.to_owned());
    }
    plan.check_promise()
}

/// Before anything is added to these.
fn check_phases(scenario: &Scenario) -> Result<(), String> {
    let phases = [
        ("start_wait", scenario.start_wait),
        ("request_phase", scenario.request_phase),
        ("end_wait", scenario.end_wait),
        ("liveness_bound", scenario.liveness_bound),
        ("checker.time", scenario.checker.time),
    ];
    match phases.iter().find(|(_, length)| *length > LONGEST) {
        Some((name, length)) => Err(format!(
            "`scenario.{name}` of {} s is too long; allowed: at most {} s",
            length.as_secs(),
            LONGEST.as_secs()
        )),
        None => Ok(()),
    }
}

fn check_operations(plan: &Plan) -> Result<(), String> {
    let scenario = &plan.scenario;
    match (&plan.operations, &scenario.clients) {
        (OperationPlan::Course { requests }, Clients::Course { .. }) => {
            let wrong = requests.iter().enumerate().find_map(|(n, request)| {
                let problem = problem_of(request, scenario)?;
                Some(format!("`operations.requests[{n}]`: {problem}"))
            });
            if let Some(wrong) = wrong {
                return Err(wrong);
            }
            if !requests.is_sorted_by_key(|request| request.at) {
                let wrong = "`operations.requests` are not in the order of their times";
                return Err(wrong.to_owned());
            }
            Ok(())
        }
        (OperationPlan::Shared { clients }, Clients::Shared { count, .. }) => {
            if clients.len() == *count {
                return Ok(());
            }
            Err(format!(
                "`operations.clients` has {} seeds for {count} clients; allowed: one for each",
                clients.len()
            ))
        }
        _ => {
            let wrong = "`operations.kind` is not that of `scenario.clients`; allowed: the same";
            Err(wrong.to_owned())
        }
    }
}

fn problem_of(request: &PlannedRequest, scenario: &Scenario) -> Option<String> {
    let mut clients = (0..limits::COURSE_CLIENTS).map(|n| NodeId::client(scenario.replicas, n));
    if !clients.any(|id| id == request.client) {
        return Some(format!("there is no course client {}", request.client));
    }
    if request.at.since_start() > scenario.duration() {
        return Some(format!("{} is after the end of the run", request.at));
    }
    if request.new_key.is_empty() || request.new_key.len() > KEY_BYTES {
        return Some(format!("a key has 1 to {KEY_BYTES} bytes"));
    }
    None
}

fn check_host(host: &HostPlan, replicas: usize) -> Result<(), String> {
    if let Some((key, allowed)) = host.profile.fault() {
        return Err(format!("`host.profile.{key}` must be {allowed}"));
    }
    if host.replicas.len() != replicas {
        let has = host.replicas.len();
        return Err(format!("`host.replicas` has {has} entries for {replicas} replicas"));
    }
    let is_too_slow = |replica: &ReplicaHost| held_up(replica).is_none_or(|it| it > LONGEST_START);
    match host.replicas.iter().position(is_too_slow) {
        Some(n) => Err(format!(
            "`host.replicas[{n}]` is held up for too long at its start; allowed: {} s in all",
            LONGEST_START.as_secs()
        )),
        None => Ok(()),
    }
}

/// How long its start is held up; nothing if that is no number any more.
fn held_up(replica: &ReplicaHost) -> Option<Duration> {
    let stalls = replica.stalled.iter().try_fold(0_u64, |sum, it| sum.checked_add(it.stall_us))?;
    let lookups = u64::from(replica.lookups).checked_mul(replica.lookup_us)?;
    let all = stalls.checked_add(lookups)?.checked_add(replica.start_delay_us)?;
    Some(Duration::from_micros(all))
}
