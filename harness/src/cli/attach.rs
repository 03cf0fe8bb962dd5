//! `harness attach` and `harness replay --hold`: a run made again in virtual time, which stands still at a moment with
//! its processes alive, so that a debugger can look into them.

use std::fmt::Write as _;
use std::io::{self, BufRead as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use tokio::sync::watch;

use super::{Failure, one_run, reproduce};
use crate::campaign::earlier::Earlier;
use crate::campaign::exact;
use crate::campaign::{Guard, judge};
use crate::check::Question;
use crate::cluster::program::Program;
use crate::exit::Exit;
use crate::explain::{Evidence, mistake, operation};
use crate::ids::NodeId;
use crate::plan::Plan;
use crate::run::progress::Progress;
use crate::text::{escape, grouped};
use crate::time::RunTime;
use crate::world::{self, AfterHold, Clock, Held, Hold, RunRequest};

/// `harness attach`.
#[derive(Debug, Args)]
pub struct AttachArgs {
    /// Folder of a run; uses its `plan.json`, and the program in its `manifest.json`
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Virtual moment at which the run stands still, in seconds since its start [default: just before the wrong
    /// answer, or the death of a replica]
    #[arg(long, value_name = "SECONDS", value_parser = moment)]
    at: Option<RunTime>,
}

/// A moment of a run: seconds, down to the nanosecond.
pub fn moment(text: &str) -> Result<RunTime, String> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let all = fraction.len() <= 9 && is_number(fraction);
    let nanoseconds = format!("{fraction:0<9}").parse::<u64>().ok().filter(|_| all);
    let seconds = seconds.parse::<u64>().ok().filter(|_| is_number(seconds));
    let sum = |(seconds, rest): (u64, u64)| seconds.checked_mul(1_000_000_000)?.checked_add(rest);
    let time = seconds.zip(nanoseconds).and_then(sum).map(RunTime);
    time.ok_or_else(|| "give seconds since the start of the run, such as `3.214`".to_owned())
}

/// A moment with all that is known of it.
fn exactly(time: RunTime) -> String {
    format!("{}.{:09} s", time.0 / 1_000_000_000, time.0 % 1_000_000_000)
}

/// A run that is made again up to a moment.
pub struct Attach<'a> {
    /// The folder of the run.
    pub run: &'a Path,
    /// What is done.
    pub plan: Plan,
    /// With which program.
    pub program: Program,
    /// In whose time it was made.
    pub clock: Clock,
    /// The moment.
    pub at: Option<RunTime>,
}

/// Makes the run in a folder again, up to a moment.
pub fn run(arguments: &AttachArgs) -> Result<Exit, Failure> {
    let earlier = Earlier::load(&arguments.run).map_err(Failure::usage)?;
    let program = earlier.program().map_err(Failure::usage)?;
    let Earlier { plan, clock, .. } = earlier;
    Attach { run: &arguments.run, plan, program, clock, at: arguments.at }.run()
}

/// Where a run is to stand still, and why there.
struct Moment {
    after: RunTime,
    /// `, just before the wrong answer`.
    where_it_is: &'static str,
    /// A line on what comes next.
    next: Option<String>,
    /// The replica that is about to do it.
    replica: Option<NodeId>,
}

impl Attach<'_> {
    /// Makes the run, and lets people look.
    pub fn run(self) -> Result<Exit, Failure> {
        let shown = self.run.display();
        if let Some(why) = world::obstacle(&self.plan) {
            return Err(Failure::usage(anyhow!(
                "{shown}: it cannot be made in virtual time: {why}"
            )));
        }
        let moment = self.moment()?;
        if self.clock == Clock::Real {
            eprintln!(
                "harness: {shown} was made in real time: this is its plan in virtual time, which is another run"
            );
        }
        super::print(&format!(
            "attach       {shown} until {}{}\n",
            exactly(moment.after),
            moment.where_it_is
        ))?;
        let guard = Guard::begin("and ending its processes")?;
        let folder = guard.folder(0)?;
        let (progress, _watched) = watch::channel(Progress::default());
        let after = moment.after;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut screen = Screen {
            earlier: self.run.to_owned(),
            again: folder.path().to_owned(),
            is_same_run: self.clock == Clock::Virtual,
            moment,
            lines: lines(),
            interrupt: guard.interrupt.clone(),
            seen: Arc::clone(&seen),
        };
        let executed = world::execute(RunRequest {
            plan: Arc::new(self.plan.clone()),
            program: self.program.clone(),
            folder: folder.path().to_owned(),
            mark: guard.watchdog.mark(0),
            watchdog: Some(Arc::clone(&guard.watchdog)),
            interrupt: guard.interrupt.clone(),
            clock: Clock::Virtual,
            progress,
            hold: Some(Hold { after, look: Box::new(move |held| screen.look(held)) }),
        });
        let executed = executed.map_err(one_run::failure_of)?;
        let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(left) = seen.left {
            return Err(Failure::usage(anyhow!(
                "{shown}: the replay is not the run, so nothing was held: {left}"
            )));
        }
        if guard.is_interrupted() {
            return Ok(Exit::Interrupted);
        }
        if !seen.was_held {
            let over = RunTime::from(executed.record.duration);
            return Err(Failure::usage(anyhow!(
                "{shown}: the run is over at {over}, before that moment; give an earlier one with --at"
            )));
        }
        if seen.is_ended {
            super::print("ended        the processes are gone; nothing was judged\n")?;
            return Ok(Exit::Valid);
        }
        let verdict = judge(&executed.record, executed.history, folder.path())?.verdict;
        let compared = exact::compare(self.run, folder.path());
        super::print(&format!(
            "over         {}\n{}\n",
            reproduce::end(&verdict.answers),
            reproduce::exactness(&[compared])
        ))?;
        Ok(verdict.exit())
    }

    fn moment(&self) -> Result<Moment, Failure> {
        if let Some(after) = self.at {
            return Ok(Moment { after, where_it_is: "", next: None, replica: None });
        }
        let shown = self.run.display();
        if self.clock == Clock::Real {
            return Err(Failure::usage(anyhow!(
                "{shown}: it was made in real time, whose moments do not come back; make it with `--clock virtual`, \
                 or give a moment of its plan in virtual time, such as --at 3.214"
            )));
        }
        let question = Question::of_scenario(&self.plan.scenario);
        let evidence = Evidence::read(self.run, &question).map_err(Failure::usage)?;
        self::next(&evidence).ok_or_else(|| {
            Failure::usage(anyhow!(
                "{shown}: it has no wrong answer, and no replica died by itself; give a moment, such as --at 3.214"
            ))
        })
    }
}

/// The moment before what went wrong.
fn next(evidence: &Evidence) -> Option<Moment> {
    let before = |time: u64| RunTime(time.saturating_sub(1));
    if let (Some(witness), Some(wrong)) = (evidence.witness(), evidence.wrong_answer()) {
        return Some(Moment {
            after: before(wrong.complete_ns?),
            where_it_is: ", just before the wrong answer",
            next: Some(format!(
                "{} ({})",
                escape(&operation::told(wrong, false)),
                mistake::of(witness, evidence).name
            )),
            replica: wrong.node.as_deref().and_then(|node| node.parse().ok()),
        });
    }
    let dead = evidence.died_by_themselves();
    let claims = evidence.leaders.iter().flatten();
    let death = claims.filter(|it| it.died.is_some()).find(|it| dead.contains(&it.replica))?;
    Some(Moment {
        after: before(death.time_ns.0),
        where_it_is: ", just before the death of a replica",
        next: Some(format!(
            "{} dies ({}) at {}",
            death.replica,
            death.died.as_deref().unwrap_or_default(),
            exactly(death.time_ns)
        )),
        replica: Some(death.replica),
    })
}

/// What came of looking.
#[derive(Default)]
struct Seen {
    was_held: bool,
    is_ended: bool,
    /// Where the replay left the path of the run, in a sentence.
    left: Option<String>,
}

/// What a person sees of a run that stands still, and says.
struct Screen {
    earlier: PathBuf,
    again: PathBuf,
    /// Whether it is to be the same run again.
    is_same_run: bool,
    moment: Moment,
    lines: Receiver<String>,
    interrupt: watch::Receiver<bool>,
    seen: Arc<Mutex<Seen>>,
}

impl Screen {
    fn look(&mut self, held: &Held) -> AfterHold {
        let seen = Arc::clone(&self.seen);
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let compared = exact::compare_until(&self.earlier, &self.again, &held.path);
        if self.is_same_run
            && let Err(comparison) = &compared
        {
            seen.left = Some(comparison.told());
            return AfterHold::End;
        }
        seen.was_held = true;
        let path = compared.ok().filter(|_| self.is_same_run);
        // A reader that went away ends it, too.
        let _ = super::print(&self.told(held, path));
        let after = self.answer(held.now);
        seen.is_ended = after == AfterHold::End;
        after
    }

    fn told(&mut self, held: &Held, path: Option<exact::Compared>) -> String {
        let mut text = format!("held         after {}", exactly(held.now));
        if let Some(path) = path {
            let _ = write!(
                text,
                "; compared with the run: {} of {} system calls, {} lines of history.jsonl, all the same",
                grouped(path.calls),
                grouped(held.path.calls),
                grouped(path.lines),
            );
        }
        text.push('\n');
        if let Some(next) = self.moment.next.take() {
            let _ = writeln!(text, "next         {next}");
        }
        let replica = self.moment.replica.take();
        for (id, processes) in &held.processes {
            let numbers: Vec<String> = processes.iter().map(ToString::to_string).collect();
            let mark = if replica == Some(*id) { "  <- does it" } else { "" };
            let _ = writeln!(text, "replica      {id}  process {}{mark}", numbers.join(", "));
        }
        let of_replica = held.processes.iter().find(|(id, _)| replica.is_none_or(|it| it == *id));
        if let Some(&pid) = of_replica.and_then(|(_, processes)| processes.first()) {
            let _ = writeln!(text, "look         {}", tools(pid));
        }
        text + "go on        Enter: to the end; a later time, such as 3.5: until then; Ctrl-C: ends the run\n"
    }

    /// Waits for a line. The end of the input ends the run.
    fn answer(&self, now: RunTime) -> AfterHold {
        loop {
            let line = match self.lines.recv_timeout(Duration::from_millis(50)) {
                Err(RecvTimeoutError::Timeout) if !*self.interrupt.borrow() => continue,
                Err(_) => return AfterHold::End,
                Ok(line) => line,
            };
            match line.trim() {
                "" => return AfterHold::GoOn,
                text => match moment(text) {
                    Ok(time) if time > now => return AfterHold::HoldAgain(time),
                    Ok(_) => eprintln!("harness: that is over; give a time after {}", exactly(now)),
                    Err(why) => eprintln!("harness: {why}, or Enter alone"),
                },
            }
        }
    }
}

/// How to look into a process: for a script, at its own stack first.
fn tools(pid: i32) -> String {
    let program = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let is_python = program.file_name().is_some_and(|it| it.to_string_lossy().contains("python"));
    let first = if is_python { format!("py-spy dump --pid {pid}; ") } else { String::new() };
    let yama = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    let is_refused = !matches!(yama.trim(), "" | "0") && !nix::unistd::geteuid().is_root();
    let note = if is_refused { "; the system (Yama) allows that to root alone" } else { "" };
    format!("{first}gdb -p {pid}; strace -p {pid}; /proc/{pid}{note}")
}

/// The lines of standard input, as they come.
fn lines() -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_exact_to_the_nanosecond() {
        let read = |text| moment(text).ok().map(|time| time.0);
        assert_eq!(read("3.214"), Some(3_214_000_000));
        assert_eq!(read("2.603141592"), Some(2_603_141_592));
        assert_eq!(read("7"), Some(7_000_000_000));
        for wrong in
            ["", "-1", "3,2", "1.0000000001", "nan", "1e3", "+1", ".5", "99999999999999999999"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(exactly(RunTime(2_603_141_592)), "2.603141592 s");
    }
}
