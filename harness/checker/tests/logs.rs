//! Logs of messages and echoes: what a poll may answer, and what was committed.

use checker::format::jsonl;
use checker::{Anomaly, ModelName, Options, Verdict, check};

/// One event: process, type, function, value.
type Line = (u64, &'static str, &'static str, &'static str);

fn judged(model: ModelName, lines: &[Line]) -> Verdict {
    let mut text = String::from(r#"{"schema":1}"#);
    for (index, (process, kind, f, value)) in lines.iter().enumerate() {
        let time_ns = index * 1_000_000;
        let line = format!(
            "\n{{\"index\":{index},\"time_ns\":{time_ns},\"process\":{process},\"client\":\"c{process}\",\
             \"type\":\"{kind}\",\"f\":\"{f}\",\"value\":{value},\"node\":\"n0\",\"error\":null}}"
        );
        text += &line;
    }
    let read = jsonl::read(text.as_bytes()).expect("a history");
    check(&read.history, &Options { model, ..Options::default() }).verdict
}

fn log(lines: &[Line]) -> Result<(), Anomaly> {
    match judged(ModelName::Log, lines) {
        Verdict::Valid => Ok(()),
        Verdict::Invalid(witness) => Err(witness.anomaly),
        Verdict::Unknown(reason) => panic!("{}", reason.explanation),
    }
}

const SENT: [Line; 4] = [
    (1, "invoke", "send", r#"{"key":"k","msg":7}"#),
    (1, "ok", "send", "0"),
    (1, "invoke", "send", r#"{"key":"k","msg":8}"#),
    (1, "ok", "send", "3"),
];

fn with(more: &[Line]) -> Vec<Line> {
    [&SENT[..], more].concat()
}

fn polled(from: &'static str, answer: &'static str) -> Vec<Line> {
    with(&[(2, "invoke", "poll", from), (2, "ok", "poll", answer)])
}

#[test]
fn polls_read_what_was_sent_in_its_order() {
    let all = r#"{"offsets":{"k":0}}"#;
    let late = r#"{"offsets":{"k":2}}"#;
    assert_eq!(log(&polled(all, r#"{"k":[[0,7],[3,8]]}"#)), Ok(()));
    assert_eq!(log(&polled(all, r#"{"k":[[0,7]]}"#)), Ok(()));
    assert_eq!(log(&polled(all, "{}")), Ok(()));
    assert_eq!(log(&polled(late, r#"{"k":[[3,8]]}"#)), Ok(()));
    assert_eq!(log(&polled(all, r#"{"k":[[3,8]]}"#)), Err(Anomaly::Lost));
    assert_eq!(log(&polled(all, r#"{"k":[[3,8],[0,7]]}"#)), Err(Anomaly::OutOfOrder));
    assert_eq!(log(&polled(late, r#"{"k":[[0,7],[3,8]]}"#)), Err(Anomaly::OutOfOrder));
    assert_eq!(log(&polled(all, r#"{"k":[[0,7],[1,8]]}"#)), Err(Anomaly::Duplicated));
    assert_eq!(log(&polled(all, r#"{"k":[[0,8]]}"#)), Err(Anomaly::Duplicated));
    assert_eq!(log(&polled(all, r#"{"k":[[0,9]]}"#)), Err(Anomaly::GarbageRead));
}

#[test]
fn a_message_that_is_skipped_after_it_was_read_is_out_of_order() {
    let mut lines = polled(r#"{"offsets":{"k":0}}"#, r#"{"k":[[0,7],[3,8]]}"#);
    lines.push((2, "invoke", "poll", r#"{"offsets":{"k":0}}"#));
    lines.push((2, "ok", "poll", r#"{"k":[[3,8]]}"#));
    assert_eq!(log(&lines), Err(Anomaly::OutOfOrder));
}

#[test]
fn of_equal_messages_it_is_not_decided_which_was_read() {
    let lines = with(&[
        (1, "invoke", "send", r#"{"key":"k","msg":7}"#),
        (1, "ok", "send", "4"),
        (2, "invoke", "poll", r#"{"offsets":{"k":0}}"#),
        (2, "ok", "poll", r#"{"k":[[0,7],[3,8],[4,7]]}"#),
    ]);
    let Verdict::Unknown(reason) = judged(ModelName::Log, &lines) else { panic!("decided") };
    assert!(reason.explanation.contains("a message that is sent once"), "{}", reason.explanation);
}

const ASKED: Line = (3, "invoke", "committed", r#"{"keys":["k"]}"#);

fn commit(process: u64, value: &'static str) -> [Line; 2] {
    [(process, "invoke", "commit", value), (process, "ok", "commit", "null")]
}

#[test]
fn what_was_committed_last_counts_whichever_client_it_was() {
    let [three, zero] = [r#"{"offsets":{"k":3}}"#, r#"{"offsets":{"k":0}}"#];
    let answered = |before: &[[Line; 2]], answer| {
        log(&with(&[before.as_flattened(), &[ASKED, (3, "ok", "committed", answer)]].concat()))
    };
    let (up, down) = ([commit(1, zero), commit(2, three)], [commit(1, three), commit(2, zero)]);
    assert_eq!(answered(&up, r#"{"k":3}"#), Ok(()));
    assert_eq!(answered(&up, r#"{"k":0}"#), Err(Anomaly::LostWrite));
    assert_eq!(answered(&up, "{}"), Err(Anomaly::LostWrite));
    // The other client stands further back, and commits that.
    assert_eq!(answered(&down, r#"{"k":0}"#), Ok(()));
    assert_eq!(answered(&down, r#"{"k":3}"#), Ok(()));
    assert_eq!(answered(&down, "{}"), Err(Anomaly::LostWrite));
    assert_eq!(answered(&[], "{}"), Ok(()));
}

#[test]
fn commits_at_one_time_may_come_in_either_order() {
    let [three, zero] = [r#"{"offsets":{"k":3}}"#, r#"{"offsets":{"k":0}}"#];
    let lines = |end| {
        with(&[
            (1, "invoke", "commit", zero),
            (2, "invoke", "commit", three),
            (2, "ok", "commit", "null"),
            (1, end, "commit", "null"),
            ASKED,
            (3, "ok", "committed", r#"{"k":0}"#),
        ])
    };
    assert_eq!(log(&lines("ok")), Ok(()));
    assert_eq!(log(&lines("info")), Ok(()));
    assert_eq!(log(&lines("fail")), Err(Anomaly::LostWrite));
}

#[test]
fn an_echo_is_what_was_sent() {
    let answered = |value| {
        let lines = [(1, "invoke", "echo", r#""a""#), (1, "ok", "echo", value)];
        judged(ModelName::Echo, &lines)
    };
    assert!(matches!(answered(r#""a""#), Verdict::Valid));
    let Verdict::Invalid(witness) = answered(r#""b""#) else { panic!("not found") };
    assert_eq!(witness.anomaly, Anomaly::GarbageRead);
}
