//! The final block of a run, for people.
//!
//! The verdicts first, then the numbers, what the course would say, and where everything is.
//! Colours repeat what a word says; text that came from replicas is escaped. Paths and the
//! command that reproduces the run are never broken into lines: they are there to be copied.

use std::time::Duration;

use owo_colors::OwoColorize;

use crate::course;
use crate::journal::leaders;
use crate::record::{EndReason, RunRecord};
use crate::report::files::FILES;
use crate::report::summary_csv;
use crate::report::totals::{Totals, leaders};
use crate::report::{Finished, warnings};
use crate::system::Port;
use crate::text::shell::quoted_path;
use crate::text::{counted, escape, grouped, plural, wrap};
use crate::verdict::{Answer, Question, Standing, Verdict};

/// Wide enough for a sentence, narrow enough for half a screen.
const DEFAULT_WIDTH: usize = 100;

/// The column of labels (`environment` and two spaces).
const LABEL_WIDTH: usize = 13;

/// The column of standings (`invalid` and three spaces).
const STANDING_WIDTH: usize = 10;

/// No more believed leaders than this are listed by name.
const LEADERS_SHOWN: usize = 12;

/// How the block is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether standings are coloured too.
    pub is_coloured: bool,
    /// Characters a line.
    pub width: usize,
}

impl Style {
    /// The default width.
    pub fn new(is_coloured: bool) -> Self {
        Self { is_coloured, width: DEFAULT_WIDTH }
    }
}

/// A verdict alone: a line for each answer, below it what is to be known of one that is not valid.
pub fn verdict_lines(verdict: &Verdict, style: Style) -> String {
    joined(&answers(&verdict.answers, style))
}

/// A run in one line: its name, its worst news, its folder.
pub fn quiet_line(finished: &Finished<'_>) -> String {
    let verdict = finished.verdict;
    let worst = verdict.answers.iter().find(|answer| answer.exit() == verdict.exit());
    let word = match worst {
        Some(answer) if answer.standing != Standing::Valid => {
            format!("{} {} ({})", answer.question.name(), answer.standing.name(), answer.kind)
        }
        _ if verdict.is_interrupted => "interrupted".to_owned(),
        _ => "valid".to_owned(),
    };
    let name = escape(&finished.record.scenario.name);
    let seed = finished.record.plan.seed;
    let folder = escape(&finished.folder.display().to_string());
    format!("{name}  seed {seed}  {}  {folder}\n", escape(&word))
}

/// The final block: scenario and seed, the six verdicts, the key numbers, the course's statistics
/// for its own configs, warnings, where the results are, and the command that reproduces the run.
pub fn console_block(finished: &Finished<'_>, style: Style) -> String {
    let sections = [
        vec![title(finished.record)],
        answers(&finished.verdict.answers, style),
        explanation_lines(finished, style),
        numbers(finished.record, style),
        facts(finished, style),
        course_lines(finished, style),
        warning_lines(finished, style),
        places(finished),
    ];
    let sections = sections.iter().filter(|lines| !lines.is_empty()).map(|lines| joined(lines));
    format!("{}\n", sections.collect::<Vec<_>>().join("\n"))
}

fn title(record: &RunRecord) -> String {
    let end = match record.end {
        EndReason::Completed => "",
        EndReason::Interrupted => "  (interrupted)",
        EndReason::PacketStorm => "  (ended by a packet storm)",
        EndReason::AllDead => "  (ended: no replica was left alive)",
    };
    format!(
        "{}  seed {}  {:.1} s  {}{end}",
        escape(&record.scenario.name),
        record.plan.seed,
        record.duration.as_secs_f64(),
        counted(record.scenario.replicas, "replica"),
    )
}

fn answers(answers: &[Answer], style: Style) -> Vec<String> {
    answers.iter().flat_map(|answer| answer_lines(answer, style)).collect()
}

fn answer_lines(answer: &Answer, style: Style) -> Vec<String> {
    let label = format!("{:<LABEL_WIDTH$}", answer.question.name());
    let padding = " ".repeat(STANDING_WIDTH - answer.standing.name().len());
    let standing = format!("{}{padding}", coloured(answer.standing, style));
    let width = style.width.saturating_sub(LABEL_WIDTH + STANDING_WIDTH);
    let indent = " ".repeat(LABEL_WIDTH + STANDING_WIDTH);
    let mut lines = Vec::new();
    for (n, part) in wrap(&escape(&answer.sentence), width).into_iter().enumerate() {
        lines.push(if n == 0 {
            format!("{label}{standing}{part}")
        } else {
            indent.clone() + &part
        });
    }
    if answer.standing != Standing::Valid {
        let details = answer.details.iter().map(|detail| format!("    {}", escape(detail)));
        lines.extend(details.flat_map(|detail| wrap(&detail, style.width)));
    }
    lines
}

fn coloured(standing: Standing, style: Style) -> String {
    let word = standing.name();
    if !style.is_coloured {
        return word.to_owned();
    }
    match standing {
        Standing::Valid => word.green().to_string(),
        Standing::Invalid => word.red().to_string(),
        Standing::Unknown => word.yellow().to_string(),
    }
}

/// The short form of the explanation, of a run that is not valid.
fn explanation_lines(finished: &Finished<'_>, style: Style) -> Vec<String> {
    let Some(explanation) = &finished.explanation else { return Vec::new() };
    if finished.verdict.answers.iter().all(|answer| answer.standing == Standing::Valid) {
        return Vec::new();
    }
    let folder = quoted_path(&finished.folder);
    let mut lines = labelled("meaning", &escape(&explanation.short), style);
    lines.push(format!("{:<LABEL_WIDTH$}harness explain {folder}", "details"));
    lines
}

fn numbers(record: &RunRecord, style: Style) -> Vec<String> {
    let totals = Totals::of(record);
    let (read, change) = record.scenario.workload.words();
    let operations = format!(
        "{}: {} ok, {} fail, {} info ({} {}, {} {})",
        grouped(totals.operations),
        grouped(totals.ok),
        grouped(totals.fail),
        grouped(totals.info),
        grouped(totals.gets),
        plural(totals.gets, read),
        grouped(totals.puts),
        plural(totals.puts, change),
    );
    let latency = totals.latency.as_ref().map_or_else(
        || "no operation ended in ok".to_owned(),
        |quantiles| {
            let [p50, p99, max] = [quantiles.p50, quantiles.p99, quantiles.max].map(millis);
            format!("p50 {p50}, p99 {p99}, max {max} (of the ok)")
        },
    );
    let faults = match (totals.faults_applied, totals.faults_planned) {
        (_, 0) => "none planned".to_owned(),
        (applied, planned) => format!("{applied} of {planned} injected"),
    };
    let rows = [
        ("operations", operations),
        ("latency", latency),
        ("messages", messages(record, &totals)),
        ("leaders", leaders_in_order(record)),
        ("faults", faults),
    ];
    rows.iter().flat_map(|(label, text)| labelled(label, text, style)).collect()
}

/// What the checker counted, where a workload asks for more than whether it holds.
fn facts(finished: &Finished<'_>, style: Style) -> Vec<String> {
    let safety = finished.verdict.answer(Question::Safety);
    match safety.filter(|it| it.standing == Standing::Valid && !it.details.is_empty()) {
        Some(safety) => labelled("counted", &escape(&safety.details.join("; ")), style),
        None => Vec::new(),
    }
}

/// Milliseconds with about three digits: `0.812 ms`, `12.3 ms`, `1,234 ms`.
fn millis(duration: Duration) -> String {
    let millis = duration.as_secs_f64() * 1e3;
    match millis {
        ..1.0 => format!("{millis:.3} ms"),
        ..10.0 => format!("{millis:.2} ms"),
        ..100.0 => format!("{millis:.1} ms"),
        _ => format!("{} ms", grouped(duration.as_millis().try_into().unwrap_or(u64::MAX))),
    }
}

fn messages(record: &RunRecord, totals: &Totals) -> String {
    let messages = &totals.messages;
    let causes: Vec<String> = messages
        .dropped_by_cause
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(cause, count)| format!("{} {}", cause.name().replace('_', " "), grouped(*count)))
        .collect();
    let causes =
        if causes.is_empty() { String::new() } else { format!(" ({})", causes.join(", ")) };
    // The measure of those who learn to gossip.
    let each = match record.plan.system.port {
        Port::Maelstrom => {
            format!(
                "; {:.2} for each operation",
                messages.sent as f64 / totals.operations.max(1) as f64
            )
        }
        Port::Course | Port::Driver => String::new(),
    };
    format!(
        "{} between replicas: {} delivered, {} lost{causes}{each}",
        grouped(messages.sent),
        grouped(messages.delivered),
        grouped(messages.dropped),
    )
}

fn leaders_in_order(record: &RunRecord) -> String {
    let leaders = leaders(record);
    if leaders.is_empty() {
        return "none was seen".to_owned();
    }
    let shown: Vec<String> = leaders.iter().take(LEADERS_SHOWN).map(ToString::to_string).collect();
    let more = match leaders.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {} more", grouped(more as u64)),
    };
    format!("{}{more}", shown.join(", "))
}

/// What the course's simulator would print, for the configs that it could run.
fn course_lines(finished: &Finished<'_>, style: Style) -> Vec<String> {
    let scenario = &finished.record.scenario;
    let judgement = &finished.judgement;
    if judgement.is_none() && scenario.tests.is_none() && !scenario.is_course_config {
        return Vec::new();
    }
    let judged = judgement.iter().flat_map(course::CourseJudgement::lines);
    let lines = finished.statistics.lines().into_iter().chain(judged);
    let indented = lines.map(|line| format!("    {}", escape(&line)));
    std::iter::once("the course's own statistics".to_owned())
        .chain(indented.flat_map(|line| wrap(&line, style.width)))
        .collect()
}

fn warning_lines(finished: &Finished<'_>, style: Style) -> Vec<String> {
    let warnings = warnings(finished).into_iter();
    warnings.flat_map(|warning| labelled("warning", &escape(&warning), style)).collect()
}

fn places(finished: &Finished<'_>) -> Vec<String> {
    let shown = |path: &std::path::Path| escape(&path.display().to_string());
    let mut lines = vec![format!("{:<LABEL_WIDTH$}{}", "results", shown(&finished.folder))];
    let written_by_the_run = [
        ("history.jsonl", "each event"),
        ("faults.jsonl", "each fault"),
        (leaders::NAME, "leadership claims"),
        ("messages.jsonl", "each message"),
    ];
    let files: Vec<(String, &str)> = written_by_the_run
        .into_iter()
        .chain(FILES.iter().map(|file| (file.name, file.about)))
        .map(|(name, about)| (shown(&finished.folder.join(name)), about))
        .chain([(shown(&summary_of_all(finished)), "all runs, a row each")])
        .collect();
    let width = files.iter().map(|(path, _)| path.chars().count()).max().unwrap_or(0);
    lines.extend(files.iter().map(|(path, about)| format!("    {path:<width$}  {about}")));
    lines.push(format!("{:<LABEL_WIDTH$}{}", "reproduce", escape(&finished.reproduce)));
    lines
}

/// The summary of all runs, as people are shown it: two folders above the run's, in
/// the same spelling.
fn summary_of_all(finished: &Finished<'_>) -> std::path::PathBuf {
    let results = finished.folder.ancestors().nth(2).unwrap_or(finished.results);
    results.join(summary_csv::NAME)
}

fn labelled(label: &str, text: &str, style: Style) -> Vec<String> {
    let parts = wrap(text, style.width.saturating_sub(LABEL_WIDTH));
    let label = |n| if n == 0 { label } else { "" };
    parts.iter().enumerate().map(|(n, part)| format!("{:<LABEL_WIDTH$}{part}", label(n))).collect()
}

fn joined(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::report::sample::Sample;
    use crate::text::is_as_kept;

    fn sample_block(style: Style) -> String {
        console_block(&Sample::new().finished(Path::new("results")), style)
    }

    #[test]
    fn the_block_at_the_default_width() {
        is_as_kept("console-100-columns", &sample_block(Style::new(false)));
    }

    #[test]
    fn the_block_on_a_small_terminal() {
        let style = Style { is_coloured: false, width: 80 };
        is_as_kept("console-80-columns", &sample_block(style));
    }

    #[test]
    fn colours_add_nothing_but_colours() {
        let coloured = sample_block(Style::new(true));
        assert!(coloured.contains("\u{1b}[31minvalid\u{1b}[39m   key x"), "{coloured:?}");
        let codes = ["\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[39m"];
        let plain = codes.iter().fold(coloured, |text, code| text.replace(code, ""));
        assert_eq!(plain, sample_block(Style::new(false)));
    }

    #[test]
    fn nothing_from_a_replica_reaches_the_terminal_as_it_is() {
        let text = sample_block(Style::new(false));
        assert!(text.contains(r"\u{1b}[2J"), "the sample holds an escape sequence: {text}");
        assert!(!text.replace('\n', "").contains(crate::text::is_unsafe), "{text:?}");
    }

    #[test]
    fn what_the_course_says_is_shown_for_its_own_configs_only() {
        let sample = Sample::of_the_course();
        let text = console_block(&sample.finished(Path::new("results")), Style::new(false));
        assert!(text.contains("\nthe course's own statistics\n    leaders in order  "), "{text}");
        assert!(text.contains("\n    failed by the course's rules of 2016\n"), "{text}");
        assert!(!sample_block(Style::new(false)).contains("course"), "the sample is our own");
    }

    #[test]
    fn a_quiet_line_names_the_worst() {
        let sample = Sample::new();
        assert_eq!(
            quiet_line(&sample.finished(Path::new("results"))),
            "demo  seed 7  safety invalid (stale read)  results/demo/19700101T000000Z-7\n"
        );
    }

    #[test]
    fn durations_have_about_three_digits() {
        let shown = [812_000, 1_234_567, 12_345_678, 1_234_567_890]
            .map(|nanos| millis(Duration::from_nanos(nanos)));
        assert_eq!(shown, ["0.812 ms", "1.23 ms", "12.3 ms", "1,234 ms"]);
    }
}
