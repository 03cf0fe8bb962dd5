//! How far the runs are: a live line each on a terminal, now and then a plain line without one.

use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::watch;

use super::job::Job;
use crate::report::progress::{self, Names};
use crate::run::progress::Progress;

/// Without a terminal, a line about each run this often.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// On a terminal, a new picture this often.
const LIVE_INTERVAL: Duration = Duration::from_millis(100);

/// Shows runs while they go on, on standard error.
pub struct Display {
    commands: Mutex<Option<Sender<Command>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Command {
    Show(Watched),
    Hide(usize),
    /// Text for standard output, which must not tear the live lines.
    Print(String, Sender<()>),
}

struct Watched {
    number: usize,
    label: String,
    total: Duration,
    progress: watch::Receiver<Progress>,
}

impl Display {
    /// A display of these runs, or one that shows nothing.
    pub fn start(is_shown: bool, jobs: &[Job]) -> Self {
        let (sender, receiver) = mpsc::channel();
        let width = jobs.iter().map(|job| job.plan.scenario.name.len()).max().unwrap_or(0);
        let mut screen = Screen::new(is_shown, if jobs.len() > 1 { width } else { 0 });
        let thread = thread::spawn(move || {
            loop {
                match receiver.recv_timeout(screen.interval()) {
                    Ok(command) => screen.obey(command),
                    Err(RecvTimeoutError::Timeout) => screen.refresh(),
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        });
        Self { commands: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) }
    }

    /// Shows a run from now on.
    pub fn show(&self, job: &Job, progress: watch::Receiver<Progress>) {
        self.send(Command::Show(Watched {
            number: job.number,
            label: job.plan.scenario.name.clone(),
            total: job.plan.scenario.duration(),
            progress,
        }));
    }

    /// Shows it no longer.
    pub fn hide(&self, job: &Job) {
        self.send(Command::Hide(job.number));
    }

    /// Prints on standard output, between the live lines; returns when it is printed.
    pub fn print(&self, text: String) {
        let (done, printed) = mpsc::channel();
        self.send(Command::Print(text, done));
        // An error means that the display has gone; then nothing tears.
        let _ = printed.recv();
    }

    /// Clears the live lines.
    pub fn finish(&self) {
        lock(&self.commands).take();
        if let Some(thread) = lock(&self.thread).take() {
            let _ = thread.join();
        }
    }

    fn send(&self, command: Command) {
        if let Some(commands) = &*lock(&self.commands) {
            let _ = commands.send(command);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the display's thread holds.
struct Screen {
    is_shown: bool,
    is_live: bool,
    label_width: usize,
    live: MultiProgress,
    runs: Vec<(Watched, ProgressBar, Instant)>,
}

impl Screen {
    fn new(is_shown: bool, label_width: usize) -> Self {
        let is_live = is_shown && std::io::stderr().is_terminal();
        Self { is_shown, is_live, label_width, live: MultiProgress::new(), runs: Vec::new() }
    }

    fn interval(&self) -> Duration {
        if self.is_live { LIVE_INTERVAL } else { PLAIN_INTERVAL / 10 }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Show(watched) if self.is_shown => {
                let line = if self.is_live {
                    self.live.add(ProgressBar::no_length().with_style(style()))
                } else {
                    ProgressBar::hidden()
                };
                self.runs.push((watched, line, Instant::now()));
            }
            Command::Show(_) => {}
            Command::Hide(number) => self.runs.retain(|(watched, line, _)| {
                if watched.number == number {
                    line.finish_and_clear();
                }
                watched.number != number
            }),
            Command::Print(text, done) => {
                // A reader that went away changes no verdict: the exit code tells it.
                let print = || drop(super::print(&text));
                if self.is_live {
                    self.live.suspend(print);
                } else {
                    print();
                }
                let _ = done.send(());
            }
        }
    }

    fn refresh(&mut self) {
        let (is_live, label_width) = (self.is_live, self.label_width);
        for (watched, line, last) in &mut self.runs {
            if !is_live && last.elapsed() < PLAIN_INTERVAL {
                continue;
            }
            let names = Names { label: &watched.label, label_width };
            let text = progress::line(&names, watched.total, &watched.progress.borrow());
            if is_live {
                line.set_message(text);
                line.tick();
            } else {
                *last = Instant::now();
                eprintln!("{text}");
            }
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {wide_msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}
