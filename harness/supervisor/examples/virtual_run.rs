//! Runs a program in virtual time: `virtual-run [--seed N] [--until SECONDS] [--calls] -- PROGRAM ARGUMENT...`.
//!
//! The program's output is its own. Behind it, on standard error: the virtual time at its end, the calls that were taken
//! up, the hash of the schedule, and what keeps the run from being exact. With `--calls`, before that: each call and how
//! it was answered. Where two such lists differ for the first time, there is a leak.

use std::ffi::CString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use supervisor::{ProcessSpec, Settings, Stop, Supervisor, VirtualTime};

struct Asked {
    seed: u64,
    until: VirtualTime,
    is_traced: bool,
    words: Vec<CString>,
}

fn asked() -> Result<Asked, String> {
    let mut asked =
        Asked { seed: 1, until: VirtualTime::NEVER, is_traced: false, words: Vec::new() };
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let value = arguments.next().ok_or("a number is missing")?;
            value.to_str().and_then(|value| value.parse::<u64>().ok()).ok_or("this is no number")
        };
        match argument.to_str() {
            Some("--seed") => asked.seed = number()?,
            Some("--until") => asked.until = VirtualTime(number()? * 1_000_000_000),
            Some("--calls") => asked.is_traced = true,
            Some("--") => {
                let word = |word: std::ffi::OsString| CString::new(word.into_vec());
                asked.words = arguments
                    .by_ref()
                    .map(word)
                    .collect::<Result<_, _>>()
                    .map_err(|_| "a word holds a zero byte")?;
            }
            _ => return Err(format!("what is {}?", argument.display())),
        }
    }
    let first = asked.words.first_mut().ok_or("a program is missing")?;
    if !first.as_bytes().contains(&b'/') {
        let name = PathBuf::from(std::ffi::OsStr::from_bytes(first.as_bytes()));
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&paths).map(|path| path.join(&name));
        let found =
            found.into_iter().find(|path| path.is_file()).ok_or("there is no such program")?;
        *first = CString::new(found.into_os_string().into_vec()).map_err(|_| "a zero byte")?;
    }
    Ok(asked)
}

fn run(asked: &Asked) -> Result<ExitCode, String> {
    let directory = std::env::current_dir().map_err(|error| error.to_string())?;
    let program = PathBuf::from(std::ffi::OsStr::from_bytes(asked.words[0].as_bytes()));
    let mut kept = vec![directory.clone()];
    kept.extend(program.canonicalize().ok().and_then(|path| path.parent().map(PathBuf::from)));
    let settings =
        Settings { seed: asked.seed, kept, is_traced: asked.is_traced, ..Settings::default() };
    let mut supervisor = Supervisor::new(settings).map_err(|error| error.to_string())?;
    let environment = std::env::vars_os().filter_map(|(name, value)| {
        CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()).ok()
    });
    let begin = Instant::now();
    let process = supervisor
        .spawn(ProcessSpec {
            words: asked.words.clone(),
            environment: environment.collect(),
            directory: CString::new(directory.into_os_string().into_vec())
                .map_err(|error| error.to_string())?,
            standard: [0, 1, 2],
            label: "it".into(),
            ..ProcessSpec::default()
        })
        .map_err(|error| error.to_string())?;
    let (how, code) = loop {
        match supervisor.run_until(asked.until) {
            Stop::Exited(of, status) if of == process => {
                let code = status.code().map_or(255, |code| u8::try_from(code).unwrap_or(255));
                break (status.to_string(), code);
            }
            Stop::Ready(_) | Stop::AtCall(_) | Stop::Exited(..) => {}
            Stop::Reached | Stop::Halted => break ("stopped in time".into(), 0),
            Stop::Idle => break ("it waits for ever".into(), 254),
            Stop::Stuck(_) => break ("it computes without a call".into(), 253),
            Stop::Failed(why) => break (why, 252),
        }
    };
    for line in supervisor.trace() {
        eprintln!("{line}");
    }
    let (took, end) = (begin.elapsed(), supervisor.now());
    eprintln!(
        "{how}: virtual time {end}, real {:.3} s, {} calls ({:.2} us each), schedule {:016x}",
        took.as_secs_f64(),
        supervisor.calls(),
        took.as_secs_f64() * 1e6 / supervisor.calls().max(1) as f64,
        supervisor.schedule_hash()
    );
    for remark in supervisor.remarks() {
        eprintln!("not exact: {remark}");
    }
    Ok(ExitCode::from(code))
}

fn main() -> ExitCode {
    match asked().and_then(|asked| run(&asked)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("virtual-run: {error}");
            ExitCode::from(2)
        }
    }
}
