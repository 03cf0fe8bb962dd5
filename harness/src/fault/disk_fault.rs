//! What is done to a data directory.

use crate::words::words;

words! {
    /// What is done to a data directory.
    DiskFault {
        Truncate "truncate" "each file loses its end, up to a page",
        FlipBit "flip_bit" "one written bit of each file is flipped",
        OldCopy "old_copy" "the directory is as it was half of `duration` before",
        ReadOnly "read_only" "nothing in it can be written",
        Full "full" "nothing more fits: appending fails",
    }
}

impl DiskFault {
    /// Whether it passes, so that the replica has a good disk again.
    pub fn passes(self) -> bool {
        matches!(self, Self::ReadOnly | Self::Full)
    }
}
