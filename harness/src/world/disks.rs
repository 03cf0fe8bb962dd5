//! The data directories of the replicas: what faults do to them.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::cluster::data::{self, ReadOnly};
use crate::fault::DiskFault;
use crate::ids::NodeId;
use crate::nemesis::player::Work;
use crate::os::Disk;
use crate::seed::Seed;

/// The disks that faults have made bad.
#[derive(Default)]
pub struct Disks {
    bad: BTreeMap<NodeId, Disk>,
    read_only: BTreeMap<NodeId, ReadOnly>,
}

impl Disks {
    /// The disk that a replica meets when it starts.
    pub fn of(&self, id: NodeId) -> Disk {
        self.bad.get(&id).copied().unwrap_or_default()
    }

    /// Does this to the data directory `path` of a replica.
    pub fn work(&mut self, id: NodeId, path: &Path, work: Work) -> io::Result<()> {
        match work {
            Work::Wipe => data::wipe(path),
            Work::Copy => data::copy(path),
            Work::DamageDisk(fault, draw) => self.damage(id, path, fault, draw),
            Work::Repair => {
                self.bad.remove(&id);
                self.read_only.remove(&id);
                Ok(())
            }
        }
    }

    fn damage(&mut self, id: NodeId, path: &Path, fault: DiskFault, draw: Seed) -> io::Result<()> {
        data::damage(path, fault, draw)?;
        match fault {
            DiskFault::ReadOnly => {
                self.bad.insert(id, Disk::ReadOnly);
                self.read_only.insert(id, ReadOnly::begin(path)?);
            }
            DiskFault::Full => {
                let end = data::written_farthest(path).unwrap_or(0);
                self.bad.insert(id, Disk::Full(end));
            }
            DiskFault::Truncate | DiskFault::FlipBit | DiskFault::OldCopy => {}
        }
        Ok(())
    }
}
