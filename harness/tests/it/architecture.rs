//! The rooms of the house, and the order in which they may know of one another: a room imports only rooms that
//! stand before it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::files_below;

/// The rooms of the harness, the ground first.
const HARNESS: &[&str] = &[
    "allocator",
    "ids",
    "time",
    "seed",
    "exit",
    "text",
    "limits",
    "os",
    "op",
    "network",
    "fault",
    "scenario",
    "plan",
    "cluster",
    "host",
    "nemesis",
    "clients",
    "record",
    "journal",
    "run",
    "check",
    "verdict",
    "course",
    "explain",
    "report",
    "export",
    "serve",
    "compare",
    "results",
    "manifest",
    "shrink",
    "flake",
    "campaign",
    "cli",
];

/// The rooms of the checker, the ground first.
const CHECKER: &[&str] = &[
    "memory",
    "intern",
    "event",
    "models",
    "budget",
    "datum",
    "history",
    "guess",
    "model",
    "witness",
    "verdict",
    "format",
    "explain",
    "linearizable",
    "objects",
    "session",
    "check",
    "order",
];

/// The Rust files below `folder`, without those of unit tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let is_of_tests = |path: &PathBuf| {
        let inside = path.strip_prefix(folder).expect("below the folder").with_extension("");
        inside.iter().any(|name| ["tests", "sample", "oracle"].iter().any(|it| name == *it))
    };
    let files = files_below(folder, "rs").into_iter();
    files.filter(|path| !is_of_tests(path)).collect()
}

/// The code of a file, without comments and unit tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The first names behind each `crate::` of `code`.
fn imports(code: &str) -> BTreeSet<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect()
    };
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            // The names at depth one.
            let (mut depth, mut start) = (1, true);
            for (at, c) in group.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => start = true,
                    _ if start && !c.is_whitespace() => {
                        found.insert(name(&group[at..]));
                        start = false;
                    }
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
        } else {
            found.insert(name(rest));
        }
    }
    found
}

/// Each room's imports of other rooms, with a file that has it.
fn arrows(folder: &Path, rooms: &[&str]) -> BTreeMap<(String, String), String> {
    let mut arrows = BTreeMap::new();
    for path in sources(folder) {
        let inside = path.strip_prefix(folder).expect("below the folder");
        let first = inside.components().next().expect("a name").as_os_str().to_string_lossy();
        let room = first.trim_end_matches(".rs").to_owned();
        if matches!(room.as_str(), "lib" | "main") {
            continue;
        }
        assert!(rooms.contains(&room.as_str()), "the room `{room}` has no place in the order");
        let text = fs::read_to_string(&path).expect("a source file");
        for other in imports(&code(&text)) {
            if other != room && rooms.contains(&other.as_str()) {
                arrows.entry((room.clone(), other)).or_insert_with(|| inside.display().to_string());
            }
        }
    }
    arrows
}

fn assert_ordered(folder: &str, rooms: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let place = |room: &str| rooms.iter().position(|it| *it == room);
    let arrows = arrows(&folder, rooms);
    assert!(arrows.len() > rooms.len(), "imports are found");
    let back: Vec<String> = arrows
        .iter()
        .filter(|((room, other), _)| place(other) > place(room))
        .map(|((room, other), file)| format!("{room} → {other} ({file})"))
        .collect();
    assert!(
        back.is_empty(),
        "these imports run against the order of the rooms:\n{}",
        back.join("\n")
    );
}

#[test]
fn no_room_of_the_harness_imports_a_later_one() {
    assert_ordered("src", HARNESS);
}

#[test]
fn no_room_of_the_checker_imports_a_later_one() {
    assert_ordered("checker/src", CHECKER);
}

#[test]
fn grouped_imports_are_read() {
    let code = "use crate::{alpha, beta::{one, two}, gamma};\nlet it = crate::delta::f();";
    let found: Vec<_> = imports(code).into_iter().collect();
    assert_eq!(found, ["alpha", "beta", "delta", "gamma"]);
}
