use std::path::Path;

use super::*;
use crate::check::Question;
use crate::scenario::CheckerBudget;
use crate::text::is_as_kept;

const STALE: &str = r#"{"schema":1}
{"index":0,"time_ns":1000000000,"process":0,"client":"0015","type":"invoke","f":"put","key":"x","value":"a","node":null,"error":null}
{"index":1,"time_ns":1002000000,"process":0,"client":"0015","type":"ok","f":"put","key":"x","value":"a","node":"0000","error":null}
{"index":2,"time_ns":2000000000,"process":0,"client":"0015","type":"invoke","f":"put","key":"x","value":"b","node":null,"error":null}
{"index":3,"time_ns":2002000000,"process":0,"client":"0015","type":"ok","f":"put","key":"x","value":"b","node":"0002","error":null}
{"index":4,"time_ns":2100000000,"process":1,"client":"0016","type":"invoke","f":"get","key":"x","value":null,"node":null,"error":null}
{"index":5,"time_ns":2102000000,"process":1,"client":"0016","type":"ok","f":"get","key":"x","value":"b","node":"0002","error":null}
{"index":6,"time_ns":2200000000,"process":1,"client":"0016","type":"invoke","f":"get","key":"x","value":null,"node":null,"error":null}
{"index":7,"time_ns":2202000000,"process":1,"client":"0016","type":"ok","f":"get","key":"x","value":"a","node":"0000","error":null}
"#;

const AGAIN: &str = r#"{"index":8,"time_ns":2300000000,"process":1,"client":"0016","type":"invoke","f":"get","key":"x","value":null,"node":null,"error":null}
{"index":9,"time_ns":2302000000,"process":1,"client":"0016","type":"ok","f":"get","key":"x","value":"VALUE","node":"0002","error":null}
"#;

const PLAN: (&str, &str) = ("plan.json", r#"{"scenario": {"replicas": 3}}"#);

/// A run with these claims, of the time in milliseconds, the replica, and the leader that it names.
fn leaders(claims: &[(u64, u16, u16)]) -> String {
    let line = |(ms, replica, leader): &(u64, u16, u16)| {
        format!(
            "{{\"time_ns\":{},\"replica\":\"{replica:04X}\",\"leader\":\"{leader:04X}\"}}\n",
            ms * 1_000_000
        )
    };
    std::iter::once("{\"schema\":1}\n".to_owned()).chain(claims.iter().map(line)).collect()
}

fn verdict(answer: &str) -> String {
    format!(r#"{{"answers": [{answer}]}}"#)
}

fn question() -> Question {
    let time = std::time::Duration::from_secs(10);
    Question::of_run(CheckerBudget { time, memory_mb: 100 })
}

fn explained(files: &[(&str, &str)]) -> Explanation {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    tell(&Evidence::read(folder.path(), &question()).unwrap())
}

#[test]
fn a_stale_read_with_all_that_lay_around_it() {
    let explanation = explained(&[
        ("history.jsonl", STALE),
        PLAN,
        (
            "faults.jsonl",
            r#"{"schema":1,"kind":"faults"}
{"index":0,"kind":"part_hard","planned_ns":1500000000,"applied_ns":1500000000,"leader":"0000","targets":[],"sides":[["0001","0002"],["0000"]],"not_applied":null}
"#,
        ),
        (
            "leaders.jsonl",
            r#"{"schema":1,"kind":"leaders"}
{"time_ns":500000000,"replica":"0000","leader":"0000"}
{"time_ns":1800000000,"replica":"0002","leader":"0002"}
{"time_ns":1810000000,"replica":"0001","leader":"0002"}
"#,
        ),
        (
            "messages.jsonl",
            r#"{"schema":1,"kind":"messages"}
[1900000000,"0002","0000","append","partition",1900000000]
[1900000000,"0002","0001","append","delivered",1900000000]
[9900000000,"0002","0001","append","loss",9900000000]
"#,
        ),
    ]);
    is_as_kept("explain-stale-read", &explanation.text(90));
}

#[test]
fn what_comes_back_for_good_is_told_from_what_is_stale_once() {
    for (next, name) in [("a", "lost acknowledged write"), ("b", "stale read")] {
        let history = format!("{STALE}{}", AGAIN.replace("VALUE", next));
        let explanation = explained(&[("history.jsonl", &history)]);
        assert!(explanation.short.contains(name), "{}", explanation.short);
    }
}

#[test]
fn a_valid_history_says_what_was_shown_and_what_was_not() {
    let valid: String = STALE.lines().take(7).flat_map(|line| [line, "\n"]).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("elsewhere.jsonl");
    std::fs::write(&path, valid).unwrap();
    let text = tell(&Evidence::read(&path, &question()).unwrap()).text(90);
    assert!(text.contains("3 operations on 1 key are linearizable"), "{text}");
    assert!(text.contains("This does not show that the program is correct."), "{text}");
    assert!(text.contains("only a history"), "{text}");
}

#[test]
fn a_death_is_told_with_its_last_words() {
    let verdict = r#"{"answers":[{"question":"process","standing":"invalid","kind":"died",
        "sentence":"0001 died by itself","details":["0001 ended at 1.000 s: exit status 7"]}]}"#;
    let explanation = explained(&[
        ("history.jsonl", "{\"schema\":1}\n"),
        ("verdict.json", verdict),
        (
            "leaders.jsonl",
            "{\"schema\":1}\n{\"time_ns\":5,\"replica\":\"0001\",\"leader\":null,\"died\":\"exit status 7\"}\n",
        ),
        ("replicas/0001/stderr.log", "starting\nindex out of range\n"),
    ]);
    let text = explanation.text(200);
    assert!(text.contains("0001 ended with: index out of range"), "{text}");
    assert!(text.contains("/replicas/0001/stderr.log:"), "the path of the log: {text}");
    assert!(text.contains("    starting"), "{text}");
    assert_eq!(explanation.short, "process: 0001 died by itself.");
}

#[test]
fn what_is_no_run_is_refused_in_a_sentence() {
    let told = |path: &Path| Evidence::read(path, &question()).unwrap_err().to_string();
    let folder = tempfile::tempdir().unwrap();
    assert!(told(folder.path()).contains("there is no history.jsonl"));
    assert!(told(&folder.path().join("nothing")).contains("give the folder of a run"));
    std::fs::write(folder.path().join("history.jsonl"), "{\"schema\":1}\n").unwrap();
    std::fs::write(folder.path().join("faults.jsonl"), "{}\n[7]\n").unwrap();
    assert!(told(folder.path()).contains("faults.jsonl, line 2"));
}

#[test]
fn a_read_by_a_leader_that_is_new_is_told_from_one_by_a_leader_that_was_replaced() {
    // 0000 answers the late read at 2.202 s; the newer value was there at 2.002 s.
    for (since_ms, name, check) in [
        (2_100, "stale read by a new leader", "a no-op"),
        (500, "stale read: ", "was replaced and does not know it yet"),
    ] {
        let claims = leaders(&[(since_ms, 0, 0), (1_800, 2, 2)]);
        let explanation = explained(&[("history.jsonl", STALE), ("leaders.jsonl", &claims)]);
        assert!(explanation.short.contains(name), "{}", explanation.short);
        let text = explanation.text(1_000);
        assert!(text.contains(check), "{text}");
        assert!(text.contains("did not know") == (since_ms == 500), "{text}");
    }
    let follower = leaders(&[(500, 0, 2), (1_800, 2, 2)]);
    let text = explained(&[("history.jsonl", STALE), ("leaders.jsonl", &follower)]).text(1_000);
    assert!(text.contains("a follower that answers on its own, although it names"), "{text}");
}

#[test]
fn a_replica_that_acknowledged_the_newer_write_is_not_said_to_have_missed_it() {
    let history = STALE.replace("\"node\":\"0002\"", "\"node\":\"0000\"");
    let again = AGAIN.replace("VALUE", "b");
    let text = explained(&[("history.jsonl", &format!("{history}{again}"))]).text(1_000);
    assert!(text.contains("had itself acknowledged the newer write"), "{text}");
    assert!(!text.contains("did not know the newer write"), "{text}");
}

#[test]
fn an_anomaly_that_is_attributed_to_the_host_accuses_no_replica() {
    let answer = r#"{"question":"safety","standing":"unknown","kind":"host","sentence":"Stale read",
        "attributed_to_host":"from 1.000 s on, foreign processes were connected as 0001"}"#;
    let explanation = explained(&[("history.jsonl", STALE), ("verdict.json", &verdict(answer))]);
    assert_eq!(
        explanation.short,
        "Attributed to the host: from 1.000 s on, foreign processes were connected as 0001. The anomaly says \
         nothing about the replicas."
    );
    let titles: Vec<&str> = explanation.sections.iter().map(|it| it.title).collect();
    assert!(titles.contains(&"Attributed to the host") && !titles.contains(&"Likely cause"));
    let late =
        r#"{"question":"liveness","standing":"unknown","kind":"host","sentence":"1 of 1 waited"}"#;
    let text =
        explained(&[("history.jsonl", "{\"schema\":1}\n"), ("verdict.json", &verdict(late))])
            .text(1_000);
    assert!(text.contains("says nothing about the replicas"), "{text}");
    assert!(!text.contains("Either no leader was elected"), "{text}");
}

#[test]
fn a_run_in_which_nothing_was_answered_kept_no_promise() {
    let asked: String = STALE.lines().take(2).flat_map(|line| [line, "\n"]).collect();
    for history in [asked.as_str(), "{\"schema\":1}\n"] {
        let explanation = explained(&[("history.jsonl", history)]);
        assert_eq!(explanation.short, "No operation was answered, so nothing was shown.");
        let text = explanation.text(1_000);
        assert!(!text.contains("shows no anomaly"), "{text}");
    }
}

#[test]
fn a_run_that_shows_too_little_is_not_said_to_be_without_an_anomaly() {
    let first_lines =
        |count| STALE.lines().take(count).flat_map(|line| [line, "\n"]).collect::<String>();
    // Puts alone tell nothing of what the store held.
    let only_puts = explained(&[("history.jsonl", &first_lines(5))]);
    assert!(only_puts.short.starts_with("evidence: 2 of 2 operations were"), "{}", only_puts.short);
    let answers = r#"{"question":"safety","standing":"valid","kind":"linearizable","sentence":"it is"},
        {"question":"evidence","standing":"unknown","kind":"vacuous","sentence":"only 3 of 90 were answered"}"#;
    let run = explained(&[("history.jsonl", &first_lines(7)), ("verdict.json", &verdict(answers))]);
    assert_eq!(run.short, "evidence: only 3 of 90 were answered.");
    for explanation in [only_puts, run] {
        let text = explanation.text(1_000);
        assert!(text.contains("This says nothing about the program: "), "{text}");
        assert!(!text.contains("no anomaly") && !text.contains("No anomaly"), "{text}");
    }
}

#[test]
fn one_fault_is_one_fault() {
    let first: String = STALE.lines().take(7).flat_map(|line| [line, "\n"]).collect();
    let fault = r#"{"schema":1,"kind":"faults"}
{"index":0,"kind":"pause","planned_ns":1,"applied_ns":1,"leader":"0000","targets":["0001"],"sides":[],"not_applied":null}
"#;
    let text = explained(&[("history.jsonl", &first), ("faults.jsonl", fault)]).text(1_000);
    assert!(text.contains("one run of 3 operations and 1 injected fault."), "{text}");
}

#[test]
fn an_answer_fail_is_not_told_as_a_value_that_was_read() {
    let history = r#"{"schema":1}
{"index":0,"time_ns":1000000000,"process":0,"client":"0015","type":"invoke","f":"put","key":"x","value":"a","node":null,"error":null}
{"index":1,"time_ns":1002000000,"process":0,"client":"0015","type":"ok","f":"put","key":"x","value":"a","node":"0000","error":null}
{"index":2,"time_ns":2000000000,"process":1,"client":"0016","type":"invoke","f":"get","key":"x","value":null,"node":null,"error":null}
{"index":3,"time_ns":2002000000,"process":1,"client":"0016","type":"ok","f":"get","key":"x","value":"","node":"0001","error":"refused for good: no such key"}
"#;
    let text = explained(&[("history.jsonl", history)]).text(1_000);
    let told = "client 0016 asked for the value and was refused to the end (`fail`), which counts as no value, \
                answered by 0001";
    assert!(text.contains(told), "{text}");
    let found = history.replace("\"refused for good: no such key\"", "null");
    let text = explained(&[("history.jsonl", &found)]).text(1_000);
    assert!(text.contains("client 0016 found no value, answered by 0001"), "{text}");
}

#[test]
fn a_store_that_is_not_live_is_told_since_when_and_what_its_leader_did() {
    let answer = r#"{"question":"liveness","standing":"invalid","kind":"unanswered","sentence":"1 of 1 waited"}"#;
    let asked: String = STALE.lines().take(4).flat_map(|line| [line, "\n"]).collect();
    let text = explained(&[
        ("history.jsonl", &asked),
        ("verdict.json", &verdict(answer)),
        ("leaders.jsonl", &leaders(&[(500, 0, 0), (600, 1, 0)])),
        ("messages.jsonl", "{}\n[1900000000,\"0000\",\"0001\",\"append\",\"loss\",1900000000]\n"),
        PLAN,
    ])
    .text(1_000);
    assert!(
        text.contains("The last answer came at 1.002 s; one operation was invoked after that."),
        "{text}"
    );
    assert!(
        text.contains(
            "0000 claimed leadership from 0.500 s to the end, and one other replica agreed."
        ),
        "{text}"
    );
    assert!(text.contains("0000 sent 1 append to other replicas (1 of these was lost)"), "{text}");
}
