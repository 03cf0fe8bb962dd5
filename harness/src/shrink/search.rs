//! The order in which a workload is made smaller.

use serde_json::Value;

use super::{candidates, reduce};

/// Nothing that comes after the counterexample, then fewer faults, fewer rules of the network, then smaller numbers, then fewer and shorter faults again; what
/// does not fail is not taken.
pub fn search(
    whole: &Value,
    cut: Option<&Value>,
    fails: &mut impl FnMut(&Value) -> Option<bool>,
) -> Value {
    let start = match cut.map(|cut| (cut, fails(cut))) {
        Some((_, None)) => return whole.clone(),
        Some((cut, Some(true))) => cut,
        _ => whole,
    };
    let mut smallest = fewer(&fewer(start, "events", fails), "network", fails);
    for number in candidates::numbers(&smallest) {
        // The least that fails lies between these two.
        let (mut low, mut high) = (number.least, number.now);
        let mut next = Some(number.least);
        while let Some(value) = next {
            let candidate = candidates::with_number(&smallest, number.path, &number.value(value));
            match fails(&candidate) {
                None => return smallest,
                Some(true) => (smallest, high) = (candidate, value),
                Some(false) => low = value,
            }
            next = number.middle(low, high);
        }
    }
    let smallest = fewer(&smallest, "events", fails);
    shorter_events(&smallest, fails)
}

fn shorter_events(workload: &Value, fails: &mut impl FnMut(&Value) -> Option<bool>) -> Value {
    let mut smallest = workload.clone();
    for at in 0..candidates::events(workload).len() {
        let shorter = candidates::shorter(&candidates::events(&smallest), at);
        let with = |events: &Vec<Value>| candidates::with_events(&smallest, events);
        let candidates = shorter.iter().map(with).collect();
        match first_that_fails(candidates, smallest, fails) {
            Ok(found) => smallest = found,
            Err(in_hand) => return in_hand,
        }
    }
    smallest
}

/// The first of these, the smallest first, that still fails, else the one in hand; `Err` if nothing may be
/// tried any more.
fn first_that_fails(
    candidates: Vec<Value>,
    in_hand: Value,
    fails: &mut impl FnMut(&Value) -> Option<bool>,
) -> Result<Value, Value> {
    for candidate in candidates {
        match fails(&candidate) {
            None => return Err(in_hand),
            Some(true) => return Ok(candidate),
            Some(false) => {}
        }
    }
    Ok(in_hand)
}

/// As few of the faults, or of the rules of the network, as still fail.
fn fewer(workload: &Value, key: &str, fails: &mut impl FnMut(&Value) -> Option<bool>) -> Value {
    let listed = candidates::listed(workload, key);
    if listed.is_empty() {
        return workload.clone();
    }
    let with = |some: &[Value]| candidates::with_listed(workload, key, some);
    let kept = reduce::fewest(&listed, |some| fails(&with(some)));
    with(&kept)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The search with a runner that is no process: it fails if there is a partition, and three replicas
    /// and two clients at least.
    #[test]
    fn the_search_finds_what_the_failure_needs() {
        let event = |kind: &str, time: u32| json!({"type": kind, "time": time});
        let whole = json!({"lifetime": 20.0, "replicas": 5, "clients": {"count": 8, "keys": 4},
            "events": [event("kill_leader", 1), event("part_hard", 2), event("part_end", 3),
                       event("kill_leader", 4)]});
        let mut runs = 0;
        let smallest = search(&whole, None, &mut |candidate| {
            runs += 1;
            let has_partition =
                candidates::events(candidate).iter().any(|event| event["type"] == "part_hard");
            let is_a_cluster = candidate["replicas"].as_u64() >= Some(3);
            Some(has_partition && is_a_cluster && candidate["clients"]["count"].as_u64() >= Some(2))
        });
        assert_eq!(candidates::events(&smallest), [event("part_hard", 2)]);
        assert_eq!(smallest["replicas"], 3);
        assert_eq!(smallest["lifetime"], 5.0);
        assert_eq!(smallest["clients"]["keys"], 1);
        assert!(matches!(smallest["clients"]["count"].as_u64(), Some(2)), "{smallest}");
        assert!(runs < 30, "{runs} runs");
    }

    #[test]
    fn what_was_cut_off_stays_off_if_the_rest_fails_and_comes_back_if_not() {
        let event = |time: f64| json!({"type": "kill_leader", "time": time});
        let whole = json!({"events": [event(1.0), event(9.0)]});
        let cut = json!({"events": [event(1.0)]});
        for needed in [1.0, 9.0] {
            let mut tried = Vec::new();
            let smallest = search(&whole, Some(&cut), &mut |candidate| {
                tried.push(candidate.clone());
                Some(candidates::events(candidate).contains(&event(needed)))
            });
            assert_eq!(tried[0], cut);
            assert_eq!(candidates::events(&smallest), [event(needed)]);
        }
    }

    #[test]
    fn a_budget_that_ends_keeps_a_workload_that_failed() {
        let whole = json!({"replicas": 5, "events": []});
        assert_eq!(search(&whole, Some(&json!({})), &mut |_| None), whole);
    }
}
