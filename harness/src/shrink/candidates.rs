//! What can be left out of a workload file: a smaller file each, the largest steps first.

use std::time::Duration;

use serde_json::{Value, json};

/// The ways of making one number of a workload smaller.
const NUMBERS: [(&str, f64, bool); 9] = [
    // Time first: every later trial is the shorter for it.
    ("/end_wait", 0.0, false),
    ("/start_wait", 0.0, false),
    ("/lifetime", SHORTEST_S, false),
    ("/replicas", 1.0, true),
    ("/clients/count", 1.0, true),
    ("/clients/keys", 1.0, true),
    ("/clients/rate", 10.0, true),
    ("/requests", 10.0, true),
    ("/drops", 0.0, false),
];

/// The least `lifetime` that a workload file may have.
const SHORTEST_S: f64 = 5.0;

/// The workload cut off soon after this time: what comes later cannot have brought about what was over by then.
/// `None` if there is nothing to cut off.
pub fn until(workload: &Value, over: Duration) -> Option<Value> {
    const MARGIN_S: f64 = 0.5;
    let end = over.as_secs_f64() + MARGIN_S;
    let lifetime = workload["lifetime"].as_f64()?;
    let mut smaller = if end.max(SHORTEST_S) < lifetime {
        let end = (end.max(SHORTEST_S) * 100.0).round() / 100.0;
        with_number(workload, "/lifetime", &json!(end))
    } else {
        workload.clone()
    };
    let wait = workload["start_wait"].as_f64().unwrap_or(0.0);
    let mut kept = events(&smaller);
    kept.retain(|event| event["time"].as_f64().is_none_or(|time| time + wait <= end));
    smaller["events"] = kept.into();
    (smaller != *workload).then_some(smaller)
}

/// A number of a workload that can be smaller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number {
    /// Where it stands.
    pub path: &'static str,
    /// The smallest that makes sense.
    pub least: f64,
    /// What it is.
    pub now: f64,
    is_whole: bool,
}

impl Number {
    /// This value as the workload has it.
    pub fn value(&self, value: f64) -> Value {
        number(value, self.is_whole)
    }

    /// The middle of the two, unless they are as good as the same.
    pub fn middle(&self, low: f64, high: f64) -> Option<f64> {
        const ALIKE: f64 = 0.2;
        let alike = (ALIKE * high).max(if self.is_whole { 1.0 } else { 0.01 });
        let middle = f64::midpoint(low, high);
        let middle = if self.is_whole { middle.floor() } else { (middle * 100.0).round() / 100.0 };
        (high - low > alike).then_some(middle)
    }
}

/// The numbers that can be smaller, in the order in which to try.
pub fn numbers(workload: &Value) -> Vec<Number> {
    let number = |(path, least, is_whole)| {
        let now = workload.pointer(path)?.as_f64()?;
        (now > least).then_some(Number { path, least, now, is_whole })
    };
    NUMBERS.into_iter().filter_map(number).collect()
}

fn number(value: f64, is_whole: bool) -> Value {
    if is_whole {
        // Whole and small by the line above.
        format!("{value:.0}").parse::<u64>().map_or(Value::Null, |whole| json!(whole))
    } else {
        json!(value)
    }
}

/// The workload with another number at this place. A shorter `lifetime` takes its events along:
/// those later than it are left out.
pub fn with_number(workload: &Value, path: &str, value: &Value) -> Value {
    let mut smaller = workload.clone();
    if let Some(place) = smaller.pointer_mut(path) {
        *place = value.clone();
    }
    if path == "/lifetime"
        && let Some(end) = value.as_f64()
    {
        let kept: Vec<Value> = events(&smaller)
            .into_iter()
            .filter(|event| event["time"].as_f64().is_some_and(|time| time <= end))
            .collect();
        smaller["events"] = kept.into();
        let is_in_time = |rule: &Value| rule["start"].as_f64().is_none_or(|start| start < end);
        let rules: Vec<Value> =
            listed(&smaller, "network").into_iter().filter(is_in_time).collect();
        if smaller.get("network").is_some() {
            smaller["network"] = rules.into();
        }
    }
    smaller
}

/// The listed faults.
pub fn events(workload: &Value) -> Vec<Value> {
    listed(workload, "events")
}

/// What is listed under this key: faults, or rules of the network.
pub fn listed(workload: &Value, key: &str) -> Vec<Value> {
    workload[key].as_array().cloned().unwrap_or_default()
}

/// The workload with these faults only.
pub fn with_events(workload: &Value, events: &[Value]) -> Value {
    with_listed(workload, "events", events)
}

/// The workload with only these under the key.
pub fn with_listed(workload: &Value, key: &str, items: &[Value]) -> Value {
    let mut smaller = workload.clone();
    smaller[key] = items.to_vec().into();
    smaller
}

/// The faults with the one in this place shorter, the shortest first; none if it has no duration.
pub fn shorter(events: &[Value], at: usize) -> Vec<Vec<Value>> {
    let Some(seconds) = events[at]["duration"].as_f64() else { return Vec::new() };
    let with = |part: f64| {
        let mut events = events.to_vec();
        events[at]["duration"] = json!((seconds * part * 1000.0).round() / 1000.0);
        events
    };
    [0.25, 0.5].map(with).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_the_counterexample_is_cut_off() {
        let event = |time: f64| json!({"type": "kill_leader", "time": time});
        let workload = json!({"lifetime": 10.0, "start_wait": 1.0,
            "events": [event(1.0), event(2.0), event(6.0)]});
        let early = until(&workload, Duration::from_millis(2_100)).unwrap();
        assert_eq!((&early["lifetime"], events(&early)), (&json!(5.0), vec![event(1.0)]));
        let late = until(&workload, Duration::from_millis(7_004)).unwrap();
        assert_eq!((&late["lifetime"], events(&late).len()), (&json!(7.5), 3));
        assert_eq!(until(&workload, Duration::from_secs(11)), None);
    }

    #[test]
    fn numbers_get_smaller_and_events_go_with_the_time() {
        let workload = json!({"replicas": 5, "lifetime": 10.0, "drops": 0.0,
            "clients": {"count": 8, "keys": 1},
            "events": [{"type": "kill_leader", "time": 2.0}, {"type": "kill_leader", "time": 8.0}]});
        let found = numbers(&workload);
        let paths: Vec<&str> = found.iter().map(|number| number.path).collect();
        assert_eq!(paths, ["/lifetime", "/replicas", "/clients/count"]);
        assert_eq!(found[1].middle(3.0, 5.0), Some(4.0));
        assert_eq!(found[1].middle(4.0, 5.0), None);
        assert_eq!(found[0].middle(5.0, 10.0), Some(7.5));
        assert_eq!((found[0].value(7.5), found[1].value(4.0)), (json!(7.5), json!(4)));
        let shorter = with_number(&workload, "/lifetime", &json!(5.0));
        assert_eq!(events(&shorter).len(), 1);
        assert_eq!(shorter["lifetime"], 5.0);
    }
}
