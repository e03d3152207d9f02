//! Steering the brokers of a cluster of ours, one by one or all together: ended, frozen, and started again on their data.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::broker::{Broker, Site};
use crate::kafka::TestKafka;
use crate::process::Signal;
use crate::proxy::Proxy;

/// One broker's place and, while it runs, its process.
pub(crate) struct Seat {
    // Before the site in this struct: the broker must be gone before its folder goes.
    broker: Mutex<Option<Broker>>,
    site: Site,
}

/// One node of a cluster of ours; [`TestKafka::node`] gives it.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    kafka: &'a TestKafka,
    seat: &'a Seat,
}

impl Seat {
    pub(crate) fn taken(site: Site, broker: Broker) -> Self {
        Self { broker: Mutex::new(Some(broker)), site }
    }

    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    fn lock(&self) -> MutexGuard<'_, Option<Broker>> {
        // A panic while steering the broker leaves it either there or gone, and the test has failed anyway.
        self.broker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self, signal: Signal) {
        self.lock().as_ref().unwrap_or_else(|| self.not_running()).signal(signal);
    }

    fn take(&self) -> Broker {
        self.lock().take().unwrap_or_else(|| self.not_running())
    }

    fn not_running(&self) -> ! {
        panic!("node {} does not run", self.site.id())
    }
}

impl Node<'_> {
    /// Its id in the cluster, from 1.
    pub fn id(&self) -> i32 {
        self.seat.site.id()
    }

    /// Where it listens itself, past any proxy: `host:port`.
    pub fn address(&self) -> String {
        self.seat.site.address()
    }

    /// Its log since its first start.
    pub fn log(&self) -> String {
        self.seat.site.log()
    }

    /// Whether it has been started and neither killed nor stopped; a frozen one runs.
    pub fn is_running(&self) -> bool {
        self.seat.lock().is_some()
    }

    /// The proxy before it, in a [`crate::Cluster::proxied`] cluster.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.kafka.has_network().then(|| self.kafka.network().proxy(self.id()))
    }

    /// SIGKILL, and waits for the end.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&self) {
        self.seat.take().end(Signal::Kill);
    }

    /// SIGTERM, and waits for the end: it hands its leaderships over first.
    ///
    /// # Panics
    /// When it does not run, or does not end within a minute.
    pub fn stop(&self) {
        self.seat.take().end(Signal::Term);
    }

    /// SIGSTOP: connections stay open and nothing is answered.
    ///
    /// # Panics
    /// When it does not run.
    pub fn freeze(&self) {
        self.seat.signal(Signal::Stop);
    }

    /// SIGCONT after [`Self::freeze`].
    ///
    /// # Panics
    /// When it does not run.
    pub fn thaw(&self) {
        self.seat.signal(Signal::Continue);
    }

    /// Starts it again after [`Self::kill`] or [`Self::stop`], on the same data and ports, and waits until the cluster lists
    /// it. Its replicas may not have caught up then: [`TestKafka::await_full_isr`].
    ///
    /// # Panics
    /// When it runs already, or does not start.
    pub fn start_again(&self) {
        start_again(&[self.seat]);
        self.kafka.await_listed(&[self.id()]);
    }
}

impl TestKafka {
    /// The nodes of a cluster of ours, by id; none of an existing cluster.
    pub fn nodes(&self) -> Vec<Node<'_>> {
        self.seats().iter().map(|seat| Node { kafka: self, seat }).collect()
    }

    /// The node of this id.
    ///
    /// # Panics
    /// When there is none.
    pub fn node(&self, id: i32) -> Node<'_> {
        let mut nodes = self.nodes().into_iter();
        nodes.find(|node| node.id() == id).unwrap_or_else(|| panic!("there is no node {id} of ours"))
    }

    /// SIGKILL to every node that runs, and waits for the end.
    pub fn kill(&self) {
        self.end_all(Signal::Kill);
    }

    /// SIGTERM to every node that runs, and waits for the end.
    pub fn stop(&self) {
        self.end_all(Signal::Term);
    }

    /// SIGSTOP to every node: connections stay open and nothing is answered.
    pub fn freeze(&self) {
        self.ours().iter().for_each(|seat| seat.signal(Signal::Stop));
    }

    /// SIGCONT to every node after [`Self::freeze`].
    pub fn thaw(&self) {
        self.ours().iter().for_each(|seat| seat.signal(Signal::Continue));
    }

    /// Starts every node that does not run, on the same data and ports, and waits until the cluster lists all.
    ///
    /// # Panics
    /// When all run already, or one does not start.
    pub fn start_again(&self) {
        let down: Vec<&Seat> = self.ours().iter().filter(|seat| seat.lock().is_none()).collect();
        assert!(!down.is_empty(), "the broker runs already");
        start_again(&down);
        self.await_listed(&down.iter().map(|seat| seat.site.id()).collect::<Vec<_>>());
    }

    /// The log of every node since its first start.
    pub fn log(&self) -> String {
        self.ours().iter().map(|seat| seat.site.log()).collect()
    }

    /// All are told before the first is waited for: the last ones could not hand over without a quorum.
    fn end_all(&self, signal: Signal) {
        let brokers: Vec<Broker> = self.ours().iter().filter_map(|seat| seat.lock().take()).collect();
        assert!(!brokers.is_empty(), "the broker runs");
        brokers.iter().for_each(|broker| broker.signal(signal));
        brokers.into_iter().for_each(Broker::await_end);
    }
}

/// All are started before the first is waited for: none is ready before the controllers have a quorum.
fn start_again(seats: &[&Seat]) {
    let mut places: Vec<_> = seats.iter().map(|seat| seat.lock()).collect();
    let starting: Vec<_> = seats
        .iter()
        .zip(&places)
        .map(|(seat, place)| {
            assert!(place.is_none(), "node {} runs already", seat.site.id());
            seat.site.begin()
        })
        .collect();
    for ((seat, place), starting) in seats.iter().zip(&mut places).zip(starting) {
        **place = Some(seat.site.started_again(starting));
    }
}
