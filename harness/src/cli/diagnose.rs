//! `harness diagnose`: was it the host or the replica?

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Failure;
use super::reproduce;
use crate::campaign::batch::Batch;
use crate::campaign::earlier::Earlier;
use crate::cluster::program::Program;
use crate::cluster::simulate;
use crate::exit::Exit;
use crate::files::stored;
use crate::host::measured;
use crate::network::course_2016::RouterKind;
use crate::plan::Plan;
use crate::scenario::host::profiles;
use crate::verdict::diagnosis::{Counts, Diagnosis, diagnose};
use crate::world::Clock;

/// `harness diagnose`.
#[derive(Debug, Args)]
pub struct DiagnoseArgs {
    /// Folder of a run
    run: PathBuf,
    /// Number of runs on each of the two hosts
    #[arg(long, default_value_t = 5, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    times: u16,
    /// Replica program [default: the run's]
    #[arg(long, value_name = "PATH")]
    replica: Option<PathBuf>,
    /// Disturbed host [default: the run's simulated host; else the host as it was measured during the run]
    #[arg(long, value_name = "NAME|FILE")]
    host: Option<OsString>,
    /// Number of parallel runs
    #[arg(long, default_value_t = 2, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
}

/// Repeats the run and answers.
pub fn run(arguments: &DiagnoseArgs) -> Result<Exit, Failure> {
    let earlier = Earlier::load(&arguments.run).map_err(Failure::usage)?;
    let program = match &arguments.replica {
        Some(path) => Program::find(path, earlier.replica.arguments.clone())
            .map(|program| earlier.as_started(program))
            .map_err(Failure::usage)?,
        None => earlier.program().map_err(Failure::usage)?,
    };
    let batch = Batch::new(program, Clock::Real, Duration::from_millis(100))?;
    let quiet = earlier.plan.clone().on(None, RouterKind::Default);
    let disturbed = disturbed(&earlier, arguments)?;
    let host = disturbed.host.as_ref().map_or("quiet", |host| host.profile.name.as_str());
    let name = format!("{host}, router {}", disturbed.router.name());
    let before = Counts::of_earlier(&reproduce::earlier_answers(&arguments.run));
    let on_quiet = count(&batch, &quiet, arguments)?;
    let on_disturbed = count(&batch, &disturbed, arguments)?;
    let (diagnosis, reason) = diagnose(&before, &on_quiet, &on_disturbed);
    let text = format!(
        "the run itself               {}\nquiet host, default router   {}\n{name:<28} {}\n\n\
         diagnosis    {}: {reason}\n",
        before.describe(),
        on_quiet.describe(),
        on_disturbed.describe(),
        diagnosis.name(),
    );
    super::print(&text)?;
    if batch.is_interrupted() {
        return Ok(Exit::Interrupted);
    }
    Ok(match diagnosis {
        Diagnosis::TheReplica => {
            let again = on_quiet.worst_of_replica.join(on_disturbed.worst_of_replica);
            before.worst_of_replica.join(again)
        }
        Diagnosis::TheHost => Exit::Environment,
        Diagnosis::CannotTell => Exit::Undecided,
    })
}

/// The plan on the disturbed host.
fn disturbed(earlier: &Earlier, arguments: &DiagnoseArgs) -> Result<Plan, Failure> {
    let plan = earlier.plan.clone();
    let router = plan.router;
    if let Some(host) = &arguments.host {
        let profile = profiles::find(host).map_err(Failure::usage)?;
        simulate::check(&profile).map_err(Failure::usage)?;
        return Ok(plan.on(Some(&profile), router));
    }
    if plan.host.is_some() {
        return Ok(plan);
    }
    // A run without its rows, or one that nothing disturbed, is made again as it was.
    let rows = stored::read(&arguments.run.join("host.csv")).unwrap_or_default();
    Ok(plan.on(measured::profile(&rows).as_ref(), router))
}

fn count(batch: &Batch, plan: &Plan, arguments: &DiagnoseArgs) -> Result<Counts, Failure> {
    let times: Vec<u16> = (0..arguments.times).collect();
    let verdicts = batch.share_out(&times, usize::from(arguments.jobs), |_| {
        batch.run(plan.clone()).map(|(_, verdict)| verdict)
    })?;
    Ok(Counts::of(&verdicts))
}
