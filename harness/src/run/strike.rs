//! A fault's time has come: it is resolved, applied and written down.

use super::RunError;
use super::agenda::Task;
use super::dispatcher::Dispatcher;
use super::record::FaultRecord;
use crate::limits;
use crate::nemesis::{self, Situation, Strike};
use crate::plan::PlannedFault;
use crate::report;

/// The record of a fault whose time has not come.
pub fn planned((index, fault): (usize, &PlannedFault)) -> FaultRecord {
    FaultRecord {
        index,
        kind: fault.kind,
        planned_ns: fault.at,
        applied_ns: None,
        leader: None,
        targets: Vec::new(),
        sides: Vec::new(),
        not_applied: Some("the run ended before".to_owned()),
    }
}

impl Dispatcher {
    /// Lets the fault of this place in the plan strike; if it cannot, it waits a bounded time.
    pub(super) fn strike(&mut self, index: usize) -> Result<(), RunError> {
        let fault = &self.order.plan.faults[index];
        let now = self.now();
        let leader = self.cluster.router.leader();
        let situation = Situation { replicas: &self.replicas, alive: &self.alive, leader };
        let strike = match nemesis::resolve(fault, &situation) {
            Ok(strike) => strike,
            Err(obstacle) => {
                if now.since(fault.at) < limits::FAULT_PATIENCE {
                    self.agenda.add(now + limits::FAULT_RETRY, Task::Fault(index));
                } else {
                    let patience = limits::FAULT_PATIENCE.as_secs();
                    let reason = format!("{obstacle} within {patience} s");
                    self.faults[index].not_applied = Some(reason);
                }
                return self.write_faults();
            }
        };
        let record = &mut self.faults[index];
        record.applied_ns = Some(now);
        record.not_applied = None;
        record.leader = leader;
        match strike {
            Strike::Kill(target) => {
                record.targets = vec![target];
                self.killed.insert(target);
                self.alive.remove(&target);
                self.cluster.router.died(target);
                if let Some(process) = self.cluster.processes.get_mut(&target) {
                    process.kill();
                }
            }
            Strike::Partition(sides) => {
                self.cluster.router.partition(&sides);
                record.sides = sides.to_vec();
                self.progress.sides = sides.to_vec();
            }
            Strike::Heal => {
                self.cluster.router.heal();
                self.progress.sides.clear();
            }
        }
        self.write_faults()
    }

    /// Writes `faults.jsonl` as far as it is known.
    pub(super) fn write_faults(&self) -> Result<(), RunError> {
        let path = self.order.folder.join("faults.jsonl");
        let what = format!("writing {}", path.display());
        let write = || {
            let mut text = Vec::new();
            report::faults_jsonl::write(&self.faults, &mut text)?;
            std::fs::write(&path, text)
        };
        write().map_err(RunError::system(what))
    }
}
