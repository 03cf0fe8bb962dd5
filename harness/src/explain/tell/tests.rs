use std::path::Path;

use super::*;
use crate::check::Question;
use crate::scenario::CheckerBudget;

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
    assert_eq!(explanation.text(90), include_str!("golden/stale_read.txt"));
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
    let text = explanation.text(90);
    assert!(text.contains("The last lines that 0001 wrote"), "{text}");
    assert!(text.contains("index out of range"), "{text}");
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
