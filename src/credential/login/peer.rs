//! Whose program is at the other end of a connection to this machine itself: another local user must not be able to
//! finish a login that this user began. Linux tells; where it does not, the path and the state have to do.

use std::net::SocketAddr;

/// Whether the connection comes from a user who has no business here. Unknown is not foreign: a connection that a
/// container or another system forwards has no entry.
#[cfg(target_os = "linux")]
pub(super) fn is_foreign(peer: SocketAddr, local: SocketAddr) -> bool {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let own = rustix::process::geteuid().as_raw();
    owner(&table, peer, local).is_some_and(|user| user != own && user != 0)
}

#[cfg(not(target_os = "linux"))]
pub(super) const fn is_foreign(_: SocketAddr, _: SocketAddr) -> bool {
    false
}

/// The user of the socket whose own end is `peer` and whose other end is `local`, in the format of proc(5).
#[cfg(target_os = "linux")]
fn owner(table: &str, peer: SocketAddr, local: SocketAddr) -> Option<u32> {
    let (SocketAddr::V4(peer), SocketAddr::V4(local)) = (peer, local) else { return None };
    // Addresses are printed as one number in the machine's own byte order.
    let shown = |address: std::net::SocketAddrV4| {
        format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
    };
    let (from, to) = (shown(peer), shown(local));
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let ends = (fields.next()?, fields.next()?);
        // State, queues, timer, retransmissions, user.
        (ends == (from.as_str(), to.as_str())).then(|| fields.nth(4)?.parse().ok())?
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn the_user_of_a_connection_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, peer) = listener.accept().unwrap();
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let own = rustix::process::geteuid().as_raw();
        assert_eq!(owner(&table, peer, server.local_addr().unwrap()), Some(own));
        assert!(!is_foreign(client.local_addr().unwrap(), server.local_addr().unwrap()));
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn another_user_is_seen_and_an_unknown_connection_is_not_one() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 x 100 0 0 10 0\n   \
            1: 0100007F:C350 0100007F:0BB8 01 00000000:00000000 00:00000000 00000000  1001        0 2 1 x 20 4 0 10 -1\n";
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        assert_eq!(owner(table, at(50_000), at(3_000)), Some(1_001));
        assert_eq!(owner(table, at(50_001), at(3_000)), None);
        assert_eq!(owner("", at(50_000), at(3_000)), None);
    }
}
