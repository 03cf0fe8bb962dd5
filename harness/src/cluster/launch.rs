//! What stands between the harness and a replica on a pretended host: this very binary, which waits, sets the
//! limits, and then becomes the replica's program. The process, its group and its id stay the same.
//!
//! The stalls of a program that loads its modules are waited out here, before it is loaded: whoever looks from
//! outside sees a process that lives and does not connect yet, as with stalls in its midst.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use nix::sys::resource::{Resource, setrlimit};

use crate::host::plan::HostPlan;
use crate::ids::NodeId;

/// The hidden subcommand under which the harness binary waits, then becomes the program.
pub const SUBCOMMAND: &str = "__launch";

/// The hidden subcommand under which the harness binary computes for nothing.
pub const NEIGHBOUR: &str = "__neighbour";

/// The words before the program's own for this replica, if it needs any.
pub fn words(host: Option<&HostPlan>, replica: NodeId) -> Option<Vec<String>> {
    let (profile, replica) = (&host?.profile, host?.replicas.get(usize::from(replica.0))?);
    let limits = [profile.descriptors, profile.file_bytes];
    if replica.start_delay_us == 0 && limits.iter().all(Option::is_none) {
        return None;
    }
    let text = |limit: Option<u64>| limit.map_or_else(|| "-".to_owned(), |limit| limit.to_string());
    Some(vec![
        SUBCOMMAND.to_owned(),
        replica.start_delay_us.to_string(),
        text(profile.descriptors),
        text(profile.file_bytes),
    ])
}

/// The launcher's whole life, if it is what this program was started as; returns only then, with the reason why it
/// could not become the program.
pub fn launch_if_asked() -> Option<std::io::Error> {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next()?.to_str()? {
        NEIGHBOUR => loop {
            std::hint::spin_loop();
        },
        SUBCOMMAND => {}
        _ => return None,
    }
    let mut next = || arguments.next().and_then(|word| word.into_string().ok());
    let delay_us = next().and_then(|word| word.parse().ok()).unwrap_or(0);
    let limits = [(Resource::RLIMIT_NOFILE, next()), (Resource::RLIMIT_FSIZE, next())];
    std::thread::sleep(Duration::from_micros(delay_us));
    for (resource, limit) in limits {
        if let Some(limit) = limit.and_then(|limit| limit.parse().ok()) {
            // A limit above the one in force is refused: the lower one holds.
            let _ = setrlimit(resource, limit, limit);
        }
    }
    let program = arguments.next()?;
    Some(Command::new(program).args(arguments).exec())
}
