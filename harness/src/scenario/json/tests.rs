use proptest::prelude::*;

use super::*;

/// The same value as `serde_json` reads it.
fn plain(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(text) => serde_json::from_str(text).expect("a number of JSON"),
        Value::Text(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Object(members) => {
            members.iter().map(|member| (member.name.clone(), plain(&member.node))).collect()
        }
    }
}

/// Pieces that together make JSON, nearly JSON, and nonsense.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", " ", "\n", "\"a\":", "\"b\":1",
        ]),
        2 => prop::sample::select(vec![
            "0", "-1", "1.5", "1e3", "-0.0", "01", "1.", ".5", "+1", "1e999",
        ]),
        2 => prop::sample::select(vec!["true", "false", "null", "nul", "NaN", "\"", "\"x\"", "é"]),
        1 => prop::sample::select(vec![
            "\"\\n\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\udc00\"", "\"\\q\"", "\\",
            "\u{1}", "//",
        ]),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        // Quarters: `serde_json` itself may round longer fractions when it reads them back.
        any::<i32>().prop_map(|quarters| (f64::from(quarters) / 4.0).into()),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn reads_what_serde_json_writes(value in json_value(), pretty in any::<bool>()) {
        let text = if pretty { format!("{value:#}") } else { value.to_string() };
        let node = read(&text).map_err(|fault| TestCaseError::fail(fault.problem))?;
        prop_assert_eq!(plain(&node), value);
    }

    #[test]
    fn accepts_exactly_what_serde_json_accepts(text in pieces()) {
        match (read(&text), serde_json::from_str::<serde_json::Value>(&text)) {
            (Ok(node), Ok(value)) => prop_assert_eq!(plain(&node), value),
            (Err(_), Err(_)) => {}
            // The one thing in which we are stricter.
            (Err(fault), Ok(_)) => prop_assert!(fault.problem.contains("given twice"), "{fault:?}"),
            (Ok(node), Err(error)) => prop_assert!(false, "{node:?} but serde_json: {error}"),
        }
    }
}

#[test]
fn every_value_keeps_its_place() {
    let root = read("{\n  \"é\": [1,\n    {\"b\": 2}]\n}").expect("it is JSON");
    let Value::Object(members) = &root.value else { panic!("an object") };
    assert_eq!((members[0].at.line, members[0].at.column), (2, 3));
    assert_eq!((members[0].node.at.line, members[0].node.at.column), (2, 8));
    let Value::List(items) = &members[0].node.value else { panic!("a list") };
    assert_eq!((items[1].at.line, items[1].at.column), (3, 5));
    let Value::Object(inner) = &items[1].value else { panic!("an object") };
    assert_eq!((inner[0].node.at.line, inner[0].node.at.column), (3, 11));
}

#[test]
fn deep_nesting_is_refused_before_the_stack_ends() {
    let fault = read(&"[".repeat(1_000_000)).expect_err("too deep");
    assert_eq!(fault.problem, "nested more than 32 deep; no workload needs that");
    assert!(read(&format!("{}{}", "[".repeat(32), "]".repeat(32))).is_ok());
}
