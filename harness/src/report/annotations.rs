//! What is wrong with a run as workflow commands of GitHub, which shows them beside the change.

use std::path::Path;

use crate::report::Finished;
use crate::verdict::{Question, Standing};

/// A line for each answer that is not valid: an error, or a warning if it was the host. It stands
/// at the workload's file, if that is one below the working directory.
pub fn github(finished: &Finished<'_>, source: &Path) -> String {
    let bad = finished.verdict.answers.iter().filter(|it| it.standing != Standing::Valid);
    let file = if source.is_file() && source.is_relative() {
        format!("file={},", property(&source.display().to_string()))
    } else {
        String::new()
    };
    let lines = bad.map(|answer| {
        let level = match answer.question {
            Question::Environment => "warning",
            _ => "error",
        };
        let title = format!("{}: {}", finished.record.scenario.name, answer.kind);
        let message = format!("{}\nreproduce: {}", answer.sentence, finished.reproduce);
        format!("::{level} {file}title={}::{}\n", property(&title), data(&message))
    });
    lines.collect::<Vec<_>>().concat()
}

/// The escapes of workflow commands: a line end would end the command.
fn data(text: &str) -> String {
    let escaped = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    crate::text::escape(&escaped)
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::report::sample::Sample;

    #[test]
    fn every_bad_answer_is_one_line() {
        let mut sample = Sample::new();
        sample.verdict.answers[0].sentence = "50 % of, it\n::error::forged".to_owned();
        let text = github(&sample.finished(Path::new("results")), Path::new("stress"));
        let first = text.lines().next().unwrap();
        assert!(first.starts_with("::error title=demo%3A "), "{first}");
        assert!(
            first.contains("::50 %25 of, it%0A::error::forged%0Areproduce: harness run"),
            "{first}"
        );
        assert!(text.lines().all(|line| line.starts_with("::")), "{text}");
    }

    #[test]
    fn it_stands_at_the_workload_if_there_is_such_a_file() {
        // Tests run where the crate is.
        let text = github(&Sample::new().finished(Path::new("results")), Path::new("Cargo.toml"));
        assert!(text.starts_with("::error file=Cargo.toml,title=demo%3A "), "{text}");
    }
}
