//! What a transport does not support: `optional` faults of a nemesis are left out, all else is refused before any run
//! begins.

use std::sync::Arc;

use super::job::Job;
use crate::fault::FaultKind;
use crate::network::transport::Transport;
use crate::plan::Plan;
use crate::scenario::DrawnFault;

/// The jobs with the faults that this transport supports.
pub fn supported(transport: Transport, jobs: &[Job]) -> anyhow::Result<Vec<Job>> {
    let is_unsupported = |fault: &DrawnFault| match transport {
        Transport::Udp => fault.kind == FaultKind::Reset,
        Transport::Stream => {
            let mut rules = fault.parameters.rules.iter();
            rules.any(|it| it.rule.unsupported_on_streams().is_some())
        }
        Transport::Seqpacket => false,
    };
    let fit = |job: &Job| {
        let plan = job.plan.sparing(is_unsupported).map_or_else(|| Arc::clone(&job.plan), Arc::new);
        let job = Job { plan, ..job.clone() };
        check(transport, &job.plan, &job.source.display().to_string())?;
        Ok(job)
    };
    jobs.iter().map(fit).collect()
}

fn check(transport: Transport, plan: &Plan, source: &str) -> anyhow::Result<()> {
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
