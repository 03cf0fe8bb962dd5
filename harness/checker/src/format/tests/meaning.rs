//! What the fields, cells and words of each format mean.

use super::*;
use crate::check::{Options, check};
use crate::models::ModelName;

fn read(format: Format, text: &str) -> History {
    let read =
        in_pieces(text.as_bytes(), format, 11).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(read.torn, None);
    read.history
}

/// The operations as `f key argument -> result`, values as EDN.
fn shown(format: Format, text: &str) -> Vec<String> {
    let history = read(format, text);
    let shown = history.operations().iter().map(|op| {
        let refused = if op.refused { " refused" } else { "" };
        let (key, argument) = (history.key(op.key), history.value(op.argument));
        let (name, result) = (history.name(op.f), history.value(op.result));
        format!("{name} {key} {argument} -> {result}{refused}")
    });
    shown.collect()
}

fn csv(rows: &[&str]) -> Vec<String> {
    let rows: Vec<String> = rows
        .iter()
        .flat_map(|row| {
            let (f, rest) = row.split_once(' ').unwrap();
            let (asked, answered) = rest.split_once(" -> ").unwrap();
            [format!("0,invoke,{f},{asked}\n"), format!("0,ok,{f},{answered}\n")]
        })
        .collect();
    shown(Format::Csv, &format!("process,type,f,value\n{}", rows.concat()))
}

#[test]
fn numbers_are_equal_by_value_whatever_their_size() {
    let value = |value: &str| {
        let event = |kind| {
            format!("{{\"process\":0,\"type\":\"{kind}\",\"f\":\"write\",\"value\":{value}}}")
        };
        shown(Format::JepsenJson, &event("invoke"))
    };
    for (token, number) in [
        ("7.0", "7"),
        ("70e-1", "7"),
        ("1.00000000000000000001", "1.00000000000000000001"),
        ("1.000000000000000000010", "1.00000000000000000001"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("-0", "0"),
        ("[1.50,[],{}]", "[1.5 [] {}]"),
        ("{\"b\":1,\"a\":null}", "{\"a\" nil, \"b\" 1}"),
        ("\"\\u00e4\\ud83d\\ude00\\n\\/\"", "\"ä😀\\n/\""),
        ("true", "true"),
    ] {
        assert_eq!(value(token), [format!("write nil {number} -> nil")]);
    }
}

#[test]
fn keys_are_fields_or_part_of_every_value() {
    let pairs = "{\"process\":0,\"type\":\"invoke\",\"f\":\"write\",\"value\":[\"x\",[1,2]]}
        {\"process\":0,\"type\":\"ok\",\"f\":\"write\",\"value\":[\"x\",[1,2]]}
        {\"process\":0,\"type\":\"invoke\",\"f\":\"read\",\"value\":[\"x\",null]}
        {\"process\":0,\"type\":\"ok\",\"f\":\"read\",\"value\":[\"x\",[1,2]]}";
    let told = shown(Format::JepsenJson, pairs);
    assert_eq!(told, ["write \"x\" [1 2] -> nil", "read \"x\" nil -> [1 2]"]);
    let field = "{\"process\":0,\"type\":\"invoke\",\"f\":\"write\",\"value\":[\"x\",1],\"key\":7}";
    assert_eq!(shown(Format::JepsenJson, field), ["write 7 [\"x\" 1] -> nil"]);
    let null = "{\"process\":0,\"type\":\"invoke\",\"f\":\"write\",\"value\":1,\"key\":null}";
    assert_eq!(shown(Format::JepsenJson, null), ["write nil 1 -> nil"]);
}

#[test]
fn events_are_numbered_by_index_or_line_nemesis_included() {
    let event = |kind: &str, rest: &str| {
        format!("{{\"process\":0,\"type\":\"{kind}\",\"f\":\"read\"{rest}}}")
    };
    let nemesis = "{\"process\":\":nemesis\",\"type\":\"info\",\"f\":\"kill\"}";
    let indices = |text: &str| {
        let history = read(Format::JepsenJson, text);
        let op = history.operations()[0];
        (op.invoke_index(), op.complete_index().unwrap())
    };
    let (invoke, ok) = (event("invoke", ""), event("ok", ""));
    assert_eq!(indices(&format!("\n{invoke}\n\n{nemesis}\n{ok}")), (2, 5));
    assert_eq!(indices(&format!("[{invoke},{nemesis},{ok}]")), (1, 3));
    assert_eq!(indices(&format!("[{},{ok}]", event("invoke", ",\"index\":40"))), (40, 41));
    let without = event("invoke", ",\"index\":-1,\"time\":-1");
    assert_eq!(indices(&format!("{without}\n{ok}")), (1, 2));
}

#[test]
fn a_failed_swap_gives_a_reason_or_does_not() {
    let swap = |end: &str| {
        let event = "\"process\":0,\"f\":\"cas\"";
        format!(
            "{{\"schema\":1,\"failed_cas\":\"refused\"}}
             {{{event},\"type\":\"invoke\",\"value\":[1,2]}}\n{{{event},\"type\":\"fail\",{end}}}"
        )
    };
    for (end, refused) in [
        ("\"value\":[1,2]", true),
        ("\"value\":null,\"error\":null", true),
        ("\"value\":[1,2],\"error\":\"timeout\"", false),
        ("\"value\":\"timed-out\"", false),
    ] {
        let history = read(Format::Jsonl, &swap(end));
        assert_eq!(history.operations()[0].refused, refused, "{end}");
    }
    let default = swap("\"value\":null").replace(",\"failed_cas\":\"refused\"", "");
    assert!(!read(Format::Jsonl, &default).operations()[0].refused);
}

#[test]
fn nothing_and_null_are_what_a_key_holds_that_was_never_written() {
    let text = r#"[{"clientId":0,"input":{"op":"get","key":"x"},"call":0,"output":{"value":null},"return":1},
         {"clientId":0,"input":{"op":"get","key":"x"},"call":2,"output":{},"return":3},
         {"clientId":0,"input":{"op":"get","key":"x"},"call":4,"output":null,"return":5},
         {"clientId":0,"input":{"op":"put","key":"x","value":"1"},"call":6,"output":{"ok":false},"return":7},
         {"clientId":0,"input":{"op":"get","key":"x"},"call":8,"output":{"value":"1"},"return":9}]"#;
    let history = read(Format::PorcupineJson, text);
    let options = Options { model: ModelName::Kv, ..Options::default() };
    assert_eq!(check(&history, &options).verdict.name(), "valid");
}

#[test]
fn porcupine_knows_all_functions_and_shapes() {
    let told = |input: &str, output: &str| {
        let whole = format!("{{\"input\":{input},\"call\":0,\"output\":{output},\"return\":1}}");
        let events = format!(
            "[{{\"kind\":false,\"value\":{input},\"id\":0}},{{\"kind\":true,\"value\":{output},\"id\":0}}]"
        );
        let whole = shown(Format::PorcupineJson, &whole);
        assert_eq!(shown(Format::PorcupineEvents, &events), whole);
        whole[0].clone()
    };
    for (input, output, said) in [
        (r#"{"op":0,"key":"x"}"#, "\"1\"", "get \"x\" nil -> \"1\""),
        (r#"{"op":"READ"}"#, "[1]", "read nil nil -> [1]"),
        (r#"{"Op":"Put","Key":7,"Value":1}"#, "{\"Value\":\"\",\"Ok\":false}", "put 7 1 -> nil"),
        (r#"{"op":"add","value":3}"#, "{}", "add nil 3 -> nil"),
        (r#"{"op":"dequeue"}"#, "{\"value\":3}", "dequeue nil nil -> 3"),
        (r#"{"op":"pop"}"#, "{\"ok\":false}", "pop nil nil -> nil"),
        (r#"{"op":"cas","expected":1,"value":2}"#, "{\"ok\":true}", "cas nil 2 -> 1"),
        (r#"{"op":"cas","old":1,"new":2}"#, "{\"ok\":false}", "cas nil 2 -> 1 refused"),
        (r#"{"op":"cas","value":[1,2]}"#, "false", "cas nil 2 -> 1 refused"),
        (r#"{"op":"cas","expected":null,"value":[1,2]}"#, "{}", "cas nil [1 2] -> nil"),
        (r#"{"op":"write","value":["x",2]}"#, "{}", "write nil [\"x\" 2] -> nil"),
        (r#"{"op":"transfer","value":{"from":0}}"#, "null", "transfer nil {\"from\" 0} -> nil"),
        (r#"{"op":"acquire","value":"a"}"#, "{\"value\":9}", "acquire nil \"a\" -> 9"),
    ] {
        assert_eq!(told(input, output), said);
    }
}

#[test]
fn at_the_same_time_calls_come_first() {
    let text = r#"{"clientId":1,"input":{"op":1,"key":"x","value":"1"},"call":0,"return":5}
        {"clientId":2,"input":{"op":0,"key":"x"},"call":5,"output":{"value":""},"return":6}"#;
    let history = read(Format::PorcupineJson, text);
    assert_eq!(check(&history, &Options::default()).verdict.name(), "valid");
}

#[test]
fn a_client_of_porcupine_is_a_process_until_it_does_two_things_at_once() {
    let event = |client: u64, kind: bool, id: u64| {
        let value = if kind { "{}" } else { "{\"op\":\"put\",\"value\":1}" };
        format!("{{\"ClientId\":{client},\"Kind\":{kind},\"Value\":{value},\"Id\":{id}}}\n")
    };
    let text = [
        event(0, false, 0),
        event(0, false, 1),
        event(1, false, 2),
        event(0, true, 1),
        event(1, true, 2),
        event(1, false, 3),
        event(0, false, 4),
    ];
    let history = read(Format::PorcupineEvents, &text.concat());
    let processes: Vec<(u64, &str)> =
        history.operations().iter().map(|op| (history.process(op), history.client(op))).collect();
    assert_eq!(processes, [(0, "0"), (1, "0"), (2, "1"), (2, "1"), (1, "0")]);
}

#[test]
fn cells_of_a_key_value_store_are_texts() {
    assert_eq!(
        csv(&[
            "put 1 -> 1",
            "get  -> 1",
            "put 1.0 -> ",
            "get  -> ",
            "put  -> ",
            "append true -> true"
        ]),
        [
            "put nil \"1\" -> nil",
            "get nil nil -> \"1\"",
            "put nil \"1.0\" -> nil",
            "get nil nil -> \"\"",
            "put nil \"\" -> nil",
            "append nil true -> nil"
        ]
    );
    assert_eq!(csv(&["get  -> nil"]), ["get nil nil -> nil"]);
    assert_eq!(
        csv(&["put [7] -> ", "put \"\"\"[7\"\"\" -> "]),
        ["put nil [7] -> nil", "put nil \"[7\" -> nil"]
    );
    assert_eq!(csv(&["put \"\"\"nil\"\"\" -> "]), ["put nil \"nil\" -> nil"]);
}

#[test]
fn a_key_inside_of_a_compare_and_set_is_that_of_other_functions() {
    assert_eq!(
        csv(&["put \"[7,2]\" -> ", "cas \"[7,[2,3]]\" -> \"[7,[2,3]]\""]),
        ["put 7 2 -> nil", "cas 7 3 -> 2"]
    );
    assert_eq!(csv(&["cas \"[7,[a,b]]\" -> \"[7,null]\""]).len(), 1);
    assert_eq!(
        csv(&["put 5 -> 5", "cas \"[5,null]\" -> \"[5,null]\""]),
        ["put nil \"5\" -> nil", "cas nil nil -> \"5\""]
    );
}

#[test]
fn cells_of_other_files_are_numbers_where_they_look_so() {
    assert_eq!(
        csv(&["write 1 -> 1", "read  -> \"1\"", "write 1.50 -> ", "write \"\"\"7\"\"\" -> "]),
        [
            "write nil 1 -> nil",
            "read nil nil -> 1",
            "write nil 1.5 -> nil",
            "write nil \"7\" -> nil"
        ]
    );
    assert_eq!(
        csv(&["write 007 -> ", "write 1e5 -> ", "write a -> ", "write  -> ", "read  -> "]),
        [
            "write nil \"007\" -> nil",
            "write nil \"1e5\" -> nil",
            "write nil \"a\" -> nil",
            "write nil nil -> nil",
            "read nil nil -> nil"
        ]
    );
    assert_eq!(
        csv(&["enqueue 3 -> ", "dequeue  -> 3"]),
        ["enqueue nil 3 -> nil", "dequeue nil nil -> 3"]
    );
}

#[test]
fn what_is_appended_to_lists_is_what_is_read_from_them() {
    let rows = ["append 1 -> 1", "append \"\"\"2\"\"\" -> ", "get  -> \"[1,\"\"2\"\"]\""];
    assert_eq!(
        csv(&rows),
        ["append nil 1 -> nil", "append nil \"2\" -> nil", "get nil nil -> [1 \"2\"]"]
    );
    assert_eq!(
        csv(&["append 1 -> ", "get  -> 1"]),
        ["append nil \"1\" -> nil", "get nil nil -> \"1\""]
    );
}

#[test]
fn a_swap_in_cells() {
    let text = |rows: &str| format!("process;type;f;key;expected;value\n{rows}");
    let swap =
        "0;invoke;cas;7;1;2\n0;refused;cas;7;;\n1;invoke;cas;7;;\"[1,2]\"\n2;invoke;cas;7;;\n";
    assert_eq!(
        shown(Format::Csv, &text(swap)),
        ["cas 7 2 -> 1 refused", "cas 7 2 -> 1", "cas 7 nil -> nil"]
    );
    let of_kv = format!("{swap}3;invoke;put;7;;1\n");
    assert_eq!(
        shown(Format::Csv, &text(&of_kv)),
        [
            "cas \"7\" \"2\" -> \"1\" refused",
            "cas \"7\" \"2\" -> \"1\"",
            "cas \"7\" nil -> nil",
            "put \"7\" \"1\" -> nil"
        ]
    );
}

#[test]
fn separators_quotes_and_blanks_of_the_first_row_are_found_out() {
    for header in [
        "process,type,f,value",
        "\"process\",\"type\",\"f\",\"value\"",
        "process;type;f;value",
        "process\ttype\tf\tvalue",
        " Process , \"TYPE\" ,f , value ",
        "process;\"type\"; f ;value\r",
    ] {
        let separator = header.chars().find(|c| matches!(c, ',' | ';' | '\t')).unwrap();
        let row = ["0", " :invoke", "\"write\" ", " a b "].join(&separator.to_string());
        let history = shown(Format::Csv, &format!("{header}\n\n{row}\r\n"));
        assert_eq!(history, ["write nil \"a b\" -> nil"], "{header}");
    }
    let history = shown(Format::Csv, "process,type,f,value\n0,invoke,write,\"a\n\"\"b\"\"; \"\n");
    assert_eq!(history, ["write nil \"a\\n\\\"b\\\"; \" -> nil"]);
}
