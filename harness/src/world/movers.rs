//! Which processes moved or removed the folder of a run. Only root is told.

use std::path::Path;

use nix::fcntl::AT_FDCWD;
use nix::libc;
use nix::sys::fanotify::{EventFFlags, Fanotify, FanotifyEvent, InitFlags, MarkFlags, MaskFlags};

/// The folder of a run is in that of its scenario, which is in the results, and these are in some other.
const FOLDERS: usize = 3;

/// The folders above that of a run are watched.
pub(super) struct Movers(Option<Fanotify>);

impl Movers {
    /// Those of a run in this folder.
    pub(super) fn of(folder: &Path) -> Self {
        Self(watched(folder).ok())
    }

    /// The processes that moved or removed a folder there since this was last asked.
    pub(super) fn take(&self) -> Vec<i32> {
        let Some(watch) = &self.0 else { return Vec::new() };
        let mut pids = Vec::new();
        while let Ok(events) = watch.read_events() {
            pids.extend(events.iter().map(FanotifyEvent::pid));
        }
        pids
    }
}

fn watched(folder: &Path) -> nix::Result<Fanotify> {
    // Without the descriptor of what is gone; `nix` has no name for that.
    let no_descriptor = InitFlags::from_bits_retain(libc::FAN_REPORT_FID);
    let flags = InitFlags::FAN_CLASS_NOTIF | InitFlags::FAN_NONBLOCK | InitFlags::FAN_CLOEXEC;
    let watch = Fanotify::init(flags | no_descriptor, EventFFlags::O_CLOEXEC)?;
    let gone = MaskFlags::FAN_MOVED_FROM | MaskFlags::FAN_DELETE | MaskFlags::FAN_ONDIR;
    for above in folder.ancestors().skip(1).take(FOLDERS) {
        watch.mark(MarkFlags::FAN_MARK_ADD, gone, AT_FDCWD, Some(above))?;
    }
    Ok(watch)
}
