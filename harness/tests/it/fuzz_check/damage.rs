//! Files that are cut off or damaged: no crash, and nothing but what a reader may say.

use std::path::Path;

use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

use crate::fuzz_check::campaign::{Trial, keep_text};
use crate::fuzz_check::files::Format;
use crate::fuzz_check::generate::{case, chance};
use crate::fuzz_check::history::{Event, Kind};
use crate::fuzz_check::model::Model;
use crate::fuzz_check::run::{self, Answer};

/// What may stand anywhere in a damaged file.
const PIECES: [&[u8]; 32] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b"\"",
    b"#",
    b"#{",
    b"#_",
    b"\\",
    b":",
    b";",
    b",",
    b"\n",
    b"\r",
    b"\t",
    b" ",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"null",
    b"nil",
    b"-",
    b"1e999999999",
    b"99999999999999999999999999999999999999",
    b"\\ud800",
    b"^",
    b"'",
    b"/",
    b"N",
];

fn damaged(text: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = text.to_vec();
    for _ in 0..rng.random_range(1..=3) {
        if bytes.is_empty() {
            return bytes;
        }
        let at = rng.random_range(0..bytes.len());
        let end = rng.random_range(at..=bytes.len().min(at + 40));
        match rng.random_range(0..7) {
            0 => bytes[at] ^= 1 << rng.random_range(0..8),
            1 => bytes[at] = rng.random_range(0..=255),
            2 => {
                bytes.drain(at..end);
            }
            3 => {
                let copy = bytes[at..end].to_vec();
                let to = rng.random_range(0..=bytes.len());
                bytes.splice(to..to, copy);
            }
            4 => bytes.truncate(at),
            5 => {
                let piece = PIECES.choose(rng).expect("some");
                let times = if chance(rng, 5) { 3_000 } else { 1 };
                bytes.splice(at..at, piece.repeat(times));
            }
            _ => {
                bytes.drain(..at);
            }
        }
    }
    bytes
}

/// The code that belongs to the answer: 2 without a verdict, otherwise that of the verdict.
fn right_code(answer: &Answer) -> Option<i32> {
    let Some(line) = &answer.line else { return Some(2) };
    let word = |question: &str, word: &str| {
        let answers = line["answers"].as_array()?;
        answers.iter().find(|answer| answer["question"] == question)?[word].as_str()
    };
    match (word("safety", "standing")?, word("evidence", "kind")?) {
        ("invalid", _) => Some(10),
        (_, "vacuous") => Some(14),
        ("unknown", _) | (_, "undecided") => Some(13),
        ("valid", "sufficient") => Some(0),
        _ => None,
    }
}

/// What is wrong with the answer about a file that may hold anything.
fn problem(answer: &Answer) -> Option<String> {
    if right_code(answer) != Some(answer.code) {
        return Some(format!("exit {} with {:?}", answer.code, answer.line));
    }
    if answer.said.contains("panicked") {
        return Some("a panic".to_owned());
    }
    let longest = answer.said.lines().map(str::len).max().unwrap_or_default();
    if answer.code == 2 && (answer.said.trim().is_empty() || longest > 1_000) {
        return Some(format!("refused with {longest} bytes on a line"));
    }
    None
}

/// Damages so many files.
pub fn damage(first_seed: u64, cases: u64, formats: &[Format]) -> [u64; 5] {
    let folder = run::folder();
    let mut counts = [0; 5];
    let mut seed = first_seed;
    while seed < first_seed + cases {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0xda3a);
        let model = *Model::ALL.choose(&mut rng).expect("some");
        let other = *formats.choose(&mut rng).expect("some");
        let mut arguments = vec!["--model".to_owned(), model.name().to_owned()];
        match rng.random_range(0..4) {
            0 => arguments.extend(["--format".to_owned(), other.name().to_owned()]),
            1 => arguments.push("--lenient".to_owned()),
            2 => arguments.clear(),
            _ => {}
        }
        let trials = (seed..seed + 500).filter_map(|seed| Trial::new(case(model, seed), formats));
        let texts: Vec<Vec<u8>> =
            trials.map(|trial| damaged(trial.text().as_bytes(), &mut rng)).collect();
        let answers = judge(&texts, &arguments, folder.path());
        for (text, answer) in texts.iter().zip(answers) {
            if let Some(why) = problem(&answer) {
                let path = keep_text(&format!("damaged-{seed}"), text);
                let arguments = arguments.join(" ");
                panic!("{why}: {} {arguments}\n{}", path.display(), answer.said);
            }
            let places = [0, 2, 10, 13, 14];
            counts[places.iter().position(|&code| code == answer.code).expect("it is one")] += 1;
        }
        seed += 500;
    }
    counts
}

fn judge(texts: &[Vec<u8>], arguments: &[String], folder: &Path) -> Vec<Answer> {
    let mut files = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        let file = folder.join(format!("damaged-{at}"));
        std::fs::write(&file, text).expect("a file in the folder");
        files.push(file);
    }
    run::check(&files, arguments)
}

/// Cuts so many files at random bytes. What is left is judged as the events that are whole; of the last
/// one it does not count whether its line end is there.
pub fn tear(first_seed: u64, cases: u64, formats: &[Format]) {
    let folder = run::folder();
    for seed in (first_seed..first_seed + cases).step_by(100) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x7ea5);
        let model = *Model::ALL.choose(&mut rng).expect("some");
        let mut torn: Vec<(Trial, usize)> = Vec::new();
        for seed in seed..seed + 100 {
            let mut case = case(model, seed);
            case.options = crate::fuzz_check::generate::Options::default();
            let Some(trial) = Trial::new(case, formats) else { continue };
            if trial.format == Format::PorcupineOperations || trial.text().is_empty() {
                continue;
            }
            // It leaves out what failed, and ends of unknown outcome: its rows are not the events.
            let is_left_out = |event: &Event| matches!(event.kind, Kind::Fail | Kind::Info);
            let leaves_out = trial.format == Format::PorcupineEvents;
            if leaves_out && trial.case.events.iter().any(is_left_out) {
                continue;
            }
            let cut = rng.random_range(1..=trial.text().len());
            torn.push((trial, cut));
        }
        let arguments = |format: Format| {
            ["--model", model.name(), "--format", format.name()].map(str::to_owned).to_vec()
        };
        for format in formats {
            let of_format = torn.iter().filter(|(trial, _)| trial.format == *format);
            let of_format: Vec<&(Trial, usize)> = of_format.collect();
            let text = |(trial, cut): &(Trial, usize)| trial.text().as_bytes()[..*cut].to_vec();
            let texts: Vec<Vec<u8>> = of_format.iter().map(|it| text(it)).collect();
            let answers = judge(&texts, &arguments(*format), folder.path());
            for ((trial, cut), answer) in of_format.into_iter().zip(answers) {
                let right = trial.codes_when_torn(*cut);
                if !right.contains(&answer.code) {
                    let text = &trial.text().as_bytes()[..*cut];
                    let path = keep_text(&format!("torn-{}", trial.case.seed), text);
                    panic!(
                        "torn at {cut}: exit {} where {right:?} is right: {} {}\n{}\n{}",
                        answer.code,
                        path.display(),
                        arguments(*format).join(" "),
                        String::from_utf8_lossy(text),
                        answer.said,
                    );
                }
            }
        }
    }
}
