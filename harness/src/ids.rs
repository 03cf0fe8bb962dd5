//! Ids of replicas and clients, and how they are called: in the course they share one space of four-digit hexadecimal
//! ids; elsewhere nodes are `n0`, `n1`, and clients `c0`, `c1`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A replica's or a client's id: in the course four upper-case hexadecimal digits on the wire, elsewhere as its system
/// [names](Naming) it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u16);

/// How the nodes and clients of a system are called.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Naming {
    /// `0003` and `0015`: replicas and clients share one space of numbers.
    #[default]
    Course,
    /// `n3` and `c5`, and services by their names.
    Short,
}

/// Where the ids of [`Naming::Short`] begin: nodes, clients, services.
const NODES: u16 = 0x8000;
const CLIENTS: u16 = 0x9000;
const SERVICES: u16 = 0xA000;

/// The services that a network may have.
pub const SERVICE_NAMES: [&str; 4] = ["lin-kv", "seq-kv", "lww-kv", "lin-tso"];

impl Naming {
    /// The n-th node, counted from 0.
    pub fn node(self, n: usize) -> NodeId {
        match self {
            Self::Course => NodeId::replica(n),
            Self::Short => NodeId(NODES + u16::try_from(n).expect("a scenario has few nodes")),
        }
    }

    /// The first nodes, so many.
    pub fn nodes(
        self,
        count: usize,
    ) -> impl DoubleEndedIterator<Item = NodeId> + ExactSizeIterator {
        (0..count).map(move |n| self.node(n))
    }

    /// The n-th client of a cluster of `nodes`.
    pub fn client(self, nodes: usize, n: usize) -> NodeId {
        match self {
            Self::Course => NodeId::client(nodes, n),
            Self::Short => {
                NodeId(CLIENTS + u16::try_from(n).expect("the number of clients has a bound"))
            }
        }
    }
}

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

    /// The n-th service of [`SERVICE_NAMES`].
    pub fn service(n: usize) -> Self {
        Self(SERVICES + u16::try_from(n).expect("there are few services"))
    }

    /// The number of a node among the nodes, counted from 0.
    pub fn index(self) -> usize {
        match self.0 {
            NODES..CLIENTS => usize::from(self.0 - NODES),
            other => usize::from(other),
        }
    }

    /// Whether it is one of so many nodes.
    pub fn is_one_of(self, nodes: usize) -> bool {
        self.index() < nodes
    }

    /// Whether it is a service.
    pub fn is_a_service(self) -> bool {
        self.as_service().is_some()
    }

    /// Its place in [`SERVICE_NAMES`], if it is a service.
    fn as_service(self) -> Option<&'static str> {
        SERVICE_NAMES.get(usize::from(self.0.checked_sub(SERVICES)?)).copied()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, self.as_service()) {
            (_, Some(name)) => f.write_str(name),
            (NODES..CLIENTS, _) => write!(f, "n{}", self.0 - NODES),
            (CLIENTS..SERVICES, _) => write!(f, "c{}", self.0 - CLIENTS),
            (number, _) => write!(f, "{number:04X}"),
        }
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id of four upper-case hexadecimal digits, nor one such as n0 or c0")]
pub struct NotAnId(String);

impl FromStr for NodeId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        if let Some(service) = SERVICE_NAMES.iter().position(|name| *name == text) {
            return Ok(Self::service(service));
        }
        if let Some(id) = short(text) {
            return Ok(id);
        }
        let digits = |c: u8| c.is_ascii_digit() || (b'A'..=b'F').contains(&c);
        if text.len() != 4 || !text.bytes().all(digits) {
            return Err(NotAnId(text.chars().take(40).collect()));
        }
        u16::from_str_radix(text, 16).map(Self).map_err(|_| NotAnId(text.to_owned()))
    }
}

/// `n3` or `c5`.
fn short(text: &str) -> Option<NodeId> {
    let (first, number) = text.split_at_checked(1)?;
    let first = match first {
        "n" => NODES,
        "c" => CLIENTS,
        _ => return None,
    };
    let is_plain =
        number.bytes().all(|c| c.is_ascii_digit()) && (number == "0" || !number.starts_with('0'));
    let number = number.parse::<u16>().ok().filter(|&number| is_plain && number < 0x1000)?;
    Some(NodeId(first + number))
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

    #[test]
    fn short_names_are_a_letter_and_a_number_and_services_have_their_own() {
        let nodes: Vec<NodeId> = Naming::Short.nodes(25).collect();
        assert_eq!((nodes[3].to_string(), nodes[24].to_string()), ("n3".into(), "n24".into()));
        assert_eq!("n24".parse(), Ok(nodes[24]));
        assert_eq!((nodes[24].index(), nodes[24].is_one_of(24)), (24, false));
        let client = Naming::Short.client(25, 5);
        assert_eq!((client.to_string(), "c5".parse()), ("c5".into(), Ok(client)));
        assert!(!client.is_one_of(0x1000));
        for (n, name) in SERVICE_NAMES.into_iter().enumerate() {
            assert_eq!(
                (NodeId::service(n).to_string().as_str(), name.parse()),
                (name, Ok(NodeId::service(n)))
            );
        }
        for wrong in ["n", "n01", "n+1", "n-1", "m0", "c4096", "n99999", "lin", "N0"] {
            assert!(wrong.parse::<NodeId>().is_err(), "{wrong:?} is no id");
        }
    }
}
