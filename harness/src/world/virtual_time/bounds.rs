//! What a replica may not do: the limits of an untrusted program, a bad disk, a host that gives little.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;

use nix::sys::resource::Resource;
use supervisor::{Bounds, SlowSyncs};

use crate::cluster::confinement::Confinement;
use crate::cluster::environment;
use crate::cluster::program::Program;
use crate::ids::NodeId;
use crate::os::{CONFINED, Disk};
use crate::plan::Plan;
use crate::scenario::host::profile::{Logs, Profile};
use crate::time::RunTime;

/// The variables of a replica.
pub(super) fn environment(program: &Program) -> Vec<CString> {
    let kept: Vec<_> = if program.is_confined {
        environment::kept(&program.passed_variables).collect()
    } else {
        std::env::vars_os().collect()
    };
    let line = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()).ok()
    };
    kept.into_iter().filter_map(line).collect()
}

/// What a replica of this program may not do on this host, with this disk.
pub(super) fn of(
    program: &Program,
    confinement: &Confinement,
    host: Option<&Profile>,
    disk: Disk,
) -> Bounds {
    let open = |door| OpenOptions::new().write(true).open(door).ok().map(OwnedFd::from);
    let mut bounds = Bounds {
        doors: confinement.doors().into_iter().filter_map(open).collect(),
        obeys_permissions: disk == Disk::ReadOnly,
        ..Bounds::default()
    };
    let mut limit = |resource: Resource, most| bounds.resources.push((resource as u32, most));
    if program.is_confined {
        for (resource, most) in CONFINED {
            limit(resource, most);
        }
    }
    let full = match disk {
        Disk::Full(bytes) => Some(bytes),
        Disk::Good | Disk::ReadOnly => None,
    };
    let largest = full.into_iter().chain(host.and_then(|host| host.file_bytes)).min();
    let given = [
        (Resource::RLIMIT_NOFILE, host.and_then(|host| host.descriptors)),
        (Resource::RLIMIT_NPROC, host.and_then(|host| host.processes)),
        (Resource::RLIMIT_FSIZE, largest),
    ];
    for (resource, most) in given {
        if let Some(most) = most {
            limit(resource, most);
        }
    }
    bounds.outlives_large_files = largest.is_some();
    bounds
}

/// How much longer each write through to the disk takes a replica, if its host has a slow one.
pub(super) fn slow_syncs(plan: &Plan, id: NodeId) -> Option<SlowSyncs> {
    let host = plan.host.as_ref()?;
    let (delay, seed) = (host.profile.sync_delay?, host.replicas.get(id.index())?.syncs);
    Some(Box::new(move |number| {
        let ms = delay.draw_ms(seed.draw(number));
        RunTime::from(Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default()).0
    }))
}

/// What a replica writes to instead of its logs, if its host has no room for them.
pub(super) fn full_log(host: Option<&Profile>) -> io::Result<Option<File>> {
    match host.and_then(|host| host.logs) {
        Some(Logs::Full) => Ok(Some(OpenOptions::new().write(true).open("/dev/full")?)),
        Some(Logs::Slow { .. }) | None => Ok(None),
    }
}
