//! What one key says about the others beside it: a kind of fault has keys of its own, a rule its
//! parameters, and each needs some of them.

use serde_json::{Map, Value, json};

use crate::fault::FaultKind;
use crate::network::rules::RuleKind;
use crate::scenario::{Key, Shape, keys, network};

/// An object that is told by some of its keys, and which of those that not all have it may have.
struct Case {
    when: Value,
    own: &'static [&'static str],
}

/// For the objects with this path, each case as a schema beside the others.
pub(super) fn of(path: &str) -> Vec<Value> {
    let cases = match path {
        "network[]" => rules(),
        "events[]" | "nemesis.faults[]" => faults(),
        _ => return Vec::new(),
    };
    let foreign = |case: &Case| -> Map<String, Value> {
        let all = cases.iter().flat_map(|other| other.own);
        let others = all.filter(|key| !case.own.contains(key));
        others.map(|key| ((*key).to_owned(), json!(false))).collect()
    };
    let needed = |case: &Case| -> Vec<&str> {
        let is_needed = |key: &&Key| {
            key.parent() == path
                && case.own.contains(&key.name())
                && key.default.starts_with("required")
        };
        keys().iter().filter(is_needed).map(Key::name).collect()
    };
    let schema = |case: &Case| json!({"if": case.when, "then": {"properties": foreign(case), "required": needed(case)}});
    cases.iter().map(schema).collect()
}

fn faults() -> Vec<Case> {
    let case = |kind: &FaultKind| Case {
        when: json!({"properties": {"type": {"const": kind.name()}}, "required": ["type"]}),
        own: kind.keys(),
    };
    FaultKind::ALL.iter().map(case).collect()
}

/// A case for each rule; of `latency` one for each distribution, and one where none is named.
fn rules() -> Vec<Case> {
    let mut cases = Vec::new();
    for &kind in RuleKind::ALL {
        let name = kind.name();
        let mut when = json!({"properties": {"rule": {"const": name}}, "required": ["rule"]});
        if kind == RuleKind::Latency {
            for distribution in words("network[].distribution") {
                let mut when = when.clone();
                when["properties"]["distribution"] = json!({"const": distribution});
                when["required"] = json!(["rule", "distribution"]);
                cases.push(Case { when, own: network::parameters(kind, Some(distribution)) });
            }
            when["not"] = json!({"required": ["distribution"]});
        }
        cases.push(Case { when, own: network::parameters(kind, None) });
    }
    cases
}

/// The words of a choice.
fn words(path: &str) -> impl Iterator<Item = &'static str> {
    let choice =
        keys().iter().filter(move |key| key.path == path).filter_map(|key| match key.shape {
            Shape::Choice(words) => Some(words),
            _ => None,
        });
    choice.flatten().copied()
}
