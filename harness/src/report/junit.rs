//! `junit.xml`: the five answers for a CI server, a suite for the workload and a case per question.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::report::Finished;
use crate::verdict::{Answer, Standing};

/// The file's name in the folder of a run.
pub const NAME: &str = "junit.xml";

/// Writes the suite. What is not valid is a failure, with the explanation as its text; what could
/// not be decided is one too, because it is no success.
pub fn write(finished: &Finished<'_>, mut out: impl Write) -> io::Result<()> {
    let record = finished.record;
    let answers = &finished.verdict.answers;
    let failures = answers.iter().filter(|answer| answer.standing != Standing::Valid).count();
    let (tests, time) = (answers.len(), record.duration.as_secs_f64());
    let suite = escaped(&record.scenario.name);
    let counts = format!(r#"tests="{tests}" failures="{failures}" errors="0" time="{time:.3}""#);
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, r#"<testsuites name="harness" {counts}>"#)?;
    let start = finished.start.strftime("%Y-%m-%dT%H:%M:%SZ");
    writeln!(out, r#"  <testsuite name="{suite}" timestamp="{start}" {counts}>"#)?;
    writeln!(out, "    <properties>")?;
    for (name, value) in
        [("seed", record.plan.seed.to_string()), ("repeat", finished.repeat.clone())]
    {
        writeln!(out, r#"      <property name="{name}" value="{}"/>"#, escaped(&value))?;
    }
    writeln!(out, "    </properties>")?;
    for (place, answer) in answers.iter().enumerate() {
        // The whole run is the work of each question: its time is counted once.
        let time = if place == 0 { time } else { 0.0 };
        let case =
            format!(r#"name="{}" classname="{suite}" time="{time:.3}""#, answer.question.name());
        let sentence = escaped(&answer.sentence);
        if answer.standing == Standing::Valid {
            writeln!(out, "    <testcase {case}><system-out>{sentence}</system-out></testcase>")?;
            continue;
        }
        writeln!(out, "    <testcase {case}>")?;
        let kind = escaped(&answer.kind);
        writeln!(
            out,
            r#"      <failure type="{kind}" message="{sentence}">{}</failure>"#,
            escaped(&story(finished, answer))
        )?;
        writeln!(out, "    </testcase>")?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")?;
    out.flush()
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
        "\nrepeat: {}\nreport: {}",
        finished.repeat,
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
        let bad = answers.iter().filter(|answer| answer.standing != Standing::Valid).count();
        assert!(bad > 0 && text.matches("<failure ").count() == bad, "{text}");
        assert!(text.contains("repeat: harness run workloads/demo.json --seed 7"), "{text}");
    }

    #[test]
    fn no_value_becomes_markup() {
        assert_eq!(escaped("</a>\u{1b}&\"\n"), "&lt;/a&gt;\\u{1b}&amp;&quot;&#10;");
    }
}
