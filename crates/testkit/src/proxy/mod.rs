//! A network between the product and the brokers that can be disturbed: one loopback proxy per broker, steered at any time from
//! any thread. It knows so much of Kafka's protocol that it finds `EndTxn`, whose late or repeated arrival is a fault of its own.

mod connection;
mod end_txn;
mod frames;
mod pipe;
mod server;
mod shared;
mod tally;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use end_txn::Armed;
pub use server::Proxy;
pub use tally::Counts;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From client to broker.
    ToBroker,
    /// From broker to client.
    ToClient,
    /// Both.
    Both,
}

/// What befalls a request that ends a transaction (`EndTxn`, API key 26).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndTxnFault {
    /// The request reaches the broker so much later, even if the client has hung up by then; what the client sends on that
    /// connection waits behind it.
    DelayRequest(Duration),
    /// The broker acts at once and its answer comes so much later; what the broker sends on that connection waits behind it.
    DelayResponse(Duration),
    /// The broker gets the request twice, one right after the other; the client gets the first answer.
    Duplicate,
    /// The broker acts and its answer is lost, so that the client sends the request again.
    DropResponse,
}

/// The proxies of a cluster; each control acts on all of them.
pub struct Network {
    proxies: Vec<(i32, Proxy)>,
    armed: Arc<Armed>,
}

impl Network {
    /// A proxy before each broker, given by its id and the loopback port of its listener.
    pub(crate) fn before(brokers: impl Iterator<Item = (i32, u16)>) -> Self {
        let armed = Arc::<Armed>::default();
        let proxies = brokers.map(|(id, port)| (id, Proxy::before(port, Arc::clone(&armed)))).collect();
        Self { proxies, armed }
    }

    /// The proxy before this node.
    ///
    /// # Panics
    /// When there is none.
    pub fn proxy(&self, node: i32) -> &Proxy {
        let found = self.proxies.iter().find(|(id, _)| *id == node);
        found.map(|(_, proxy)| proxy).unwrap_or_else(|| panic!("there is no proxy before node {node}"))
    }

    /// [`Proxy::delay`] of every proxy.
    pub fn delay(&self, each_way: Duration) {
        self.all().for_each(|proxy| proxy.delay(each_way));
    }

    /// [`Proxy::cut`] of every proxy.
    pub fn cut(&self) {
        self.all().for_each(Proxy::cut);
    }

    /// [`Proxy::half_open`] of every proxy.
    pub fn half_open(&self, way: Way) {
        self.all().for_each(|proxy| proxy.half_open(way));
    }

    /// [`Proxy::reset`] of every proxy.
    pub fn reset(&self) {
        self.all().for_each(Proxy::reset);
    }

    /// [`Proxy::reset_after`] of every proxy, each counting for itself.
    pub fn reset_after(&self, bytes: u64) {
        self.all().for_each(|proxy| proxy.reset_after(bytes));
    }

    /// [`Proxy::heal`] of every proxy; also calls off what [`Self::on_end_txn`] has armed.
    pub fn heal(&self) {
        self.disarm_end_txn();
        self.all().for_each(Proxy::heal);
    }

    /// The fault befalls the next `times` `EndTxn` requests, whichever proxy they come to. Replaces what was armed before.
    pub fn on_end_txn(&self, fault: EndTxnFault, times: usize) {
        self.armed.arm(fault, times);
    }

    /// How many `EndTxn` requests the armed fault still waits for.
    pub fn end_txn_awaited(&self) -> usize {
        self.armed.awaited()
    }

    /// Calls off what [`Self::on_end_txn`] has armed.
    pub fn disarm_end_txn(&self) {
        self.armed.disarm();
    }

    /// What has passed through all proxies.
    pub fn counts(&self) -> Counts {
        self.all().map(Proxy::counts).fold(Counts::default(), std::ops::Add::add)
    }

    /// Connections that are open now.
    pub fn open(&self) -> usize {
        self.all().map(Proxy::open).sum()
    }

    fn all(&self) -> impl Iterator<Item = &Proxy> {
        self.proxies.iter().map(|(_, proxy)| proxy)
    }
}
