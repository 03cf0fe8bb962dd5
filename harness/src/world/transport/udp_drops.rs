//! Datagrams that the system lost because a socket was full: it reports them to no process, but counts them.

use std::fs;

/// How many datagrams for this port on the loopback were lost since its socket exists; `None` where
/// the system does not tell.
pub fn at(port: u16) -> Option<u64> {
    within(&fs::read_to_string("/proc/net/udp").ok()?, port)
}

/// The last column of the socket's line in `/proc/net/udp`.
fn within(table: &str, port: u16) -> Option<u64> {
    let ending = format!(":{port:04X}");
    let mut lines = table.lines().skip(1).map(str::split_whitespace);
    let found = lines.find(|words| words.clone().nth(1).is_some_and(|it| it.ends_with(&ending)));
    found?.last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn the_last_column_of_the_ports_line_is_the_count() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
             1199: 0100007F:D2A3 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12046 2 0000000000000000 17\n";
        assert_eq!(within(table, 0xD2A3), Some(17));
        assert_eq!(within(table, 0xD2A4), None);
        assert_eq!(within("", 1), None);
    }

    #[test]
    fn what_a_full_socket_loses_is_counted() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let port = socket.local_addr().expect("an address").port();
        assert_eq!(at(port), Some(0), "where /proc is as on Linux");
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        for _ in 0..5000 {
            sender.send_to(&[0; 1000], ("127.0.0.1", port)).expect("the loopback takes it");
        }
        assert!(at(port).is_some_and(|lost| lost > 0), "no process read 5 MB");
    }
}
