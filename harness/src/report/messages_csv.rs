//! `messages.csv`: what passed through each link, by message type.

use std::io::{self, Write};

use crate::network::counts::DropCause;
use crate::record::RunRecord;
use crate::text::cell;

/// Writes a row for each link (source, destination) and message type, in that order.
///
/// The columns are `src`, `dst`, `type`, `sent`, `delivered`, a `dropped_<cause>` for each
/// [`DropCause`], `duplicated` (deliveries beyond the first), `delayed`, `corrupted` and `bytes` (sent). A reader can check a link: `sent` is
/// `delivered` plus all that was dropped plus what the end of the run found still in its queue,
/// so the sum is never above `sent`.
pub fn write(record: &RunRecord, out: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(columns())?;
    for ((src, dst, message_type), counts) in &record.messages {
        let dropped = |cause| counts.dropped.get(&cause).copied().unwrap_or_default();
        let mut row = vec![src.to_string(), dst.to_string(), cell(message_type)];
        row.extend([counts.sent, counts.delivered].map(|count| count.to_string()));
        row.extend(DropCause::ALL.map(|cause| dropped(cause).to_string()));
        row.extend(
            [counts.duplicated, counts.delayed, counts.corrupted, counts.bytes]
                .map(|n| n.to_string()),
        );
        csv.write_record(row)?;
    }
    csv.flush()
}

fn columns() -> impl Iterator<Item = String> {
    let before = ["src", "dst", "type", "sent", "delivered"].map(str::to_owned);
    let causes = DropCause::ALL.map(|cause| format!("dropped_{}", cause.name()));
    let after = ["duplicated", "delayed", "corrupted", "bytes"].map(str::to_owned);
    before.into_iter().chain(causes).chain(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_link_and_type_has_its_row_and_every_cause_its_column() {
        assert_eq!(
            sample::text(|out| write(&sample::record(), out)),
            "\
src,dst,type,sent,delivered,dropped_loss,dropped_partition,dropped_size_limit,dropped_full_buffer,\
dropped_full_queue,dropped_gone,dropped_too_large,dropped_underway,dropped_before_start,duplicated,\
delayed,corrupted,bytes
0000,0001,append,2300,2069,201,30,0,0,0,0,0,0,0,5,7,0,460000
0000,0015,ok,2,2,0,0,0,0,0,0,0,0,0,0,0,0,120
0003,0000,\"vote,\\u{1b}[31m\",10,8,0,0,0,0,0,2,0,0,0,0,0,0,900
"
        );
    }

    #[test]
    fn the_sum_of_a_row_is_what_was_sent() {
        let text = sample::text(|out| write(&sample::record(), out));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        for row in reader.records().map(Result::unwrap) {
            let count = |column: usize| row[column].parse::<u64>().unwrap();
            let arrived_or_lost: u64 = (4..5 + DropCause::ALL.len()).map(count).sum();
            assert_eq!(arrived_or_lost, count(3), "{row:?}");
        }
    }
}
