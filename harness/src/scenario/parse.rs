//! From a workload file to a [`Scenario`], or to one sentence that says what is wrong where.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use super::error::{Fault, Place, WorkloadError, nearest, quoted};
use super::events::{self, Phases};
use super::fields::Fields;
use super::json::{self, Position};
use super::nemesis;
use super::{Benchmarks, CheckerBudget, Clients, CourseTests, Era, Scenario};
use super::{keys, network, sites};
use crate::ids::Naming;
use crate::workload::WorkloadName;

/// A workload of 10,000 events is smaller.
const LARGEST_FILE_BYTES: u64 = 1 << 20;

impl Scenario {
    /// Reads and checks the workload file at `path`, for the course's programs.
    pub fn load(path: &Path) -> Result<Self, WorkloadError> {
        Self::load_as(path, Naming::Course)
    }

    /// Reads and checks the workload file at `path`, for nodes that are called so.
    pub fn load_as(path: &Path, naming: Naming) -> Result<Self, WorkloadError> {
        let file = path.to_string_lossy().into_owned();
        match read_text(path) {
            Ok(text) => Self::parse_as(&file, &text, naming),
            Err((place, problem)) => Err(WorkloadError { file, place, problem }),
        }
    }

    /// Checks the text of a workload; `file` names it in errors, and its stem names the scenario
    /// unless the text does.
    pub fn parse(file: &str, text: &str) -> Result<Self, WorkloadError> {
        Self::parse_as(file, text, Naming::Course)
    }

    /// The same for nodes that are called so.
    pub fn parse_as(file: &str, text: &str, naming: Naming) -> Result<Self, WorkloadError> {
        let built = json::read(text).and_then(|root| build(file, &root, naming));
        built.map(|scenario| scenario.named(naming)).map_err(|fault| fault.in_file(file))
    }
}

type Unreadable = (Option<Place>, String);

fn read_text(path: &Path) -> Result<String, Unreadable> {
    if path.is_dir() {
        let problem = "a directory, not a workload; name a JSON file in it".to_owned();
        return Err((None, problem));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| (None, unreadable(path, &error)))?;
    if bytes.len() as u64 > LARGEST_FILE_BYTES {
        let problem = format!(
            "larger than a workload can be; allowed: at most {LARGEST_FILE_BYTES} bytes; is this \
             the right file?"
        );
        return Err((None, problem));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..valid]);
        let Position { line, column } = Position::after(&before);
        let problem = format!("not UTF-8 text: byte {valid} cannot be read; save it as UTF-8");
        (Some(Place { line, column, key: String::new() }), problem)
    })
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    if error.kind() != io::ErrorKind::NotFound {
        return format!("the workload cannot be read: {error}");
    }
    let hint = similar_file(path)
        .map(|near| format!("; did you mean {}?", quoted(&near)))
        .unwrap_or_default();
    format!("there is no such workload file{hint}")
}

/// The nearest name among the JSON files beside the missing one.
fn similar_file(path: &Path) -> Option<String> {
    /// A folder with more entries is not searched further.
    const MOST_ENTRIES: usize = 10_000;
    let missing = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = folder.unwrap_or(Path::new(".")).read_dir().ok()?;
    let mut names: Vec<String> = entries
        .take(MOST_ENTRIES)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "json"))
        .collect();
    names.sort();
    nearest(missing, names.iter().map(String::as_str)).map(str::to_owned)
}

/// What holds where a file is silent.
struct Defaults {
    start_wait: f64,
    mix: f64,
    max_packets: u64,
    most_packets: u64,
}

impl Defaults {
    fn of(is_course_config: bool, era: Era, requests: Option<u64>) -> Self {
        if !is_course_config {
            return Self {
                start_wait: 1.0,
                mix: 0.5,
                max_packets: requests.unwrap_or(0).max(10_000_000),
                most_packets: keys::OWN_MAX_PACKETS,
            };
        }
        Self {
            start_wait: match era {
                Era::Y2016 => 2.0,
                Era::Y2021 => 5.0,
            },
            mix: 0.8,
            max_packets: 20_000,
            most_packets: keys::COURSE_MAX_PACKETS,
        }
    }
}

fn build(file: &str, root: &json::Node, naming: Naming) -> Result<Scenario, Fault> {
    let top = Fields::top(root)?;
    top.text("$schema")?;
    let is_course_config = !top.has_one_of_ours() && !top.has_events_of_ours()?;
    let tests = read_tests(&top)?;
    let era = read_era(&top, is_course_config, tests.is_some())?;
    let requests = top.whole("requests")?;
    let defaults = Defaults::of(is_course_config, era, requests);

    let phases = read_phases(&top, era, defaults.start_wait)?;
    let replicas = read_replicas(&top, naming)?;
    let clients = read_clients(&top, is_course_config, requests)?;
    let workload = read_workload(&top, &clients)?;
    let sites = sites::read(&top, replicas)?;
    let network = network::read(&top, phases, replicas, &sites)?;
    let (events, event_warnings) = events::read(&top, phases, replicas, &sites)?;
    let nemesis = nemesis::read(&top, phases, replicas, &sites)?;
    let max_packets = read_max_packets(&top, &defaults, requests)?;
    let (liveness_bound, checker) = (read_liveness(&top)?, read_checker(&top)?);

    let mut warnings = read_warnings(&top, era, &clients)?;
    if requests.is_some_and(|requests| requests > max_packets) {
        warnings.push(format!(
            "`requests` is more than the default of `max_packets`, {max_packets}: the run will end \
             as a packet storm; set `max_packets`"
        ));
    }
    warnings.extend(event_warnings);
    Ok(Scenario {
        name: read_name(&top, file, is_course_config, era)?,
        description: top.text("description")?.unwrap_or_default().to_owned(),
        era,
        is_course_config,
        replicas,
        start_wait: phases.start_wait,
        request_phase: phases.request_phase,
        end_wait: phases.end_wait,
        mix: top.number("mix")?.unwrap_or(defaults.mix),
        drops: top.number("drops")?.unwrap_or(0.0),
        max_packets,
        seed: top.whole("seed")?,
        events,
        network,
        nemesis,
        workload,
        clients,
        tests,
        liveness_bound,
        checker,
        warnings,
    })
}

fn read_era(top: &Fields, is_course_config: bool, has_tests: bool) -> Result<Era, Fault> {
    if let Some(word) = top.choice("era")? {
        let era = keys::ERAS.into_iter().find(|(name, _)| *name == word);
        return Ok(era.expect("the table's words are these names").1);
    }
    // The course has no key for it: only the files since 2021 have `tests`.
    Ok(if is_course_config && !has_tests { Era::Y2016 } else { Era::Y2021 })
}

fn read_phases(top: &Fields, era: Era, default_start_wait: f64) -> Result<Phases, Fault> {
    let lifetime = top.required("lifetime", top.number("lifetime")?)?;
    let wait = |name: &str, default: f64| {
        let wait = top.number(name)?.unwrap_or(default);
        if wait > lifetime {
            let wrong = format!("{wait} s is longer than `lifetime`, {lifetime} s");
            return Err(top.fault(name, format!("{wrong}; allowed: a number from 0 to {lifetime}")));
        }
        Ok(Duration::from_secs_f64(wait))
    };
    let (start_wait, end_wait) = (wait("start_wait", default_start_wait)?, wait("end_wait", 2.0)?);
    let lifetime = Duration::from_secs_f64(lifetime);
    let request_phase = match era {
        Era::Y2021 => lifetime,
        Era::Y2016 => {
            let left = lifetime.checked_sub(start_wait + end_wait).filter(|left| !left.is_zero());
            left.ok_or_else(|| no_time_left(top, lifetime, start_wait, end_wait))?
        }
    };
    Ok(Phases { lifetime, start_wait, request_phase, end_wait })
}

fn no_time_left(top: &Fields, lifetime: Duration, start: Duration, end: Duration) -> Fault {
    // At the key that was given, so that the place is where the reader can change something.
    let name = ["end_wait", "start_wait"].into_iter().find(|name| top.has(name));
    top.fault(
        name.unwrap_or("lifetime"),
        format!(
            "no time is left for requests: in era 2016 `lifetime` ({} s) includes `start_wait` ({} \
             s) and `end_wait` ({} s); allowed: waits that together are below `lifetime`",
            lifetime.as_secs_f64(),
            start.as_secs_f64(),
            end.as_secs_f64()
        ),
    )
}

fn read_replicas(top: &Fields, naming: Naming) -> Result<usize, Fault> {
    let replicas = top.required("replicas", top.whole("replicas")?)?;
    let (least, most) = match naming {
        Naming::Course => (3, 21),
        Naming::Short => (1, keys::MOST_REPLICAS),
    };
    if !(least..=most).contains(&replicas) {
        let too = if replicas < least { "small" } else { "large" };
        let wrong = format!("`{replicas}` is too {too}");
        let allowed = format!("allowed: a whole number from {least} to {most}");
        return Err(top.fault("replicas", format!("{wrong}; {allowed}")));
    }
    Ok(usize::try_from(replicas).expect("bounded by the table"))
}

fn read_workload(top: &Fields, clients: &Clients) -> Result<WorkloadName, Fault> {
    let word = top.choice("workload")?;
    let workload = word.and_then(WorkloadName::named).unwrap_or_default();
    if matches!(clients, Clients::Course { .. }) && !workload.is_the_courses() {
        let wrong = "course clients know only \"kv\"; use shared clients, or remove it";
        return Err(top.fault("workload", wrong));
    }
    Ok(workload)
}

fn read_clients(
    top: &Fields,
    is_course_config: bool,
    requests: Option<u64>,
) -> Result<Clients, Fault> {
    let fields = top.object("clients")?;
    let kind = fields.as_ref().map(|fields| fields.choice("kind")).transpose()?.flatten();
    if is_course_config || kind == Some("course") {
        let other = fields.as_ref().and_then(|fields| Some((fields, fields.other_than("kind")?)));
        if let Some((fields, other)) = other {
            return Err(fields.fault(
                other,
                "not allowed with `kind` \"course\": the course has eight clients, each with its \
                 own keys, that never time out; remove it, or set `kind` to \"shared\"",
            ));
        }
        return read_course_clients(top, requests);
    }
    let whole = |name: &str| {
        fields.as_ref().map(|fields| fields.whole(name)).transpose().map(Option::flatten)
    };
    let number = |name: &str| {
        fields.as_ref().map(|fields| fields.number(name)).transpose().map(Option::flatten)
    };
    let rate = number("rate")?;
    if let Some(fields) = fields.as_ref().filter(|_| rate.is_none()) {
        let has_burst = fields.whole("burst")?.is_some_and(|burst| burst > 1);
        let has_steady_rate = fields.number("steady_rate")?.is_some_and(|rate| rate > 0.0);
        for (name, is_given) in [("burst", has_burst), ("steady_rate", has_steady_rate)] {
            if is_given {
                return Err(fields.fault(
                    name,
                    "without effect: it needs a `rate`, without which each client asks again as soon as it is \
                     answered; add `rate`, or remove it",
                ));
            }
        }
    }
    Ok(Clients::Shared {
        count: usize::try_from(whole("count")?.unwrap_or(5)).expect("bounded by the table"),
        keys: usize::try_from(whole("keys")?.unwrap_or(5)).expect("bounded by the table"),
        rate,
        requests,
        timeout: Duration::from_millis(whole("timeout_ms")?.unwrap_or(1000)),
        burst: whole("burst")?.unwrap_or(1),
        steady_rate: number("steady_rate")?.unwrap_or(0.0),
        old_news: number("old_news")?.unwrap_or(0.0),
        partition_affinity: number("partition_affinity")?.unwrap_or(0.0),
        probe_reads: Duration::from_millis(whole("probe_reads_ms")?.unwrap_or(0)),
        one_shot_keys: number("one_shot_keys")?.unwrap_or(0.0),
    })
}

fn read_course_clients(top: &Fields, requests: Option<u64>) -> Result<Clients, Fault> {
    let requests = top.required("requests", requests)?;
    if requests > keys::COURSE_MAX_PACKETS {
        let wrong = format!("{requests} is too large for course clients");
        let allowed = "allowed: a whole number from 0 to 900,000";
        return Err(top.fault("requests", format!("{wrong}; {allowed}")));
    }
    Ok(Clients::Course { requests })
}

fn read_max_packets(
    top: &Fields,
    defaults: &Defaults,
    requests: Option<u64>,
) -> Result<u64, Fault> {
    let Some(max_packets) = top.whole("max_packets")? else { return Ok(defaults.max_packets) };
    let (least, most) = (requests.unwrap_or(1), defaults.most_packets);
    if (least..=most).contains(&max_packets) {
        return Ok(max_packets);
    }
    let too = if max_packets < least { "small" } else { "large" };
    let from = if requests.is_some() { " (`requests`)" } else { "" };
    Err(top.fault(
        "max_packets",
        format!("{max_packets} is too {too}; allowed: a whole number from {least}{from} to {most}"),
    ))
}

fn read_tests(top: &Fields) -> Result<Option<CourseTests>, Fault> {
    let Some(tests) = top.object("tests")? else { return Ok(None) };
    let fraction = |name: &str, default: f64| Ok(tests.number(name)?.unwrap_or(default));
    let benchmarks = match tests.object("benchmarks")? {
        None => None,
        Some(limits) => Some(Benchmarks {
            total_msgs: limits.tiers("total_msgs")?,
            failures: limits.tiers("failures")?,
            duplicates: limits.tiers("duplicates")?,
            median_latency: limits.tiers("median_latency")?,
        }),
    };
    Ok(Some(CourseTests {
        maximum_get_fail_fraction: fraction("maximum_get_fail_fraction", 0.5)?,
        maximum_put_fail_fraction: fraction("maximum_put_fail_fraction", 0.5)?,
        maximum_get_generation_fail_fraction: fraction(MISPLACED, 0.1)?,
        maximum_appends_batched_fraction: fraction("maximum_appends_batched_fraction", 0.5)?,
        benchmarks,
    }))
}

fn read_liveness(top: &Fields) -> Result<Duration, Fault> {
    let bound_ms = match top.object("liveness")? {
        Some(liveness) => liveness.whole("bound_ms")?,
        None => None,
    };
    Ok(Duration::from_millis(bound_ms.unwrap_or(5000)))
}

fn read_checker(top: &Fields) -> Result<CheckerBudget, Fault> {
    let (time_ms, memory_mb) = match top.object("checker")? {
        Some(checker) => (checker.whole("time_budget_ms")?, checker.whole("memory_budget_mb")?),
        None => (None, None),
    };
    Ok(CheckerBudget {
        time: Duration::from_millis(time_ms.unwrap_or(60_000)),
        memory_mb: memory_mb.unwrap_or(1024),
    })
}

/// A threshold that some published files carry outside of `tests`.
const MISPLACED: &str = "maximum_get_generation_fail_fraction";

fn read_warnings(top: &Fields, era: Era, clients: &Clients) -> Result<Vec<String>, Fault> {
    let mut warnings = Vec::new();
    if top.number(MISPLACED)?.is_some() {
        warnings.push(format!(
            "`{MISPLACED}` stands outside of `tests`, where the course's simulator ignores it: it has no effect"
        ));
    }
    if top.has("tests") && (era == Era::Y2016 || matches!(clients, Clients::Shared { .. })) {
        warnings.push(
            "`tests` has no effect: the course's thresholds are for course clients of era 2021"
                .to_owned(),
        );
    }
    Ok(warnings)
}

/// What the results folder cannot be called: each stands in `results/` already.
const RESERVED_NAMES: [&str; 3] = ["latest", "summary.csv", "README.md"];

fn read_name(top: &Fields, file: &str, is_course_config: bool, era: Era) -> Result<String, Fault> {
    let Some(name) = top.text("name")? else {
        let stem = name_from(file);
        return Ok(if is_course_config { format!("course-{era}-{stem}") } else { stem });
    };
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(is_name_char) {
        let wrong = format!("{} cannot name a folder", quoted(name));
        return Err(top.not_allowed("name", &wrong));
    }
    if RESERVED_NAMES.contains(&name) {
        let wrong = format!("{} is taken in the results folder; choose another", quoted(name));
        return Err(top.not_allowed("name", &wrong));
    }
    Ok(name.to_owned())
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// The file's stem, made fit for a folder's name.
fn name_from(file: &str) -> String {
    /// As long as a `name` may be.
    const LONGEST: usize = 80;
    let stem = Path::new(file).file_stem().unwrap_or_default().to_string_lossy();
    let name: String =
        stem.chars().take(LONGEST).map(|c| if is_name_char(c) { c } else { '-' }).collect();
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return format!("workload{}", if name.is_empty() { name } else { format!("-{name}") });
    }
    if RESERVED_NAMES.contains(&name.as_str()) { format!("workload-{name}") } else { name }
}
