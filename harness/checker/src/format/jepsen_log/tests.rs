//! Events in logs, and what is refused.

use crate::format::jepsen::tests::{operations, problem, read};
use crate::format::{Format, ParseError};
use crate::history::{FailedCas, Reading};

const LOG: Format = Format::JepsenLog;
const HEAD: &str = "2025-06-19 11:44:50,029{GMT}\tINFO\t[jepsen worker 0] jepsen.util: ";

#[test]
fn the_old_form_is_read() {
    let text = "INFO  jepsen.util - 0\t:invoke\t:write\t1
INFO  jepsen.util - 0   :ok     :write  1
INFO  jepsen.core - Run starts
INFO  jepsen.util - :nemesis\t:info\t:start\tnil
WARN  jepsen.core - Process 3 crashed
java.lang.Exception: 3 - 4
\tat jepsen.core$run.invoke(core.clj:13)
INFO  jepsen.util - 1\t:invoke\t:cas\t[1 2]
INFO  jepsen.util - 1\t:fail\t:cas\t[1 2]
INFO  jepsen.util - 2\t:invoke\t:cas\t[1 2]
INFO  jepsen.util - 2\t:fail\t:cas\t:timed-out
INFO  jepsen.util - 3\t:invoke\t:cas\t[1 2]
INFO  jepsen.util - 3\t:fail\t:cas\t[1 2]\t:conn-lost
INFO  jepsen.util - 4\t:invoke\t:read\tnil
INFO  jepsen.util - 4\t:info\t:read\t:timed-out
";
    let history = read(text, LOG).unwrap();
    let expected = [
        "0 write key nil argument 1 result nil Ok at 1 2",
        "1 cas key nil argument 2 result 1 Ok at 8 9",
        "2 cas key nil argument 2 result 1 Fail at 10 11",
        "3 cas key nil argument 2 result 1 Fail at 12 13",
        "4 read key nil argument nil result nil Info at 14",
    ];
    assert_eq!(operations(&history.history), expected);
    let refused: Vec<bool> = history.history.operations().iter().map(|op| op.refused).collect();
    assert_eq!(refused, [false, true, false, false, false]);
    let first = Some((3, "INFO  jepsen.core - Run starts".to_owned()));
    assert_eq!((history.skipped.count, history.skipped.first), (4, first));
    let reading = Reading { failed_cas: Some(FailedCas::NotDone), ..Reading::default() };
    let history = crate::format::read(text.as_bytes(), LOG, reading).unwrap().history;
    assert!(history.operations().iter().all(|op| !op.refused));
}

#[test]
fn the_form_of_today_is_read() {
    let text = "2025-06-19 11:44:50,029{GMT}\tINFO\t[jepsen test runner] jepsen.core: Test version 1
{:name \"a test\"
 :nodes 5}
2024-12-31 23:59:59,500{GMT}\tINFO\t[jepsen worker 0] jepsen.util: 0\t:invoke\t:write\t1
2024-12-31 23:59:59,600{GMT}\tINFO\t[jepsen nemesis] jepsen.util: :nemesis\t:info\t:start\tnil
2025-01-01 00:00:01,000{GMT}\tINFO\t[jepsen worker 0] jepsen.util: 0\t:info\t:write\t1\tindeterminate: what
is it?
2025-01-01 00:00:01,000{GMT}\tINFO\t[jepsen worker 1] jepsen.util: 5\t:invoke\t:cas\t[1 2]
2025-01-01T00:00:02.0012 INFO [jepsen worker 1] jepsen.util: 5\t:fail\t:cas\t[1 2]
";
    let read = read(text, LOG).unwrap();
    let expected = [
        "0 write key nil argument 1 result nil Info at 4",
        "5 cas key nil argument 2 result 1 Fail at 8 9",
    ];
    assert_eq!(operations(&read.history), expected);
    let operations = read.history.operations();
    assert_eq!(operations[1].invoke_ns, 1_500_000_000);
    assert_eq!(operations[1].complete_ns(), Some(2_501_200_000));
    assert!(!operations[1].refused);
    assert_eq!(read.skipped.count, 4);
}

#[test]
fn an_event_that_breaks_off_before_its_process_is_refused_or_torn() {
    let old = "INFO  jepsen.util - 0 :invoke :read nil\n";
    let begin = format!("{old}{HEAD}1\t:invoke\t:read\tnil\n");
    for head in ["INFO  jepsen.util -", "INFO  jepsen.util - ", &HEAD[..HEAD.len() - 1], HEAD] {
        let torn = read(&format!("{begin}{head}"), LOG).unwrap();
        assert_eq!((torn.torn, torn.history.operations().len()), (Some(3), 2), "{head}");
        let text = format!("{begin}{head}\n{old}");
        let refused = read(&text, LOG);
        let is_there = matches!(refused, Err(ParseError::Syntax { line: 3, .. }));
        assert!(is_there, "{head}: {refused:?}");
    }
}

#[test]
fn days_are_counted() {
    for (date, days) in [
        ((1970, 1, 1), 0),
        ((1970, 3, 1), 59),
        ((1999, 12, 31), 10_956),
        ((2000, 2, 29), 11_016),
        ((2000, 3, 1), 11_017),
        ((2025, 6, 19), 20_258),
    ] {
        assert_eq!(super::days(date.0, date.1, date.2), days);
    }
}

#[test]
fn what_breaks_off_is_refused_at_its_place() {
    let event = format!("{HEAD}1\t:invoke\t:read\tnil");
    let entry = "2025-06-19 11:44:50,029{GMT}\tINFO\t[jepsen worker 0] jepsen.core: all is well";
    let end = "found the end of the line, expected an entry of a log";
    for (line, said) in [
        ("2025-", format!("column 6: {end}")),
        ("2025-06-19 11:44:50,029{GMT}", format!("column 29: {end}")),
        (&HEAD[..48], format!("column 49: {end}")),
        ("INFO", format!("column 5: {end}")),
        ("INFO  jepsen.ut", format!("column 16: {end}")),
        (
            "INFO  jepsen.util what",
            "column 1: found the head of an entry that breaks off".to_owned(),
        ),
        (&format!("{HEAD}0"), "column 67: found the end of the line, expected :invoke".to_owned()),
        (&format!("{HEAD}0\t:in"), "column 68: found :in, expected :invoke".to_owned()),
        (&format!("{HEAD}0\tin"), "column 68: found in, expected :invoke".to_owned()),
        (
            &format!("{HEAD}0\t:ok\t:rea\t1"),
            "column 72: found the function :rea, expected one of".to_owned(),
        ),
        (&format!("{HEAD}0\t:ok\t:read\t\"a"), "column 80: found the end of the line".to_owned()),
        (&format!("{HEAD}0\t:ok\t:read\t1 2"), "column 80: found 2, expected the end".to_owned()),
        // A line and the next, after a line that was torn.
        (
            &format!("{}{entry}", &HEAD[..48]),
            "column 1: found the head of an entry that".to_owned(),
        ),
        (
            &format!("{}{event}", &HEAD[..48]),
            "column 1: found the head of an entry that".to_owned(),
        ),
        (&format!("{}{event}", &HEAD[..5]), "column 6: found the head of another entry".to_owned()),
        (&format!("{entry}{event}"), "column 77: found the head of another entry".to_owned()),
        (
            &format!("{HEAD}0\t:info\t:read\tnil{event}"),
            "column 83: found the head of ano".to_owned(),
        ),
    ] {
        let text = format!("{event}\n{line}\n{HEAD}1\t:ok\t:read\t1\n");
        let error = problem(&text, LOG);
        assert!(error.starts_with(&format!("line 2, {said}")), "{line}: {error}");
    }
}

#[test]
fn a_line_without_its_end_is_torn() {
    let text = format!("{HEAD}0\t:invoke\t:write\t12\n{HEAD}0\t:ok\t:write\t1");
    let read = read(&text, LOG).unwrap();
    assert_eq!(operations(&read.history).len(), 1);
    assert_eq!((read.torn, read.history.operations()[0].complete_index()), (Some(2), None));
}

#[test]
fn other_entries_are_no_matter_but_other_lines_are() {
    let event = format!("{HEAD}0\t:invoke\t:read\tnil\n{HEAD}0\t:ok\t:read\tnil\n");
    let entries =
        "2025-06-19 11:44:50,029{GMT}\tINFO\t[a] jepsen.core: busy\n  with this\n".repeat(50);
    let history = read(&format!("{entries}{event}"), LOG).unwrap();
    assert_eq!(history.skipped.count, 100);
    assert_eq!(history.torn, None);
    assert_eq!(read(&format!("{event}what?\n{entries}"), LOG).unwrap().skipped.count, 101);
    let error = problem(&format!("{event}what?\n{event}what?\n{entries}"), LOG);
    let said = "not a history: 2 of 106 lines are no events, the first of them line 3: \"what?\"";
    assert_eq!(error, said);
    let error = read(&entries, LOG).unwrap_err();
    assert!(matches!(error, ParseError::NotAHistory { skipped: 100, lines: 100, line: 1, .. }));
    assert_eq!(problem(" \n", LOG), "not a history: there is no event in it");
}

#[test]
fn logs_are_told_from_other_formats_by_their_beginning() {
    for text in [
        HEAD,
        &HEAD[..43],
        "INFO  jepsen.core - Run starts\n",
        "lein test jepsen.etcd-test\nINFO  jepsen.util - 0 :invoke :read nil\n",
    ] {
        assert_eq!(Format::detect(text.as_bytes()), Some(LOG), "{text}");
    }
    for text in ["", "2025", "INFO", "INFO something", "2025-06-19 11:44:50 GMT what", "{:a 1}"] {
        assert!(!super::looks_like(text.as_bytes()), "{text}");
    }
}
