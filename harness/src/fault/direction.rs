//! Which directions of a cut are closed.

use serde::{Deserialize, Serialize};

use super::words::words;

words! {
    /// Which directions between two sides are cut, told of the smaller side (the second half).
    Direction {
        Both "both" "nothing crosses",
        Deaf "deaf" "it hears nothing, and is heard",
        Mute "mute" "it is not heard, and hears",
    }
}
