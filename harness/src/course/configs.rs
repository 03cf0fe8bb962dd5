//! The course's published configs, inside the binary: they run in any folder.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::limits;
use crate::scenario::{Era, Scenario, WorkloadError};
use crate::seed::Seed;
use crate::text::escape;

/// A published config.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The course's name for it.
    pub name: &'static str,
    text_2016: &'static str,
    text_2021: &'static str,
}

macro_rules! configs {
    ($($name:literal),* $(,)?) => {
        [$(Config {
            name: $name,
            text_2016: include_str!(
                concat!("../../../workloads/course/2016/", $name, ".json")
            ),
            text_2021: include_str!(
                concat!("../../../workloads/course/2021/", $name, ".json")
            ),
        }),*]
    };
}

/// All of them, in the course's order.
pub const CONFIGS: [Config; 17] = configs![
    "simple-1",
    "simple-2",
    "unreliable-1",
    "unreliable-2",
    "unreliable-3",
    "crash-1",
    "crash-2",
    "crash-3",
    "crash-4",
    "partition-1",
    "partition-2",
    "partition-3",
    "partition-4",
    "advanced-1",
    "advanced-2",
    "advanced-3",
    "advanced-4",
];

/// A name that is neither a file nor that of a published config.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is neither a file nor a published config; those are all, {}", escape(.0), names())]
pub struct UnknownConfig(pub String);

fn names() -> String {
    CONFIGS.map(|config| config.name).join(", ")
}

/// The configs and files that are asked for: by names with commas between, or `all`.
pub fn listed(names: &OsStr) -> Vec<&OsStr> {
    if names == "all" {
        return CONFIGS.iter().map(|config| OsStr::new(config.name)).collect();
    }
    // A file may have a comma in its name.
    if Path::new(names).exists() {
        return vec![names];
    }
    names.as_bytes().split(|byte| *byte == b',').map(OsStr::from_bytes).collect()
}

impl Config {
    /// The published config of that name.
    pub fn named(name: &OsStr) -> Option<&'static Self> {
        CONFIGS.iter().find(|config| name == config.name)
    }

    fn text(&self, era: Era) -> &'static str {
        match era {
            Era::Y2016 => self.text_2016,
            Era::Y2021 => self.text_2021,
        }
    }

    /// As the course runs it.
    pub fn scenario(&self, era: Era) -> Result<Scenario, WorkloadError> {
        Scenario::parse(&format!("{}.json", self.name), self.text(era))
    }

    /// The same load and faults, with clients that share their keys.
    pub fn shared(&self, era: Era) -> Result<Scenario, WorkloadError> {
        with_shared_keys(self.name, self.text(era))
    }
}

/// The load and the faults of a course config, with clients that share their keys.
pub fn with_shared_keys(name: &str, text: &str) -> Result<Scenario, WorkloadError> {
    let file = format!("{name}-shared.json");
    let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else {
        return Scenario::parse(&file, text);
    };
    let era = if fields.contains_key("tests") { "2021" } else { "2016" };
    fields.remove("tests");
    fields.remove("maximum_get_generation_fail_fraction");
    fields.insert("era".into(), era.into());
    fields.insert("mix".into(), 0.5.into());
    // Waits of our own workloads are shorter than the course's.
    fields.entry("start_wait").or_insert(2.0.into());
    fields.entry("max_packets").or_insert(900_000.into());
    let rate = fields.get("requests").and_then(Value::as_f64).unwrap_or(500.0)
        / fields.get("lifetime").and_then(Value::as_f64).unwrap_or(30.0);
    fields.insert(
        "clients".into(),
        json!({"count": 8, "keys": 4, "rate": rate.max(1.0), "timeout_ms": 1000, "old_news": 0.02}),
    );
    Scenario::parse(&file, &Value::Object(fields).to_string())
}

/// The stress suite of a program under shared keys, by its seed: faults around the leader or, with one seed of
/// three that follow one another, elections that cross. Every other seed has a gentle load, which shows more of
/// programs that bursts bring to a stop.
pub fn stress(seed: Seed) -> Result<Scenario, WorkloadError> {
    let (name, text) = if seed.0 % 3 == 2 {
        ("stress-elections.json", include_str!("../../../workloads/stress-elections.json"))
    } else {
        ("stress.json", include_str!("../../../workloads/stress-course.json"))
    };
    if seed.0.is_multiple_of(2) { Scenario::parse(name, text) } else { gentle(name, text) }
}

/// A workload with its faults, and many clients that ask seldom and evenly.
fn gentle(name: &str, text: &str) -> Result<Scenario, WorkloadError> {
    let Ok(mut workload) = serde_json::from_str::<Value>(text) else {
        return Scenario::parse(name, text);
    };
    let own = workload["name"].as_str().unwrap_or_default().to_owned();
    workload["name"] = format!("{own}-gentle").into();
    let clients = &mut workload["clients"];
    (clients["count"], clients["rate"]) = (100.into(), limits::GENTLE_RATE.into());
    (clients["burst"], clients["steady_rate"]) = (1.into(), 0.into());
    Scenario::parse(name, &workload.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_configs_load_in_both_eras_and_with_shared_keys() {
        for config in &CONFIGS {
            for era in [Era::Y2016, Era::Y2021] {
                let scenario = config.scenario(era).expect("a published config");
                assert_eq!(scenario.name, format!("course-{era}-{}", config.name));
                let shared = config.shared(era).expect("the same with shared keys");
                let kinds =
                    |it: &Scenario| it.events.iter().map(|event| event.kind).collect::<Vec<_>>();
                assert_eq!(kinds(&shared), kinds(&scenario));
                assert_eq!(shared.name, format!("{}-shared", config.name));
            }
        }
        let trials = [6, 7, 8].map(|seed| stress(Seed(seed)).expect("a trial").name);
        assert_eq!(trials, ["stress", "stress-gentle", "stress-elections"]);
    }
}
