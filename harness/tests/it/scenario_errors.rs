//! A workload that cannot be used ends in one sentence: file, place, what is wrong and allowed.

use std::fs;
use std::path::Path;

use harness::fault::FaultKind;
use harness::scenario::{self, Key, Scenario};
use proptest::prelude::*;

/// The sentence for this text, after the file's name.
fn sentence(text: &str) -> String {
    match Scenario::parse("w.json", text) {
        Ok(scenario) => panic!("{text} was taken: {scenario:?}"),
        Err(error) => {
            let sentence = error.to_string();
            assert!(!sentence.chars().any(char::is_control), "one plain line: {sentence}");
            sentence.strip_prefix("w.json, ").unwrap_or(&sentence).to_owned()
        }
    }
}

/// A small good workload with this put before its closing brace, in line 2.
fn with(rest: &str) -> String {
    format!("{{\"lifetime\": 30, \"replicas\": 5, \"requests\": 500,\n{rest}}}")
}

/// `{kinds}`, `{events keys}` and `{clients keys}` in a sentence stand for what the tables list.
fn filled(expected: &str) -> String {
    let keys = |parent: &str| {
        let own = scenario::keys().iter().filter(|key| key.parent() == parent);
        format!("`{}`", own.map(Key::name).collect::<Vec<_>>().join("`, `"))
    };
    expected
        .replace("{kinds}", &format!("\"{}\"", FaultKind::NAMES.join("\", \"")))
        .replace("{events keys}", &keys("events[]"))
        .replace("{clients keys}", &keys("clients"))
        .replace("{top keys}", &keys(""))
}

fn assert_sentences(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(sentence(text), filled(expected), "for {text}");
    }
}

/// The same, for what is put into the small workload.
fn assert_sentences_with(cases: &[(&str, &str)]) {
    for (rest, expected) in cases {
        assert_eq!(sentence(&with(rest)), filled(expected), "for {rest}");
    }
}

#[test]
fn what_is_not_json_is_told_by_line_and_column() {
    assert_sentences(&[
        (
            "",
            "line 1, column 1: the file is empty; a workload is a JSON object, at least \
             {\"lifetime\": 30, \"replicas\": 5, \"requests\": 500}",
        ),
        (
            " \n\t\n",
            "line 1, column 1: the file is empty; a workload is a JSON object, at least \
             {\"lifetime\": 30, \"replicas\": 5, \"requests\": 500}",
        ),
        (
            "lifetime: 30",
            "line 1, column 1: not JSON: `lifetime` is no value; allowed: a number such as 5 or \
             0.25, a text in double quotes, true, false, null, a list or an object",
        ),
        (
            "{\n  \"lifetime\": 30,\n}",
            "line 3, column 1: not JSON: no comma may stand before the closing `}`",
        ),
        (
            "{\n  \"lifetime\": 30\n  \"replicas\": 5}",
            "line 3, column 3: not JSON: `,` or `}` must follow here, not `\"`",
        ),
        (
            "{\n  \"lifetime\" 30}",
            "line 2, column 14, `lifetime`: not JSON: `:` must follow a key, not `3`",
        ),
        (
            "{\"lifetime\": 30, \"replicas\": ",
            "line 1, column 30, `replicas`: not JSON: a value must stand here, not the end of the \
             file",
        ),
        (
            "{\n\"events\": [{\"type\": \"part_end\"",
            "line 2, column 31, `events[0]`: not JSON: the file ends before the `}` that closes \
             what line 2 opens",
        ),
        (
            "{'lifetime': 30}",
            "line 1, column 2: not JSON: a key in double quotes must stand here, not `'`",
        ),
        (
            "{\"lifetime\": 30, // seconds\n\"replicas\": 5}",
            "line 1, column 18: not JSON: there are no comments in JSON; remove it, or use the key \
             `description`",
        ),
        (
            "{\"mix\": NaN}",
            "line 1, column 9, `mix`: not JSON: `NaN` is no value; allowed: a number such as 5 or \
             0.25, a text in double quotes, true, false, null, a list or an object",
        ),
        ("{\"mix\": 1e999}", "line 1, column 9, `mix`: `1e999` is too large for any number here"),
        (
            "{\"name\": \"abc\n\"}",
            "line 1, column 14, `name`: not JSON: a text ends on its line; is the closing `\"` \
             missing?",
        ),
        (
            "{} {}",
            "line 1, column 4: not JSON: `{` follows after the end of the first value; a file \
             holds one object",
        ),
        (
            "\u{feff}{}",
            "line 1, column 1: the file starts with a byte order mark; save it as plain UTF-8",
        ),
        ("[1, 2]", "line 1, column 1: an object {...} must stand here, not a list"),
        ("null", "line 1, column 1: an object {...} must stand here, not `null`"),
    ]);
}

#[test]
fn an_unknown_key_is_told_with_the_near_one() {
    let top = "allowed here: {top keys}";
    let clients = "allowed here: {clients keys}";
    for (rest, expected) in [
        (
            "\"drop\": 0.1",
            format!("line 2, column 1, `drop`: unknown key; did you mean `drops`?; {top}"),
        ),
        (
            "  \"startWait\": 1",
            format!(
                "line 2, column 3, `startWait`: unknown key; did you mean `start_wait`?; {top}"
            ),
        ),
        (
            "\"timeout_ms\": 1",
            format!("line 2, column 1, `timeout_ms`: unknown key; it belongs to `clients`; {top}"),
        ),
        ("\"_comment\": 1", format!("line 2, column 1, `_comment`: unknown key; {top}")),
        ("\"\\u001b[2J\": 1", format!("line 2, column 1, `\\u{{1b}}[2J`: unknown key; {top}")),
        (
            "\"clients\": {\"counts\": 3}",
            format!(
                "line 2, column 13, `clients.counts`: unknown key; did you mean `count`?; {clients}"
            ),
        ),
        (
            "\"events\": [{\"typ\": \"part_end\"}]",
            "line 2, column 13, `events[0].typ`: unknown key; did you mean `type`?; allowed here: \
             {events keys}"
                .to_owned(),
        ),
        (
            "\"tests\": {\"benchmarks\": {\"total_msg\": [1, 2, 3]}}",
            "line 2, column 26, `tests.benchmarks.total_msg`: unknown key; did you mean \
             `total_msgs`?; allowed here: `total_msgs`, `failures`, `duplicates`, `median_latency`"
                .to_owned(),
        ),
    ] {
        assert_eq!(sentence(&with(rest)), filled(&expected), "for {rest}");
    }
}

#[test]
fn a_key_given_twice_is_an_error() {
    assert_sentences_with(&[
        (
            "\"lifetime\": 40",
            "line 2, column 1, `lifetime`: this key is given twice, first in line 1; keep one",
        ),
        (
            "\"clients\": {\"keys\": 1,\n\"keys\": 1}",
            "line 3, column 1, `clients.keys`: this key is given twice, first in line 2; keep one",
        ),
    ]);
}

#[test]
fn a_missing_key_is_told() {
    assert_sentences(&[
        (
            "{\"replicas\": 5, \"requests\": 5}",
            "line 1, column 1, `lifetime`: this key is required, and it is missing; allowed: a \
             number from 5 to 1,000,000",
        ),
        (
            "{\"lifetime\": 30, \"requests\": 5}",
            "line 1, column 1, `replicas`: this key is required, and it is missing; allowed: a \
             whole number from 1 to 99, 3 to 21 for the course's programs",
        ),
        (
            "{\"lifetime\": 30, \"replicas\": 5}",
            "line 1, column 1, `requests`: this key is required, and it is missing; allowed: a \
             whole number from 0 to 1,000,000,000, at most 900,000 for course clients",
        ),
        (
            "{\"lifetime\": 30, \"replicas\": 5, \"clients\": {\"kind\": \"course\"}}",
            "line 1, column 1, `requests`: this key is required, and it is missing; allowed: a \
             whole number from 0 to 1,000,000,000, at most 900,000 for course clients",
        ),
    ]);
    assert_sentences_with(&[(
        "\"events\": [{\"time\": 3}]",
        "line 2, column 12, `events[0].type`: this key is required, and it is missing; allowed: \
         {kinds}",
    )]);
}

#[test]
fn a_wrong_type_is_told() {
    assert_sentences_with(&[
        (
            "\"drops\": \"0.1\"",
            "line 2, column 10, `drops`: the text `\"0.1\"` must be a number, without the quotes; \
             allowed: a number from 0 to 1",
        ),
        (
            "\"mix\": null",
            "line 2, column 8, `mix`: `null` is no number; allowed: a number from 0 to 1",
        ),
        (
            "\"clients\": {\"count\": 2.5}",
            "line 2, column 22, `clients.count`: the number `2.5` is no whole number; allowed: a \
             whole number from 1 to 256",
        ),
        (
            "\"clients\": 5",
            "line 2, column 12, `clients`: an object {...} must stand here, not the number `5`",
        ),
        (
            "\"events\": {}",
            "line 2, column 11, `events`: an object is no list of objects; allowed: a list of \
             objects",
        ),
        (
            "\"events\": [3]",
            "line 2, column 12, `events[0]`: an object {...} must stand here, not the number `3`",
        ),
        (
            "\"tests\": {\"benchmarks\": {\"failures\": [1, 2]}}",
            "line 2, column 38, `tests.benchmarks.failures`: this list has the wrong length, 2; \
             allowed: a list of three numbers of at least 0",
        ),
        (
            "\"tests\": {\"benchmarks\": {\"failures\": [1, \"x\", 3]}}",
            "line 2, column 42, `tests.benchmarks.failures[1]`: the text `\"x\"` is no limit; \
             allowed: a number of at least 0",
        ),
        (
            "\"clients\": {\"kind\": \"shard\"}",
            "line 2, column 21, `clients.kind`: the text `\"shard\"` is not known here; allowed: \
             \"shared\", \"course\"; did you mean \"shared\"?",
        ),
        (
            "\"era\": 2020",
            "line 2, column 8, `era`: the number `2020` is not known here; allowed: \"2016\", \
             \"2021\"; did you mean \"2021\"?",
        ),
    ]);
}

#[test]
fn a_broken_bound_is_told() {
    assert_sentences(&[
        (
            "{\"lifetime\": 4.9, \"replicas\": 5, \"requests\": 5}",
            "line 1, column 14, `lifetime`: `4.9` is too small; allowed: a number from 5 to \
             1,000,000",
        ),
        (
            "{\"lifetime\": 30, \"replicas\": 22, \"requests\": 5}",
            "line 1, column 30, `replicas`: `22` is too large; allowed: a whole number from 3 to \
             21",
        ),
        (
            "{\"lifetime\": 30, \"replicas\": 2, \"requests\": 5}",
            "line 1, column 30, `replicas`: `2` is too small; allowed: a whole number from 3 to 21",
        ),
        (
            "{\"lifetime\": 30, \"replicas\": 5, \"requests\": -1}",
            "line 1, column 45, `requests`: `-1` is too small; allowed: a whole number from 0 to \
             1,000,000,000, at most 900,000 for course clients",
        ),
        (
            "{\"lifetime\": 30, \"replicas\": 5, \"requests\": 900001}",
            "line 1, column 45, `requests`: 900001 is too large for course clients; allowed: a \
             whole number from 0 to 900,000",
        ),
    ]);
    assert_sentences_with(&[
        (
            "\"drops\": 1.01",
            "line 2, column 10, `drops`: `1.01` is too large; allowed: a number from 0 to 1",
        ),
        (
            "\"mix\": -0.1",
            "line 2, column 8, `mix`: `-0.1` is too small; allowed: a number from 0 to 1",
        ),
        (
            "\"start_wait\": 30.5",
            "line 2, column 15, `start_wait`: 30.5 s is longer than `lifetime`, 30 s; allowed: a \
             number from 0 to 30",
        ),
        (
            "\"end_wait\": 28",
            "line 2, column 13, `end_wait`: no time is left for requests: in era 2016 `lifetime` \
             (30 s) includes `start_wait` (2 s) and `end_wait` (28 s); allowed: waits that \
             together are below `lifetime`",
        ),
        (
            "\"max_packets\": 499",
            "line 2, column 16, `max_packets`: 499 is too small; allowed: a whole number from 500 \
             (`requests`) to 900000",
        ),
        (
            "\"max_packets\": 900001",
            "line 2, column 16, `max_packets`: 900001 is too large; allowed: a whole number from \
             500 (`requests`) to 900000",
        ),
        (
            "\"seed\": 18446744073709551616",
            "line 2, column 9, `seed`: `18446744073709551616` is too large; allowed: a whole \
             number from 0 to 18,446,744,073,709,551,615",
        ),
        (
            "\"name\": \"../x\"",
            "line 2, column 9, `name`: `../x` cannot name a folder; allowed: a text of at most 80 \
             characters, letters, digits, `-`, `_` and `.`, the first a letter or digit",
        ),
        (
            "\"clients\": {\"kind\": \"course\",\n\"count\": 8}",
            "line 3, column 10, `clients.count`: not allowed with `kind` \"course\": the course \
             has eight clients, each with its own keys, that never time out; remove it, or set \
             `kind` to \"shared\"",
        ),
    ]);
}

#[test]
fn an_event_that_cannot_happen_is_told() {
    let six_kills = "\"events\": [\n".to_owned()
        + &(1..=6)
            .map(|n| format!("  {{\"type\": \"kill_leader\", \"time\": {n}}}"))
            .collect::<Vec<_>>()
            .join(",\n")
        + "]";
    let five_others = six_kills.replace("kill_leader", "kill_non_leader");
    assert_sentences_with(&[
        (
            &six_kills,
            "line 8, column 12, `events[5].type`: `kill_leader` at 6 s cannot happen: none is left \
             alive of 5 replicas after 5 kills; remove kills or raise `replicas`",
        ),
        (
            &five_others,
            "line 7, column 12, `events[4].type`: `kill_non_leader` at 5 s cannot happen: only one \
             is left alive of 5 replicas after 4 kills; remove kills or raise `replicas`",
        ),
        (
            "\"events\": [{\"type\": \"part_end\", \"time\": 9},\n\
             {\"type\": \"part_hard\", \"time\": 3},\n\
             {\"type\": \"part_end\", \"time\": 4}]",
            "line 2, column 21, `events[0].type`: `part_end` at 9 s cannot happen: no partition is \
             in force then; put a `part_easy` or `part_hard` before it, or remove it",
        ),
        (
            "\"events\": [{\"type\": \"kill_leader\", \"time\": 30.5}]",
            "line 2, column 44, `events[0].time`: `kill_leader` at 30.5 s is later than \
             `lifetime`; allowed: a number from 0 to 30, counted from the end of `start_wait`",
        ),
        (
            "\"events\": [{\"type\": \"kill_leader\", \"time\": 28.5}]",
            "line 2, column 44, `events[0].time`: `kill_leader` at 28.5 s cannot happen: the run \
             ends 28 s after the end of `start_wait`, because in era 2016 `lifetime` (30 s) \
             includes the waits; allowed: a number from 0 to 28",
        ),
        (
            "\"events\": [{\"type\": \"kill_leader\", \"time\": -1}]",
            "line 2, column 44, `events[0].time`: `-1` is too small; allowed: a number from 0 to \
             1,000,000, at most `lifetime`",
        ),
        (
            "\"events\": [{\"type\": \"kill_leadr\", \"time\": 1}]",
            "line 2, column 21, `events[0].type`: the text `\"kill_leadr\"` is not known here; \
             allowed: {kinds}; did you mean \"kill_leader\"?",
        ),
    ]);
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = |name: &str| folder.path().join(name);
    let problem = |path: &Path| {
        let sentence = Scenario::load(path).expect_err("it cannot be read").to_string();
        let file = path.to_string_lossy().into_owned();
        sentence.strip_prefix(&file).expect("the file is named first").to_owned()
    };
    assert_eq!(problem(folder.path()), ": a directory, not a workload; name a JSON file in it");
    fs::write(path("demo.json"), "{}").expect("written");
    assert_eq!(
        problem(&path("dmeo.json")),
        ": there is no such workload file; did you mean `demo.json`?"
    );
    assert_eq!(problem(&path("other.json")), ": there is no such workload file");
    assert_eq!(
        problem(&path("demo.json").join("x.json")),
        ": the workload cannot be read: Not a directory (os error 20)"
    );
    fs::write(path("latin.json"), b"{\n  \"name\": \"caf\xe9\"}").expect("written");
    assert_eq!(
        problem(&path("latin.json")),
        ", line 2, column 15: not UTF-8 text: byte 16 cannot be read; save it as UTF-8"
    );
    fs::write(path("large.json"), vec![b' '; (1 << 20) + 1]).expect("written");
    assert_eq!(
        problem(&path("large.json")),
        ": larger than a workload can be; allowed: at most 1048576 bytes; is this the right file?"
    );
}

const GOOD: [&str; 3] = [
    include_str!("../../../workloads/course/2016/advanced-4.json"),
    include_str!("../../../workloads/course/2021/advanced-4.json"),
    r#"{"$schema": "x", "name": "all.keys", "description": "é", "era": "2016", "lifetime": 12.5,
"replicas": 5, "requests": 2000, "mix": 0.5, "start_wait": 1, "end_wait": 2.5, "drops": 0.1,
"max_packets": 100000, "seed": 7, "events": [{"type": "part_easy", "time": 1},
{"type": "part_end", "time": 2}, {"type": "kill_non_leader", "time": 3}],
"clients": {"kind": "shared", "count": 5, "keys": 5, "rate": 200.5, "timeout_ms": 1000},
"liveness": {"bound_ms": 5000}, "checker": {"time_budget_ms": 60000, "memory_budget_mb": 1024}}"#,
];

/// A cut, or some bytes of a piece of text put in place of others.
#[derive(Clone, Debug)]
struct Edit {
    at: prop::sample::Index,
    removed: usize,
    inserted: String,
}

fn edit() -> impl Strategy<Value = Edit> {
    let inserted = prop_oneof![
        Just(String::new()),
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "-",
            "1e308",
            "1e-308",
            "-0",
            "0.5",
            "null",
            "99999999999",
            "\"tests\":{},",
            "\"clients\":{},",
            "18446744073709551615",
            "\\u0000",
            "\"2021\"",
        ])
        .prop_map(str::to_owned),
    ];
    (any::<prop::sample::Index>(), 0_usize..12, inserted).prop_map(|(at, removed, inserted)| Edit {
        at,
        removed,
        inserted,
    })
}

proptest! {
    #[test]
    fn no_damage_to_a_good_file_ends_in_a_panic(
        which in 0..GOOD.len(),
        edits in prop::collection::vec(edit(), 1..4),
        cut in prop::option::weighted(0.3, any::<prop::sample::Index>()),
    ) {
        let mut text: Vec<char> = GOOD[which].chars().collect();
        for Edit { at, removed, inserted } in &edits {
            let at = at.index(text.len() + 1);
            let end = (at + removed).min(text.len());
            text.splice(at..end, inserted.chars());
        }
        if let Some(cut) = cut {
            text.truncate(cut.index(text.len() + 1));
        }
        let text: String = text.into_iter().collect();
        match Scenario::parse("w.json", &text) {
            Ok(scenario) => {
                let end = harness::time::RunTime::from(scenario.duration());
                prop_assert!(scenario.request_phase > std::time::Duration::ZERO);
                prop_assert!(scenario.events.is_sorted_by_key(|event| event.at));
                prop_assert!(scenario.events.iter().all(|event| event.at <= end));
            }
            Err(error) => {
                let place = error.place.as_ref().expect("whatever has a text has a place");
                let line = text.split('\n').nth(place.line - 1);
                let columns = line.map(|line| line.chars().count());
                prop_assert!(
                    columns.is_some_and(|columns| place.column <= columns + 1),
                    "{error} is outside of {text:?}"
                );
                prop_assert!(!error.to_string().chars().any(char::is_control), "{error}");
            }
        }
    }

    #[test]
    fn no_text_at_all_ends_in_a_panic(text in any::<String>()) {
        prop_assert!(Scenario::parse("w.json", &text).is_err());
    }
}

#[test]
fn a_fault_with_parameters_that_cannot_be_meant_is_told() {
    let events = |list: &str| format!("\"events\": [{list}]");
    let cases = [
        (
            r#"{"type": "kill", "time": 1, "target": "boss"}"#,
            "`events[0].target`: `boss` is not a role; allowed: \"leader\", \"follower\", \"one\", \
             \"minority\", \"majority\", \"all\", or an id from 0000 to 0004",
        ),
        (
            r#"{"type": "kill", "time": 1, "target": "0005"}"#,
            "`events[0].target`: there is no replica 0005 among 5; \
             allowed: \"leader\", \"follower\", \"one\", \"minority\", \"majority\", \"all\", or an id from \
             0000 to 0004",
        ),
        (
            r#"{"type": "pause", "time": 1, "duration": 31}"#,
            "`events[0].duration`: a `pause` of 31 s is longer than the run; \
             allowed: a number from 0 to 30",
        ),
        (
            r#"{"type": "pause", "time": 1, "keep_data": true}"#,
            "`events[0].keep_data`: `pause` has no `keep_data`; allowed beside \
             `type` and `time`: `target`, `duration`, `cut_off`",
        ),
        (
            r#"{"type": "disk", "time": 1}"#,
            "`events[0].disk_fault`: this key is required, and it is missing; \
             allowed: \"truncate\", \"flip_bit\", \"old_copy\", \"read_only\", \"full\"",
        ),
        (
            r#"{"type": "crash", "time": 3, "target": "0001", "duration": 2}, {"type": "pause", "time": 4, "target": "0001"}"#,
            "`events[1].time`: `pause` at 4 s cannot affect 0001: `crash` at 3 s lasts until 5 s; allowed: \
             another target, or a time from 5",
        ),
        (
            r#"{"type": "kill", "time": 3, "target": "0001"}, {"type": "pause", "time": 9, "target": "0001"}"#,
            "`events[1].time`: `pause` at 9 s cannot affect 0001: `kill` at 3 s has killed it for good; \
             allowed: another target, or an earlier time",
        ),
    ];
    for (list, expected) in cases {
        let text = with(&events(list)).replacen("30", "30, \"era\": 2021", 1);
        let told = sentence(&text);
        assert!(told.ends_with(expected), "for {list}: {told}");
    }
}

#[test]
fn what_has_no_effect_without_a_rate_is_refused() {
    let without = |name: &str, place: &str| {
        format!(
            "{place}, `clients.{name}`: without effect: it needs a `rate`, without which each client asks again \
             as soon as it is answered; add `rate`, or remove it"
        )
    };
    for (name, value) in [("burst", 5), ("steady_rate", 20)] {
        let wrong = sentence(&with(&format!(r#""clients": {{"{name}": {value}}}"#)));
        assert!(wrong.ends_with(without(name, "").trim_start_matches(", ")), "{wrong}");
    }
    // As it is without the key.
    for text in [r#""clients": {"burst": 1}"#, r#""clients": {"burst": 5, "rate": 100}"#] {
        assert!(Scenario::parse("good.json", &with(text)).is_ok(), "{text}");
    }
}
