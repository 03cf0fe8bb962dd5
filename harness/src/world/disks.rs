//! The data directories of the replicas: what faults do to them.

use std::collections::BTreeMap;
use std::io;

use crate::cluster::data::{self, ReadOnly};
use crate::fault::DiskFault;
use crate::files::folder::Folder;
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

    /// Does this to the data directory in the folder of a replica.
    pub fn work(&mut self, id: NodeId, place: &Folder, work: Work) -> io::Result<()> {
        match work {
            Work::Wipe => data::wipe(place),
            Work::Copy => data::copy(place),
            Work::DamageDisk(fault, draw) => self.damage(id, place, fault, draw),
            Work::Repair => {
                self.bad.remove(&id);
                self.read_only.remove(&id);
                Ok(())
            }
        }
    }

    fn damage(
        &mut self,
        id: NodeId,
        place: &Folder,
        fault: DiskFault,
        draw: Seed,
    ) -> io::Result<()> {
        data::damage(place, fault, draw)?;
        match fault {
            DiskFault::ReadOnly => {
                self.read_only.insert(id, ReadOnly::begin(place)?);
                self.bad.insert(id, Disk::ReadOnly);
            }
            DiskFault::Full => {
                let end = data::written_farthest(place)?;
                self.bad.insert(id, Disk::Full(end));
            }
            DiskFault::Truncate | DiskFault::FlipBit | DiskFault::OldCopy => {}
        }
        Ok(())
    }
}
