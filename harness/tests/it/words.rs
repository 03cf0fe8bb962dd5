//! How the code speaks: the part of it that a program can see.

use std::fs;
use std::path::PathBuf;

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
