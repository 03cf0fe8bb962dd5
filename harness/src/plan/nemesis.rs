//! What a nemesis does: drawn before the run starts, from the seed alone.

use std::time::Duration;

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use crate::fault::FaultEvent;
use crate::fault::length::expected_length;
use crate::scenario::{DrawnFault, Nemesis, Scenario};
use crate::seed::{self, Seed};
use crate::time::RunTime;

/// No run has more drawn faults than this, however short the intervals are.
const MOST_FAULTS: usize = 10_000;

/// The faults that `scenario` leaves to chance, in the order of their times.
///
/// There are as many lanes as faults may be at a time. In each, one fault follows the other after
/// an interval; none lasts longer than the request phase.
pub fn draw(scenario: &Scenario, seed: Seed) -> Vec<FaultEvent> {
    let Some(nemesis) = &scenario.nemesis else { return Vec::new() };
    let seed = seed.derive("nemesis");
    let kept = keep(nemesis, seed);
    let mut faults = Vec::new();
    // A majority must live on.
    let mut kills_left = (scenario.replicas - 1) / 2;
    for lane in 0..nemesis.at_once {
        let mut rng = Seed(seed.draw(lane)).stream("lane");
        let end = RunTime::from(scenario.start_wait + scenario.request_phase);
        let mut at = RunTime::from(scenario.start_wait) + between(nemesis.interval_ms, &mut rng);
        let mut round = Vec::new();
        while at < end && faults.len() < MOST_FAULTS {
            if nemesis.rounds && round.is_empty() {
                round = whole_round(&kept);
            }
            let drawn = if nemesis.rounds {
                (!round.is_empty()).then(|| round.swap_remove(rng.random_range(0..round.len())))
            } else {
                weighted(&kept, &mut rng)
            };
            let Some(fault) = drawn else { break };
            let duration = fault.duration_ms.map(|range| between(range, &mut rng));
            let event = event(fault, at, duration);
            let ends = at + expected_length(event.kind, &event.parameters);
            if ends >= end {
                break;
            }
            let next = ends + between(nemesis.interval_ms, &mut rng).max(Duration::from_millis(1));
            let killed = fault.kind.kills(fault.parameters.target, scenario.replicas);
            if killed <= kills_left {
                kills_left -= killed;
                faults.push(event);
            }
            at = next;
        }
    }
    faults.sort_by_key(|fault: &FaultEvent| fault.at);
    faults
}

/// Swarm testing (Groce and others, 2012): what is left out altogether lets the rest go further.
fn keep(nemesis: &Nemesis, seed: Seed) -> Vec<&DrawnFault> {
    let swarm = seed.derive("swarm");
    let all = || nemesis.faults.iter().filter(|fault| fault.weight > 0.0);
    let kept: Vec<&DrawnFault> = all()
        .zip(0_u64..)
        .filter(|&(_, n)| !nemesis.swarm || swarm.fraction(n) < 0.5)
        .map(|(fault, _)| fault)
        .collect();
    if !kept.is_empty() {
        return kept;
    }
    // Chance left all out: one stays.
    let all: Vec<&DrawnFault> = all().collect();
    all.get(seed::index(swarm.draw(u64::MAX), all.len().max(1))).copied().into_iter().collect()
}

fn weighted<'a>(faults: &[&'a DrawnFault], rng: &mut ChaCha8Rng) -> Option<&'a DrawnFault> {
    let total: f64 = faults.iter().map(|fault| fault.weight).sum();
    let mut left = seed::fraction(rng.next_u64()) * total;
    for fault in faults {
        left -= fault.weight;
        if left < 0.0 {
            return Some(fault);
        }
    }
    faults.last().copied()
}

/// Each fault as often as its weight says, at least once.
fn whole_round<'a>(faults: &[&'a DrawnFault]) -> Vec<&'a DrawnFault> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small, and above 0"
    )]
    let copies = |fault: &DrawnFault| fault.weight.clamp(1.0, 100.0).round() as usize;
    faults.iter().flat_map(|&fault| std::iter::repeat_n(fault, copies(fault))).collect()
}

fn between([from, to]: [u64; 2], rng: &mut ChaCha8Rng) -> Duration {
    Duration::from_millis(rng.random_range(from..=to.max(from)))
}

fn event(fault: &DrawnFault, at: RunTime, duration: Option<Duration>) -> FaultEvent {
    let mut parameters = fault.parameters.clone();
    parameters.duration_ms =
        duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    FaultEvent { at, kind: fault.kind, parameters, place: fault.place.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultKind;

    fn scenario(more: &str) -> Scenario {
        let text = format!(
            r#"{{"lifetime": 10, "replicas": 5, "nemesis": {{"interval": [0.1, 0.5], {more}
            "faults": [
                {{"type": "pause", "target": "leader", "duration": [0.2, 0.6], "weight": 3}},
                {{"type": "kill"}}, {{"type": "partition", "duration": 0.4}}
            ]}}}}"#
        );
        Scenario::parse("nemesis.json", &text).unwrap()
    }

    #[test]
    fn a_seed_s_faults_are_always_the_same() {
        let told = |seed| -> Vec<String> {
            draw(&scenario(""), Seed(seed))
                .iter()
                .map(|it| format!("{} {} {:?}", it.at, it.kind, it.parameters.duration_ms))
                .collect()
        };
        assert_eq!(told(1), told(1));
        assert_ne!(told(1), told(2));
        // Drawn today, drawn again by every later version.
        let first =
            ["1.306 s pause Some(361)", "1.791 s pause Some(296)", "2.416 s pause Some(332)"];
        assert_eq!(told(1)[..3], first);
    }

    #[test]
    fn faults_end_before_the_requests_and_leave_a_majority() {
        for seed in 0..200 {
            let faults = draw(&scenario("\"at_once\": 3,"), Seed(seed));
            let kills = faults.iter().filter(|fault| fault.kind == FaultKind::Kill).count();
            assert!(kills <= 2, "{kills} of five");
            let end = RunTime::from_secs_f64(11.0);
            assert!(faults.iter().all(|fault| fault.at + fault.parameters.duration() < end));
            assert!(faults.windows(2).all(|pair| pair[0].at <= pair[1].at));
            // At any time no more than three.
            for fault in &faults {
                let at_once = faults.iter().filter(|other| {
                    other.at <= fault.at && fault.at < other.at + other.parameters.duration()
                });
                assert!(at_once.count() <= 3);
            }
        }
    }

    #[test]
    fn in_rounds_each_comes_before_one_comes_again() {
        for seed in 0..50 {
            let text = r#"{"lifetime": 10, "replicas": 5, "nemesis": {"interval": 0.1, "rounds": true,
                "faults": [{"type": "pause", "duration": 0.1, "weight": 2},
                           {"type": "crash", "duration": 0.1}, {"type": "slow", "duration": 0.1}]}}"#;
            let scenario = Scenario::parse("rounds.json", text).unwrap();
            let kinds: Vec<FaultKind> =
                draw(&scenario, Seed(seed)).iter().map(|fault| fault.kind).collect();
            assert!(kinds.len() > 40, "{} faults", kinds.len());
            for round in kinds.chunks_exact(4) {
                let of = |kind| round.iter().filter(|&&it| it == kind).count();
                let counts = [FaultKind::Pause, FaultKind::Crash, FaultKind::Slow].map(of);
                assert_eq!(counts, [2, 1, 1], "{round:?}");
            }
        }
    }

    #[test]
    fn a_swarm_leaves_some_faults_out_of_most_runs() {
        let kinds = |seed| {
            let faults = draw(&scenario("\"swarm\": true, \"at_once\": 2,"), Seed(seed));
            let mut kinds: Vec<FaultKind> = faults.iter().map(|fault| fault.kind).collect();
            kinds.sort_unstable();
            kinds.dedup();
            kinds
        };
        let partial = (0..100).filter(|&seed| kinds(seed).len() < 3).count();
        assert!(partial > 60, "{partial} of 100 runs leave something out");
        assert!((0..100).all(|seed| !kinds(seed).is_empty()));
    }
}
