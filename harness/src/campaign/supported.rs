//! What a transport does not support: `optional` faults of a nemesis are left out, all else is refused before any run
//! begins.

use std::sync::Arc;

use super::job::Job;
use crate::fault::FaultKind;
use crate::network::transport::Transport;
use crate::plan::Plan;
use crate::scenario::{Clients, DrawnFault};
use crate::system::{Description, Port, bears};

/// The jobs with the faults that this transport supports.
pub fn supported(transport: Transport, jobs: &[Job]) -> anyhow::Result<Vec<Job>> {
    let is_unsupported = |fault: &DrawnFault| match transport {
        Transport::Udp => fault.kind == FaultKind::Reset,
        Transport::Stream => {
            let mut rules = fault.parameters.rules.iter();
            rules.any(|it| it.rule.unsupported_on_streams().is_some())
        }
        Transport::Seqpacket => false,
        Transport::Stdio => {
            let mut rules = fault.parameters.rules.iter();
            bears::fault_over_pipes(fault.kind).is_err()
                || rules.any(|it| bears::rule_over_pipes(&it.rule).is_err())
        }
    };
    let is_unsupported_by_proxies = |fault: &DrawnFault| {
        let mut rules = fault.parameters.rules.iter();
        fault.kind == FaultKind::Clock
            || rules.any(|it| bears::unsupported_by_proxies(&it.rule).is_some())
    };
    let fit = |job: &Job| {
        let is_driven = job.plan.system.port == Port::Driver;
        let plan = job.plan.sparing(|fault| {
            if is_driven { is_unsupported_by_proxies(fault) } else { is_unsupported(fault) }
        });
        let plan = plan.map_or_else(|| Arc::clone(&job.plan), Arc::new);
        let job = Job { plan, ..job.clone() };
        check(transport, &job.plan, &job.source.display().to_string())?;
        Ok(job)
    };
    jobs.iter().map(fit).collect()
}

fn check(transport: Transport, plan: &Plan, source: &str) -> anyhow::Result<()> {
    if let Some(description) = &plan.system.description {
        return check_described(description, plan, source);
    }
    let workload = plan.scenario.workload;
    if plan.system.port == Port::Course && !workload.is_the_courses() {
        anyhow::bail!(
            "{source}, `workload`: the course's protocol knows get and put only, not what \"{workload}\" asks; allowed \
             there: \"kv\""
        );
    }
    let resets = || plan.faults.iter().find(|fault| fault.event.kind == FaultKind::Reset);
    if transport == Transport::Udp
        && let Some(fault) = resets()
    {
        anyhow::bail!(
            "{source}, `{}.type`: the replicas talk over `{transport}`, which has no connection to `reset`; \
             allowed there: another fault, such as `partition`",
            fault.event.place
        );
    }
    if transport == Transport::Stdio {
        return check_stdio(plan, source);
    }
    if transport != Transport::Stream {
        return Ok(());
    }
    for (rule, place) in plan.rules() {
        if let Some(reason) = rule.unsupported_on_streams() {
            anyhow::bail!(
                "{source}, `{place}`: the replicas talk over `{transport}`, which does not support `{}`: {reason}; \
                 allowed there: `cut`, `rate`, and `latency` without `reorders`",
                rule.name()
            );
        }
    }
    Ok(())
}

/// What a system file describes, and what a workload asks of it.
fn check_described(description: &Description, plan: &Plan, source: &str) -> anyhow::Result<()> {
    let (scenario, system) = (&plan.scenario, &description.name);
    let [least, most] = description.replicas;
    if !(least..=most).contains(&scenario.replicas) {
        anyhow::bail!(
            "{source}, `replicas`: the system {system} can have {least} to {most} replicas, not {}; change it, or \
             `replicas` in the system file",
            scenario.replicas
        );
    }
    if !matches!(scenario.clients, Clients::Shared { .. }) {
        anyhow::bail!(
            "{source}, `clients.kind`: the course's clients speak the course's protocol only, which the system \
             {system} does not; allowed there: \"shared\""
        );
    }
    let has = description.client.functions();
    if let Some(missing) = scenario.workload.asks().into_iter().find(|f| !has.contains(f)) {
        let has: Vec<&str> = has.iter().map(|f| f.name()).collect();
        anyhow::bail!(
            "{source}, `workload`: \"{}\" asks for `{}`, and the client of the system {system} knows `{}` only; add it \
             to the system file, or take another workload of `harness list workloads`",
            scenario.workload,
            missing.name(),
            has.join("`, `")
        );
    }
    if scenario.drops > 0.0 {
        anyhow::bail!(
            "{source}, `drops`: the replicas of the system {system} talk over TCP, which loses nothing while it \
             stands; leave it out, or take a rule that TCP has: `cut`, `rate`, `latency` or `corrupt`"
        );
    }
    for (rule, place) in plan.rules() {
        if let Some(reason) = bears::unsupported_by_proxies(rule) {
            anyhow::bail!(
                "{source}, `{place}`: the replicas of the system {system} talk over TCP, which does not support \
                 `{}`: {reason}; allowed there: `cut`, `rate`, `latency` without `reorders`, and `corrupt` with \
                 `spare_envelope` false",
                rule.name()
            );
        }
    }
    Ok(())
}

/// What nodes that talk over standard input and output cannot bear.
fn check_stdio(plan: &Plan, source: &str) -> anyhow::Result<()> {
    let refuse = |place: &str, what: &str, reason: &str| {
        anyhow::anyhow!(
            "{source}, `{place}`: nodes that talk over standard input and output cannot bear `{what}`: {reason}"
        )
    };
    for fault in &plan.faults {
        let event = &fault.event;
        bears::fault_over_pipes(event.kind)
            .map_err(|reason| refuse(&event.place, event.kind.name(), reason))?;
    }
    for (rule, place) in plan.rules() {
        bears::rule_over_pipes(rule).map_err(|reason| refuse(place, rule.name(), reason))?;
    }
    Ok(())
}
