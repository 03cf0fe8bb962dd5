//! The front door and the manual: their length, their links, and the help that they show.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{pages, top};

/// The most lines of the front door.
const FRONT_DOOR: usize = 220;

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        is_code ^= line.trim_start().starts_with("```");
        !is_code
    })
}

/// The anchors of a page's headings, as GitHub and mdBook make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter_map(|line| line.trim_start_matches('#').strip_prefix(' '));
    let anchor = |heading: &str| -> String {
        let kept = heading.trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn the_front_door_is_short() {
    let lines = read(&top().join("README.md")).lines().count();
    assert!(lines <= FRONT_DOOR, "README.md has {lines} lines, at most {FRONT_DOOR} are allowed");
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let text = read(&page);
        for link in prose(&text).flat_map(|line| line.split("](").skip(1)) {
            let link = link.split(')').next().unwrap_or_default();
            if link.contains("://") {
                continue;
            }
            seen += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let folder = page.parent().expect("a folder");
            let target = if path.is_empty() { page.clone() } else { folder.join(path) };
            let is_there =
                target.exists() && (anchor.is_empty() || anchors(&read(&target)).contains(anchor));
            if !is_there {
                wrong.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(seen > 40, "links are found");
    assert!(wrong.is_empty(), "these links lead nowhere:\n{}", wrong.join("\n"));
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let docs = top().join("harness/docs");
    let contents = read(&docs.join("SUMMARY.md"));
    for page in pages() {
        let Ok(name) = page.strip_prefix(&docs) else { continue };
        if name != Path::new("SUMMARY.md") {
            let link = format!("({})", name.display());
            assert!(contents.contains(&link), "SUMMARY.md lacks {}", name.display());
        }
    }
}

/// Blocks that show a command's help are what the program prints.
#[test]
fn the_help_that_is_shown_is_that_of_the_program() {
    let mut seen = 0;
    for page in pages() {
        let text = read(&page);
        for block in text.split("```console\n").skip(1) {
            let block = block.split("```").next().unwrap_or_default();
            let (command, shown) = block.split_once('\n').unwrap_or((block, ""));
            let Some(arguments) = command.strip_prefix("$ harness ") else { continue };
            if !(arguments.ends_with(" -h") || arguments.ends_with(" --help")) {
                continue;
            }
            seen += 1;
            let output = Command::new(env!("CARGO_BIN_EXE_harness"))
                .args(arguments.split(' '))
                .env("COLUMNS", "100")
                .output()
                .expect("the program runs");
            let printed = String::from_utf8_lossy(&output.stdout);
            assert_eq!(shown, printed, "{}: {command}", page.display());
        }
    }
    assert!(seen > 0, "a block with help is found");
}

#[test]
fn shells_and_man_know_every_command() {
    let harness = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_harness")).args(arguments).output();
        let output = output.expect("the program runs");
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let help = harness(&["--help"]);
    let commands = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next());
    let names: Vec<&str> = commands
        .expect("a list of commands")
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.contains(&"run") && names.contains(&"completions"), "{names:?}");
    for shell in ["bash", "zsh", "fish"] {
        let script = harness(&["completions", shell]);
        for name in &names {
            assert!(script.contains(name), "{shell} does not know `{name}`");
        }
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pages = folder.path().join("man1");
    harness(&["man", pages.to_str().expect("a path in UTF-8")]);
    for name in &names {
        assert!(pages.join(format!("harness-{name}.1")).exists(), "no page of `{name}`");
    }
}
