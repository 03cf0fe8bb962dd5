//! `harness list`: what there is to choose from, from the tables that the code itself uses.

use std::fmt::Write;

use checker::models::{MODELS, ModelInfo};
use clap::{Args, ValueEnum};

use crate::fault::{FaultKind, PartitionShape};
use crate::scenario::host::knobs::KNOBS;
use crate::scenario::host::profile::Profile;
use crate::scenario::host::profiles;
use crate::scenario::{self, Key};
use crate::workload::{WORKLOADS, WorkloadInfo};

/// `harness list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Topic
    topic: Topic,
    /// Print a Markdown table, as in the manual
    #[arg(long)]
    markdown: bool,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Topic {
    /// Keys of a workload file
    Keys,
    /// Faults that a workload can list
    Faults,
    /// Built-in simulated hosts
    Hosts,
    /// Keys of a host profile
    Knobs,
    /// Models that a history can be checked against
    Models,
    /// Rules that a workload can put on links
    Rules,
    /// Shapes of partitions
    Shapes,
    /// Systems: how replicas are started and asked
    Systems,
    /// Keys of a system file
    SystemKeys,
    /// Workloads: what clients can ask
    Workloads,
}

/// The list, as text.
pub fn text(arguments: &ListArgs) -> String {
    let (header, rows) = match arguments.topic {
        Topic::Keys => (&["key", "default", "allowed", "meaning"][..], keys()),
        Topic::Faults => (&["fault", "takes", "meaning"][..], faults()),
        Topic::Hosts => (&["host", "meaning"][..], hosts()),
        Topic::Knobs => (&["knob", "takes", "what replicas experience"][..], knobs()),
        Topic::Models => {
            let header =
                ["model", "operations", "a valid verdict proves", "it misses", "cost", "promise"];
            return if arguments.markdown {
                markdown(&header, &models())
            } else {
                columns(&models())
            };
        }
        Topic::Rules => (&["rule", "parameters", "meaning"][..], rules()),
        Topic::Workloads => (&["workload", "model", "clients"][..], workloads()),
        Topic::Systems => (&["system", "given by", "how it is started and asked"][..], systems()),
        Topic::SystemKeys => (&["key", "default", "allowed", "meaning"][..], system_keys()),
        Topic::Shapes => (&["shape", "links that are cut"][..], shapes()),
    };
    if arguments.markdown { markdown(header, &rows) } else { columns(&rows) }
}

/// The systems by what makes them: an option each.
const SYSTEMS: [[&str; 3]; 6] = [
    [
        "course",
        "`--replica PROGRAM`",
        "a store of the course: messages as JSON over a UNIX socket or UDP; clients ask get and put",
    ],
    [
        "maelstrom",
        "`--node COMMAND`, `maelstrom test`",
        "a node of Maelstrom: JSON over standard input and output, with its services",
    ],
    [
        "http",
        "`--system FILE`",
        "any server: its own sockets, behind a proxy for each link; asked over HTTP, by templates",
    ],
    ["resp", "`--system FILE`", "the same, asked in the protocol of Redis"],
    [
        "exec",
        "`--system FILE`",
        "the same, asked by a program of yours, which reads and writes lines of JSON",
    ],
    [
        "commands",
        "`--system FILE`",
        "the same, asked by a folder of commands, which also prepare and check the system",
    ],
];

fn systems() -> Vec<Vec<String>> {
    SYSTEMS.iter().map(|row| row.map(str::to_owned).to_vec()).collect()
}

fn keys() -> Vec<Vec<String>> {
    rows(scenario::keys())
}

fn system_keys() -> Vec<Vec<String>> {
    rows(scenario::system::keys::keys())
}

fn rows(keys: &[Key]) -> Vec<Vec<String>> {
    let row = |key: &Key| {
        let mark = if key.is_ours { " •" } else { "" };
        vec![
            format!("`{}`{mark}", key.path),
            key.default.to_owned(),
            key.allowed(),
            key.meaning.to_owned(),
        ]
    };
    keys.iter().map(row).collect()
}

fn workloads() -> Vec<Vec<String>> {
    let row = |info: &WorkloadInfo| {
        vec![info.name.to_owned(), info.model.name().to_owned(), info.about.to_owned()]
    };
    WORKLOADS.iter().map(row).collect()
}

fn models() -> Vec<Vec<String>> {
    let row = |info: &ModelInfo| {
        let functions: Vec<&str> = info.functions.iter().map(|f| f.name()).collect();
        vec![
            format!("`{}`", info.name),
            functions.join(", "),
            info.proves.to_owned(),
            info.misses.to_owned(),
            info.cost.to_owned(),
            info.promise.to_owned(),
        ]
    };
    MODELS.iter().map(row).collect()
}

fn rules() -> Vec<Vec<String>> {
    let rules = scenario::network::rules();
    let row =
        |(name, parameters, meaning)| vec![format!("`{name}`"), parameters, String::from(meaning)];
    rules.map(row).collect()
}

fn faults() -> Vec<Vec<String>> {
    let row = |kind: &FaultKind| {
        let keys: Vec<String> = kind.keys().iter().map(|key| format!("`{key}`")).collect();
        vec![format!("`{kind}`"), keys.join(", "), kind.meaning().to_owned()]
    };
    FaultKind::ALL.iter().map(row).collect()
}

fn shapes() -> Vec<Vec<String>> {
    let row =
        |shape: &PartitionShape| vec![format!("`{}`", shape.name()), shape.meaning().to_owned()];
    PartitionShape::ALL.iter().map(row).collect()
}

fn hosts() -> Vec<Vec<String>> {
    let row = |profile: Profile| vec![format!("`{}`", profile.name), profile.description];
    profiles::all().into_iter().map(row).collect()
}

fn knobs() -> Vec<Vec<String>> {
    let row = |(key, takes, meaning): &(&str, &str, &str)| {
        vec![format!("`{key}`"), String::from(*takes), String::from(*meaning)]
    };
    KNOBS.iter().map(row).collect()
}

fn markdown(header: &[&str], rows: &[Vec<String>]) -> String {
    let rule = vec!["---"; header.len()].join("|");
    let rows = rows.iter().map(|row| format!("| {} |\n", row.join(" | ").replace('\n', " ")));
    format!("| {} |\n|{rule}|\n{}", header.join(" | "), rows.collect::<String>())
}

/// The first cell in a column of its own, the others below one another.
fn columns(rows: &[Vec<String>]) -> String {
    let plain = |cell: &str| cell.replace('`', "");
    let width = rows.iter().map(|row| plain(&row[0]).chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for row in rows {
        let (first, others) = (plain(&row[0]), &row[1..]);
        // The meaning first: it is what people look for.
        let meaning = others.last().map_or("", String::as_str);
        let _ = writeln!(text, "{first:<width$}  {meaning}");
        if let [default, allowed, _] = others {
            let _ = writeln!(text, "{:<width$}  {allowed}; default: {default}", "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_the_manual_are_these() {
        let pages = [
            (Topic::Keys, "workload-files"),
            (Topic::Faults, "faults"),
            (Topic::Shapes, "faults"),
            (Topic::Rules, "links"),
            (Topic::Hosts, "hosts"),
            (Topic::Knobs, "hosts"),
            (Topic::Models, "checking"),
            (Topic::Workloads, "workload-files"),
            (Topic::SystemKeys, "system-files"),
        ];
        for (topic, page) in pages {
            let path = format!("{}/docs/reference/{page}.md", env!("CARGO_MANIFEST_DIR"));
            let page = std::fs::read_to_string(&path).expect("a page of the manual");
            let table = text(&ListArgs { topic, markdown: true });
            assert!(page.contains(&table), "{path} should contain:\n{table}");
        }
    }
}
