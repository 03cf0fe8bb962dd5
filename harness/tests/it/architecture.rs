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
    "words",
    "limits",
    "os",
    "files",
    "op",
    "workload",
    "dialect",
    "services",
    "network",
    "leadership",
    "durability",
    "fault",
    "system",
    "scenario",
    "plan",
    "cluster",
    "host",
    "nemesis",
    "clients",
    "record",
    "journal",
    "run",
    "world",
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
    "transactional",
    "format",
    "explain",
    "linearizable",
    "objects",
    "session",
    "check",
    "order",
];

/// What reads a clock, waits, or stands for the system behind it.
const CLOCKS: &[&str] = &[
    "Instant",
    "SystemTime",
    "Timestamp::now",
    ".elapsed()",
    "sleep(",
    "sleep_until(",
    "_timeout(",
    "tokio::",
];

/// Where that is allowed, and why. Everything else is told the time, and can be tested in simulated time.
const TAKES_TIME: &[(&str, &str)] = &[
    ("world/", "the one place from which a run is told what time it is"),
    ("cluster/", "processes of this host: some are waited for, others are held up on purpose"),
    ("campaign/", "many runs: when the next may start, and who watches them"),
    ("cli/", "what people watch, time limits that they set, dates in a manifest"),
    ("os.rs", "the few calls that are unsafe, one of them for the event loop"),
    ("serve", "a browser that stalls is cut off"),
    ("check/allowance.rs", "the time that a proof may take"),
    ("report/html/points.rs", "the time that the points of a picture may take"),
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
fn only_a_world_reads_a_clock_or_waits() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut needed = BTreeSet::new();
    for path in sources(&folder) {
        let inside = path.strip_prefix(&folder).expect("below the folder").display().to_string();
        let code = code(&fs::read_to_string(&path).expect("a source file"));
        let Some(clock) = CLOCKS.iter().find(|clock| code.contains(**clock)) else { continue };
        let allowed = TAKES_TIME.iter().find(|(place, _)| inside.starts_with(place));
        let Some((place, _)) = allowed else {
            panic!("{inside} uses `{clock}`: only a world may; take the time as an argument")
        };
        needed.insert(*place);
    }
    for (place, reason) in TAKES_TIME {
        assert!(needed.contains(place), "{place} needs no exception any more: {reason}");
    }
}

#[test]
fn grouped_imports_are_read() {
    let code = "use crate::{alpha, beta::{one, two}, gamma};\nlet it = crate::delta::f();";
    let found: Vec<_> = imports(code).into_iter().collect();
    assert_eq!(found, ["alpha", "beta", "delta", "gamma"]);
}
