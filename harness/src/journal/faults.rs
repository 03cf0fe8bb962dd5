//! `faults.jsonl`: each fault, planned and as it happened, one JSON object a line.

use std::io::{self, Write};

use serde::Serialize;

use crate::record::FaultRecord;

/// The version of the shape of the lines.
pub const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Header {
    schema: u32,
    kind: &'static str,
}

/// Writes a header line with the schema's number, then a line for each fault, in the order of the
/// plan.
pub fn write(faults: &[FaultRecord], mut out: impl Write) -> io::Result<()> {
    write_line(&Header { schema: SCHEMA, kind: "faults" }, &mut out)?;
    for fault in faults {
        write_line(fault, &mut out)?;
    }
    out.flush()
}

fn write_line(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_faults_come_back_from_their_lines() {
        let faults = sample::record().faults;
        let text = sample::text(|out| write(&faults, out));
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(r#"{"schema":1,"kind":"faults"}"#));
        let read: Vec<FaultRecord> =
            lines.map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, faults);
    }
}
