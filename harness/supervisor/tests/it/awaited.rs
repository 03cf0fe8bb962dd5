//! The host waits for a call of a process, and can end it before that is made.

use super::support::{compiled, run_halting};
use supervisor::{CallKind, Settings, VirtualTime};

/// What the program has told when it is ended before the n-th call of this kind.
fn told_before(kind: CallKind, n: u64) -> Option<(u64, String)> {
    let program = compiled("calls.c")?;
    let settings = Settings { seed: 7, ..Settings::default() };
    let ran = run_halting(settings, &program, &[], |it, of| {
        if it.now() == VirtualTime::ZERO {
            it.await_call(of, kind, n);
        } else {
            it.signal(of, nix::libc::SIGKILL);
        }
        None
    });
    assert_eq!(ran.remarks, [] as [String; 0]);
    Some((ran.end.0, ran.output))
}

#[test]
fn a_process_is_ended_before_the_call_that_was_asked_for() {
    for (kind, before) in
        [(CallKind::Send, "round N"), (CallKind::Fsync, "sent"), (CallKind::Rename, "synced")]
    {
        let mut last = 0;
        for n in 1..=5 {
            let Some((end, output)) = told_before(kind, n) else { return };
            let lines: Vec<&str> = output.lines().collect();
            assert_eq!(lines.last(), Some(&&*before.replace('N', &n.to_string())), "{output}");
            let rounds = lines.iter().filter(|line| line.starts_with("round ")).count();
            assert_eq!(rounds as u64, n, "{kind:?}: {output}");
            assert!(end > last);
            last = end;
        }
        let Some((_, whole)) = told_before(kind, 6) else { return };
        assert_eq!(whole.lines().count(), 20, "it makes five of them: {whole}");
    }
}
