//! A proxy before one broker: it takes connections and carries each by two threads of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Way;
use super::connection::{Connection, reset_on_close};
use super::end_txn::Armed;
use super::pipe::Pipe;
use super::shared::Shared;
use super::tally::Counts;

/// A loopback connection stands at once or not at all; only a stopped broker with a full queue leaves it open.
const CONNECT: Duration = Duration::from_secs(1);
const CAN_START: &str = "a thread can be started";

/// A loopback TCP proxy before one broker. When it is dropped its connections are reset and its threads have ended.
///
/// It carries Kafka's plaintext protocol; of anything else it finds no `EndTxn`.
pub struct Proxy {
    address: SocketAddr,
    inner: Arc<Inner>,
    acceptor: Option<JoinHandle<()>>,
}

struct Inner {
    /// Of its threads, by which one finds them in a debugger.
    name: String,
    shared: Shared,
    broker: SocketAddr,
    closing: AtomicBool,
}

impl Proxy {
    /// Listens on a port that the system chooses and carries to the broker's loopback port, where nobody need listen yet.
    pub(super) fn before(broker: u16, armed: Arc<Armed>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port is free");
        let address = listener.local_addr().expect("a listener knows its address");
        let broker = SocketAddr::from((Ipv4Addr::LOCALHOST, broker));
        let name = format!("proxy-{}", address.port());
        let (shared, closing) = (Shared::with(armed), AtomicBool::new(false));
        let inner = Arc::new(Inner { name, shared, broker, closing });
        let accepting = Arc::clone(&inner);
        let acceptor = start(&inner, move || accept(&listener, &accepting));
        Self { address, inner, acceptor: Some(acceptor) }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on bytes arrive so much later, each way, in their order; zero ends it. Throughput is limited only by how much may
    /// be under way: 16 MiB each way of a connection.
    pub fn delay(&self, each_way: Duration) {
        self.inner.shared.set_delay(each_way);
    }

    /// Resets all connections, and every new one as soon as it is made, until [`Self::heal`]. Returns when all are gone.
    pub fn cut(&self) {
        self.inner.shared.cut();
    }

    /// Until [`Self::heal`], bytes of that way vanish while connections stay open, new ones too; so does the news that a side has
    /// hung up. A connection that has lost a byte stays like that after the healing, as one whose peer has forgotten it, until its
    /// client hangs up.
    pub fn half_open(&self, way: Way) {
        self.inner.shared.swallow(way);
    }

    /// Resets (TCP RST) all connections of this moment, on both sides; new ones work. Returns when all are gone.
    pub fn reset(&self) {
        self.inner.shared.reset();
    }

    /// Resets the connection that carries the `bytes`-th byte from now, both ways counted together, at that byte: mostly in the
    /// midst of a request or an answer. Once.
    pub fn reset_after(&self, bytes: u64) {
        self.inner.shared.reset_after(bytes);
    }

    /// Ends delay, cut and half-open, and calls off [`Self::reset_after`].
    pub fn heal(&self) {
        self.inner.shared.heal();
    }

    /// What has passed through.
    pub fn counts(&self) -> Counts {
        self.inner.shared.tally.counts()
    }

    /// Connections that are open now.
    pub fn open(&self) -> usize {
        self.inner.shared.count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.inner.closing.store(true, Ordering::SeqCst);
        self.inner.shared.cut();
        // Wakes the acceptor. It fails only where nobody accepts any more.
        let _ = TcpStream::connect_timeout(&self.address, CONNECT);
        if let Some(acceptor) = self.acceptor.take() {
            // A panic there has been printed there.
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: &TcpListener, inner: &Arc<Inner>) {
    let mut carriers: Vec<JoinHandle<()>> = Vec::new();
    for client in listener.incoming() {
        if inner.closing.load(Ordering::SeqCst) {
            break;
        }
        carriers.retain(|carrier| !carrier.is_finished());
        // One that has gone again before it was accepted.
        let Ok(client) = client else { continue };
        let carrying = Arc::clone(inner);
        carriers.push(start(inner, move || carry(client, &carrying)));
    }
    for carrier in carriers {
        let _ = carrier.join();
    }
}

fn carry(client: TcpStream, inner: &Inner) {
    let shared = &inner.shared;
    let Some(connection) = connect(client, inner) else {
        shared.tally.refused.add(1);
        return;
    };
    std::thread::scope(|scope| {
        let back = || Pipe::new(shared, &connection, Way::ToClient).run();
        std::thread::Builder::new().name(inner.name.clone()).spawn_scoped(scope, back).expect(CAN_START);
        Pipe::new(shared, &connection, Way::ToBroker).run();
    });
    shared.close(&connection);
}

/// The connection through to the broker. Where there can be none the client sees a reset.
fn connect(client: TcpStream, inner: &Inner) -> Option<Arc<Connection>> {
    reset_on_close(&client);
    if inner.shared.is_cut() {
        return None;
    }
    let broker = TcpStream::connect_timeout(&inner.broker, CONNECT).ok()?;
    let connection = Connection::between(client, broker).ok()?;
    inner.shared.open(connection)
}

fn start(inner: &Inner, work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    std::thread::Builder::new().name(inner.name.clone()).spawn(work).expect(CAN_START)
}
