//! `junit.xml`: the six answers for a CI server, a suite for each workload and a case per question.
//!
//! There is no one schema; this fits both in use, Ant's (no time zone, a host's name, an id, both
//! outputs of a suite and none of a case) and that of Jenkins.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::report::Finished;
use crate::verdict::{Answer, Standing};

/// The file's name in the folder of a run, and in that of all results.
pub const NAME: &str = "junit.xml";

/// What the file tells of a run.
#[derive(Clone, Debug)]
pub struct JunitRun {
    suite: String,
    seed: String,
    reproduce: String,
    start: String,
    host: String,
    seconds: f64,
    cases: Vec<Case>,
}

#[derive(Clone, Debug)]
struct Case {
    question: &'static str,
    sentence: String,
    /// Of a bad answer: its kind, and all there is to say about it.
    failure: Option<(&'static str, String)>,
}

impl JunitRun {
    /// What is not valid is a failure, with the explanation as its text; what could not be decided
    /// is one too, because it is no success.
    pub fn of(finished: &Finished<'_>) -> Self {
        let case = |answer: &Answer| Case {
            question: answer.question.name(),
            sentence: answer.sentence.clone(),
            failure: (answer.standing != Standing::Valid)
                .then(|| (answer.kind.name(), story(finished, answer))),
        };
        Self {
            suite: finished.record.scenario.name.clone(),
            seed: finished.record.plan.seed.to_string(),
            reproduce: finished.reproduce.clone(),
            start: finished.start.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
            host: host(),
            seconds: finished.record.duration.as_secs_f64(),
            cases: finished.verdict.answers.iter().map(case).collect(),
        }
    }

    fn failures(&self) -> usize {
        self.cases.iter().filter(|case| case.failure.is_some()).count()
    }
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}

/// Writes the file of one run.
pub fn write(finished: &Finished<'_>, out: impl Write) -> io::Result<()> {
    write_all(&[JunitRun::of(finished)], out)
}

/// Writes one file of many runs: those of the same workload share a suite.
pub fn write_all(runs: &[JunitRun], mut out: impl Write) -> io::Result<()> {
    let mut suites: Vec<(&str, Vec<&JunitRun>)> = Vec::new();
    for run in runs {
        match suites.iter_mut().find(|(name, _)| *name == run.suite) {
            Some((_, of_suite)) => of_suite.push(run),
            None => suites.push((&run.suite, vec![run])),
        }
    }
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, "<testsuites>")?;
    for (id, (name, runs)) in suites.iter().enumerate() {
        write_suite(id, name, runs, &mut out)?;
    }
    writeln!(out, "</testsuites>")?;
    out.flush()
}

fn write_suite(id: usize, name: &str, runs: &[&JunitRun], out: &mut impl Write) -> io::Result<()> {
    let (Some(first), name) = (runs.first(), escaped(name)) else { return Ok(()) };
    let tests: usize = runs.iter().map(|run| run.cases.len()).sum();
    let failures: usize = runs.iter().map(|run| run.failures()).sum();
    let time: f64 = runs.iter().map(|run| run.seconds).sum();
    let (start, host) = (&first.start, escaped(&first.host));
    let counts = format!(r#"tests="{tests}" failures="{failures}" errors="0" skipped="0""#);
    let what = format!(r#"id="{id}" name="{name}" package="harness" hostname="{host}""#);
    writeln!(out, r#"  <testsuite {what} timestamp="{start}" {counts} time="{time:.3}">"#)?;
    writeln!(out, "    <properties>")?;
    let several = runs.len() > 1;
    let numbered = |what: &str, n: usize| {
        if several { format!("{what} (run {})", n + 1) } else { what.to_owned() }
    };
    for (n, run) in runs.iter().enumerate() {
        for (property, value) in [("seed", &run.seed), ("reproduce", &run.reproduce)] {
            let (property, value) = (numbered(property, n), escaped(value));
            writeln!(out, r#"      <property name="{property}" value="{value}"/>"#)?;
        }
    }
    writeln!(out, "    </properties>")?;
    let mut told = String::new();
    for (n, run) in runs.iter().enumerate() {
        for (place, case) in run.cases.iter().enumerate() {
            let question = numbered(case.question, n);
            // The whole run is the work of each question: its time is counted once.
            let time = if place == 0 { run.seconds } else { 0.0 };
            let _ = writeln!(told, "{question}: {}", case.sentence);
            write_case(
                &format!(r#"name="{question}" classname="{name}" time="{time:.3}""#),
                case,
                out,
            )?;
        }
    }
    writeln!(out, "    <system-out>{}</system-out>", escaped(&told))?;
    writeln!(out, "    <system-err></system-err>")?;
    writeln!(out, "  </testsuite>")
}

fn write_case(attributes: &str, case: &Case, out: &mut impl Write) -> io::Result<()> {
    let Some((kind, story)) = &case.failure else {
        return writeln!(out, "    <testcase {attributes}/>");
    };
    let (kind, sentence, story) = (escaped(kind), escaped(&case.sentence), escaped(story));
    writeln!(out, "    <testcase {attributes}>")?;
    writeln!(out, r#"      <failure type="{kind}" message="{sentence}">{story}</failure>"#)?;
    writeln!(out, "    </testcase>")
}

/// All there is to say about a bad answer, and how to see it again.
fn story(finished: &Finished<'_>, answer: &Answer) -> String {
    let mut story = format!("{}: {}\n", answer.kind, answer.sentence);
    for line in &answer.details {
        let _ = writeln!(story, "  {line}");
    }
    let sections = finished.explanation.iter().flat_map(|it| &it.sections);
    for section in sections {
        let _ = writeln!(story, "\n{}", section.title);
        for line in &section.lines {
            let _ = writeln!(story, "  {line}");
        }
    }
    let _ = write!(
        story,
        "\nreproduce: {}\nreport: {}",
        finished.reproduce,
        finished.folder.join(super::html::NAME).display()
    );
    story
}

/// Text for an element or an attribute. XML 1.0 has no way to write most control characters.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' => safe.push_str("&#10;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                safe.extend(c.escape_default());
            }
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::report::sample::{self, Sample};

    #[test]
    fn a_suite_for_the_workload_and_a_case_for_each_question() {
        let sample = Sample::new();
        let finished = sample.finished(Path::new("results"));
        let text = sample::text(|out| write(&finished, out));
        let answers = &sample.verdict.answers;
        assert_eq!(text.matches("<testsuite ").count(), 1, "{text}");
        assert_eq!(text.matches("<testcase ").count(), answers.len(), "{text}");
        assert!(text.contains(r#"<testcase name="liveness" classname="demo" "#), "{text}");
        let bad = answers.iter().filter(|answer| answer.standing != Standing::Valid).count();
        assert!(bad > 0 && text.matches("<failure ").count() == bad, "{text}");
        assert!(text.contains("reproduce: harness run workloads/demo.json --seed 7"), "{text}");
    }

    #[test]
    fn runs_of_one_workload_share_a_suite_and_no_two_cases_a_name() {
        let sample = Sample::new();
        let run = JunitRun::of(&sample.finished(Path::new("results")));
        let other = JunitRun { suite: "other".to_owned(), ..run.clone() };
        let text = sample::text(|out| write_all(&[run.clone(), other, run.clone()], out));
        assert_eq!(text.matches("<testsuite ").count(), 2, "{text}");
        let questions = run.cases.len();
        let (cases, failures) = (2 * questions, 2 * run.failures());
        let counts = format!(r#"tests="{cases}" failures="{failures}""#);
        assert!(text.contains(&counts), "{counts}: {text}");
        let mut names: Vec<&str> =
            text.lines().filter(|line| line.contains("<testcase ")).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 3 * questions, "{text}");
        assert!(text.contains(r#"name="safety (run 2)" classname="demo""#), "{text}");
    }

    #[test]
    fn no_value_becomes_markup() {
        assert_eq!(escaped("</a>\u{1b}&\"\n"), "&lt;/a&gt;\\u{1b}&amp;&quot;&#10;");
    }
}
