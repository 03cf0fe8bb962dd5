//! `latency_summary.csv`: percentiles by what was asked and how it ended.

use std::io::{self, Write};

use crate::op::{F, OperationRecord, Outcome};
use crate::record::RunRecord;
use crate::report::quantiles::{Quantiles, micros};

/// The columns; percentiles are of the nearest rank (see [`Quantiles`]).
const COLUMNS: [&str; 10] = [
    "f", "outcome", "count", "mean_us", "p50_us", "p90_us", "p95_us", "p99_us", "p99_9_us",
    "max_us",
];

const KINDS: [Option<F>; 3] = [Some(F::Get), Some(F::Put), None];

const OUTCOMES: [Option<Outcome>; 4] =
    [Some(Outcome::Ok), Some(Outcome::Fail), Some(Outcome::Info), None];

/// Writes the same twelve rows for every run: `get`, `put` and `all`, by `ok`, `fail`, `info` and
/// `all`. `count` counts all operations of the row; the latencies are of those that ended before
/// the run did (for `info`: after which the client gave up), and empty where there are none.
pub fn write(record: &RunRecord, out: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(COLUMNS)?;
    for kind in KINDS {
        for outcome in OUTCOMES {
            csv.write_record(row(record, kind, outcome))?;
        }
    }
    csv.flush()
}

fn row(record: &RunRecord, kind: Option<F>, outcome: Option<Outcome>) -> [String; COLUMNS.len()] {
    let is_in = |operation: &&OperationRecord| {
        kind.is_none_or(|kind| operation.f == kind)
            && outcome.is_none_or(|outcome| operation.outcome == outcome)
    };
    let operations = || record.operations.iter().filter(is_in);
    let quantiles = Quantiles::of(
        operations().filter_map(|operation| Some(operation.completed?.since(operation.invoked))),
    );
    let cell = |pick: fn(&Quantiles) -> std::time::Duration| {
        quantiles.as_ref().map(pick).map(micros).unwrap_or_default()
    };
    [
        kind.map_or("all", F::name).to_owned(),
        outcome.map_or("all", Outcome::name).to_owned(),
        operations().count().to_string(),
        cell(|q| q.mean),
        cell(|q| q.p50),
        cell(|q| q.p90),
        cell(|q| q.p95),
        cell(|q| q.p99),
        cell(|q| q.p99_9),
        cell(|q| q.max),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_rows_are_always_the_same_twelve() {
        let text = sample::text(|out| write(&sample::record(), out));
        assert_eq!(
            text,
            "\
f,outcome,count,mean_us,p50_us,p90_us,p95_us,p99_us,p99_9_us,max_us
get,ok,1,1000.001,1000.001,1000.001,1000.001,1000.001,1000.001,1000.001
get,fail,0,,,,,,,
get,info,1,,,,,,,
get,all,2,1000.001,1000.001,1000.001,1000.001,1000.001,1000.001,1000.001
put,ok,1,1234.567,1234.567,1234.567,1234.567,1234.567,1234.567,1234.567
put,fail,1,500.000,500.000,500.000,500.000,500.000,500.000,500.000
put,info,1,1000000.000,1000000.000,1000000.000,1000000.000,1000000.000,1000000.000,1000000.000
put,all,3,333911.522,1234.567,1000000.000,1000000.000,1000000.000,1000000.000,1000000.000
all,ok,2,1117.284,1000.001,1234.567,1234.567,1234.567,1234.567,1234.567
all,fail,1,500.000,500.000,500.000,500.000,500.000,500.000,500.000
all,info,2,1000000.000,1000000.000,1000000.000,1000000.000,1000000.000,1000000.000,1000000.000
all,all,5,250683.642,1000.001,1000000.000,1000000.000,1000000.000,1000000.000,1000000.000
"
        );
    }

    #[test]
    fn a_run_without_operations_has_the_rows_too() {
        let mut record = sample::record();
        record.operations.clear();
        let text = sample::text(|out| write(&record, out));
        assert_eq!(text.lines().count(), 13);
        assert!(text.ends_with("all,all,0,,,,,,,\n"), "{text}");
    }
}
