//! All calls that wait.

use super::support::{compiled, same};

#[test]
fn what_waits_takes_virtual_time_only() {
    let Some(program) = compiled("waiting.c") else { return };
    let ran = same(5, &program, &[]);
    assert_eq!(ran.remarks, [] as [String; 0], "{}", ran.output);
    let lines: Vec<(u64, &str)> = ran
        .output
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(time, what)| (time.split('.').next().unwrap().parse().unwrap(), what))
        .collect();
    let expected = [
        (1001, "poll 0"),
        (1004, "select 0 left 0.000000"),
        (1008, "read 5"),
        (1008, "wait 3 status 7"),
        (1008, "epoll 1 timer 1"),
        (1009, "epoll 1 timer 1"),
        (1010, "epoll 1 timer 1"),
        (1015, "timer 5"),
        (1018, "pause -1 errno 4 alarms 1"),
        (1020, "sleep -1 errno 4 left 7 alarms 2"),
        (1021, "signal 10"),
        (1022, "child is over"),
        (1024, "wrote it all"),
        (1027, "the parent leaves the lock"),
        (1027, "the child has the lock"),
        (1029, "event 1"),
        (1032, "over: 5"),
    ];
    assert_eq!(lines, expected, "{}", ran.output);
}
