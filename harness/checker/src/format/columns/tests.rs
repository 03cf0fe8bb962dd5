//! Events in columns, and what is refused.

use crate::format::jepsen::tests::{operations, problem, read};
use crate::format::{Format, ParseError, Skipped};
use crate::history::{FailedCas, Reading};

const COLUMNS: Format = Format::Columns;

#[test]
fn events_in_columns_are_read() {
    let text = "\u{feff}0\t:invoke\t:write\t{:a  1}
:nemesis\t:info\t:start\t#<Cut off ]}
0   :ok     :write  {:a 1}\r

1\t:invoke\t:cas\t[1 2]
1\t:fail\t:cas\t[1 2]\t:conn-lost and more
that goes on
12\t:invoke\t:read\tnil
12\t:info\t:read
";
    let read = read(text, COLUMNS).unwrap();
    let expected = [
        "0 write key nil argument {:a 1} result nil Ok at 1 3",
        "1 cas key nil argument 2 result 1 Fail at 5 6",
        "12 read key nil argument nil result nil Info at 8",
    ];
    assert_eq!(operations(&read.history), expected);
    let skipped = Skipped { count: 1, first: Some((7, "that goes on".to_owned())) };
    assert_eq!((read.torn, read.skipped), (None, skipped));
}

#[test]
fn a_failed_cas_was_not_done_unless_the_caller_says_otherwise() {
    let text =
        "0 :invoke :cas [1 2]\n0 :fail :cas [1 2]\n1 :invoke :cas [1 2]\n1 :fail :cas :oops\n";
    let refused = |failed_cas| {
        let reading = Reading { failed_cas, ..Reading::default() };
        let read = crate::format::read(text.as_bytes(), COLUMNS, reading).unwrap();
        read.history.operations().iter().map(|op| op.refused).collect::<Vec<_>>()
    };
    assert_eq!(refused(None), [false, false]);
    assert_eq!(refused(Some(FailedCas::Refused)), [true, false]);
}

#[test]
fn what_is_no_event_is_refused_at_its_place() {
    for (line, said) in [
        ("0", "column 2: found the end of the line, expected :invoke, :ok, :fail or :info"),
        ("0 :ok", "column 6: found the end of the line, expected a function"),
        ("0 invoke :read nil", "column 3: found invoke, expected :invoke, :ok, :fail or :info"),
        ("0\t:ok\t:rea\tnil", "column 7: found the function :rea, expected one of get, read, put"),
        ("-1 :ok :read nil", "column 1: found -1, expected a process"),
        ("0 :invoke :write", "column 17: found the end of the line, expected a value"),
        ("0 :invoke :cas [1 2", "column 20: found the end of the line, expected ]"),
        ("0 :invoke :write \"a", "column 20: found the end of the line, expected the end of a str"),
        ("0 :ok :read 1 2", "column 15: found 2, expected the end of the line"),
        ("0 :ok :read 1]", "column 14: found ], expected the end of the line"),
        ("0 :invoke :write 1x", "column 18: found 1x, expected a number"),
        (":nemesis :inf", "column 10: found :inf, expected :invoke, :ok, :fail or :info"),
        ("0 :info :write 12 :invoke :read", "column 16: found another event, expected the end"),
        (":nemesis :info :start12 :ok :read", "column 16: found another event, expected the end"),
    ] {
        let text = format!("1 :invoke :read nil\n{line}\n1 :ok :read 1\n");
        let error = problem(&text, COLUMNS);
        assert!(error.starts_with(&format!("line 2, {said}")), "{line}: {error}");
    }
}

#[test]
fn a_line_without_its_end_is_torn() {
    let text = "0 :invoke :write 12\n0 :ok :write 12";
    let read = read(text, COLUMNS).unwrap();
    assert_eq!(operations(&read.history), ["0 write key nil argument 12 result nil Info at 1"]);
    assert_eq!(read.torn, Some(2));
}

#[test]
fn at_most_one_line_in_a_hundred_may_be_something_else() {
    let events = "0 :invoke :read nil\n0 :ok :read nil\n".repeat(50);
    let history =
        super::super::read(format!("{events}what?\n").as_bytes(), COLUMNS, Reading::default());
    let skipped = Skipped { count: 1, first: Some((101, "what?".to_owned())) };
    assert_eq!(history.unwrap().skipped, skipped);
    let error = problem(&format!("what?\n{events}what else?\n"), COLUMNS);
    let said = "not a history: 2 of 102 lines are no events, the first of them line 1: \"what?\"";
    assert_eq!(error, said);
    let error = read("a\n\nb", COLUMNS).unwrap_err();
    assert!(matches!(error, ParseError::NotAHistory { skipped: 1, lines: 1, line: 1, .. }));
    assert_eq!(problem("", COLUMNS), "not a history: there is no event in it");
}

#[test]
fn columns_are_told_from_other_formats_by_their_beginning() {
    for text in ["0\t:invoke\t:write\t1", ":nemesis :info :start nil\n", "what\n1 :ok :read"] {
        assert_eq!(Format::detect(text.as_bytes()), Some(COLUMNS), "{text}");
    }
    for text in
        ["", "0,invoke", "[0 :invoke :read", "0 invoke", "INFO  jepsen.util - 0 :ok :read 1"]
    {
        assert!(!super::looks_like(text.as_bytes()), "{text}");
    }
}
