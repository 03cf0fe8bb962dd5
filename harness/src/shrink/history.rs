//! The fewest operations of a history that are a counterexample, as a history file.

use std::time::Duration;

use checker::format::{self, Format};
use checker::history::Operation;
use checker::{Datum, EventType, F, History, Outcome, Reading, Verdict};
use serde::Serialize;

use super::reduce;
use crate::check::{self, Question};

/// The fewest operations that cannot all be true.
pub struct Fewest {
    /// They, as the text of a history file.
    pub text: String,
    /// How many they are.
    pub count: usize,
    /// When the last of them was over, since the run's clock started.
    pub over: Duration,
}

/// The fewest operations that show the same anomaly; `None` if the history has none.
pub fn fewest(history: &History, question: &Question) -> Option<Fewest> {
    let Verdict::Invalid(witness) = check::judge(history, question).verdict else { return None };
    let anomaly = witness.anomaly;
    let is_same = |operations: &[&Operation]| {
        let text = write(history, operations, question);
        matches!(judged(&text, history, question), Some(Verdict::Invalid(found)) if found.anomaly == anomaly)
    };
    let operations = history.operations();
    let of_witness: Vec<&Operation> = operations
        .iter()
        .filter(|it| witness.operations.iter().any(|of| of.invoke_index == it.invoke_index()))
        .collect();
    let of_key: Vec<&Operation> =
        operations.iter().filter(|it| history.key_text(it.key) == witness.key).collect();
    // What the checker shows nearly always stands by itself; else the whole key does.
    let start = if is_same(&of_witness) { of_witness } else { of_key };
    if !is_same(&start) {
        return None;
    }
    let few = reduce::fewest(&start, |some| Some(is_same(some)));
    let over = few.iter().filter_map(|it| it.complete_ns()).max().unwrap_or(0);
    Some(Fewest {
        text: write(history, &few, question),
        count: few.len(),
        over: Duration::from_nanos(over),
    })
}

/// What comes of a part of a history, with what the replicas' own messages showed beside the whole.
fn judged(text: &str, whole: &History, question: &Question) -> Option<Verdict> {
    let read = format::read(text.as_bytes(), Format::Jsonl, Reading::default()).ok()?;
    let mut history = read.history;
    history.note_sightings(whole.sightings().to_vec());
    Some(check::judge(&history, question).verdict)
}

fn write(history: &History, operations: &[&Operation], question: &Question) -> String {
    let mut lines: Vec<Line<'_>> = operations.iter().flat_map(|it| lines(history, it)).collect();
    lines.sort_by_key(|line| line.index);
    let model = question.model.unwrap_or_default().name();
    let mut text = format!("{{\"schema\":1,\"kind\":\"history\",\"model\":{model:?}}}\n");
    for line in lines {
        text += &serde_json::to_string(&line).unwrap_or_default();
        text.push('\n');
    }
    text
}

/// One line of a history file.
#[derive(Serialize)]
struct Line<'a> {
    index: u64,
    time_ns: u64,
    process: u64,
    client: &'a str,
    r#type: EventType,
    f: F,
    key: Datum,
    value: Datum,
    node: Option<&'a str>,
    error: Option<&'a str>,
}

fn lines<'a>(history: &'a History, operation: &Operation) -> Vec<Line<'a>> {
    let line = |index, time_ns, r#type, value| Line {
        index,
        time_ns,
        process: history.process(operation),
        client: history.client(operation),
        r#type,
        f: operation.f,
        key: history.key(operation.key),
        value: history.value(value),
        node: history.node(operation),
        error: None,
    };
    let (begun, asked) = (operation.invoke_index(), operation.argument);
    let mut lines = vec![line(begun, operation.invoke_ns, EventType::Invoke, asked)];
    if let (Some(index), Some(time_ns)) = (operation.complete_index(), operation.complete_ns()) {
        lines.push(match operation.outcome {
            Outcome::Ok => line(index, time_ns, EventType::Ok, operation.result),
            Outcome::Fail => line(index, time_ns, EventType::Fail, asked),
            Outcome::Info => line(index, time_ns, EventType::Info, asked),
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::CheckerBudget;

    #[test]
    fn a_stale_read_among_many_operations_needs_only_a_few() {
        let mut text = "{\"schema\":1}\n".to_owned();
        let mut index = 0;
        let mut op = |f: &str, value: &str| {
            for kind in ["invoke", "ok"] {
                let value = if kind == "invoke" && f == "get" {
                    "null".to_owned()
                } else {
                    format!("{value:?}")
                };
                let event = format!(
                    "{{\"index\":{index},\"time_ns\":{index},\"process\":1,\"client\":\"a\",\
                     \"type\":\"{kind}\",\"f\":\"{f}\",\"key\":\"x\",\"value\":{value},\
                     \"node\":null,\"error\":null}}\n"
                );
                text += &event;
                index += 1;
            }
        };
        for n in 0..50 {
            op("put", &n.to_string());
            op("get", &n.to_string());
        }
        op("get", "7");
        let read = format::read(text.as_bytes(), Format::Jsonl, Reading::default()).unwrap();
        let time = Duration::from_secs(10);
        let question = Question::of_run(CheckerBudget { time, memory_mb: 100 });
        let few = fewest(&read.history, &question).unwrap();
        // Without the read of the newer value it would be another kind, a lost write.
        assert_eq!(few.count, 4, "{}", few.text);
        assert_eq!(few.over, Duration::from_nanos(index - 1));
        assert!(matches!(judged(&few.text, &read.history, &question), Some(Verdict::Invalid(_))));
    }

    /// Only the sighting tells that the write is not lost: without it each part would be of another class.
    #[test]
    fn what_replicas_showed_beside_the_history_counts_for_its_parts_too() {
        let event = |index: u64, r#type: &str, f: &str, value: &str| {
            let value = if value.is_empty() { "null".to_owned() } else { format!("{value:?}") };
            format!(
                "{{\"index\":{index},\"time_ns\":{index},\"process\":1,\"client\":\"a\",\"type\":\"{type}\",\
                 \"f\":\"{f}\",\"key\":\"x\",\"value\":{value},\"node\":null,\"error\":null}}\n"
            )
        };
        let mut text = "{\"schema\":1}\n".to_owned();
        for (n, (f, value)) in (0..).zip([("put", "1"), ("put", "2"), ("get", "1")]) {
            let asked = if f == "get" { "" } else { value };
            text += &event(2 * n, "invoke", f, asked);
            text += &event(2 * n + 1, "ok", f, value);
        }
        let mut read = format::read(text.as_bytes(), Format::Jsonl, Reading::default()).unwrap();
        let question =
            Question::of_run(CheckerBudget { time: Duration::from_secs(10), memory_mb: 100 });
        assert!(fewest(&read.history, &question).is_some());
        read.history.note_sightings(vec![checker::Sighting {
            value: "2".to_owned(),
            node: "0001".to_owned(),
            time_ns: 100,
            shown: checker::Shown::Message,
        }]);
        let Verdict::Invalid(witness) = check::judge(&read.history, &question).verdict else {
            panic!("a read of what was overwritten")
        };
        assert_eq!(witness.anomaly, checker::Anomaly::StaleRead);
        assert!(fewest(&read.history, &question).is_some());
    }
}
