//! How far the runs are: a live line each on a terminal, now and then a plain line without one.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::watch;

use crate::campaign::job::Job;
use crate::report::many::Tally;
use crate::report::progress::{self, Shape};
use crate::run::progress::Progress;

/// Without a terminal, a line about a run this often.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// Without a terminal, lines about each of several runs this often.
const PLAIN_INTERVAL_OF_MANY: Duration = Duration::from_secs(10);

/// A new picture, or new events, this often.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(100);

/// What is shown.
#[derive(Clone, Copy, Debug)]
pub struct DisplayOptions {
    /// How far the runs are.
    pub progress: bool,
    /// What happens in them.
    pub events: bool,
    /// Runs at the same time.
    pub at_once: usize,
}

/// Shows runs while they go on, on standard error.
pub struct Display {
    commands: Mutex<Option<Sender<Command>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Command {
    Show(Run),
    Judge(usize),
    Over(usize, bool),
    /// Text for standard output, which must not tear the live lines.
    Print(String, Sender<()>),
}

/// A run that goes on.
struct Run {
    number: usize,
    total: Duration,
    progress: watch::Receiver<Progress>,
    begun: Instant,
    /// It has ended, and is being judged.
    is_judged: bool,
    /// How much of what happened was told.
    told: usize,
}

impl Display {
    /// A display of these runs, or one that shows nothing.
    pub fn start(options: DisplayOptions, jobs: &[Job]) -> Self {
        let (sender, receiver) = mpsc::channel();
        let mut screen = Screen::new(options, jobs);
        let thread = thread::spawn(move || {
            loop {
                match receiver.recv_timeout(SAMPLE_INTERVAL) {
                    Ok(command) => screen.obey(command),
                    Err(RecvTimeoutError::Timeout) => screen.refresh(),
                    Err(RecvTimeoutError::Disconnected) => return screen.clear(),
                }
            }
        });
        Self { commands: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) }
    }

    /// Shows a run from now on.
    pub fn show(&self, job: &Job, progress: watch::Receiver<Progress>) {
        self.send(Command::Show(Run {
            number: job.number,
            total: job.plan.scenario.duration(),
            progress,
            begun: Instant::now(),
            is_judged: false,
            told: 0,
        }));
    }

    /// Nothing happens in it any more; it is being judged.
    pub fn judge(&self, job: &Job) {
        self.send(Command::Judge(job.number));
    }

    /// Shows it no longer, and counts it.
    pub fn over(&self, job: &Job, is_valid: bool) {
        self.send(Command::Over(job.number, is_valid));
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
    options: DisplayOptions,
    is_live: bool,
    labels: Vec<String>,
    label_width: usize,
    live: MultiProgress,
    /// Below the lines of the runs, if there are several: how far all are.
    all: Option<ProgressBar>,
    /// With its line, if the terminal has one for it.
    runs: Vec<(Run, Option<ProgressBar>)>,
    /// Runs to come: how long each is to take.
    to_come: BTreeMap<usize, Duration>,
    over: Vec<(Duration, Duration)>,
    bad: usize,
    /// When plain lines were written last.
    last: Instant,
}

impl Screen {
    fn new(options: DisplayOptions, jobs: &[Job]) -> Self {
        let is_live = options.progress && std::io::stderr().is_terminal();
        let live = MultiProgress::new();
        let is_one = jobs.len() == 1;
        let all = (is_live && !is_one).then(|| live.add(bar("  {wide_msg}")));
        let labels = labels(jobs);
        let widest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
        let to_come = jobs.iter().map(|job| (job.number, job.plan.scenario.duration()));
        Self {
            options,
            is_live,
            label_width: if is_one { 0 } else { widest },
            labels,
            live,
            all,
            runs: Vec::new(),
            to_come: to_come.collect(),
            over: Vec::new(),
            bad: 0,
            last: Instant::now(),
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Show(run) => {
                self.to_come.remove(&run.number);
                self.runs.push((run, None));
                self.seat();
            }
            Command::Judge(number) => {
                let run = self.runs.iter_mut().find(|(run, _)| run.number == number);
                if let Some((run, _)) = run {
                    run.is_judged = true;
                }
                self.tell();
            }
            Command::Over(number, is_valid) => {
                self.tell();
                self.bad += usize::from(!is_valid);
                if let Some(place) = self.runs.iter().position(|(run, _)| run.number == number) {
                    let (run, line) = self.runs.remove(place);
                    if let Some(line) = line {
                        line.finish_and_clear();
                        self.live.remove(&line);
                    }
                    self.over.push((run.total, run.begun.elapsed()));
                    self.seat();
                }
            }
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
        self.tell();
        if self.is_live {
            // The spinner and a blank stand before it.
            let width = usize::from(console::Term::stderr().size().1).saturating_sub(3);
            let mut unseen = 0;
            for (run, line) in &self.runs {
                let Some(line) = line else {
                    unseen += 1;
                    continue;
                };
                line.set_message(self.line(run, width));
                line.tick();
            }
            if let Some(all) = &self.all {
                let more =
                    if unseen > 0 { format!("{unseen} more go on; ") } else { String::new() };
                all.set_message(more + &self.tally().line());
                all.tick();
            }
        } else if self.options.progress && self.last.elapsed() >= self.plain_interval() {
            self.last = Instant::now();
            for (run, _) in &self.runs {
                eprintln!("{}", self.line(run, usize::MAX));
            }
            if self.labels.len() > 1 {
                eprintln!("{}", self.tally().line());
            }
        }
    }

    /// Gives lines to runs, as many as the terminal has; the others wait for one.
    fn seat(&mut self) {
        if !self.is_live {
            return;
        }
        // Below them are the line about all and that of the cursor.
        let room = usize::from(console::Term::stderr().size().0).saturating_sub(2).max(1);
        let seated = self.runs.iter().filter(|(_, line)| line.is_some()).count();
        let waiting = self.runs.iter_mut().filter(|(_, line)| line.is_none());
        for (_, line) in waiting.take(room.saturating_sub(seated)) {
            let new = bar("{spinner} {wide_msg}");
            *line = Some(match &self.all {
                Some(all) => self.live.insert_before(all, new),
                None => self.live.add(new),
            });
        }
    }

    fn plain_interval(&self) -> Duration {
        if self.labels.len() > 1 { PLAIN_INTERVAL_OF_MANY } else { PLAIN_INTERVAL }
    }

    fn line(&self, run: &Run, width: usize) -> String {
        let judging = if run.is_judged { "  judging" } else { "" };
        let shape = self.shape(run, width.saturating_sub(judging.len()));
        progress::line(&shape, run.total, &run.progress.borrow()) + judging
    }

    fn shape(&self, run: &Run, width: usize) -> Shape<'_> {
        let label = self.labels.get(run.number).map_or("", String::as_str);
        Shape { label, label_width: self.label_width, width }
    }

    fn tally(&self) -> Tally {
        Tally {
            at_once: self.options.at_once,
            over: self.over.clone(),
            bad: self.bad,
            going: self.runs.iter().map(|(run, _)| (run.total, run.begun.elapsed())).collect(),
            to_come: self.to_come.values().copied().collect(),
        }
    }

    /// Tells what happened since it was told last.
    fn tell(&mut self) {
        if !self.options.events {
            return;
        }
        let mut lines = Vec::new();
        for n in 0..self.runs.len() {
            let (run, _) = &self.runs[n];
            let shape = self.shape(run, usize::MAX);
            let progress = run.progress.borrow();
            let new = progress.happened.iter().skip(run.told);
            lines.extend(new.map(|event| progress::event_line(&shape, event)));
            let told = progress.happened.len();
            drop(progress);
            self.runs[n].0.told = told;
        }
        for line in lines {
            if self.is_live {
                // What cannot be written on standard error is nowhere to be told.
                let _ = self.live.println(line);
            } else {
                eprintln!("{line}");
            }
        }
    }

    fn clear(&mut self) {
        if let Some(all) = &self.all {
            all.finish_and_clear();
        }
    }
}

/// The scenario of each run; where several share one, with the seed or, if that is the same too, a
/// number.
fn labels(jobs: &[Job]) -> Vec<String> {
    let name = |job: &Job| job.plan.scenario.name.clone();
    let with_seed = |job: &Job| format!("{} {}", job.plan.scenario.name, job.plan.seed);
    let is_unique = |of: &dyn Fn(&Job) -> String, job: &Job| {
        jobs.iter().filter(|other| of(other) == of(job)).count() == 1
    };
    let label = |job: &Job| match job {
        job if is_unique(&name, job) => name(job),
        job if is_unique(&with_seed, job) => with_seed(job),
        job => format!("{} #{}", name(job), job.number + 1),
    };
    jobs.iter().map(label).collect()
}

fn bar(template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::no_length().with_style(style)
}
