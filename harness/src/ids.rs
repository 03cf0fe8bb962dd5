//! Ids on the wire: replicas and clients share one space of four-digit hexadecimal ids.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A replica's or a client's id: four upper-case hexadecimal digits on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u16);

impl NodeId {
    /// As `dst` a multicast to all other replicas; as `leader` "unknown".
    pub const ANY: Self = Self(0xFFFF);

    /// The id of the n-th replica, counted from 0.
    pub fn replica(n: usize) -> Self {
        Self(u16::try_from(n).expect("a scenario has at most 21 replicas"))
    }

    /// The id of the n-th client of a cluster of `replicas`: clients are numbered from `replicas + 16` on.
    pub fn client(replicas: usize, n: usize) -> Self {
        Self(u16::try_from(replicas + 16 + n).expect("the number of clients has a bound"))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not four upper-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id of four upper-case hexadecimal digits")]
pub struct NotAnId(String);

impl FromStr for NodeId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let digits = |c: u8| c.is_ascii_digit() || (b'A'..=b'F').contains(&c);
        if text.len() != 4 || !text.bytes().all(digits) {
            return Err(NotAnId(text.chars().take(40).collect()));
        }
        u16::from_str_radix(text, 16).map(Self).map_err(|_| NotAnId(text.to_owned()))
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_four_upper_case_hexadecimal_digits() {
        assert_eq!(NodeId::client(5, 0).to_string(), "0015");
        assert_eq!("001C".parse(), Ok(NodeId::client(5, 7)));
        for wrong in ["", "1", "00015", "001c", "+001", "GGGG", "é1"] {
            assert!(wrong.parse::<NodeId>().is_err(), "{wrong:?} is no id");
        }
    }
}
