//! The ports of the replicas, and which replica is meant by an address.
//!
//! Each port is chosen where the system itself chooses none, and reserved against other runs on this host: a
//! process that opens a connection cannot be given it, and a replica that is started again finds it free.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::UnixListener;

use crate::clients::drivers::Elsewhere;

/// The loopback: nothing leaves this host.
pub const HOST: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Where ports are looked for, as far as the system does not choose there itself.
const FIRST: u16 = 10_000;
const LAST: u16 = 32_000;

/// The ports of all replicas.
#[derive(Debug)]
pub struct Addresses {
    names: Vec<String>,
    /// For each replica its ports, in the order of their names.
    ports: Vec<Vec<u16>>,
    /// The replica that is reached by each port: its own ones, and those of the links to it.
    reached: BTreeMap<u16, usize>,
    /// While these are open, no other run takes the ports.
    reservations: Vec<UnixListener>,
}

impl Addresses {
    /// Reserves ports with these names for each of `replicas`.
    pub fn reserve(replicas: usize, names: &[String]) -> io::Result<Self> {
        let mut search = Search::begin();
        let mut addresses = Self {
            names: names.to_vec(),
            ports: Vec::new(),
            reached: BTreeMap::new(),
            reservations: Vec::new(),
        };
        for replica in 0..replicas {
            let mut ports = Vec::new();
            for _ in names {
                let (port, reservation) = search.next_free()?;
                addresses.reservations.push(reservation);
                addresses.reached.insert(port, replica);
                ports.push(port);
            }
            addresses.ports.push(ports);
        }
        Ok(addresses)
    }

    /// The names of the ports, the one for clients first.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The port of a replica at which clients talk to it.
    pub fn client(&self, replica: usize) -> u16 {
        self.ports[replica][0]
    }

    /// The ports of a replica, in the order of their names.
    pub fn of(&self, replica: usize) -> &[u16] {
        &self.ports[replica]
    }

    /// By this port, too, this replica is reached.
    pub fn reaches(&mut self, port: u16, replica: usize) {
        self.reached.insert(port, replica);
    }

    /// The replica that is meant; `None` if it cannot be told, or is not ours. `name` gives the replicas' names.
    pub fn meant(&self, elsewhere: &Elsewhere, name: impl Fn(usize) -> String) -> Option<usize> {
        let count = self.ports.len();
        match elsewhere {
            Elsewhere::At(address) => {
                let port = address.rsplit_once(':')?.1.parse().ok()?;
                self.reached.get(&port).copied()
            }
            Elsewhere::Number(number) => (*number < count).then_some(*number),
            Elsewhere::Named(named) => (0..count).find(|&replica| name(replica) == *named),
            Elsewhere::Unknown => None,
        }
    }
}

/// An address on this host.
pub fn at(port: u16) -> SocketAddr {
    SocketAddr::from((HOST, port))
}

struct Search {
    systems: (u16, u16),
    next: u16,
    left: u16,
}

impl Search {
    /// From a place that differs from run to run, so that runs seldom meet.
    fn begin() -> Self {
        let count = LAST - FIRST;
        let start = std::process::id().wrapping_mul(97) % u32::from(count);
        let start = u16::try_from(start).unwrap_or(0);
        Self { systems: chosen_by_the_system(), next: FIRST + start, left: count }
    }

    fn next_free(&mut self) -> io::Result<(u16, UnixListener)> {
        while self.left > 0 {
            let port = self.next;
            self.next = if port + 1 < LAST { port + 1 } else { FIRST };
            self.left -= 1;
            let (from, to) = self.systems;
            // A system that chooses everywhere leaves no better place.
            let is_systems = (from..=to).contains(&port) && (from > FIRST || to < LAST);
            if !is_systems && let Some(reservation) = reserve(port) {
                return Ok((port, reservation));
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrNotAvailable, "no TCP port is free on the loopback"))
    }
}

/// Where the system chooses ports.
fn chosen_by_the_system() -> (u16, u16) {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let text = text.unwrap_or_default();
    let mut words = text.split_whitespace().filter_map(|word| word.parse().ok());
    words.next().zip(words.next()).unwrap_or((32_768, 60_999))
}

/// A name that only one process of this host can have, if the port is free.
fn reserve(port: u16) -> Option<UnixListener> {
    let name = format!("harness-port-{port}");
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name).ok()?;
    let reservation = UnixListener::bind_addr(&address).ok()?;
    // Any address of this host: a server that listens everywhere has it, too.
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).ok()?;
    Some(reservation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_port_is_reserved_once_and_found_again() {
        let names = ["client".to_owned(), "peer".to_owned()];
        let mut one = Addresses::reserve(3, &names).unwrap();
        let other = Addresses::reserve(3, &names).unwrap();
        let mut all: Vec<u16> = [&one, &other].iter().flat_map(|it| it.ports.concat()).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 12, "no port is given twice");
        let meant = |one: &Addresses, elsewhere| one.meant(&elsewhere, |n| format!("n{n}"));
        let port = one.of(2)[1];
        assert_eq!(meant(&one, Elsewhere::At(format!("127.0.0.1:{port}"))), Some(2));
        assert_eq!(meant(&one, Elsewhere::At("127.0.0.1:1".into())), None);
        assert_eq!(meant(&one, Elsewhere::At("::".into())), None);
        one.reaches(1, 0);
        assert_eq!(meant(&one, Elsewhere::At("127.0.0.1:1".into())), Some(0));
        assert_eq!(meant(&one, Elsewhere::Number(2)), Some(2));
        assert_eq!(meant(&one, Elsewhere::Number(3)), None);
        assert_eq!(meant(&one, Elsewhere::Named("n1".into())), Some(1));
        assert_eq!(meant(&one, Elsewhere::Unknown), None);
    }
}
