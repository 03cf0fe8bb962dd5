//! Clocks and sleep.

use super::support::{compiled, run, run_halting, same};
use supervisor::time::SECOND;
use supervisor::{Settings, VirtualTime};

#[test]
fn all_clocks_are_virtual_and_the_same_each_time() {
    let Some(program) = compiled("clocks.c") else { return };
    let ran = same(5, &program, &[]);
    assert_eq!(ran.status.and_then(|status| status.code()), Some(3), "{ran:?}");
    assert_eq!(ran.remarks, [] as [String; 0]);
    assert!(ran.end.0 > 10 * SECOND, "{ran:?}");
    let walls: Vec<&str> = ran.output.lines().filter(|line| line.starts_with("wall")).collect();
    assert!(walls[0].starts_with("wall 1700000000."), "{walls:?}");
    assert!(walls[2].starts_with("wall 1700000006."), "{walls:?}");
}

#[test]
fn another_seed_is_another_run() {
    let Some(program) = compiled("clocks.c") else { return };
    let ends: std::collections::BTreeSet<_> =
        (0..50).map(|seed| run(seed, &program, &[]).hash).collect();
    assert_eq!(ends.len(), 50);
}

#[test]
fn a_wall_clock_can_be_set_while_the_others_go_on() {
    let Some(program) = compiled("clocks.c") else { return };
    let settings = Settings { seed: 7, ..Settings::default() };
    let ran = run_halting(settings, &program, &[], |it, of| {
        if it.now() == VirtualTime::ZERO {
            return Some(VirtualTime(SECOND));
        }
        it.set_wall_clock(of, -100 * SECOND.cast_signed());
        None
    });
    let shown = |what: &str| {
        let lines = ran.output.lines().filter(|line| line.starts_with(what));
        lines.map(|line| line.split('.').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(shown("wall "), ["wall 1700000000", "wall 1699999903", "wall 1699999906"]);
    assert_eq!(shown("day "), ["day 1700000000", "day 1699999903", "day 1699999906"]);
    assert_eq!(shown("monotonic "), ["monotonic 1000", "monotonic 1003", "monotonic 1006"]);
}
