//! Time stands still, and a debugger looks into the processes.

use std::fs;

use super::support::{compiled, run, run_halting};
use supervisor::sys::ptrace::{self, Change};
use supervisor::time::MS;
use supervisor::{Settings, VirtualTime};

/// What a debugger does: it stops each thread of a process, looks at its registers, and lets it go. Returns the calls
/// in which the threads are.
fn looked_into(pid: i32) -> Vec<u64> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("it lives");
    let names = threads.map(|it| it.expect("an entry").file_name().into_string());
    let tids = names.map(|it| it.expect("text").parse().expect("a number"));
    let look = |tid: i32| {
        ptrace::seize(tid).expect("nobody else traces it");
        ptrace::interrupt(tid).expect("it is traced");
        assert!(matches!(ptrace::change_of(tid), Some(Change::Stopped { .. })));
        let call = ptrace::registers(tid).expect("it is stopped").orig_rax;
        ptrace::detach(tid).expect("it is stopped");
        call
    };
    tids.map(look).collect()
}

#[test]
fn a_debugger_looks_into_each_thread_and_the_run_goes_on_as_if_nothing_had_been() {
    let Some(program) = compiled("conditions.c") else { return };
    let calm = run(7, &program, &[]);
    let mut calls = Vec::new();
    let held = run_halting(Settings { seed: 7, ..Settings::default() }, &program, &[], |it, of| {
        if it.now() == VirtualTime::ZERO {
            return Some(VirtualTime(MS));
        }
        it.let_others_look().unwrap();
        let [pid] = it.pids(of)[..] else { panic!("one process") };
        let found = std::thread::spawn(move || looked_into(pid)).join().unwrap();
        it.look_no_more().unwrap();
        calls.push(found);
        (calls.len() < 20).then(|| it.now().plus(MS))
    });
    assert_eq!(held, calm);
    assert_eq!(calls.len(), 20);
    // The main thread and the four others, all in a call.
    assert!(calls.iter().any(|calls| calls.len() == 5), "{calls:?}");
    assert!(calls.iter().flatten().all(|&call| call < 1_000), "{calls:?}");
}

#[test]
fn a_process_that_is_still_traced_cannot_go_on() {
    let Some(program) = compiled("conditions.c") else { return };
    let mut told = String::new();
    run_halting(Settings { seed: 7, ..Settings::default() }, &program, &[], |it, of| {
        if it.now() == VirtualTime::ZERO {
            return Some(VirtualTime(MS));
        }
        it.let_others_look().unwrap();
        let pid = it.pids(of)[0];
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let (tracing, traced) = std::sync::mpsc::channel();
        let tracer = std::thread::spawn(move || {
            ptrace::seize(pid).unwrap();
            tracing.send(()).unwrap();
            // It is traced until this thread ends.
            let _ = wait.recv();
        });
        traced.recv().unwrap();
        told = it.look_no_more().unwrap_err().to_string();
        drop(done);
        tracer.join().unwrap();
        it.signal(of, nix::libc::SIGKILL);
        None
    });
    assert!(told.ends_with("is still traced by another program, or was ended"), "{told}");
}
