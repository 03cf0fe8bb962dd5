//! The table of the reports in a run's folder, and their writing.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::files::folder::Folder;
use crate::report::{
    Finished, html, junit, latency_csv, latency_summary_csv, messages_csv, summary_csv,
    verdict_json,
};

/// One file in the folder of a run.
pub struct ReportFile {
    /// Its name there.
    pub name: &'static str,
    /// What is in it, in a few words.
    pub about: &'static str,
    /// From what is told of the run inside its folder, and that folder.
    write: fn(&Finished<'_>, &Path, &mut dyn Write) -> io::Result<()>,
}

/// All reports, in the order in which people are told of them. (`faults.jsonl`, `leaders.jsonl` and
/// `messages.jsonl` are not here: the run writes them as it goes, so that they survive a kill.)
pub const FILES: [ReportFile; 7] = [
    ReportFile {
        name: "latency.csv",
        about: "each operation",
        write: |finished, _, out| latency_csv::write(finished.record, out),
    },
    ReportFile {
        name: "latency_summary.csv",
        about: "percentiles",
        write: |finished, _, out| latency_summary_csv::write(finished.record, out),
    },
    ReportFile {
        name: "messages.csv",
        about: "each link and message type",
        write: |finished, _, out| messages_csv::write(finished.record, out),
    },
    ReportFile {
        name: "summary.csv",
        about: "this run in one row",
        write: |finished, _, out| summary_csv::write(finished, out),
    },
    ReportFile {
        name: "verdict.json",
        about: "for machines",
        write: |finished, _, out| verdict_json::write(finished, out),
    },
    ReportFile {
        name: junit::NAME,
        about: "for a CI server",
        write: |finished, _, out| junit::write(finished, out),
    },
    // Last: it reads the others.
    ReportFile {
        name: html::NAME,
        about: "pictures, for a browser",
        write: |_, folder, out| html::write(folder, out),
    },
];

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}; the verdict stands without it", path.display())]
pub struct ReportError {
    path: PathBuf,
    source: io::Error,
}

/// Writes every report into `folder` and the run's row into the summary of all runs. Each is tried
/// whatever became of the others; returns those that failed.
pub fn write_files(finished: &Finished<'_>, place: &Folder) -> Vec<ReportError> {
    let mut failed = Vec::new();
    let inside = finished.inside();
    for file in &FILES {
        if let Err(source) = write_file(&inside, &finished.folder, file, place) {
            let path = finished.folder.join(file.name);
            failed.push(ReportError { path, source });
        }
    }
    let path = finished.results.join(summary_csv::NAME);
    if let Err(source) = summary_csv::append(finished, &path) {
        failed.push(ReportError { path, source });
    }
    failed
}

fn write_file(
    inside: &Finished<'_>,
    folder: &Path,
    file: &ReportFile,
    place: &Folder,
) -> io::Result<()> {
    let mut out = BufWriter::new(place.create(file.name)?);
    (file.write)(inside, folder, &mut out)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_report_is_written_and_the_summary_of_all_runs_gets_the_row() {
        let results = tempfile::tempdir().unwrap();
        let folder = results.path().join("demo");
        std::fs::create_dir(&folder).unwrap();
        let sample = sample::Sample::new();
        let finished = sample.finished(results.path());
        assert!(write_files(&finished, &Folder::open(&folder).unwrap()).is_empty());
        let read = |path: PathBuf| std::fs::read_to_string(path).unwrap();
        for file in &FILES {
            assert!(read(folder.join(file.name)).len() > 50, "{} is empty", file.name);
        }
        assert_eq!(read(folder.join("summary.csv")), read(results.path().join("summary.csv")));
    }

    #[test]
    fn a_report_that_fails_is_named_and_stops_no_other() {
        let results = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(results.path().join("messages.csv/deep")).unwrap();
        let sample = sample::Sample::new();
        let place = Folder::open(results.path()).unwrap();
        let failed = write_files(&sample.finished(results.path()), &place);
        let told: Vec<String> = failed.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("messages.csv: Directory not empty"), "{told:?}");
        assert!(results.path().join("verdict.json").is_file());
    }
}
