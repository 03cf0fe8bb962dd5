use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;

const HISTORY: &str = r#"{"schema":1}
{"index":0,"time_ns":1000,"process":0,"client":"0015","type":"invoke","f":"put","key":"x","value":"a","node":null,"error":null}
{"index":1,"time_ns":9500,"process":0,"client":"0015","type":"ok","f":"put","key":"x","value":"a","node":"0000","error":null}
{"index":2,"time_ns":9500,"process":0,"client":"0015","type":"invoke","f":"get","key":"x","value":null,"node":null,"error":null}
{"index":3,"time_ns":20000,"process":1,"client":"0016","type":"invoke","f":"get","key":"x","value":null,"node":null,"error":null}
"#;

/// Ends that come closer than a message is long, two at one time, and a lost one.
const MESSAGES: &str = r#"{"schema":1}
[1000,"0015","0000","put","delivered",1200]
[1300,"0000","0001","append","delivered",1900]
[1300,"0000","0002","append","loss",1300]
[1900,"0001","0000","appended","delivered",2100]
[9100,"0000","0015","ok","delivered",9500]
"#;

const FAULTS: &str = r#"{"schema":1}
{"index":0,"kind":"pause","planned_ns":1000,"applied_ns":2000,"ended_ns":8000,"leader":null,"targets":["0001"],"sides":[],"not_applied":null}
{"index":1,"kind":"pause","planned_ns":1000,"applied_ns":4000,"ended_ns":9000,"leader":null,"targets":["0002"],"sides":[],"not_applied":null}
"#;

fn events() -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    for replica in ["0000", "0001", "0002"] {
        std::fs::create_dir_all(folder.path().join("replicas").join(replica)).unwrap();
    }
    let files =
        [("history.jsonl", HISTORY), ("messages.jsonl", MESSAGES), ("faults.jsonl", FAULTS)];
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mut out = Vec::new();
    write(folder.path(), &mut out).unwrap();
    let trace: Value = serde_json::from_slice(&out).unwrap();
    trace["traceEvents"].as_array().unwrap().clone()
}

fn nanos(value: &Value) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "times of the test are small")]
    let nanos = (value.as_f64().unwrap() * 1000.0).round() as i64;
    nanos
}

fn place(event: &Value) -> (u64, u64) {
    (event["pid"].as_u64().unwrap(), event["tid"].as_u64().unwrap())
}

#[test]
fn the_slices_of_a_track_lie_apart_or_inside_one_another_and_each_track_has_a_name() {
    let events = events();
    let named: BTreeSet<(u64, u64)> =
        events.iter().filter(|it| it["name"] == "thread_name").map(place).collect();
    let mut tracks: BTreeMap<(u64, u64), Vec<(i64, i64)>> = BTreeMap::new();
    for slice in events.iter().filter(|it| it["ph"] == "X") {
        assert!(named.contains(&place(slice)), "{slice}");
        let begin = nanos(&slice["ts"]);
        tracks.entry(place(slice)).or_default().push((begin, begin + nanos(&slice["dur"])));
    }
    let numbers: BTreeSet<u64> = named.iter().map(|(_, tid)| *tid).collect();
    assert_eq!(numbers.len(), named.len(), "no two tracks share a number");
    for (track, mut slices) in tracks {
        slices.sort_by_key(|(begin, end)| (*begin, -end));
        let mut around: Vec<i64> = Vec::new();
        for (begin, end) in slices {
            around.retain(|outer| *outer > begin);
            let fits = around.last().is_none_or(|outer| end <= *outer);
            assert!(fits, "{track:?}: {begin} to {end} ends after {around:?}");
            around.push(end);
        }
    }
}

#[test]
fn a_flow_has_two_ends_each_inside_a_slice_of_its_track() {
    let events = events();
    let mut flows: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
    for flow in events.iter().filter(|it| it["ph"] == "s" || it["ph"] == "f") {
        flows.entry(flow["id"].as_u64().unwrap()).or_default().push(flow);
        let is_bound =
            events.iter().filter(|it| it["ph"] == "X" && place(it) == place(flow)).any(|slice| {
                let (begin, at) = (nanos(&slice["ts"]), nanos(&flow["ts"]));
                begin <= at && at < begin + nanos(&slice["dur"])
            });
        assert!(is_bound, "{flow}");
    }
    assert_eq!(flows.len(), 4, "one for each message that arrived");
    for ends in flows.values() {
        let [begin, end] = ends[..] else { panic!("{ends:?}") };
        assert_eq!((&begin["ph"], &end["ph"]), (&json!("s"), &json!("f")));
        assert_eq!((&begin["cat"], &begin["name"]), (&end["cat"], &end["name"]));
        assert!(nanos(&begin["ts"]) <= nanos(&end["ts"]));
    }
}

#[test]
fn faults_at_the_same_time_have_their_own_beginnings_and_ends() {
    let events = events();
    let of = |phase: &str| -> Vec<u64> {
        let of = events.iter().filter(|it| it["cat"] == "fault" && it["ph"] == phase);
        of.map(|it| it["id"].as_u64().unwrap()).collect()
    };
    assert_eq!(of("b"), [0, 1]);
    assert_eq!(of("e"), [0, 1]);
}

#[test]
fn an_operation_without_an_answer_lasts_until_the_end() {
    let events = events();
    let open = events.iter().find(|it| it["args"]["index"] == 2).unwrap();
    assert_eq!(nanos(&open["ts"]) + nanos(&open["dur"]), 20_000);
    assert_eq!(open["args"]["outcome"], "info");
}
