//! Free loopback ports for servers of our own. They are taken below the range from which the system gives ports to outgoing
//! connections, so that a broker finds its port again when it is restarted.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

const FIRST: u16 = 20_000;
const COUNT: u64 = 12_000;

/// A port on which nobody listens now. Another process may take it before its user does, who then asks again.
pub(crate) fn free() -> u16 {
    let random = RandomState::new();
    (0..1_000u32)
        .map(|attempt| FIRST + u16::try_from(random.hash_one(attempt) % COUNT).expect("the count fits"))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("one of a thousand loopback ports is free")
}

/// So many free ports, each another.
pub(crate) fn several_free(count: usize) -> Vec<u16> {
    let mut ports = BTreeSet::new();
    while ports.len() < count {
        ports.insert(free());
    }
    ports.into_iter().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_bound() {
        let port = free();
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert_ne!(free(), port);
    }
}
