//! What happens by the clock: the phases of a run, and what comes round again and again.

use super::{Machine, Phase};
use crate::clients::Crew;
use crate::limits;
use crate::nemesis::player::Player;
use crate::network::course_2016::Course2016;
use crate::network::rules::FaultId;
use crate::record::EndReason;
use crate::run::agenda::Task;
use crate::run::event::Effect;
use crate::run::state_comparison::StateComparison;
use crate::scenario::Clients;
use crate::system::Port;
use crate::time::RunTime;

impl Machine {
    /// The clock starts.
    pub(super) fn start(&mut self) {
        self.phase = Phase::Requests;
        self.router.start();
        let scenario = &self.plan.scenario;
        let end_of_requests = RunTime::from(scenario.start_wait + scenario.request_phase);
        let end = RunTime::from(scenario.duration());
        self.agenda.add(RunTime::ZERO, Task::Tick);
        self.agenda.add(RunTime::ZERO, Task::Sample);
        self.agenda.add(RunTime::ZERO, Task::Flush);
        for (index, fault) in self.plan.faults.iter().enumerate() {
            self.agenda.add(fault.event.at, Task::Fault(index));
        }
        for (n, rule) in scenario.network.iter().enumerate() {
            self.agenda.add(rule.start, Task::Rule(n));
            if let Some(end) = rule.end {
                self.agenda.add(end, Task::RuleEnd(n));
            }
        }
        self.agenda.add(end_of_requests, Task::EndOfRequests);
        self.agenda.add(end, Task::End);
        if !matches!(scenario.clients, Clients::Shared { .. }) {
            self.agenda.add(end, Task::Deadline);
        }
    }

    /// Lets the first thing happen that is due by now.
    pub(super) fn due(&mut self, now: RunTime) {
        self.deliver_due(now);
        if let Some((due, task)) = self.agenda.pop_due(now) {
            self.perform(now, due, task);
            // What a fault that ended held back arrives before anything new is sent.
            self.deliver_due(now);
        }
    }

    fn deliver_due(&mut self, now: RunTime) {
        self.router.deliver_due(now);
        self.deliver_arrived();
    }

    fn perform(&mut self, now: RunTime, due: RunTime, task: Task) {
        match task {
            // The run is over; only the replicas' states are still asked for.
            Task::Client(_)
            | Task::Fault(_)
            | Task::FaultStep(_)
            | Task::Recover
            | Task::End
            | Task::Deadline
                if self.is_comparing() => {}
            Task::Client(wake) => self.with_crew(now, |crew, view| crew.wake(wake, view)),
            Task::Fault(index) => self.with_player(now, |player, scene| player.due(index, scene)),
            Task::FaultStep(index) => {
                self.with_player(now, |player, scene| player.play(index, scene));
            }
            Task::Rule(n) => {
                let plan = std::sync::Arc::clone(&self.plan);
                self.apply_rule(FaultId::Network(n), &plan.scenario.network[n].what);
            }
            Task::RuleEnd(n) => self.lift_rules(FaultId::Network(n)),
            Task::EndOfRequests => self.end_requests(now),
            Task::Recover => self.recover(now),
            Task::End if !self.is_recovered() && !self.crew.is_stalled(now) => {
                self.agenda.add(now + limits::TICK, Task::End);
            }
            // The answers may be there before the quiet time is over.
            Task::Deadline if now < RunTime::from(self.plan.scenario.duration()) => {}
            Task::End | Task::Deadline => self.conclude(now),
            Task::Ask => self.ask(now),
            Task::Tick => self.tick(now, due),
            Task::Sample => {
                self.effects.push_back(Effect::Sample);
                self.agenda.add(now + limits::HOST_INTERVAL, Task::Sample);
            }
            Task::Flush => {
                self.router.flush();
                self.effects.push_back(Effect::Flush);
                self.agenda.add(now + limits::FLUSH_INTERVAL, Task::Flush);
            }
        }
    }

    fn tick(&mut self, now: RunTime, due: RunTime) {
        let blocked = self.router.course().map(Course2016::take_blocked).unwrap_or_default();
        self.effects.push_back(Effect::Tick { due: (due + blocked).min(now) });
        self.effects.push_back(Effect::ShowProgress);
        self.agenda.add(now + limits::TICK, Task::Tick);
    }

    /// Our own workloads are healed now (nothing is cut or lost any more, no replica is down but for good), and
    /// asked what must then be answered. A course config is left as it is: its quiet time is the course's.
    fn end_requests(&mut self, now: RunTime) {
        if self.plan.scenario.is_course_config {
            return;
        }
        for n in 0..self.plan.scenario.network.len() {
            self.lift_rules(FaultId::Network(n));
        }
        self.with_player(now, Player::finish);
        if matches!(self.plan.scenario.clients, Clients::Shared { .. }) {
            self.restore_links();
            self.phase = Phase::Healing { until: now + limits::CONNECT_DEADLINE };
            self.recover(now);
        }
    }

    /// Begins the final reads once all that were started again are there, or had their time.
    fn recover(&mut self, now: RunTime) {
        let Phase::Healing { until } = self.phase else { return };
        if self.lives.awaits_some() && now < until {
            self.agenda.add(now + limits::FAULT_RETRY, Task::Recover);
            return;
        }
        self.phase = Phase::Recovery;
        let bound = self.plan.scenario.liveness_bound * limits::FINAL_BOUNDS;
        self.agenda.add(now + bound, Task::Deadline);
        self.with_crew(now, Crew::recover);
    }

    fn is_recovered(&self) -> bool {
        !matches!(self.phase, Phase::Healing { .. }) && self.crew.is_recovered()
    }

    /// The run is over: the clock stops, and the replicas are asked for their states, if a majority lives.
    fn conclude(&mut self, now: RunTime) {
        self.ended_at = Some(now);
        // Where operations wait in vain it is said already that all is not well.
        let is_answered = self.crew.is_recovered();
        // Only the course's replicas are asked for their states.
        let is_the_courses = self.plan.system.port == Port::Course;
        if !is_the_courses
            || !is_answered
            || self.lives.alive().len() < self.plan.scenario.majority()
        {
            self.end = Some(EndReason::Completed);
            return;
        }
        self.router.let_all_pass();
        self.phase = Phase::Comparison(StateComparison::new(now));
        self.agenda.add(now, Task::Ask);
    }

    /// Asks each living replica for its state, unless they agree by now or have had their time.
    fn ask(&mut self, now: RunTime) {
        let Phase::Comparison(comparison) = &self.phase else { return };
        let alive = self.lives.alive();
        if comparison.is_over(now, alive, self.plan.scenario.liveness_bound) {
            self.end = Some(EndReason::Completed);
            return;
        }
        // A client that never asked before.
        let observer = self.plan.client(self.crew.ids().len());
        for &to in alive {
            let packet = StateComparison::question(observer, to);
            self.router.from_client(now, observer, to, "status", packet);
        }
        self.agenda.add(now + limits::STATE_COMPARISON_INTERVAL, Task::Ask);
    }
}
