//! The rules of a workload's `network`: what they mean, and what is refused before the start.

use std::time::Duration;

use harness::ids::NodeId;
use harness::network::rules::{Distribution, Latency, Loss, Rule, RuleKind};
use harness::scenario::{NetworkRule, Scenario};
use harness::time::RunTime;

const SITES: &str = r#"{"eu": ["0000", "0001"], "us": ["0002"]}"#;

fn workload(rules: &str) -> String {
    format!(
        r#"{{"lifetime": 10, "replicas": 5, "start_wait": 1, "sites": {SITES}, "network": [{rules}]}}"#
    )
}

fn rules(rules: &str) -> Vec<NetworkRule> {
    let scenario = Scenario::parse("x.json", &workload(rules));
    scenario.unwrap_or_else(|error| panic!("{error}")).network
}

fn ids(ids: &[u16]) -> Vec<NodeId> {
    ids.iter().copied().map(NodeId).collect()
}

#[test]
fn a_rule_has_its_links_and_its_times() {
    let read = rules(
        r#"{"rule": "latency", "distribution": "normal", "mean_ms": 20, "sd_ms": 5,
            "from": "0000", "to": "*", "start": 1, "end": 5},
           {"rule": "loss", "probability": 0.25, "from": ["eu", "0004"], "to": ["us", "0002"]}"#,
    );
    let distribution = Distribution::Normal { mean_ms: 20.0, sd_ms: 5.0 };
    assert_eq!(read[0].what.rule, Rule::Latency(Latency { distribution, reorders: false }));
    let to_others = [1, 2, 3, 4].map(|to| (NodeId(0), NodeId(to)));
    assert_eq!(read[0].what.pairs(), to_others, "not to itself");
    let at = |seconds| RunTime::from(Duration::from_secs(seconds));
    assert_eq!((read[0].start, read[0].end), (at(2), Some(at(6))), "as events: after `start_wait`");
    assert_eq!(read[1].what.rule, Rule::Loss(Loss { probability: 0.25 }));
    assert_eq!((&read[1].what.from, &read[1].what.to), (&ids(&[0, 1, 4]), &ids(&[2])));
    assert_eq!((read[1].start, read[1].end), (RunTime::ZERO, None));
    assert_eq!(read[1].place, "network[1]");
}

#[test]
fn a_matrix_gives_each_two_sites_their_time_in_both_directions() {
    let read = rules(
        r#"{"rule": "latency", "distribution": "matrix",
            "matrix_ms": {"eu": {"eu": 1, "us": 40}, "us": {"us": 2}}}"#,
    );
    let times: Vec<(Vec<NodeId>, Vec<NodeId>, f64)> = read
        .into_iter()
        .map(|it| match it.what.rule {
            Rule::Latency(Latency { distribution: Distribution::Constant { ms }, .. }) => {
                (it.what.from, it.what.to, ms)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let (eu, us) = (ids(&[0, 1]), ids(&[2]));
    let expected = [(eu.clone(), eu.clone(), 1.0), (eu.clone(), us.clone(), 40.0), (us, eu, 40.0)];
    assert_eq!(times, expected, "a site of one has no link to itself");
}

#[test]
fn a_plan_holds_the_rules_as_they_were_read() {
    let scenario = Scenario::parse(
        "x.json",
        &workload(
            r#"{"rule": "cut", "to": "us"}, {"rule": "buffer", "messages": 3},
               {"rule": "latency", "distribution": "pareto", "min_ms": 1, "shape": 1.5, "reorders": true},
               {"rule": "corrupt", "probability": 0.5, "spare_envelope": false}"#,
        ),
    )
    .unwrap();
    let text = serde_json::to_string(&scenario).unwrap();
    assert_eq!(serde_json::from_str::<Scenario>(&text).unwrap(), scenario);
}

#[test]
fn what_cannot_be_is_refused_with_the_key_and_what_is_allowed() {
    let wrong = [
        (r#"{"rule": "loss", "probability": 1.5}"#, "`network[0].probability`", "from 0 to 1"),
        (r#"{"rule": "loss"}"#, "`network[0].probability`", "required"),
        (r#"{"rule": "los", "probability": 1}"#, "`network[0].rule`", "did you mean \"loss\"?"),
        (r#"{"rule": "cut", "from": "0005"}"#, "`network[0].from`", "ids from 0000 to 0004"),
        (r#"{"rule": "cut", "to": "ue"}"#, "`network[0].to`", "did you mean \"eu\"?"),
        (r#"{"rule": "cut", "from": "us", "to": "0002"}"#, "`network[0].to`", "no link"),
        (r#"{"rule": "cut", "start": 3, "end": 2}"#, "`network[0].end`", "more than `start`"),
        (r#"{"rule": "cut", "start": 11}"#, "`network[0].start`", "from 0 to 10"),
        (r#"{"rule": "cut", "probability": 1}"#, "`network[0].probability`", "`cut` has no"),
        (
            r#"{"rule": "latency", "mean_ms": 5}"#,
            "`network[0].mean_ms`",
            "allowed: `distribution`, `ms`",
        ),
        (
            r#"{"rule": "latency", "distribution": "uniform", "min_ms": 5, "max_ms": 4}"#,
            "`network[0].max_ms`",
            "at least `min_ms`",
        ),
        (r#"{"rule": "latency", "ms": 1e9}"#, "`network[0].ms`", "too large"),
        (r#"{"rule": "buffer"}"#, "`network[0].messages`", "give `messages`, `bytes`, or both"),
        (r#"{"rule": "rate", "bytes_per_s": 0}"#, "`network[0].bytes_per_s`", "too small"),
        (
            r#"{"rule": "latency", "distribution": "matrix", "matrix_ms": {"eu": {"asia": 1}}}"#,
            "`network[0].matrix_ms.eu.asia`",
            "is no site; allowed: \"eu\", \"us\"",
        ),
        (r#"{"rule": "corrupt", "probability": 1, "bytes": 20000}"#, "`network[0].bytes`", "10000"),
    ];
    for (rule, key, what) in wrong {
        let error = Scenario::parse("x.json", &workload(rule)).expect_err(rule).to_string();
        assert!(error.contains(key) && error.contains(what), "{rule}: {error}");
    }
    let sites = [
        (r#"{"eu": ["0000"], "us": ["0000"]}"#, "`sites.us`", "stands in a site already"),
        (r#"{"0001": ["0000"]}"#, "`sites.0001`", "cannot name a site"),
        (r#"{"eu": ["0009"]}"#, "`sites.eu`", "ids from 0000 to 0002"),
    ];
    for (sites, key, what) in sites {
        let text = format!(r#"{{"lifetime": 10, "replicas": 3, "sites": {sites}}}"#);
        let error = Scenario::parse("x.json", &text).expect_err(sites).to_string();
        assert!(error.contains(key) && error.contains(what), "{sites}: {error}");
    }
}

#[test]
fn the_examples_of_the_manual_are_workloads_and_show_every_rule() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/links.md");
    let page = std::fs::read_to_string(page).expect("the manual's page");
    let begin = page.find("{\"lifetime\": 5, \"replicas\": 5").expect("the whole example");
    let whole = page[begin..].split("```").next().expect("its end");
    let rows = page.lines().filter(|line| line.starts_with("| `{\"rule\""));
    let shown: Vec<Rule> = rows
        .flat_map(|row| {
            let rules = row.split('`').nth(1).expect("the rules");
            let scenario = Scenario::parse("x.json", &whole.replace("RULES", rules));
            let scenario = scenario.unwrap_or_else(|error| panic!("{row}: {error}"));
            scenario.network.into_iter().map(|rule| rule.what.rule)
        })
        .collect();
    for name in RuleKind::NAMES {
        assert!(shown.iter().any(|rule| rule.name() == *name), "an example of `{name}`");
    }
}
