//! Which directions of a cut are closed.

use crate::words::words;

words! {
    /// Which directions between two sides are cut, told of the smaller side (the second half).
    Direction {
        Both "both" "nothing crosses",
        Deaf "deaf" "it sends but does not receive",
        Mute "mute" "it receives but does not send",
    }
}
