//! Histories as the journal writes them, read back and judged.

use checker::format::jsonl;
use checker::{Anomaly, Budget, Options, Verdict, check};

const HEADER: &str = r#"{"schema":1}"#;

fn line(index: u64, process: u64, kind: &str, f: &str, value: &str) -> String {
    let time_ns = index * 1_500_000;
    format!(
        r#"{{"index":{index},"time_ns":{time_ns},"process":{process},"client":"0015","type":"{kind}","f":"{f}","key":"x","value":{value},"node":"0002","error":null}}"#
    )
}

fn read(lines: &[String]) -> Result<(checker::History, bool), String> {
    let all: Vec<&str> = std::iter::once(HEADER).chain(lines.iter().map(String::as_str)).collect();
    let read = jsonl::read(all.join("\n").as_bytes()).map_err(|error| error.to_string())?;
    Ok((read.history, read.torn.is_some()))
}

#[test]
fn a_stale_read_is_found_and_explained() {
    let lines = [
        line(0, 1, "invoke", "put", r#""a""#),
        line(1, 1, "ok", "put", "null"),
        line(2, 1, "invoke", "put", r#""b""#),
        line(3, 1, "ok", "put", "null"),
        line(4, 2, "invoke", "get", "null"),
        line(5, 2, "ok", "get", r#""b""#),
        line(6, 2, "invoke", "get", "null"),
        line(7, 2, "ok", "get", r#""a""#),
        line(8, 3, "invoke", "get", "null"),
        line(9, 3, "ok", "get", r#""b""#),
    ];
    let (history, torn) = read(&lines).unwrap();
    assert!(!torn);
    let report = check(&history, &Options::default());
    let Verdict::Invalid(witness) = report.verdict else { panic!("{report:?}") };
    assert_eq!(witness.anomaly, Anomaly::StaleRead);
    assert!(witness.minimal);
    let indices: Vec<u64> = witness.operations.iter().map(|op| op.invoke_index).collect();
    assert_eq!(indices, [0, 2, 6]);
    let said = &witness.explanation;
    let late =
        r#"on key "x": Operation 3 read "a". But operation 2 had already overwritten it with "b""#;
    assert!(said.contains(late) && said.contains("from 12.000 to 13.500 ms"), "{said}");
}

#[test]
fn a_torn_last_line_is_left_out_and_any_other_is_an_error() {
    let whole = [line(0, 1, "invoke", "put", r#""a""#), line(1, 1, "ok", "put", "null")];
    for cut in 1..whole[1].len() {
        let torn = [whole[0].clone(), whole[1][..cut].to_owned()];
        let (history, was_torn) = read(&torn).unwrap();
        assert_eq!((history.operations().len(), history.event_count(), was_torn), (1, 1, true));
    }
    let middle = [whole[0].clone(), whole[1][..20].to_owned(), whole[1].clone()];
    let said = "line 3, column 1: found an object that does not end before the next event (line 4, \
                column 1), expected }";
    assert_eq!(read(&middle).unwrap_err(), said);
    let wrong = [whole[0].replace("\"invoke\"", "\"inwoke\"")];
    assert!(read(&wrong).unwrap_err().contains("inwoke"));
}

#[test]
fn events_that_do_not_fit_together_are_refused_with_their_line() {
    let put = |index, process| line(index, process, "invoke", "put", r#""a""#);
    let ok = |index, process| line(index, process, "ok", "put", "null");
    let cases: [(&[String], &str); 4] = [
        (&[put(0, 1), ok(1, 2)], "line 3: event 1: process 2 completes an operation"),
        (&[put(0, 1), put(1, 1)], "line 3: event 1: process 1 invokes an operation while"),
        (&[put(3, 1), ok(3, 1)], "line 3: event 3: expected an index above 3"),
        (
            &[put(0, 1), line(1, 1, "ok", "get", r#""a""#)],
            "line 3: event 1: process 1 completes get of \"x\", but it invoked put of \"x\"",
        ),
    ];
    for (lines, said) in cases {
        let error = read(lines).unwrap_err();
        assert!(error.starts_with(said), "{error}");
    }
    let other = jsonl::read(br#"{"schema":2}"#).unwrap_err().to_string();
    assert_eq!(other, "line 1, column 11: found 2 as schema, expected a header with \"schema\":1");
}

#[test]
fn a_header_that_is_of_something_else_is_refused() {
    let cases = [
        (r#"{"schema":1,"kind":"faults"}"#, "found \"faults\" as kind, expected \"history\""),
        (r#"{"schema":1,"model":"kw"}"#, "found \"kw\" as model, expected one of kv, register"),
        (r#"{"schema":1,"kind":7}"#, "found 7 as kind, expected"),
    ];
    for (header, said) in cases {
        let error = jsonl::read(header.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("line 1, column ") && error.contains(said), "{error}");
    }
    let ours = r#"{"schema":1,"kind":"history","model":"cas-register","scenario":"a","seed":7}"#;
    assert!(jsonl::read(ours.as_bytes()).is_ok());
}

#[test]
fn an_answer_may_repeat_what_was_asked_but_not_change_it() {
    let lines = |answer: &str, f: &str, asked: &str| {
        [line(0, 1, "invoke", f, asked), line(1, 1, answer, f, r#""b""#)]
    };
    for f in ["put", "append"] {
        let error = read(&lines("ok", f, r#""a""#)).unwrap_err();
        let said = format!(r#"completes {f} of "x" with "b", but it invoked {f} of "x" with "a""#);
        assert!(error.starts_with("event 1") && error.contains(&said), "{error}");
        for answer in ["fail", "info"] {
            assert!(read(&lines(answer, f, r#""a""#)).is_ok());
        }
        assert!(read(&lines("ok", f, r#""b""#)).is_ok());
    }
}

#[test]
fn a_swap_is_a_pair_of_values() {
    let swap = |answer: &str| {
        [
            line(0, 1, "invoke", "put", r#""a""#),
            line(1, 1, "ok", "put", "null"),
            line(2, 1, "invoke", "cas", r#"["a","b"]"#),
            line(3, 1, "ok", "cas", answer),
            line(4, 1, "invoke", "get", "null"),
            line(5, 1, "ok", "get", r#""a""#),
        ]
    };
    for answer in ["null", r#"["a","b"]"#] {
        let (history, _) = read(&swap(answer)).unwrap();
        assert_eq!(check(&history, &Options::default()).verdict.name(), "invalid");
    }
    for answer in [r#"["a","c"]"#, r#"["c","b"]"#] {
        let error = read(&swap(answer)).unwrap_err();
        assert!(error.starts_with("event 3: process 1 completes cas of"), "{error}");
    }
}

#[test]
fn a_value_from_nowhere_needs_no_search() {
    let mut lines = vec![line(0, 1, "invoke", "put", r#""a""#), line(1, 1, "ok", "put", "null")];
    for index in 1..20 {
        lines.push(line(2 * index, index, "invoke", "put", r#""a""#));
    }
    lines.push(line(40, 90, "invoke", "get", "null"));
    lines.push(line(41, 90, "ok", "get", r#""b""#));
    lines.push(line(42, 91, "invoke", "put", r#""b""#));
    lines.push(line(43, 91, "fail", "put", "null"));
    let (history, _) = read(&lines).unwrap();
    let budget = Budget { steps: 0, ..Budget::default() };
    let report = check(&history, &Options { budget, ..Options::default() });
    let Verdict::Invalid(witness) = report.verdict else { panic!("{report:?}") };
    assert_eq!((witness.anomaly, witness.operations.len()), (Anomaly::GarbageRead, 1));
    assert!(witness.minimal && witness.explanation.contains("which failed"), "{witness:?}");
}

#[test]
fn without_times_the_explanation_speaks_of_events() {
    let timeless = |line: String| {
        let (before, after) = line.split_once("\"time_ns\":").unwrap();
        let (_, after) = after.split_once(',').unwrap();
        format!("{before}\"time_ns\":0,{after}").replace("\"0015\"", "\"\"")
    };
    let lines = [
        line(0, 1, "invoke", "put", r#""a""#),
        line(1, 1, "ok", "put", "null"),
        line(2, 2, "invoke", "get", "null"),
        line(3, 2, "ok", "get", r#""""#),
    ];
    let (history, _) = read(&lines.map(timeless)).unwrap();
    let Verdict::Invalid(witness) = check(&history, &Options::default()).verdict else { panic!() };
    let said = witness.explanation;
    let late = "But operation 1 had already written \"a\", before operation 2 began.";
    assert!(said.contains(late), "{said}");
    assert!(!said.contains("ms"), "{said}");
}
