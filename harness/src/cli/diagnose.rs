//! `harness diagnose`: was it the host or the replica?

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::quietly::Batch;
use super::repeat::Earlier;
use super::{Failure, session};
use crate::cluster::program::Program;
use crate::exit::Exit;
use crate::host::diagnosis::{Counts, Diagnosis, diagnose};
use crate::host::profiles;
use crate::network::course_2016::RouterKind;
use crate::plan::Plan;

/// `harness diagnose`.
#[derive(Debug, Args)]
pub struct DiagnoseArgs {
    /// The folder of a run.
    run: PathBuf,
    /// How often on each of the two hosts.
    #[arg(long, default_value_t = 5, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    times: u16,
    /// Another replica program than the run's.
    #[arg(long, value_name = "PATH")]
    replica: Option<PathBuf>,
    /// The disturbed host, if the run was on none that was pretended.
    #[arg(long, value_name = "NAME|FILE", default_value = "overloaded")]
    host: String,
    /// Runs at the same time.
    #[arg(long, default_value_t = 2, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
}

/// Repeats the run and answers.
pub fn run(arguments: &DiagnoseArgs) -> Result<Exit, Failure> {
    let earlier = Earlier::load(&arguments.run).map_err(Failure::usage)?;
    let program = match &arguments.replica {
        Some(path) => Program::find(path, earlier.replica.arguments.clone())
            .map(|program| Program { transport: earlier.replica.transport, ..program })
            .map_err(Failure::usage)?,
        None => session::earlier_program(&earlier).map_err(Failure::usage)?,
    };
    let batch = Batch::new(program, Duration::from_millis(100))?;
    let quiet = earlier.plan.clone().on(None, RouterKind::Default);
    let disturbed = if earlier.plan.host.is_some() {
        earlier.plan.clone()
    } else {
        let profile = profiles::find(&arguments.host).map_err(Failure::usage)?;
        let router = earlier.plan.router;
        earlier.plan.clone().on(Some(&profile), router)
    };
    let host = disturbed.host.as_ref().map_or("quiet", |host| host.profile.name.as_str());
    let name = format!("{host}, router {}", disturbed.router.name());
    let on_quiet = count(&batch, &quiet, arguments)?;
    let on_disturbed = count(&batch, &disturbed, arguments)?;
    let (diagnosis, reason) = diagnose(&on_quiet, &on_disturbed);
    let text = format!(
        "quiet host, default router   {}\n{name:<28} {}\n\ndiagnosis    {}: {reason}\n",
        on_quiet.describe(),
        on_disturbed.describe(),
        diagnosis.name(),
    );
    super::print(&text)?;
    if batch.is_interrupted() {
        return Ok(Exit::Interrupted);
    }
    Ok(match diagnosis {
        Diagnosis::TheReplica => on_quiet.worst.join(on_disturbed.worst_of_replica),
        Diagnosis::TheHost => Exit::Environment,
        Diagnosis::CannotTell => Exit::Undecided,
    })
}

fn count(batch: &Batch, plan: &Plan, arguments: &DiagnoseArgs) -> Result<Counts, Failure> {
    let times: Vec<u16> = (0..arguments.times).collect();
    let verdicts = batch.share_out(&times, usize::from(arguments.jobs), |_| {
        batch.run(plan.clone()).map(|(_, verdict)| verdict)
    })?;
    Ok(Counts::of(&verdicts))
}
