//! `summary.csv`: one row for a run; the same row in the summary of all runs, to compare them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::course;
use crate::report::Finished;
use crate::report::quantiles::{Quantiles, micros};
use crate::report::totals::Totals;
use crate::text::cell;
use crate::verdict::{Question, Standing};
use crate::world::Clock;

/// The file's name, in the run's folder and in that of all results.
pub const NAME: &str = "summary.csv";

/// Writes the header and the row of one run.
pub fn write(finished: &Finished<'_>, mut out: impl Write) -> io::Result<()> {
    let mut cells = cells(finished);
    if finished.clock == Clock::Virtual
        && let Some((_, folder)) = cells.last_mut()
    {
        // Two runs in virtual time differ in nothing, not in their folders either.
        ".".clone_into(folder);
    }
    out.write_all(&line(cells.iter().map(|(name, _)| *name))?)?;
    out.write_all(&line(cells.iter().map(|(_, text)| text.as_str()))?)?;
    out.flush()
}

/// Appends the row of one run to the summary at `path`, after a header if the file is new.
///
/// Any number of processes may do so at once: each holds an exclusive lock on the file while it
/// writes. A file with another header (of another version of this program) is renamed to
/// `summary-old-<n>.csv` beside it, so that no row ever stands under a foreign header.
pub fn append(finished: &Finished<'_>, path: &Path) -> io::Result<()> {
    let cells = cells(finished);
    let header = line(cells.iter().map(|(name, _)| *name))?;
    let row = line(cells.iter().map(|(_, text)| text.as_str()))?;
    append_row(path, &header, &row)
}

fn append_row(path: &Path, header: &[u8], row: &[u8]) -> io::Result<()> {
    loop {
        let mut file = lock(path)?;
        let mut first = Vec::new();
        BufReader::new(&file).read_until(b'\n', &mut first)?;
        if first.is_empty() {
            return file.write_all(&[header, row].concat());
        }
        if first == header {
            // A process that was killed while it wrote may have left half a row.
            let torn: &[u8] = if ends_a_line(&mut file)? { b"" } else { b"\n" };
            return file.write_all(&[torn, row].concat());
        }
        fs::rename(path, free_name(path)?)?;
    }
}

/// Opens and locks what is at `path` now: while it waited for the lock, another process may have
/// renamed the file, and a row must not follow it.
fn lock(path: &Path) -> io::Result<File> {
    loop {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        file.lock()?;
        let locked = file.metadata()?;
        match fs::metadata(path) {
            Ok(there) if (there.dev(), there.ino()) == (locked.dev(), locked.ino()) => {
                return Ok(file);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
}

fn ends_a_line(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn free_name(path: &Path) -> io::Result<PathBuf> {
    for n in 1_u32.. {
        let name = path.with_file_name(format!("summary-old-{n}.csv"));
        if !fs::exists(&name)? {
            return Ok(name);
        }
    }
    Err(io::Error::other("no free name for the summary of another version"))
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> io::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(cells)?;
    csv.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// Every column with its cell. Latencies are of the operations that ended in `ok`, messages those
/// between replicas; `leaders` counts the believed leaders one after another, `kills` the replicas
/// that a fault killed and `deaths` those that died by themselves. A cell is empty where there is
/// nothing: no answered operation, no rule of the course for this scenario.
fn cells(finished: &Finished<'_>) -> Vec<(&'static str, String)> {
    let Finished { record, verdict, .. } = finished;
    let totals = Totals::of(record);
    let course = finished.judgement.as_ref();
    let latency = |pick: fn(&Quantiles) -> Duration| {
        totals.latency.as_ref().map(pick).map(micros).unwrap_or_default()
    };
    let standing = |question: Question| {
        let answer = verdict.answer(question);
        answer.map_or("", |answer| Standing::name(answer.standing)).to_owned()
    };
    vec![
        ("scenario", cell(&record.scenario.name)),
        ("era", record.scenario.era.to_string()),
        ("seed", record.plan.seed.to_string()),
        ("start_utc", format!("{:.3}", finished.start)),
        ("replicas", record.scenario.replicas.to_string()),
        ("duration_s", format!("{:.3}", record.duration.as_secs_f64())),
        ("operations", totals.operations.to_string()),
        ("ok", totals.ok.to_string()),
        ("fail", totals.fail.to_string()),
        ("info", totals.info.to_string()),
        ("gets", totals.gets.to_string()),
        ("puts", totals.puts.to_string()),
        ("latency_p50_us", latency(|quantiles| quantiles.p50)),
        ("latency_p99_us", latency(|quantiles| quantiles.p99)),
        ("latency_max_us", latency(|quantiles| quantiles.max)),
        ("messages_sent", totals.messages.sent.to_string()),
        ("messages_delivered", totals.messages.delivered.to_string()),
        ("messages_dropped", totals.messages.dropped.to_string()),
        ("leaders", totals.leaders.to_string()),
        ("faults_applied", totals.faults_applied.to_string()),
        ("faults_planned", totals.faults_planned.to_string()),
        ("kills", totals.kills.to_string()),
        ("deaths", totals.deaths.to_string()),
        ("safety", standing(Question::Safety)),
        ("durability", standing(Question::Durability)),
        ("process", standing(Question::Process)),
        ("liveness", standing(Question::Liveness)),
        ("environment", standing(Question::Environment)),
        ("evidence", standing(Question::Evidence)),
        (
            "safety_kind",
            verdict
                .answer(Question::Safety)
                .map(|it| it.kind.name().to_owned())
                .unwrap_or_default(),
        ),
        ("course_passed", course.map(|j| j.passed.to_string()).unwrap_or_default()),
        ("course_tiers", course.and_then(|j| j.tiers).map(tiers).unwrap_or_default()),
        ("exit_code", verdict.exit().code().to_string()),
        ("results", cell(&finished.folder.display().to_string())),
    ]
}

/// `total_msgs=0 failures=1`: the tiers that the file sets limits for.
fn tiers(tiers: course::Tiers) -> String {
    let set = tiers.each().into_iter().filter_map(|(name, tier)| Some((name, tier?.number())));
    set.map(|(name, tier)| format!("{name}={tier}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{self, Sample};

    #[test]
    fn a_run_is_one_row() {
        let sample = Sample::new();
        assert_eq!(
            sample::text(|out| write(&sample.finished(Path::new("results")), out)),
            "\
scenario,era,seed,start_utc,replicas,duration_s,operations,ok,fail,info,gets,puts,\
latency_p50_us,latency_p99_us,latency_max_us,messages_sent,messages_delivered,messages_dropped,\
leaders,faults_applied,faults_planned,kills,deaths,safety,durability,process,liveness,environment,evidence,\
safety_kind,course_passed,course_tiers,exit_code,results
demo,2021,7,1970-01-01T00:00:00.000Z,5,12.000,5,2,1,2,2,3,1000.001,1234.567,1234.567,2310,2077,\
233,2,2,3,1,1,invalid,valid,valid,valid,valid,unknown,stale read,,,10,results/demo/19700101T000000Z-7
"
        );
    }

    #[test]
    fn a_run_of_the_course_says_whether_it_passed() {
        let sample = Sample::of_the_course();
        let text = sample::text(|out| write(&sample.finished(Path::new("results")), out));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().unwrap().clone();
        let row = reader.records().next().unwrap().unwrap();
        let cell = |name: &str| &row[header.iter().position(|column| column == name).unwrap()];
        assert_eq!(
            [cell("era"), cell("course_passed"), cell("course_tiers")],
            ["2016", "false", ""]
        );
    }

    #[test]
    fn tiers_are_told_where_the_file_has_limits() {
        use course::Tier::{Bonus, FullCredit};
        let graded = course::Tiers {
            total_msgs: Some(Bonus),
            failures: None,
            duplicates: Some(FullCredit),
            median_latency: None,
        };
        assert_eq!(tiers(graded), "total_msgs=0 duplicates=1");
    }

    fn rows(path: &Path) -> Vec<String> {
        fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn many_writers_leave_one_header_and_every_row_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        fs::write(&path, "another,header\n1,2\n").unwrap();
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for n in 0..25 {
                        let row = format!("{writer},{n}\n");
                        append_row(path, b"writer,n\n", row.as_bytes()).unwrap();
                    }
                });
            }
        });
        let mut found = rows(&path);
        assert_eq!(found.remove(0), "writer,n");
        found.sort();
        let mut expected: Vec<String> =
            (0..8).flat_map(|writer| (0..25).map(move |n| format!("{writer},{n}"))).collect();
        expected.sort();
        assert_eq!(found, expected);
        assert_eq!(rows(&folder.path().join("summary-old-1.csv")), ["another,header", "1,2"]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "set aside once only");
    }

    #[test]
    fn each_foreign_header_is_set_aside_under_its_own_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        for header in ["a\n", "b\n", "c\n"] {
            append_row(&path, header.as_bytes(), b"1\n").unwrap();
        }
        assert_eq!(rows(&path), ["c", "1"]);
        assert_eq!(rows(&folder.path().join("summary-old-1.csv")), ["a", "1"]);
        assert_eq!(rows(&folder.path().join("summary-old-2.csv")), ["b", "1"]);
    }

    #[test]
    fn half_a_row_of_a_killed_process_damages_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        fs::write(&path, "a,b\n1,").unwrap();
        append_row(&path, b"a,b\n", b"3,4\n").unwrap();
        assert_eq!(rows(&path), ["a,b", "1,", "3,4"]);
    }
}
