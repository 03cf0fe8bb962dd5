//! A host as it was measured during a run, to be simulated: from `host.csv`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::scenario::host::profile::{Delay, Profile, Starvation};

/// Starts that lie this close together are spread by the harness itself, which makes one after the other.
const SPREAD_MS: f64 = 50.0;

/// A replica that waited for a processor during less of its time than this was not kept from it.
const SHARE: f64 = 0.05;

/// How long a replica runs and waits together, in milliseconds: an election timeout.
const TURN_MS: f64 = 200.0;

/// What matters here of a row about a replica.
#[derive(Debug, Deserialize)]
struct Row {
    time_ns: u64,
    subject: String,
    run_delay_ns: u64,
    threads: u32,
    connect_us: Option<u64>,
}

/// The disturbance: how far the starts were spread, and how replicas were kept from the processor. `None`: nothing
/// of it was measured.
pub fn profile(host_csv: &[u8]) -> Option<Profile> {
    let mut rows = csv::Reader::from_reader(host_csv);
    // A row that was cut off when the harness was killed tells nothing.
    let rows = rows.deserialize::<Row>().filter_map(Result::ok);
    let mut last: BTreeMap<String, Row> = BTreeMap::new();
    let mut connect_ms: BTreeMap<String, f64> = BTreeMap::new();
    let (mut waited, mut elapsed, mut longest) = (0.0, 0.0, 0.0_f64);
    for row in rows.filter(|row| row.subject != "harness") {
        if let Some(us) = row.connect_us {
            connect_ms.entry(row.subject.clone()).or_insert(us as f64 / 1e3);
        }
        if let Some(before) = last.get(&row.subject) {
            let threads = f64::from(row.threads.max(before.threads).max(1));
            let delay = row.run_delay_ns.saturating_sub(before.run_delay_ns) as f64 / threads;
            waited += delay;
            longest = longest.max(delay / 1e6);
            elapsed += row.time_ns.saturating_sub(before.time_ns) as f64;
        }
        last.insert(row.subject.clone(), row);
    }
    let first = connect_ms.values().copied().fold(f64::INFINITY, f64::min);
    let slowest = connect_ms.values().copied().fold(0.0, f64::max);
    let spread = (slowest - first).min(60_000.0);
    let share = (waited / f64::max(elapsed, 1.0)).min(0.95);
    let turn = |share: f64| Starvation {
        runs: Delay::Uniform {
            min_ms: TURN_MS * (1.0 - share) / 2.0,
            max_ms: TURN_MS * (1.0 - share) * 1.5,
        },
        waits: Delay::HeavyTailed {
            min_ms: TURN_MS * share / 2.0,
            alpha: 2.0,
            max_ms: longest.clamp(TURN_MS * share, 60_000.0),
        },
    };
    let profile = Profile {
        name: "as measured".to_owned(),
        description: "the disturbance that was measured during the run".to_owned(),
        start_delay: (spread >= SPREAD_MS)
            .then_some(Delay::Uniform { min_ms: 0.0, max_ms: spread }),
        starvation: (share >= SHARE).then(|| turn(share)),
        ..Profile::default()
    };
    (profile.start_delay.is_some() || profile.starvation.is_some()).then_some(profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        "time_ns,subject,state,cpu_ns,run_delay_ns,rss_kb,threads,descriptors,queue,connect_us\n";

    #[test]
    fn starts_that_are_spread_and_time_without_a_processor_are_simulated_as_they_were() {
        let csv = format!(
            "{HEADER}0,0000,S,1,0,1,1,,0,40000\n0,0001,S,1,0,1,1,,0,940000\n\
             500000000,0000,S,1,100000000,1,1,,0,40000\n500000000,0001,S,1,200000000,1,1,,0,940000\n"
        );
        let profile = profile(csv.as_bytes()).unwrap();
        assert_eq!(profile.start_delay, Some(Delay::Uniform { min_ms: 0.0, max_ms: 900.0 }));
        let Some(Starvation { runs, waits }) = profile.starvation else { panic!("starved") };
        assert_eq!(runs, Delay::Uniform { min_ms: 70.0, max_ms: 210.0 });
        assert_eq!(waits, Delay::HeavyTailed { min_ms: 30.0, alpha: 2.0, max_ms: 200.0 });
    }

    #[test]
    fn a_quiet_host_and_a_damaged_file_tell_of_nothing() {
        let csv = format!("{HEADER}0,0000,S,1,0,1,1,,0,40000\n0,0001,S,1,0,1,1,,0,4\n7,00");
        assert_eq!(profile(csv.as_bytes()), None);
        assert_eq!(profile(b"\xff\x00"), None);
    }
}
