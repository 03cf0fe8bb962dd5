//! What is refused, and with which words.

use super::*;

fn refusal(format: Format, text: &str) -> String {
    let said = in_pieces(text.as_bytes(), format, 5).expect_err(text).to_string();
    let at_once = in_pieces(text.as_bytes(), format, 1 << 20).expect_err(text).to_string();
    assert_eq!(said, at_once);
    said
}

#[test]
fn json_is_read_by_its_grammar() {
    let value = |value: &str| {
        format!("[\n {{\"process\":0,\"type\":\"invoke\",\"f\":\"write\",\"value\":{value}}}]")
    };
    for (text, said) in [
        ("01", "line 2, column 52: found 1, expected the end of the number"),
        ("1.", "line 2, column 53: found }, expected a digit"),
        ("-", "line 2, column 52: found }, expected a digit"),
        ("+1", "line 2, column 51: found +, expected a value"),
        ("1e", "line 2, column 53: found }, expected a digit"),
        ("NaN", "line 2, column 51: found NaN, expected a value"),
        ("nul", "line 2, column 51: found nul, expected a value"),
        ("'a'", "line 2, column 51: found ', expected a value"),
        ("[1,]", "line 2, column 54: found ], expected a value"),
        ("[1 2]", "line 2, column 54: found 2, expected a comma, or ] at the end of the list"),
        ("{\"a\":1,}", "line 2, column 58: found }, expected a name in quotation marks"),
        ("{a:1}", "line 2, column 52: found a, expected a name in quotation marks"),
        ("{\"a\" 1}", "line 2, column 56: found 1, expected a colon"),
        ("{\"a\":1,\"a\":2}", "line 2, column 51: found an object with two fields of one name"),
        ("\"\\x\"", "line 2, column 53: found x, expected one of \" \\ / b f n r t u after"),
        ("\"\\u12g4\"", "line 2, column 56: found g4, expected four hexadecimal digits"),
        ("\"\\ud83d\"", "line 2, column 52: found half of a surrogate pair, expected both halves"),
        ("\"\\ud83d\\n\"", "line 2, column 52: found half of a surrogate pair"),
        ("\"\\ude00\"", "line 2, column 52: found half of a surrogate pair"),
        (
            "\"a\nb\"",
            "line 2, column 53: found the control character '\\n', expected it as an escape",
        ),
        ("1e99999999999999999999", "line 2, column 51: found a number beyond any bounds"),
        ("[1}", "line 2, column 53: found }, expected a comma, or ]"),
        ("1],", "line 2, column 52: found ], expected a comma, or }"),
    ] {
        let found = refusal(Format::JepsenJson, &value(text));
        assert!(found.starts_with(said), "{text}: {found}");
    }
    let deep = value(&format!("{}{}", "[".repeat(64), "]".repeat(64)));
    let said =
        "line 2, column 114: found a list or object 65 levels deep, expected at most 64 levels";
    assert_eq!(refusal(Format::JepsenJson, &deep), said);
    let deep = value(&format!("{}{}", "[".repeat(63), "]".repeat(63)));
    assert!(in_pieces(deep.as_bytes(), Format::JepsenJson, 100).is_ok());
    let bytes = [b"{\"process\":\n\"".as_slice(), &[0xff, b'"', b'}']].concat();
    let error = in_pieces(&bytes, Format::JepsenJson, 100).unwrap_err().to_string();
    assert_eq!(error, "line 2, column 2: found bytes that are no text, expected UTF-8");
}

#[test]
fn what_stands_between_objects_is_only_what_may() {
    for (text, said) in [
        ("7", "line 1, column 1: found 7, expected an object of JSON, or a list of objects"),
        ("[\n7]", "line 2, column 1: found 7, expected an object of JSON, or ] at the end"),
        ("[{\"process\":\"nemesis\"} {}]", "line 1, column 24: found {, expected a comma, or ]"),
        ("[{\"process\":\"nemesis\"},]", "line 1, column 24: found ], expected an object of JSON"),
        ("{\"process\":\"nemesis\"},", "line 1, column 22: found ,, expected an object of JSON"),
        ("[]\n[", "line 2, column 1: found [, expected the end of the file"),
        ("[]\u{0}", "line 1, column 3: found the control character '\\0', expected the end of"),
    ] {
        let found = refusal(Format::JepsenJson, text);
        assert!(found.starts_with(said), "{text}: {found}");
    }
}

/// A line that is torn in the middle of the file is no torn end.
#[test]
fn a_tear_in_the_middle_is_refused() {
    let journal = FILES[0].1;
    let second = journal.find('\n').unwrap() + 1;
    let third = second + journal[second..].find('\n').unwrap() + 1;
    for cut in second + 1..third - 2 {
        for lines in 1..4 {
            let rest: String = journal[third..].split_inclusive('\n').take(lines).collect();
            let error = refusal(Format::Jsonl, &format!("{}\n{rest}", &journal[..cut]));
            assert!(error.starts_with("line 2, "), "{cut}: {error}");
            let torn_twice = format!("{}\n{}", &journal[..cut], &rest[..rest.len() / 2]);
            refusal(Format::Jsonl, &torn_twice);
        }
    }
    let csv = "process,type,f,key,value\n0,invoke,get,x,\n0,ok,get,\"x\",12\n0,invoke,get,x,\n";
    for cut in 42..57 {
        let torn = format!("{}{}", &csv[..cut], &csv[58..]);
        let refused = in_pieces(torn.as_bytes(), Format::Csv, 9);
        assert!(refused.is_err(), "{torn}");
    }
}

/// The line that is torn is named, not the next, whatever the format; unless what is left of the line is
/// whole, so that only the events do not fit together.
#[test]
fn a_tear_is_found_on_the_line_that_is_torn() {
    let (mut syntax, mut pairing) = (0, 0);
    for (format, text, _) in FILES.iter().chain(&LINES).filter(|(_, text, _)| is_a_line_each(text))
    {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for torn in 1..lines.len() - 1 {
            let (before, after) = (lines[..torn].concat(), lines[torn + 1..].concat());
            let cuts = 1..lines[torn].trim_end_matches([',', '\n']).len();
            for cut in cuts.filter(|&cut| lines[torn].is_char_boundary(cut)) {
                let text = format!("{before}{}\n{after}", &lines[torn][..cut]);
                match in_pieces(text.as_bytes(), *format, 11) {
                    Err(ParseError::Syntax { line, .. } | ParseError::NoEvent { line, .. }) => {
                        assert_eq!(line, torn as u64 + 1, "{text}");
                        syntax += 1;
                    }
                    _ => pairing += 1,
                }
            }
        }
    }
    assert!(syntax > pairing, "{syntax} are found by their syntax, {pairing} are not");
}

/// Whether each line but perhaps the first and the last is an event.
fn is_a_line_each(text: &str) -> bool {
    text.lines().count() > 2 && !text.contains("two\nlines") && !text.contains("\n  ")
}

#[test]
fn events_of_json_are_refused_with_the_place_of_what_is_wrong() {
    let named = "one of get, read, put, write, cas, append, add, enqueue, dequeue, drain, push, pop, \
                 insert, delete-min, acquire, release, renew, generate, transfer";
    for (text, said) in [
        (r#"{"process":0,"type":"ok"}"#, format!("column 1: found nothing as f, expected {named}")),
        (
            r#"{"process":0,"type":"ok","f":"swap"}"#,
            format!("column 30: found \"swap\" as f, expected {named}"),
        ),
        (
            r#"{"process":0,"type":"okay","f":"read"}"#,
            "column 21: found \"okay\" as type, expected invoke, ok, fail or info".to_owned(),
        ),
        (
            r#"{"process":-1,"type":"ok","f":"read"}"#,
            "column 12: found -1 as process, expected a number from 0, or \"nemesis\"".to_owned(),
        ),
        (
            r#"{"process":"0","type":"ok","f":"read"}"#,
            "column 12: found \"0\" as process, expected a number from 0".to_owned(),
        ),
        (
            r#"{"process":0,"type":"ok","f":"read","time":0.5}"#,
            "column 44: found 0.5 as time, expected a whole number of 64 bits".to_owned(),
        ),
        (
            r#"{"process":0,"type":"ok","f":"read","index":18446744073709551616}"#,
            "column 45: found 18446744073709551616 as index, expected a whole number".to_owned(),
        ),
        (
            r#"{"process":0,"type":"ok","f":"read","f":"read"}"#,
            "column 41: found a second f, expected each field once".to_owned(),
        ),
        (
            r#"{"process":0,"type":"ok","f":"read"}"#,
            "event 1: process 0 completes an operation that it never invoked".to_owned(),
        ),
    ] {
        let found = refusal(Format::JepsenJson, text);
        let place = found.strip_prefix("line 1, ").or(found.strip_prefix("line 1: "));
        assert!(place.unwrap().starts_with(&said), "{text}: {found}");
    }
    let line = "{\"process\":0,\n\"type\":\"invoke\",\"f\":\"read\"}";
    let error = refusal(Format::JepsenJson, &format!("\n{line}\n\n{line}"));
    assert!(error.starts_with("line 5: event 5: process 0 invokes an operation while"), "{error}");
}

#[test]
fn a_header_is_read_with_its_place() {
    for (text, said) in [
        (
            "{\"schema\":2}",
            "line 1, column 11: found 2 as schema, expected a header with \"schema\":1",
        ),
        ("\n{\"process\":1}", "line 2, column 1: found nothing as schema, expected a header with"),
        ("{\"schema\":1,\"kind\":\"faults\"}", "line 1, column 20: found \"faults\" as kind"),
        ("{\"schema\":1,\"kind\":7}", "line 1, column 20: found 7 as kind, expected \"history\""),
        (
            "{\"schema\":1,\"model\":\"kw\"}",
            "line 1, column 21: found \"kw\" as model, expected one of kv",
        ),
        ("{\"schema\":1,\"failed_cas\":\"no\"}", "line 1, column 26: found \"no\" as failed_cas"),
    ] {
        let found = refusal(Format::Jsonl, text);
        assert!(found.starts_with(said), "{text}: {found}");
    }
}

#[test]
fn operations_of_porcupine_are_refused_with_the_place_of_what_is_wrong() {
    let operation =
        |input: &str, rest: &str| format!("[{{\"clientId\":1,\n\"input\":{input},{rest}}}]");
    for (input, rest, said) in [
        (
            r#"{"op":"swim"}"#,
            r#""call":1"#,
            "line 2, column 9: found \"swim\" as op, expected one of",
        ),
        (r#"{"op":3}"#, r#""call":1"#, "line 2, column 9: found 3 as op, expected one of get, "),
        (r#"{"key":3}"#, r#""call":1"#, "line 2, column 9: found an input without op"),
        ("7", r#""call":1"#, "line 2, column 9: found an input of another shape"),
        (r#"{"op":"cas"}"#, r#""call":1"#, "line 2, column 9: found a cas without values"),
        (r#"{"op":0,"Op":1}"#, r#""call":1"#, "line 2, column 9: found both Op and op"),
        (r#"{"op":0}"#, r#""return":1"#, "line 1, column 2: found nothing as call, expected whole"),
        (r#"{"op":0}"#, r#""call":-1"#, "line 2, column 25: found -1 as call"),
        (r#"{"op":0}"#, r#""call":1.5"#, "line 2, column 25: found 1.5 as call"),
        (r#"{"op":0}"#, r#""call":"1""#, "line 2, column 25: found \"1\" as call"),
        (
            r#"{"op":0}"#,
            r#""call":18446744073709551616"#,
            "line 2, column 25: found 18446744073709551616",
        ),
        (
            r#"{"op":0}"#,
            r#""call":5,"return":2"#,
            "line 2, column 36: found 2 as return, expected a time at",
        ),
        (
            r#"{"op":0}"#,
            r#""call":5,"output":{"result":2}"#,
            "line 2, column 36: found an output of get",
        ),
        (r#"{"op":0}"#, r#""call":5,"call":2"#, "line 2, column 34: found a second call"),
    ] {
        let found = refusal(Format::PorcupineJson, &operation(input, rest));
        assert!(found.starts_with(said), "{input} {rest}: {found}");
    }
    let client = refusal(Format::PorcupineJson, r#"{"clientId":-1,"input":{"op":"get"},"call":1}"#);
    assert_eq!(client, "line 1, column 13: found -1 as clientId, expected a number from 0");
}

#[test]
fn events_of_porcupine_are_refused_with_the_place_of_what_is_wrong() {
    let call = r#"{"clientId":0,"kind":"call","value":{"op":"get"},"id":1}"#;
    for (text, said) in [
        (r#"{"kind":2,"id":1}"#, "line 1, column 9: found 2 as kind, expected call or return"),
        (r#"{"kind":"call","value":{"op":0}}"#, "line 1, column 1: found nothing as id"),
        (r#"{"kind":"call","id":1}"#, "line 1, column 1: found an input of another shape"),
        (
            r#"{"kind":"return","id":1}"#,
            "line 1, column 23: found 1 as id of a return, expected a call",
        ),
        (
            &format!("{call}\n{call}"),
            "line 2, column 55: found 1 as id of a call, expected the return",
        ),
    ] {
        let found = refusal(Format::PorcupineEvents, text);
        assert!(found.starts_with(said), "{text}: {found}");
    }
}

#[test]
fn rows_are_refused_with_the_place_of_what_is_wrong() {
    let header = "process,type,f,key,value,expected\n";
    for (text, said) in [
        (
            "process,type,f,expectd\n",
            "line 1, column 16: found the column \"expectd\", expected one of",
        ),
        ("process,type,f,type\n", "line 1, column 16: found a second column type"),
        ("process;type\n", "line 1, column 1: found a first row without f"),
        ("x\n", "line 1, column 1: found the column \"x\""),
        (&format!("{header}one,ok,get,x,,\n"), "line 2, column 1: found \"one\" as process"),
        (&format!("{header}+1,ok,get,x,,\n"), "line 2, column 1: found \"+1\" as process"),
        (&format!("{header}\n0, yes,get,x,,\n"), "line 3, column 4: found \"yes\" as type"),
        (&format!("{header}0,refused,get,x,,\n"), "line 2, column 3: found \"refused\" as type"),
        (
            &format!("{header}0,ok,swap,x,,\n"),
            "line 2, column 6: found \"swap\" as f, expected one of get",
        ),
        (&format!("{header}0,ok,get,x\n"), "line 2, column 10: found 4 cells, expected 6, as in"),
        (&format!("{header}0,ok,get,x,,,\n"), "line 2, column 14: found 7 cells, expected 6"),
        (
            &format!("{header}0,invoke,put,x,[1,\n"),
            "line 2, column 16: found a cell that ends too early, expected a comma, or ]",
        ),
        (
            &format!("{header}0,invoke,put,x,\"[1,\",\n"),
            "line 2, column 16: found a cell that ends too early, expected a value",
        ),
        (
            &format!("{header}0,invoke,put,x,[1] 2,\n"),
            "line 2, column 16: found a cell with 2 after 4 bytes, expected the end of the cell",
        ),
        (
            &format!("{header}0,invoke,put,x,\"1\"2,\n"),
            "line 2, column 19: found more text after a",
        ),
        (
            &format!("{header}0,invoke,put,x,\"1,\n"),
            "line 2, column 16: found a quotation mark that",
        ),
        (&format!("{header}0,ok,put,x,1,\n"), "line 2: event 2: process 0 completes an operation"),
        (
            &format!("{header}0,invoke,put,\"x\ny\",1,\n\n0,invoke,put,x,1,\n"),
            "line 5: event 5: process 0 invokes an operation while the one it invoked at event 2",
        ),
    ] {
        let found = refusal(Format::Csv, text);
        assert!(found.starts_with(said), "{text}: {found}");
    }
}

#[test]
fn a_missing_bracket_is_that_of_the_object_without_it() {
    let text = "{\"process\":0,\"type\":\"invoke\",\"f\":\"read\"\n{\"process\":0,\"type\":\"ok\",\"f\":\"read\"}\n";
    let said = refusal(Format::JepsenJson, text);
    let expected = "line 1, column 1: found an object that does not end before the next event (line 2, \
                    column 1), expected }";
    assert_eq!(said, expected);
}
