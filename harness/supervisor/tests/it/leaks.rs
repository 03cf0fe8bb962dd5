//! What leaks real time or chance into programs: plugged, or told.

use super::support::{compiled, run, run_with, same};
use supervisor::Settings;

#[test]
fn chance_is_seeded() {
    let Some(program) = compiled("leaks.c") else { return };
    let ran = same(5, &program, &[]);
    assert_eq!(ran.remarks, [] as [String; 0], "{}", ran.output);
    let count = |begin: &str| ran.output.lines().filter(|line| line.starts_with(begin)).count();
    // It was loaded twice.
    assert_eq!(count("getrandom"), 2, "{}", ran.output);
    assert_eq!(count("tmp -1"), 1, "{}", ran.output);
    let other = run(8, &program, &[]);
    let of = |text: &str, begin: &str| {
        text.lines().find(|line| line.starts_with(begin)).unwrap().to_owned()
    };
    for what in ["getrandom", "urandom", "auxiliary"] {
        assert_ne!(of(&ran.output, what), of(&other.output, what));
    }
}

#[test]
fn what_cannot_be_plugged_is_told() {
    let Some(program) = compiled("refused.c") else { return };
    for (what, told) in [
        ("processor", "it used /proc/self/stat"),
        ("timer", "it used setitimer of processor time"),
        ("signalfd", "it used signalfd4"),
        ("lock", "it used fcntl(F_SETLKW)"),
        ("queue", "it used mq_open"),
        ("many", "it used a directory of many entries"),
        ("seccomp", "it used prctl(PR_SET_SECCOMP)"),
        ("filter", "it used seccomp"),
        ("trace", "it used ptrace"),
        ("lend", "it used priority futexes"),
        ("semaphore", "it used semget"),
        ("unknown", "it used call 1000"),
    ] {
        let ran = run(1, &program, &[what]);
        assert_eq!(ran.remarks, [told], "{ran:?}");
        assert!(ran.output.ends_with("over\n"), "{ran:?}");
    }
    let ran = run(1, &program, &["uring"]);
    assert_eq!((ran.output.as_str(), ran.remarks.len()), ("-1\nover\n", 0));
}

#[test]
fn the_host_is_not_seen() {
    let Some(program) = compiled("host.c") else { return };
    let ran = same(3, &program, &[]);
    assert_eq!(ran.remarks, [] as [String; 0], "{}", ran.output);
    let lines: Vec<&str> = ran.output.lines().collect();
    let expected = [
        "written 1700000000 read 1700000000 changed 1700000000",
        "written 1700000002",
        "missing -1 untouched 1",
        "entries . .. a b c x y z",
        "used 0 s, 0 KB",
        "uptime 1002.00 1002.00",
        "load 0.00 0.00 0.00 1/1 1",
        "btime 1699999000",
        "memory MemTotal: 8388608 kB",
    ];
    assert_eq!(lines, expected, "{}", ran.output);
}

#[test]
fn a_processor_that_draws_random_numbers_can_be_hidden() {
    let Some(program) = compiled("host.c") else { return };
    if !std::fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| text.contains(" cpuid_fault")) {
        eprintln!("skipped: this processor tells everybody what it can do");
        return;
    }
    let settings = Settings { is_processor_hidden: true, ..Settings::default() };
    let ran = run_with(settings, &program, &["processor"]);
    assert!(ran.output.starts_with("processor 0 rdrand 0 rdseed 0\n"), "{ran:?}");
}
