//! How the code speaks: the part of it that a program can see.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{files_below, top};

/// The most words of a sentence in a doc comment.
const LONGEST_SENTENCE: usize = 40;

/// Docs of one word that say nothing.
const EMPTY: [&str; 11] = [
    "Who.",
    "Whom.",
    "What.",
    "When.",
    "Where.",
    "Which.",
    "Why.",
    "How.",
    "How often.",
    "How many.",
    "How long.",
];

/// All source files of the project.
fn sources() -> Vec<PathBuf> {
    let rooms = ["harness", "replica"].map(|room| files_below(&top().join(room), "rs"));
    let sources = rooms.concat();
    assert!(sources.len() > 300, "the sources are found");
    sources
}

/// The doc comments of a file, with the number of the first line of each.
fn docs(text: &str) -> Vec<(usize, String)> {
    let mut docs: Vec<(usize, String)> = Vec::new();
    let mut is_open = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_start();
        let doc = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        match doc {
            None => is_open = false,
            // Tables, lists and empty lines end a sentence.
            Some(doc) if doc.trim().is_empty() || doc.trim_start().starts_with(['|', '-', '#']) => {
                is_open = false;
            }
            Some(doc) => match docs.last_mut() {
                Some((_, open)) if is_open => {
                    open.push(' ');
                    open.push_str(doc.trim());
                }
                _ => {
                    docs.push((number, doc.trim().to_owned()));
                    is_open = true;
                }
            },
        }
    }
    docs
}

fn sentences(doc: &str) -> impl Iterator<Item = &str> {
    doc.split_inclusive(". ").flat_map(|part| part.split_inclusive(['?', ':', ';']))
}

#[test]
fn no_doc_is_a_bare_question_and_no_sentence_is_endless() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for path in sources() {
        let text = fs::read_to_string(&path).expect("a source file");
        for (number, doc) in docs(&text) {
            seen += 1;
            if EMPTY.contains(&doc.as_str()) {
                wrong.push(format!("{}:{number}: `{doc}` says nothing", path.display()));
            }
            for sentence in sentences(&doc) {
                let words = sentence.split_whitespace().count();
                if words > LONGEST_SENTENCE {
                    let place = format!("{}:{number}", path.display());
                    wrong.push(format!("{place}: a sentence of {words} words: {sentence}"));
                }
            }
        }
    }
    assert!(seen > 3_000, "docs are found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn docs_are_read_as_sentences() {
    let text =
        "/// One sentence\n/// in two lines. Another: a part.\n///\n/// | a table |\nfn f() {}";
    let docs = docs(text);
    assert_eq!(docs, [(1, "One sentence in two lines. Another: a part.".to_owned())]);
    assert_eq!(sentences(&docs[0].1).count(), 3);
}

/// Words and phrases with a better one, in lower case: home-made terms, and pronouns for persons where a replica or a
/// file is meant.
const BANNED: [&str; 75] = [
    "gauntlet",
    "standard nemesis",
    "standard trial",
    "contradiction",
    "contradictions",
    "from nowhere",
    "read from the future",
    "back from the dead",
    "double apply",
    "split state",
    "by whose word",
    "by its own word",
    "names itself",
    "named itself",
    "named themselves",
    "depose",
    "deposes",
    "deposed",
    "strike",
    "strikes",
    "struck",
    "in the hands of",
    "harm",
    "harms",
    "harmed",
    "mend",
    "mends",
    "mended",
    "settle",
    "settles",
    "settled",
    "settling",
    "last questions",
    "chase",
    "chases",
    "chasing",
    "heels",
    "pins",
    "pinned",
    "fresh",
    "remark",
    "remarks",
    "oddity",
    "oddities",
    "pretend",
    "pretends",
    "pretended",
    "pretence",
    "happening",
    "happenings",
    "drill",
    "survey",
    "quietly",
    "bearable",
    "wishes",
    "stranger",
    "strangers",
    "warden",
    "laid to the host",
    "spoil",
    "spoils",
    "spoiled",
    "fell due",
    "asked again",
    "due-date",
    "frugal",
    "who led on",
    "in full",
    "that means",
    "whoever",
    "whomever",
    "nobody",
    "somebody",
    "anybody",
    "everybody",
];

/// The banned words of a text, each once.
fn banned(text: &str) -> Vec<&'static str> {
    // Single spaces around each word, so that a phrase is found as whole words.
    let is_apart = |c: char| !(c.is_alphanumeric() || c == '-' || c == '_');
    let words: Vec<String> =
        text.split(is_apart).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let line = format!(" {} ", words.join(" "));
    BANNED.into_iter().filter(|word| line.contains(&format!(" {word} "))).collect()
}

/// The string literals of a source file but for those of its tests, with the number of the line that each begins in.
fn literals(source: &str) -> Vec<(usize, String)> {
    let code = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut literals = Vec::new();
    let (mut rest, mut line) = (code, 1);
    while let Some(first) = rest.chars().next() {
        let raw = rest.strip_prefix("r#").map(|_| "\"#").or(rest.strip_prefix("r\"").map(|_| "\""));
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(end) =
            raw.filter(|_| rest.starts_with("r\"") || rest.starts_with("r#\""))
        {
            let begin = 1 + end.len();
            begin + rest[begin..].find(end).map_or(rest.len() - begin, |at| at + end.len())
        } else if first == '"' {
            let mut is_escaped = false;
            let closes = |c: char| {
                let closes = c == '"' && !is_escaped;
                is_escaped = c == '\\' && !is_escaped;
                closes
            };
            1 + rest[1..].find(closes).map_or(rest.len() - 1, |at| at + 1)
        } else if let Some(length) = ["'\"'", "'\\\"'", "'\\''", "'\\\\'"]
            .into_iter()
            .find(|quoted| rest.starts_with(quoted))
            .map(str::len)
        {
            length
        } else {
            first.len_utf8()
        };
        let (token, behind) = rest.split_at(length);
        // The names of streams of randomness decide what is drawn: they stay.
        let is_stream = code[..code.len() - rest.len()].ends_with("derive(");
        if is_stream {
            // Not for people.
        } else if first == '"' || (first == 'r' && length > 1) {
            literals.push((line, token.to_owned()));
        }
        line += token.matches('\n').count();
        rest = behind;
    }
    literals
}

/// The help of a command and of all below it.
fn helps(command: &[String], helps: &mut Vec<(String, String)>) {
    let output = Command::new(env!("CARGO_BIN_EXE_harness")).args(command).arg("--help").output();
    let help = String::from_utf8(output.expect("the program runs").stdout).expect("text");
    let listed = help.split("Commands:\n").nth(1).unwrap_or_default();
    let listed = listed.split("\n\n").next().unwrap_or_default();
    let names = listed.lines().filter(|line| !line.starts_with("   "));
    for name in names.filter_map(|line| line.split_whitespace().next()) {
        if name != "help" {
            self::helps(&[command, &[name.to_owned()]].concat(), helps);
        }
    }
    helps.push((format!("harness {} --help", command.join(" ")), help));
}

#[test]
fn no_banned_word_is_in_help_manual_or_messages() {
    let mut texts = Vec::new();
    helps(&[], &mut texts);
    assert!(texts.len() > 10, "commands are found");
    let top = top();
    let mut pages = files_below(&top.join("harness/docs"), "md");
    pages.extend(["README.md", "replica/README.md"].map(|name| top.join(name)));
    for path in pages {
        for (number, line) in (1..).zip(fs::read_to_string(&path).expect("a page").lines()) {
            texts.push((format!("{}:{number}", path.display()), line.to_owned()));
        }
    }
    for folder in ["harness/src", "harness/checker/src", "replica/src"] {
        for path in files_below(&top.join(folder), "rs") {
            let name = path.display().to_string();
            if name.ends_with("tests.rs") || name.contains("/tests/") || name.ends_with("sample.rs")
            {
                continue;
            }
            for (number, literal) in literals(&fs::read_to_string(&path).expect("a source file")) {
                texts.push((format!("{}:{number}", path.display()), literal));
            }
        }
    }
    let wrong: Vec<String> = texts
        .iter()
        .flat_map(|(place, text)| banned(text).into_iter().map(move |word| (place, word)))
        .map(|(place, word)| format!("{place}: `{word}`"))
        .collect();
    assert!(wrong.is_empty(), "{}\nwords with a better one: {}", wrong.join("\n"), wrong.len());
}

#[test]
fn literals_are_read_but_not_comments_and_tests() {
    let source = "/// \"no\"\nlet a = \"one \\\" quote\"; // \"no\"\nlet b = ('\"', r#\"raw \"two\"\"#);\n\
                  #[cfg(test)]\nmod tests { \"no\" }\n";
    let seen = literals(source);
    assert_eq!(seen[0], (2, "\"one \\\" quote\"".to_owned()));
    assert_eq!(seen[1], (3, "r#\"raw \"two\"\"#".to_owned()));
    assert_eq!(seen.len(), 2);
    assert_eq!(
        banned("a fault struck: Nobody, unharmed, answered in\nfull"),
        ["struck", "in full", "nobody"]
    );
}
