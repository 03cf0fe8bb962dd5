//! What holds for all of Jepsen's forms: what is written is read, wherever a file is cut, and however it
//! is damaged.

use std::fmt::Write as _;

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::datum::Datum;
use crate::event::{EventType, F};
use crate::format::edn::work;
use crate::format::{self, Format, ParseError, ReadHistory, Reader};
use crate::history::{History, Reading};

pub(in crate::format) fn read(text: &str, format: Format) -> Result<ReadHistory, ParseError> {
    let whole = format::read(text.as_bytes(), format, Reading::default());
    // In pieces of any size it is the same.
    for size in [1, 7] {
        let mut reader = Reader::new(format, Reading::default());
        let mut pieces = text.as_bytes().chunks(size);
        let fed = pieces.try_for_each(|piece| reader.feed(piece)).and_then(|()| reader.finish());
        match (&whole, &fed) {
            (Ok(whole), Ok(read)) => {
                assert_eq!(operations(&whole.history), operations(&read.history));
                assert_eq!((whole.torn, &whole.skipped), (read.torn, &read.skipped));
            }
            (Err(whole), Err(error)) if size == 7 => {
                let place = |error: &ParseError| {
                    error.to_string().split(": found").next().map(str::to_owned)
                };
                assert_eq!(place(whole), place(error), "{text}");
            }
            (whole, read) => assert_eq!(whole.is_ok(), read.is_ok(), "{text}"),
        }
    }
    whole
}

pub(in crate::format) fn problem(text: &str, format: Format) -> String {
    read(text, format).map(|read| operations(&read.history)).unwrap_err().to_string()
}

/// Each operation as a line for people.
pub(in crate::format) fn operations(history: &History) -> Vec<String> {
    let line = |op: &crate::history::Operation| {
        let (argument, result) = (history.value(op.argument), history.value(op.result));
        let mut line = format!(
            "{} {} key {} argument {argument} result {result} {:?} at {}",
            history.process(op),
            history.name(op.f),
            history.key(op.key),
            op.outcome,
            op.invoke_index(),
        );
        if let Some(index) = op.complete_index() {
            let _ = write!(line, " {index}");
        }
        line
    };
    history.operations().iter().map(line).collect()
}

/// An event of a generated history.
#[derive(Debug, Clone)]
struct Told {
    process: u64,
    r#type: EventType,
    f: F,
    value: Datum,
    error: Option<&'static str>,
}

fn datum(rng: &mut ChaCha8Rng, depth: usize) -> Datum {
    let many = |rng: &mut ChaCha8Rng| -> Vec<Datum> {
        (0..rng.random_range(0..4)).map(|_| datum(rng, depth + 1)).collect()
    };
    match rng.random_range(0..if depth < 3 { 12 } else { 8 }) {
        0 => Datum::Nil,
        1 => Datum::Bool(rng.random()),
        2..=4 => Datum::Integer(rng.random_range(-99..1000)),
        5 => crate::datum::number::parse("123456789012345678901.5").unwrap(),
        6 => Datum::text(
            ["", "a", "ß {\"", "7", ":k }", "[1 2", "two\nlines"][rng.random_range(0..7)],
        ),
        7 => Datum::Keyword(["a", "b/c", "timed-out"][rng.random_range(0..3)].into()),
        8 => Datum::List(many(rng)),
        9 => Datum::set(many(rng)),
        10 => Datum::map(many(rng).into_iter().map(|key| (key, Datum::Nil)).collect()),
        _ => Datum::Tagged("t".into(), Box::new(datum(rng, depth + 1))),
    }
}

/// The events of a history of a few processes, each with what it invoked.
fn events(rng: &mut ChaCha8Rng, count: usize) -> Vec<Told> {
    let read = |process| Told {
        process,
        r#type: EventType::Invoke,
        f: F::Get,
        value: Datum::Nil,
        error: None,
    };
    let mut open: Vec<Option<Told>> = vec![None; 4];
    let mut events = vec![read(9)];
    while events.len() < count {
        let process = rng.random_range(0..open.len());
        let told = match open[process].take() {
            None => {
                let f = [F::Get, F::Put, F::Cas, F::Add][rng.random_range(0..4)];
                let value = match f {
                    F::Get => Datum::Nil,
                    F::Cas => Datum::List(vec![datum(rng, 1), datum(rng, 1)]),
                    _ => datum(rng, 0),
                };
                let told = Told { f, value, ..read(process as u64) };
                open[process] = Some(told.clone());
                told
            }
            Some(invoked) => {
                let types = [EventType::Ok, EventType::Ok, EventType::Fail, EventType::Info];
                let r#type = types[rng.random_range(0..4)];
                let is_answer = invoked.f == F::Get && r#type == EventType::Ok;
                let value = if is_answer { datum(rng, 0) } else { invoked.value.clone() };
                let has_error = matches!(r#type, EventType::Fail | EventType::Info) && rng.random();
                Told { r#type, value, error: has_error.then_some(":conn-lost"), ..invoked }
            }
        };
        events.push(told);
    }
    events
}

/// What must be read of the first events, whose numbers are these.
fn expected(events: &[Told], numbers: &[u64]) -> Vec<String> {
    let mut lines: Vec<(u64, String)> = Vec::new();
    for (place, told) in events.iter().enumerate() {
        if told.r#type != EventType::Invoke {
            continue;
        }
        let ends = |later: &&(usize, &Told)| later.1.process == told.process;
        let end = events.iter().enumerate().skip(place + 1).find(|later| ends(&later));
        let answer =
            |end: &Told| if end.r#type == EventType::Ok { end.value.clone() } else { Datum::Nil };
        let result = end.map(|(_, end)| answer(end)).unwrap_or_default();
        let (argument, result) = match (&told.f, &told.value) {
            (F::Cas, Datum::List(pair)) => (pair[1].clone(), pair[0].clone()),
            (F::Put, value) => (value.clone(), Datum::Nil),
            (_, value) => (value.clone(), result),
        };
        let outcome = end.map_or("Info".to_owned(), |(_, end)| format!("{:?}", end.r#type));
        let mut at = numbers[place].to_string();
        if let Some((end, _)) = end.filter(|(_, end)| end.r#type != EventType::Info) {
            let _ = write!(at, " {}", numbers[end]);
        }
        let (process, name) = (told.process, name(told.f));
        let line = format!(
            "{process} {name} key nil argument {argument} result {result} {outcome} at {at}"
        );
        lines.push((numbers[place], line));
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

fn name(f: F) -> &'static str {
    match f {
        F::Get => "read",
        F::Put => "write",
        f => f.name(),
    }
}

/// A value in one of the ways in which EDN can say it.
fn spell(rng: &mut ChaCha8Rng, datum: &Datum, in_lines: bool) -> String {
    let blank = |rng: &mut ChaCha8Rng| {
        let blanks = [" ", ", ", "  ", " #_ x ", " #_[\\]] ", "\n   ", " ; why ]\n   "];
        blanks[rng.random_range(0..if in_lines { 7 } else { 5 })]
    };
    let all = |rng: &mut ChaCha8Rng, items: Vec<String>| {
        items.into_iter().fold(String::new(), |text, item| text + &item + blank(rng))
    };
    match datum {
        Datum::Integer(number) => match rng.random_range(0..4) {
            0 => format!("{number}N"),
            1 => format!("{number}.0"),
            _ => number.to_string(),
        },
        Datum::Text(text) => {
            let mut plain = text.replace('\\', "\\\\").replace('"', "\\\"");
            if !in_lines {
                plain = plain.replace('\n', "\\n").replace('ß', "\\u00df");
            }
            format!("\"{plain}\"")
        }
        Datum::List(items) => {
            let items = items.iter().map(|item| spell(rng, item, in_lines)).collect();
            let inside = all(rng, items);
            if rng.random() { format!("[{inside}]") } else { format!("({inside})") }
        }
        Datum::Set(items) => {
            let items = items.iter().rev().map(|item| spell(rng, item, in_lines)).collect();
            format!("#{{{}}}", all(rng, items))
        }
        Datum::Map(entries) => {
            let entry = |(key, value): &(Datum, Datum)| {
                format!("{} {}", spell(rng, key, in_lines), spell(rng, value, in_lines))
            };
            let entries = entries.iter().rev().map(entry).collect();
            format!("{{{}}}", all(rng, entries))
        }
        Datum::Tagged(tag, value) => format!("#{tag} {}", spell(rng, value, in_lines)),
        other => other.to_string(),
    }
}

/// The ways to write a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Maps,
    /// Over several lines, in a vector, with numbers.
    Printed,
    Tuples,
    OldLog,
    Log,
    Columns,
}

const WAYS: [(Way, Format); 6] = [
    (Way::Maps, Format::Edn),
    (Way::Printed, Format::Edn),
    (Way::Tuples, Format::Edn),
    (Way::OldLog, Format::JepsenLog),
    (Way::Log, Format::JepsenLog),
    (Way::Columns, Format::Columns),
];

/// A file, the number of each event, and where in the file it ends.
struct Written {
    text: String,
    numbers: Vec<u64>,
    ends: Vec<usize>,
}

fn write(rng: &mut ChaCha8Rng, events: &[Told], way: Way) -> Written {
    let mut written = Written { text: String::new(), numbers: Vec::new(), ends: Vec::new() };
    let text = &mut written.text;
    if way == Way::Printed {
        text.push_str("; a history\n[");
    }
    for (place, told) in events.iter().enumerate() {
        let Told { process, r#type, f, value, error } = told;
        let value = spell(rng, value, way == Way::Printed);
        let kind = format!(":{type:?}").to_ascii_lowercase();
        let f = format!(":{}", name(*f));
        let mut number = text.matches('\n').count() as u64 + 1;
        let columns = format!("{process}\t{kind}\t{f}\t{value}");
        let error_column = error.map(|error| format!("\t{error}")).unwrap_or_default();
        let error_key = error.map(|error| format!(", :error {error}")).unwrap_or_default();
        let line = match way {
            Way::Maps => {
                format!("{{:process {process}, :type {kind}, :f {f}, :value {value}{error_key}}}")
            }
            Way::Printed => {
                number = 3 * place as u64;
                format!(
                    "{{:index {number}, :type {kind}\n   :f {f}\n   :value {value},\n   :process \
                     {process}{error_key}}}"
                )
            }
            Way::Tuples => format!("[{process} {kind} {f} {value}{error_column}]"),
            Way::OldLog => format!("INFO  jepsen.util - {columns}{error_column}\n"),
            Way::Log => format!(
                "2025-06-19 11:44:5{},029{{GMT}}\tINFO\t[jepsen worker {process}] jepsen.util: \
                 {columns}{error_column}\n",
                place % 10
            ),
            Way::Columns => format!("{columns}{error_column}\n"),
        };
        text.push_str(&line);
        written.numbers.push(number);
        written.ends.push(text.len());
        if matches!(way, Way::Maps | Way::Printed | Way::Tuples) {
            text.push('\n');
        }
    }
    if way == Way::Printed {
        text.push_str(" ]\n");
    }
    written
}

/// How many cases a campaign has.
fn cases(count: u64) -> u64 {
    let factor = std::env::var("CHECKER_CASES").ok().and_then(|factor| factor.parse::<u64>().ok());
    count * factor.unwrap_or(1)
}

/// What the old log takes for a refusal is none here.
fn read_as(text: &[u8], format: Format) -> Result<ReadHistory, ParseError> {
    let failed_cas = Some(crate::history::FailedCas::NotDone);
    format::read(text, format, Reading { failed_cas, ..Reading::default() })
}

#[test]
fn what_is_written_is_read() {
    for seed in 0..cases(300) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let events = events(&mut rng, 30);
        for (way, format) in WAYS {
            let Written { text, numbers, .. } = write(&mut rng, &events, way);
            assert_eq!(Format::detect(text.as_bytes()), Some(format));
            let read =
                read_as(text.as_bytes(), format).unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert_eq!(operations(&read.history), expected(&events, &numbers), "{text}");
            assert_eq!((read.torn, read.skipped.count), (None, 0));
        }
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_the_file_without_its_last_events() {
    for seed in 0..cases(20) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let events = events(&mut rng, 12);
        for (way, format) in WAYS {
            let Written { text, numbers, ends } = write(&mut rng, &events, way);
            for cut in 0..text.len() {
                let whole = ends.iter().filter(|&&end| end <= cut).count();
                let read = read_as(&text.as_bytes()[..cut], format);
                if whole == 0 {
                    assert!(read.is_err(), "{cut} {text}");
                    continue;
                }
                let read = read.unwrap_or_else(|error| panic!("{error}\n{}", &text[..cut]));
                assert_eq!(operations(&read.history), expected(&events[..whole], &numbers));
                let rest = String::from_utf8_lossy(&text.as_bytes()[ends[whole - 1]..cut]);
                let end = if way == Way::Printed { "]" } else { "" };
                assert_eq!(read.torn.is_none(), rest.trim() == end, "{cut} {text}");
            }
        }
    }
}

#[test]
fn an_event_that_is_torn_in_the_middle_is_refused() {
    for seed in 0..cases(20) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let events = events(&mut rng, 12);
        for (way, format) in WAYS {
            let Written { text, ends, .. } = write(&mut rng, &events, way);
            let torn = rng.random_range(1..events.len() - 1);
            let (from, to) = (ends[torn - 1], ends[torn]);
            let from = from + usize::from(text[from..].starts_with('\n'));
            // A process is a number also if another is written behind it.
            let first = if way == Way::Columns { from + 2 } else { from + 1 };
            for cut in first..to {
                // What is written next begins on the same line, or on one of its own.
                for rest in [&text[to..], text[to..].trim_start()] {
                    let text = [text.as_bytes()[..cut].to_vec(), rest.as_bytes().to_vec()].concat();
                    let read = read_as(&text, format);
                    let text = String::from_utf8_lossy(&text);
                    assert!(read.is_err(), "{way:?} {} {cut}: {text}", &text[from..cut + 30]);
                }
            }
        }
    }
}

#[test]
fn a_bracket_or_quotation_mark_that_is_missing_is_refused() {
    for seed in 0..cases(100) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut events = events(&mut rng, 12);
        for told in &mut events {
            if told.f == F::Put || told.f == F::Add {
                told.value = Datum::List(vec![Datum::text("a"), Datum::set(vec![Datum::Nil])]);
            }
        }
        let invoked = events.iter().position(|told| told.f == F::Put || told.f == F::Add);
        let Some(torn) = invoked.filter(|&torn| torn > 0 && torn + 1 < events.len()) else {
            continue;
        };
        for (way, format) in WAYS {
            let Written { text, ends, .. } = write(&mut rng, &events, way);
            let head = text[..ends[torn]].rfind("jepsen.util").unwrap_or(ends[torn - 1]);
            for at in head..ends[torn] {
                let is_comment = text[..at].ends_with("; why ");
                if is_comment || !b"()[]{}\"".contains(&text.as_bytes()[at]) {
                    continue;
                }
                let mut damaged = text.clone().into_bytes();
                damaged.remove(at);
                let read = read_as(&damaged, format);
                let text = String::from_utf8_lossy(&damaged);
                assert!(read.is_err(), "{way:?} {at} {:?}: {text}", &text[at - 20..at + 30]);
            }
        }
    }
}

/// A text with up to five bytes changed, put in or left out.
fn damaged(rng: &mut ChaCha8Rng, text: &str) -> Vec<u8> {
    let mut text = text.as_bytes().to_vec();
    for _ in 0..rng.random_range(1..6) {
        let at = rng.random_range(0..text.len());
        match rng.random_range(0..5) {
            0 => text[at] = rng.random(),
            1 => {
                text.remove(at);
            }
            2 => text[at] = b"0123456789"[rng.random_range(0..10)],
            3 => {
                let to = rng.random_range(at..text.len().min(at + 30));
                text.drain(at..to);
            }
            _ => text.insert(at, b"[](){}\"\\:#^_;, \n"[rng.random_range(0..16)]),
        }
    }
    text
}

#[test]
fn no_text_makes_a_reader_panic() {
    for seed in 0..cases(3000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let events = events(&mut rng, 12);
        let (way, format) = WAYS[rng.random_range(0..WAYS.len())];
        let text = write(&mut rng, &events, way).text;
        let text = damaged(&mut rng, &text);
        let _ = Format::detect(&text);
        let other = WAYS[rng.random_range(0..WAYS.len())].1;
        for format in [format, other] {
            let reading = Reading { is_lenient: rng.random(), ..Reading::default() };
            let mut reader = Reader::new(format, reading);
            let size = rng.random_range(1..200);
            let fed = text.chunks(size).try_for_each(|piece| reader.feed(piece));
            let _ = fed.and_then(|()| reader.finish());
        }
    }
}

/// How much is looked at to read a text, right or wrong.
fn work_of(text: &str, format: Format) -> usize {
    work::take();
    let mut reader = Reader::new(format, Reading::default());
    let mut pieces = text.as_bytes().chunks(100);
    let _ = pieces.try_for_each(|piece| reader.feed(piece)).and_then(|()| reader.finish());
    work::take()
}

/// A text of a size.
type Grow<'a> = &'a dyn Fn(usize) -> String;

#[test]
fn reading_is_linear() {
    let line = "{:process 0 :type :invoke :f :read}\n";
    let (edn, log, columns) = (Format::Edn, Format::JepsenLog, Format::Columns);
    let json = Format::JepsenJson;
    let growing: [(Format, &str, Grow<'_>); 33] = [
        (edn, "events on a line", &|n| line.trim_end().repeat(n)),
        (edn, "shuffled texts in a set", &|n| {
            let items: Vec<String> =
                (0..n).map(|item| format!("\"{}\"", item * 7919 % n)).collect();
            format!("[0 :ok :read #{{{}}}]", items.join(" "))
        }),
        (json, "braces", &|n| "{".repeat(n)),
        (json, "objects in one another", &|n| "{\"a\":".repeat(n)),
        (json, "objects in one that does not end", &|n| {
            format!("{{\"process\":0,\"value\":[0{}", ",{\"a\":{}}".repeat(n))
        }),
        (json, "objects in one that is wrong", &|n| {
            format!("{{\"process\":0,\"value\":[0{} 1}}", ",{\"a\":{}}\n".repeat(n))
        }),
        (json, "events in a text", &|n| {
            format!("{{\"value\":\"{}", "{\\\"process\\\":0".repeat(n))
        }),
        (edn, "events", &|n| line.repeat(n)),
        (edn, "events in a list", &|n| format!("({})", line.repeat(n))),
        (edn, "a form of many lines", &|n| {
            format!("{{:process 0 :type :ok :f :read :value [{}]}}", "1\n".repeat(n))
        }),
        (edn, "a set", &|n| {
            let items: Vec<String> = (0..n).rev().map(|item| item.to_string()).collect();
            let items = items.join(" ");
            format!("{{:process 0 :type :ok :f :read :value #{{{items}}}}}")
        }),
        (edn, "a string of many lines", &|n| format!("[0 :ok :read \"{}\"]", "{:f\n".repeat(n))),
        (edn, "brackets that stay open", &|n| "{:f ".repeat(n)),
        (edn, "strings that stay open", &|n| {
            format!("{line}{{:f \"{}", "\n {:f [0 :ok ".repeat(n))
        }),
        (edn, "maps that stay open", &|n| format!("{line}{{:f {}", "\n   {:f 1}".repeat(n))),
        (edn, "tuples in a string", &|n| format!("{line}{{:f \"{}", "[0 :ok \\\"".repeat(n))),
        (edn, "discards", &|n| "#_ ".repeat(n)),
        (edn, "tags", &|n| "#a ".repeat(n)),
        (edn, "metadata", &|n| "^a ".repeat(n)),
        (edn, "comments", &|n| ";{\n".repeat(n)),
        (edn, "blanks", &|n| format!("{line}[{}", " \n".repeat(n))),
        (edn, "a word", &|n| format!("{line}{{:{}", "a".repeat(n))),
        (edn, "escapes", &|n| format!("[0 :ok :read \"{}\"]", "\\n".repeat(n))),
        (columns, "events in columns", &|n| "0 :invoke :read nil\n1 :invoke :read nil\n".repeat(n)),
        (columns, "a line of columns", &|n| format!("0 :info :read nil {}\n", ":ok 1 ".repeat(n))),
        (columns, "a line that does not end", &|n| "0 :ok :read ".repeat(n)),
        (columns, "strange lines", &|n| "strange\n".repeat(n)),
        (log, "events in a log", &|n| "INFO  jepsen.util - 0 :invoke :read nil\n".repeat(n)),
        (log, "entries", &|n| "INFO  jepsen.core - what\n more\n".repeat(n)),
        (log, "levels in a line", &|n| format!("INFO  a - {}\n", "INFO".repeat(n))),
        (log, "levels and blanks", &|n| format!("INFO  a - {}\n", "INFO ERROR ".repeat(n))),
        (log, "times in a line", &|n| format!("INFO  a - {}\n", "2025-06-19 11:44:50 ".repeat(n))),
        (log, "heads in a line", &|n| {
            format!("INFO  a - {}\n", "2025-06-19 11:44:50,029{GMT} INFO [a".repeat(n))
        }),
    ];
    for (format, what, text) in growing {
        let (few, many) = (text(1000), text(4000));
        let (few, many) = (work_of(&few, format), work_of(&many, format));
        assert!(many <= 5 * few + 1000, "{what}: {few} and then {many}");
    }
}
