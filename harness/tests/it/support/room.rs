//! What runs at the same time. Tests with clusters wait more than they compute, so several run side by
//! side; tests that only compute take the processors that those leave.

use std::process::{Command, Stdio};
use std::sync::{Condvar, Mutex, MutexGuard};

/// Clusters at a time: with more, interpreters would wait for a processor.
const CLUSTERS: usize = 8;

/// Computing tests at a time: as many as the smallest host has processors.
const COMPUTING: usize = 2;

/// How far computing tests step back: a tenth of the weight, so that they go on where others compute too.
const NICENESS: &str = "10";

static FOR_CLUSTERS: Room = Room::new(CLUSTERS);
static FOR_COMPUTING: Room = Room::new(COMPUTING);

/// Places, and a line of tests that wait for them.
struct Room {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    free: usize,
    /// The number of the next test that joins the line.
    next: u64,
    /// The number of the first test in the line.
    first: u64,
}

/// Places in a room, free again with their guard. A test must not ask for more while it holds some.
pub struct Turn {
    room: &'static Room,
    places: usize,
}

impl Room {
    const fn new(places: usize) -> Self {
        let state = State { free: places, next: 0, first: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it counts")
    }

    /// Waits in line for so many places: in order, or a test that needs all would wait for ever.
    fn enter(&'static self, places: usize) -> Turn {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        let must_wait = |state: &mut State| state.first != number || state.free < places;
        let mut state =
            self.changed.wait_while(state, must_wait).expect("no test panics while it counts");
        state.first += 1;
        state.free -= places;
        self.changed.notify_all();
        Turn { room: self, places }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.room.lock().free += self.places;
        self.room.changed.notify_all();
    }
}

/// Room for so many clusters.
pub fn clusters(count: usize) -> Turn {
    FOR_CLUSTERS.enter(count.clamp(1, CLUSTERS))
}

/// The whole room for clusters.
pub fn no_other_cluster() -> Turn {
    FOR_CLUSTERS.enter(CLUSTERS)
}

/// Room for a test that computes.
pub fn processor() -> Turn {
    FOR_COMPUTING.enter(1)
}

/// Room for a test that only computes. Its thread, and what it starts, step back for clusters.
pub fn spare_processor() -> Turn {
    let turn = processor();
    let thread = nix::unistd::gettid().to_string();
    // Without this program the test competes with the others, and is right all the same.
    let _ = Command::new("renice")
        .args(["-n", NICENESS, "-p", &thread])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    turn
}
