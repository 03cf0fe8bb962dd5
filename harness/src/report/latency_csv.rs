//! `latency.csv`: one row an operation, in the order of invocation.

use std::io::{self, Write};

use crate::ids::NodeId;
use crate::op::OperationRecord;
use crate::record::RunRecord;
use crate::report::quantiles::micros;

/// The columns. Times are nanoseconds since the start of the run; `leader` is the one believed to
/// lead when the operation was invoked.
const COLUMNS: [&str; 11] = [
    "index",
    "client",
    "f",
    "key",
    "node",
    "invoke_ns",
    "complete_ns",
    "latency_us",
    "outcome",
    "leader",
    "redirects",
];

/// Writes a row for each operation. A cell is empty where there is nothing: no completion (and so
/// no latency) for an operation that the end of the run found open, no leader while none was known.
/// The latency of an `info` operation is the time after which its client gave up.
pub fn write(record: &RunRecord, out: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(COLUMNS)?;
    for operation in &record.operations {
        csv.write_record(row(operation))?;
    }
    csv.flush()
}

fn row(operation: &OperationRecord) -> [String; COLUMNS.len()] {
    let id = |id: Option<NodeId>| id.map(|id| id.to_string()).unwrap_or_default();
    let completed = operation.completed;
    [
        operation.index.to_string(),
        operation.client.to_string(),
        operation.f.name().to_owned(),
        operation.key_name().to_owned(),
        id(operation.node),
        operation.invoked.0.to_string(),
        completed.map(|time| time.0.to_string()).unwrap_or_default(),
        completed.map(|time| micros(time.since(operation.invoked))).unwrap_or_default(),
        operation.outcome.name().to_owned(),
        id(operation.leader),
        operation.redirects.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_operation_has_its_row_and_nothing_is_an_empty_cell() {
        assert_eq!(
            sample::text(|out| write(&sample::record(), out)),
            "\
index,client,f,key,node,invoke_ns,complete_ns,latency_us,outcome,leader,redirects
0,0015,put,x,0000,1000000000,1001234567,1234.567,ok,0000,0
1,0016,get,\"a,\"\"b\"\"\n\",0003,1100000000,1101000001,1000.001,ok,0000,2
2,0015,put,x,0002,1200000000,1200500000,500.000,fail,,0
3,0016,put,y,0002,1300000000,2300000000,1000000.000,info,0003,0
4,0015,get,x,,1400000000,,,info,0003,0
"
        );
    }

    #[test]
    fn a_reader_of_csv_gets_the_operations_back() {
        let record = sample::record();
        let text = sample::text(|out| write(&record, out));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), record.operations.len());
        for (row, operation) in rows.iter().zip(&record.operations) {
            assert_eq!(&row[3], operation.key_name());
            assert_eq!(row[5].parse(), Ok(operation.invoked.0));
            assert_eq!(row[4].parse().ok(), operation.node);
        }
    }

    #[test]
    fn no_value_is_in_it() {
        let text = sample::text(|out| write(&sample::record(), out));
        assert!(!text.contains("secret"), "{text}");
    }
}
