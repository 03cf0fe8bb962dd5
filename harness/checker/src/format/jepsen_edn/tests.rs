//! Events in EDN, and what is refused.

use crate::format::jepsen::tests::{operations, problem, read};
use crate::format::{Format, Skipped};
use crate::history::{FailedCas, Reading};

const EDN: Format = Format::Edn;

fn shown(text: &str) -> Vec<String> {
    operations(&read(text, EDN).unwrap().history)
}

#[test]
fn maps_and_tuples_are_events() {
    let expected = [
        "0 write key nil argument 1 result nil Ok at 1 2",
        "1 read key nil argument nil result 1 Ok at 4 5",
    ];
    for text in [
        "{:process 0 :type :invoke :f :write :value 1}
         {:process 0, :type :ok, :f :write, :value 1}
         {:process :nemesis :type :info :f :start :value {:n1 #object[Foo 0x1f \"x\"]}}
         {:type :invoke, :value nil, :process 1N, :f \"read\"}
         #jepsen.history.Op{:process 1 :f :read :type :ok :value 1N :index -1 :what [{} #{}]}",
        "[0 :invoke :write 1]
         (0 :ok :write 1)
         [:nemesis :info :start \"Cut off [:n1]\"]
         [1 :invoke :read nil]
         [1 :ok :read 1]",
        "[{:process 0 :type :invoke :f :write :value 1}
          {:process 0, :type :ok, :f :write, :value 1} #_ {:process 7}

          [1 :invoke :read]
          {:process 1 :f :read :type :ok :value 1}
          ]",
        "; why
         (^{:a 1} {:process 0 :type :invoke :f :write :value 1})",
    ] {
        let read = read(text, EDN).unwrap();
        let operations = operations(&read.history);
        assert_eq!((read.torn, read.skipped), (None, Skipped::default()));
        if operations.len() == 2 {
            assert_eq!(operations, expected, "{text}");
        } else {
            assert_eq!(operations, ["0 write key nil argument 1 result nil Info at 2"]);
        }
    }
}

#[test]
fn events_have_the_numbers_of_the_file() {
    let text = "[{:process 0 :type :invoke :f :read :value nil :index 7}
 {:process :nemesis :type :info :f :start :value nil :index 8}
 {:process 0 :type :ok :f :read :value nil :index 9} {:process 0 :type :invoke :f :read}
 {:process 0 :type :ok :f :read} {:process 0 :type :invoke :f :read} ]";
    let expected = ["7 9", "10 11", "12"];
    for (operation, at) in shown(text).iter().zip(expected) {
        assert!(operation.ends_with(&format!("at {at}")), "{operation}");
    }
    let text = "\n\n[0 :invoke :read nil] [1 :invoke :read nil]\n\n[0 :ok :read nil]";
    assert!(shown(text)[0].ends_with("at 3 5"), "{:?}", shown(text));
    let text = "([0 :invoke :read nil] [:nemesis :info :start nil] [0 :ok :read nil])";
    assert!(shown(text)[0].ends_with("at 1 3"), "{:?}", shown(text));
    let backwards =
        "{:process 0 :type :invoke :f :read :index 7}\n{:process 0 :type :ok :f :read :index 7}";
    assert_eq!(problem(backwards, EDN), "line 2: event 7: expected an index above 7");
}

#[test]
fn a_long_name_is_cut_in_an_error() {
    let told = problem(&format!("{{:process 0 :{}}}", "x".repeat(5_000)), EDN);
    assert!(told.contains("expected a value for :xxx") && told.len() < 200, "{told}");
}

#[test]
fn keys_values_times_and_names_are_read() {
    let text = r#"
{:process 0 :type :invoke :f :cas :key "x" :value [1 "2"] :time 5 :node "n1" :client :a}
{:process 0 :type :fail :f :cas :key "x" :value :timed-out :time 7.5}
{:process 1 :type :invoke :f :add :key nil :value #{[1 2]} :time -3}"#;
    let history = read(text, EDN).unwrap().history;
    assert_eq!(
        operations(&history),
        [
            r#"0 cas key "x" argument "2" result 1 Fail at 2 3"#,
            "1 add key nil argument #{[1 2]} result nil Info at 4",
        ]
    );
    let first = &history.operations()[0];
    assert_eq!((first.invoke_ns, history.client(first)), (5, "a"));
    assert_eq!(history.node(first), Some("n1"));
    assert_eq!(history.operations()[1].invoke_ns, 0);
}

#[test]
fn keys_may_stand_inside_values() {
    let text = "{:process 0 :type :invoke :f :write :value [:x 1]}
{:process 0 :type :ok :f :write :value #jepsen.independent/tuple [:x 1]}
{:process 1 :type :invoke :f :cas :value (:y [1 2])}";
    let expected = [
        "0 write key :x argument 1 result nil Ok at 1 2",
        "1 cas key :y argument 2 result 1 Info at 3",
    ];
    assert_eq!(shown(text), expected);
    let one_is_none = "[0 :invoke :write [1 2]]\n[2 :invoke :read nil]";
    assert_eq!(shown(one_is_none)[0], "0 write key nil argument [1 2] result nil Info at 1");
}

#[test]
fn a_failed_cas_says_only_what_the_caller_wants() {
    let refused = |text: &str, failed_cas| {
        let reading = Reading { failed_cas, ..Reading::default() };
        let read = crate::format::read(text.as_bytes(), EDN, reading).unwrap();
        read.history.operations()[0].refused
    };
    let fail =
        |rest: &str| format!("[0 :invoke :cas [1 2]]\n{{:process 0 :type :fail :f :cas {rest}}}");
    assert!(!refused(&fail(":value [1 2]"), None));
    for (rest, is_refused) in [
        (":value [1 2]", true),
        ("", true),
        (":value nil", true),
        (":value :timed-out", false),
        (":value [1 2] :error :timeout", false),
        (":error nil", false),
        (":exception {:a #object[0x4e]}", false),
    ] {
        assert_eq!(refused(&fail(rest), Some(FailedCas::Refused)), is_refused, "{rest}");
    }
    let tuple = "[0 :invoke :cas [1 2]]\n[0 :fail :cas [1 2] :conn-lost]";
    assert!(!refused(tuple, Some(FailedCas::Refused)));
}

#[test]
fn what_is_no_event_is_refused_at_its_place() {
    let line = "{:process 0 :type :invoke :f :read :value nil}\n";
    for (text, said) in [
        ("", "not a history: there is no event in it"),
        ("[]", "not a history: there is no event in it"),
        ("; only words\n", "not a history: there is no event in it"),
        (
            "{:valid? true}",
            "not a history: line 1, column 1: found a map without :process, expected",
        ),
        ("{:index 1 :f :read}", "not a history: line 1, column 1: found a map without :process"),
        ("abc ", "not a history: line 1, column 1: found abc, expected an event"),
        ("\"abc\"", "not a history: line 1, column 1: found \"abc\", expected an event"),
        ("  #{1} ", "not a history: line 1, column 3: found #{1}, expected an event"),
        ("#inst \"1\"", "not a history: line 1, column 1: found #inst \"1\", expected an event"),
        (
            "[1 2]",
            "not a history: line 1, column 1: found a list without process, type and function",
        ),
        (
            "[nil :ok :read]",
            "not a history: line 1, column 1: found a list that begins with no pro",
        ),
        ("[[1] {}]", "not a history: line 1, column 2: found a list without process, type and fu"),
        ("{:process 0}", "line 1, column 1: found an event without :type, expected :invoke, :ok"),
        ("{:process -1 :type :ok}", "line 1, column 11: found -1, expected a process: a number fr"),
        ("{:process \"a\" :type :ok}", "line 1, column 11: found \"a\", expected a process"),
        ("{:process 0 :type :okay}", "line 1, column 19: found :okay, expected :invoke, :ok, :fai"),
        ("{:process 0 :type :ok}", "line 1, column 1: found an event without :f, expected one of"),
        (
            "[0 :ok :txn [1]]",
            "line 1, column 8: found the function :txn, expected one of get, read, put, write",
        ),
        (
            "[0 :ok read 1]",
            "line 1, column 8: found the function read, expected one of get, read, put, write",
        ),
        ("[0 :ok :read 1 :a :b]", "line 1, column 19: found :b, expected ]"),
        ("{:process 0 :process 1}", "line 1, column 13: found :process for the second time, expe"),
        ("{:process 0\n 7 :ok}", "line 2, column 2: found 7, expected a keyword or }"),
        ("{:process 0 :type}", "line 1, column 18: found }, expected a value for :type"),
        ("{:process 0 :type :ok :f :read :value [1 2}}", "line 1, column 43: found }, expected ]"),
        ("[0 :ok :read #{1\n 1}]", "line 2, column 2: found 1 for the second time, expected each"),
        ("[0 :ok :read \"a\\qb\"]", "line 1, column 16: found \\qb, expected an escape"),
        ("[0 :ok :read 08]", "line 1, column 14: found 08, expected a number"),
        ("[0 :ok :read\n {:a}]", "line 2, column 5: found }, expected a value for the last key"),
        (
            "[0 :ok :read nil]",
            "line 1: event 1: process 0 completes an operation that it never inv",
        ),
        ("] ", "line 1, column 1: found ], expected an event"),
    ] {
        let error = problem(text, EDN);
        assert!(error.starts_with(said), "{text}: {error}");
        if text.is_empty() || text.starts_with(['[', ';', ']']) {
            continue;
        }
        // The same further down.
        let said = error.replacen("line 1,", "line 3,", 1).replacen("line 2,", "line 4,", 1);
        assert_eq!(problem(&format!("{line}\n{text}\n{line}"), EDN), said, "{text}");
    }
}

#[test]
fn only_the_last_form_may_be_torn() {
    let line = "{:process 0 :type :invoke :f :read :value nil}";
    let done = "{:process 0 :type :ok :f :read :value \"a {b\"}";
    let tuple = "[0 :ok :read \"a {b\"]";
    for (torn, is_end) in [
        ("", true),
        ("  ; no more", true),
        ("{", false),
        ("{:proc", false),
        ("{:process 0 :type :ok\n  :f :read\n  :value {:process 1", false),
        ("{:process 0 :type :ok :f :read :value \"two\nlines", false),
        ("[0 :ok :read [1 2", false),
        ("[0 :ok :rea", false),
        ("(", false),
        ("#", false),
        ("#_", false),
        ("#_ {:process", false),
        ("#jep", false),
        ("#jepsen.history.Op", false),
        ("#jepsen.history.Op{:index 1 :process 0", false),
        ("^{:a", false),
        ("{:process 0 #", false),
        ("{:process 0 :value \\", false),
        ("{:process 0 :value \"\\", false),
        ("{:process 0 :error {:op {:type :invoke", false),
    ] {
        let read = read(&format!("{line}\n{torn}"), EDN).unwrap();
        assert_eq!(read.torn, (!is_end).then_some(2), "{torn}");
        assert_eq!(read.history.operations().len(), 1);
    }
    for (torn, place) in [
        // The form that is torn, not the next one.
        (
            "{:process 0 :type :ok :f :rea",
            "line 2, column 1: found a map that does not end before the next event (line 3, column 1), expected }",
        ),
        ("{:process 0 :type :ok :f :read :value", "line 2, column 1: found a map that"),
        (
            "{:process 0 :type :ok :f :read :value \"a",
            "line 2, column 39: found a string that does not end before the next event (line 3, column 1), expected its closing quotation mark",
        ),
        ("{:process 0 :type :ok :f :read :value [1", "line 2, column 1: found a map that"),
        ("{:process 0 :type :ok :f :read :value #{1 {", "line 2, column 1: found a map that"),
        ("{:process 0 :type :ok :f :read :value 1", "line 2, column 1: found a map that"),
        (
            "[0 :ok :read 1",
            "line 2, column 1: found a vector that does not end before the next event (line 3, column 1), expected ]",
        ),
        ("(0 :ok :read", "line 2, column 1: found a list that"),
        ("[0 :ok :read \"1]", "line 2, column 14: found a string that"),
        ("#jepsen.Op{:process 0", "line 2, column 1: found a form that"),
        ("{:process 0 :type :ok :f :read ; :value 1}", "line 2, column 1: found a map that"),
        ("{:process 0 :type :ok :f :read :value \\}", "line 2, column 1: found a map that"),
        (" {:process 0 :type :ok :f :rea", "line 2, column 2: found a map that"),
        (
            "{:process 0 :type :ok :f :read :value 1}}",
            "line 2, column 41: found }, expected an event",
        ),
        ("{:process 0 :type :ok :f :read :value (1]}", "line 2, column 41: found ], expected )"),
        (":process 0 :type :ok}", "not a history: line 2, column 1: found :process, expected an"),
        ("process 0 :type :ok}", "not a history: line 2, column 1: found process, expected an ev"),
    ] {
        for next in [done, tuple, "#jepsen.history.Op{:index 1 :process 0"] {
            for end in ["", "\n", "\n{:process 1", "\n{:process 1 :type :invoke :f :read}"] {
                let text = format!("{line}\n{torn}\n{next}{end}");
                let error = problem(&text, EDN);
                assert!(error.starts_with(place), "{text}: {error}");
            }
        }
    }
    // All on one line, in a vector. An event is no value of another.
    for torn in ["{:process 0 :type :ok :f :rea", "[0 :ok :read", "{:process 0 :value \"a"] {
        for end in ["", "]", " [1 :invoke :read nil]", " [1 :invoke :read nil]]"] {
            let text = format!("[{line} {torn} {tuple}{end}");
            assert!(problem(&text, EDN).starts_with("line 1, column"), "{text}");
        }
    }
}

#[test]
fn a_tag_whose_map_is_torn_off_takes_no_event_of_the_next_line() {
    let event = "#jepsen.history.Op{:process 0 :type :invoke :f :read :value nil}";
    for torn in ["#jep", "#jepsen.history.Op", "#jepsen.history.Op "] {
        let error = problem(&format!("{event}\n{torn}\n{event}"), EDN);
        let told = "line 2, column 1: found a form that does not end before the next event (line 3";
        assert!(error.starts_with(told), "{error}");
    }
}

#[test]
fn a_vector_without_its_end_is_torn() {
    let read = read("[[0 :invoke :read nil]\n [0 :ok :read 1]\n", EDN).unwrap();
    assert_eq!((read.torn, operations(&read.history).len()), (Some(2), 1));
}

#[test]
fn values_of_several_lines_are_no_torn_forms() {
    let text = r#"{:process 0
:type :invoke
:f :add
:value
 {:type [:append
         [1 2]]
  :process "a
{b}
[1 2] c"}}
{:process 0 :type :info :f :add
 :error {:via [{:type :x} {:at [1 :y]}]
         :op {:process 0 :type :invoke :f :add :value 1}
         :other
         {:process 0 :type :invoke :f :add :value 1}}}"#;
    assert_eq!(shown(text).len(), 1);
    assert_eq!(read(text, EDN).unwrap().torn, None);
}

#[test]
fn lines_may_hold_several_events_and_go_on() {
    let text = r"[
  [0 :invoke :add 1] {:process 1 :type :invoke :f :add :value
   {:type 1}} {:process 2 :type :invoke :f :add :value
 {:type 2}} ]";
    assert_eq!(shown(text).len(), 3);
    let torn = "[ [0 :invoke :add 1] {:process 1 :type :invoke :f :add :value
  {:type :invoke :process 2 :f :add :value 1}";
    assert!(problem(torn, EDN).starts_with("line 1, column 22: found a map that does not end"));
}

#[test]
fn a_form_that_does_not_end_is_refused_in_bounded_memory() {
    let mut reader = super::Reader::new(Reading::default());
    reader.feed(b"{:process 0 :value \"").unwrap();
    let piece = vec![b'x'; 1 << 20];
    let error = (0..40).find_map(|_| reader.feed(&piece).err());
    let said = "line 1, column 1: found a form of more than 32 MB, expected its end";
    assert_eq!(error.unwrap().to_string(), said);
}

#[test]
fn edn_is_told_from_other_formats_by_its_beginning() {
    for text in [
        "{:process 0",
        "\u{feff} {:process 0",
        "{ :index",
        "[{:type",
        "({:type",
        "[[0 :invoke",
        "[0 :invoke :read",
        "(:nemesis :info :start",
        "; a comment\n[{:a",
        "; only a comment",
        "#_ {:a 1} {:b",
        "#_{:type :invoke, :process 1,",
        "#jepsen.history.Op{:index",
        "[ #jepsen.history.Op{:index",
        "^{:a 1} {:b",
    ] {
        assert!(super::looks_like(text.as_bytes()), "{text}");
        assert_eq!(Format::detect(text.as_bytes()), Some(Format::Edn), "{text}");
    }
    for text in [
        "",
        "{\"process\": 0",
        "[{\"process\": 0",
        "[0, \"invoke\"",
        "[\"a\"]",
        "process,type",
        "# a comment",
        "#process,type",
        "0\t:invoke\t:read",
        "INFO  jepsen.util - 0",
        "[]",
        "{}",
        "<html>",
    ] {
        assert!(!super::looks_like(text.as_bytes()), "{text}");
    }
}
