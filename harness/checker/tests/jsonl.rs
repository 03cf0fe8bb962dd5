//! Histories as the journal writes them, read back and judged.

use checker::format::jsonl;
use checker::{Kind, Options, Verdict, check};

const HEADER: &str = r#"{"schema":1}"#;

fn line(index: u64, process: u64, kind: &str, f: &str, value: &str) -> String {
    let time_ns = index * 1_500_000;
    format!(
        r#"{{"index":{index},"time_ns":{time_ns},"process":{process},"client":"0015","type":"{kind}","f":"{f}","key":"x","value":{value},"node":"0002","error":null}}"#
    )
}

fn read(lines: &[String]) -> Result<(checker::History, bool), String> {
    let all = std::iter::once(HEADER.as_bytes()).chain(lines.iter().map(String::as_bytes));
    jsonl::read(all).map_err(|error| error.to_string())
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
    assert_eq!(witness.kind, Kind::StaleRead);
    assert!(witness.minimal);
    let indices: Vec<u64> = witness.operations.iter().map(|op| op.invoke_index).collect();
    assert_eq!(indices, [0, 2, 6]);
    let said = &witness.explanation;
    assert!(said.contains(r#"key "x""#) && said.contains("from 9.000 to 10.500 ms"), "{said}");
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
    assert!(read(&middle).unwrap_err().starts_with("line 3, column "));
    let wrong = [whole[0].replace("\"invoke\"", "\"inwoke\"")];
    assert!(read(&wrong).unwrap_err().contains("inwoke"));
}

#[test]
fn events_that_do_not_fit_together_are_refused_with_their_line() {
    let put = |index, process| line(index, process, "invoke", "put", r#""a""#);
    let ok = |index, process| line(index, process, "ok", "put", "null");
    let cases: [(&[String], &str); 5] = [
        (&[put(0, 1), ok(1, 2)], "line 3: event 1: process 2 completes an operation"),
        (&[put(0, 1), put(1, 1)], "line 3: event 1: process 1 invokes an operation while"),
        (&[put(3, 1), ok(3, 1)], "line 3: event 3: expected an index above 3"),
        (
            &[put(0, 1).replace("\"time_ns\":0", "\"time_ns\":9000000"), ok(1, 1)],
            "line 3: event 1: time runs backwards, from 9000000 ns to 1500000 ns",
        ),
        (
            &[put(0, 1), line(1, 1, "ok", "get", r#""a""#)],
            "line 3: event 1: process 1 completes get of \"x\", but it invoked put of \"x\"",
        ),
    ];
    for (lines, said) in cases {
        let error = read(lines).unwrap_err();
        assert!(error.starts_with(said), "{error}");
    }
    let other = jsonl::read([br#"{"schema":2}"#.as_slice()]).unwrap_err().to_string();
    assert_eq!(other, "line 1, column 1: found schema 2, expected schema 1");
}
