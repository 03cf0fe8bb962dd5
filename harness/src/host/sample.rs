//! One sample of the host, and its row in `host.csv`.
//!
//! A row is about the harness itself (`subject` is `harness`; only such rows have figures of the whole
//! host) or about one replica (its id). Times and counts are totals since the process or the system
//! began, so that a reader takes differences; what the system does not tell is empty.

use std::io::{self, Write};
use std::time::Duration;

use crate::ids::NodeId;
use crate::time::RunTime;

/// What the system tells of one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessSample {
    /// The process: the counters of another one begin again.
    pub pid: i32,
    /// The state's letter: `R` running, `S` sleeping, `D` in the disk's hands, `T` stopped, `Z` dead.
    pub state: char,
    /// CPU time used by all its threads, in nanoseconds.
    pub cpu_ns: u64,
    /// Time that its threads were ready to run and had to wait for a processor, in nanoseconds.
    pub run_delay_ns: u64,
    /// Memory in use, in kB.
    pub rss_kb: u64,
    /// Threads.
    pub threads: u32,
    /// Open descriptors.
    pub descriptors: Option<u32>,
}

/// What the system tells of the whole host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostSample {
    /// Time in which some process waited for a processor, in microseconds (`/proc/pressure/cpu`).
    pub cpu_pressure_us: Option<u64>,
    /// Time in which some process waited for a disk, in microseconds.
    pub io_pressure_us: Option<u64>,
    /// Time in which some process waited for memory, in microseconds.
    pub memory_pressure_us: Option<u64>,
    /// Processor time that the hypervisor gave to others, in clock ticks, over all processors.
    pub steal_ticks: Option<u64>,
    /// All processor time, in clock ticks, over all processors.
    pub total_ticks: Option<u64>,
    /// Processes that the kernel killed for want of memory.
    pub oom_kills: Option<u64>,
    /// Room on the disk with the run's folder, in kB.
    pub disk_free_kb: Option<u64>,
    /// The most descriptors that the harness may have.
    pub descriptor_limit: Option<u64>,
    /// Time that the system slept, in nanoseconds: the boot clock runs on meanwhile.
    pub asleep_ns: i64,
}

/// What the harness knows of itself at that moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnSample {
    /// By how much its loop was late at most since the last sample.
    pub lag: Duration,
    /// Events that wait for the run.
    pub queue: usize,
    /// By how much the wall clock is ahead of the monotonic one since the start.
    pub clock_gap_ms: i64,
}

/// The header of `host.csv`.
const HEADER: [&str; 17] = [
    "time_ns",
    "subject",
    "state",
    "cpu_ns",
    "run_delay_ns",
    "rss_kb",
    "threads",
    "descriptors",
    "queue",
    "connect_us",
    "lag_us",
    "clock_gap_ms",
    "cpu_pressure_us",
    "io_pressure_us",
    "memory_pressure_us",
    "steal_ticks",
    "disk_free_kb",
];

/// `host.csv`, written as the run goes.
pub struct HostCsv<W: Write>(csv::Writer<W>);

impl<W: Write> HostCsv<W> {
    /// Begins the file.
    pub fn new(out: W) -> io::Result<Self> {
        let mut rows = csv::Writer::from_writer(out);
        rows.write_record(HEADER)?;
        rows.flush()?;
        Ok(Self(rows))
    }

    /// A row about the harness and the whole host.
    pub fn host(
        &mut self,
        at: RunTime,
        process: &ProcessSample,
        own: &OwnSample,
        host: &HostSample,
    ) -> io::Result<()> {
        let mut row = begin(at, "harness".to_owned(), process, own.queue);
        row.extend([
            String::new(),
            own.lag.as_micros().to_string(),
            own.clock_gap_ms.to_string(),
            text(host.cpu_pressure_us),
            text(host.io_pressure_us),
            text(host.memory_pressure_us),
            text(host.steal_ticks),
            text(host.disk_free_kb),
        ]);
        Ok(self.0.write_record(row)?)
    }

    /// A row about a replica; `queue` is what waits for it, `connect` how long it took to connect.
    pub fn replica(
        &mut self,
        at: RunTime,
        id: NodeId,
        process: &ProcessSample,
        queue: usize,
        connect: Option<Duration>,
    ) -> io::Result<()> {
        let mut row = begin(at, id.to_string(), process, queue);
        row.push(text(connect.map(|connect| connect.as_micros())));
        row.resize(HEADER.len(), String::new());
        Ok(self.0.write_record(row)?)
    }

    /// Writes through what is buffered.
    pub fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn begin(at: RunTime, subject: String, process: &ProcessSample, queue: usize) -> Vec<String> {
    vec![
        at.0.to_string(),
        subject,
        process.state.to_string(),
        process.cpu_ns.to_string(),
        process.run_delay_ns.to_string(),
        process.rss_kb.to_string(),
        process.threads.to_string(),
        text(process.descriptors),
        queue.to_string(),
    ]
}

fn text(figure: Option<impl ToString>) -> String {
    figure.map(|figure| figure.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_wide_as_their_header_and_empty_where_nothing_is_known() {
        let process = ProcessSample { state: 'S', cpu_ns: 12, rss_kb: 34, ..Default::default() };
        let mut rows = HostCsv::new(Vec::new()).unwrap();
        let host = HostSample { steal_ticks: Some(5), ..HostSample::default() };
        rows.host(RunTime(7), &process, &OwnSample::default(), &host).unwrap();
        let connect = Some(Duration::from_millis(3));
        rows.replica(RunTime(8), NodeId(1), &process, 2, connect).unwrap();
        let text = String::from_utf8(rows.0.into_inner().unwrap()).unwrap();
        let rows: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(rows[0], "7,harness,S,12,0,34,0,,0,,0,0,,,,5,");
        assert_eq!(rows[1], "8,0001,S,12,0,34,0,,2,3000,,,,,,,");
    }
}
