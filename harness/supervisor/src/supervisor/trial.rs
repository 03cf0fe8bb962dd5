//! Whether this machine lets processes be supervised: tried with one that ends at once.

use std::fs::File;
use std::os::fd::AsRawFd;

use nix::errno::Errno;

use super::{ProcessSpec, Settings, Stop, Supervisor, SupervisorError};
use crate::time::{SECOND, VirtualTime};

impl Supervisor {
    /// Supervises a process that ends at once.
    pub fn trial(settings: Settings) -> Result<(), SupervisorError> {
        let refused = |reason| SupervisorError::System { what: "supervising a process", reason };
        let null = File::options().read(true).write(true).open("/dev/null");
        let null = null.map_err(|_| refused(Errno::ENOENT))?;
        let mut supervisor = Self::new(settings)?;
        supervisor.spawn(ProcessSpec {
            words: vec![c"/bin/true".to_owned()],
            environment: Vec::new(),
            directory: c"/".to_owned(),
            standard: [null.as_raw_fd(); 3],
            label: "a trial".to_owned(),
            ..ProcessSpec::default()
        })?;
        let patched = |it: &Self| it.remarks().next().is_none();
        match supervisor.run_until(VirtualTime(SECOND)) {
            Stop::Exited(..) if patched(&supervisor) => Ok(()),
            _ => Err(refused(Errno::EPERM)),
        }
    }
}
