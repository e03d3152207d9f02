//! The proxy alone, between a client and a broker that are both made up here.
#![allow(clippy::unwrap_used, reason = "a failing test says where")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{EndTxnFault, Network, Proxy, Way};
use crate::wait::wait_until;

const LIMIT: Duration = Duration::from_secs(30);
const END_TXN: i16 = 26;
const OTHER: i16 = 3;

/// What a broker of ours has met with: requests (API key, correlation id) with their times, and how its connections ended.
#[derive(Default)]
struct Met {
    requests: Vec<(Instant, i16, i32)>,
    ends: Vec<Result<(), ErrorKind>>,
}

/// A network before one broker that answers every request with its correlation id.
struct Scene {
    network: Network,
    met: Arc<Mutex<Met>>,
}

impl Scene {
    fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let met = Arc::<Mutex<Met>>::default();
        let meeting = Arc::clone(&met);
        // Both kinds of threads end with the test process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let meeting = Arc::clone(&meeting);
                std::thread::spawn(move || serve(stream.unwrap(), &meeting));
            }
        });
        Self { network: Network::before([(1, port)].into_iter()), met }
    }

    fn proxy(&self) -> &Proxy {
        self.network.proxy(1)
    }

    fn client(&self) -> Client {
        let stream = TcpStream::connect(self.proxy().address()).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Client(stream)
    }

    fn requests(&self) -> Vec<(i16, i32)> {
        self.met.lock().unwrap().requests.iter().map(|(_, key, correlation)| (*key, *correlation)).collect()
    }

    fn await_requests(&self, wanted: &[(i16, i32)]) {
        wait_until(LIMIT, &format!("requests {wanted:?}"), || self.requests() == wanted);
    }

    fn time_of_request(&self, at: usize) -> Instant {
        self.met.lock().unwrap().requests[at].0
    }
}

fn serve(mut stream: TcpStream, met: &Mutex<Met>) {
    stream.set_nodelay(true).unwrap();
    let end = loop {
        let mut head = [0; 12];
        if let Err(error) = stream.read_exact(&mut head) {
            break if error.kind() == ErrorKind::UnexpectedEof { Ok(()) } else { Err(error.kind()) };
        }
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let mut body = vec![0; length - 8];
        if let Err(error) = stream.read_exact(&mut body) {
            break Err(error.kind());
        }
        let key = i16::from_be_bytes([head[4], head[5]]);
        let correlation = i32::from_be_bytes([head[8], head[9], head[10], head[11]]);
        met.lock().unwrap().requests.push((Instant::now(), key, correlation));
        // The client may be gone: the next reading tells.
        let _ = stream.write_all(&[&[0, 0, 0, 6], &head[8..12], &head[4..6]].concat());
    };
    met.lock().unwrap().ends.push(end);
}

struct Client(TcpStream);

impl Client {
    fn send(&mut self, key: i16, correlation: i32) {
        self.try_send(key, correlation, 20).unwrap();
    }

    fn try_send(&mut self, key: i16, correlation: i32, body: usize) -> std::io::Result<()> {
        let length = u32::try_from(8 + body).unwrap().to_be_bytes();
        let head = [&length[..], &key.to_be_bytes(), &[0, 3], &correlation.to_be_bytes()].concat();
        self.0.write_all(&[head, vec![1; body]].concat())
    }

    /// The correlation id of the next answer.
    fn answer(&mut self) -> std::io::Result<i32> {
        let mut answer = [0; 10];
        self.0.read_exact(&mut answer)?;
        assert_eq!(answer[..4], [0, 0, 0, 6]);
        Ok(i32::from_be_bytes([answer[4], answer[5], answer[6], answer[7]]))
    }

    fn ask(&mut self, key: i16, correlation: i32) {
        self.send(key, correlation);
        assert_eq!(self.answer().unwrap(), correlation);
    }

    /// That nothing comes, for as long as a hundred round trips take.
    fn hears_nothing(&mut self) {
        self.0.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let kind = self.answer().unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{kind:?}");
        self.0.set_read_timeout(Some(LIMIT)).unwrap();
    }
}

#[test]
fn a_delay_is_added_each_way_and_ends() {
    let scene = Scene::new();
    let mut client = scene.client();
    client.ask(OTHER, 1);
    scene.network.delay(Duration::from_millis(150));
    let began = Instant::now();
    (2..12).for_each(|at| client.send(OTHER, at));
    (2..12).for_each(|at| assert_eq!(client.answer().unwrap(), at));
    let (there, back) = (scene.time_of_request(1).duration_since(began), began.elapsed());
    assert!(there >= Duration::from_millis(150) && back >= Duration::from_millis(300), "{there:?} {back:?}");
    // One after the other they would take three seconds.
    assert!(back < Duration::from_millis(1500), "{back:?}");
    scene.network.heal();
    let began = Instant::now();
    client.ask(OTHER, 12);
    assert!(began.elapsed() < Duration::from_millis(300));
}

#[test]
fn cut_it_resets_what_is_open_and_what_comes_until_healed() {
    let scene = Scene::new();
    let mut client = scene.client();
    client.ask(OTHER, 1);
    scene.network.cut();
    assert_eq!(scene.proxy().open(), 0);
    assert_eq!(client.answer().unwrap_err().kind(), ErrorKind::ConnectionReset);
    let refused = TcpStream::connect(scene.proxy().address()).and_then(|stream| (&stream).read(&mut [0]));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionReset);
    scene.network.heal();
    scene.client().ask(OTHER, 2);
    scene.await_requests(&[(OTHER, 1), (OTHER, 2)]);
    let counts = scene.network.counts();
    assert_eq!((counts.connections, counts.ended, counts.refused), (2, 1, 1));
    assert_eq!((counts.bytes_to_broker, counts.bytes_to_client), (64, 20));
}

#[test]
fn a_reset_is_seen_on_both_sides_and_new_connections_work() {
    let scene = Scene::new();
    let mut client = scene.client();
    client.ask(OTHER, 1);
    scene.network.reset();
    assert_eq!(client.answer().unwrap_err().kind(), ErrorKind::ConnectionReset);
    wait_until(LIMIT, "the reset", || scene.met.lock().unwrap().ends == [Err(ErrorKind::ConnectionReset)]);
    scene.client().ask(OTHER, 2);
    assert_eq!(scene.network.counts().ended, 1);
}

#[test]
fn a_reset_hits_the_byte_it_is_armed_for() {
    let scene = Scene::new();
    let mut client = scene.client();
    // A request of 32 bytes, its answer of 10, and half of the next request.
    scene.network.reset_after(32 + 10 + 16);
    client.ask(OTHER, 1);
    client.send(OTHER, 2);
    assert_eq!(client.answer().unwrap_err().kind(), ErrorKind::ConnectionReset);
    wait_until(LIMIT, "the reset", || scene.network.open() == 0);
    let mut client = scene.client();
    client.ask(OTHER, 3);
    scene.await_requests(&[(OTHER, 1), (OTHER, 3)]);
    let counts = scene.network.counts();
    assert_eq!((counts.ended, counts.bytes_to_broker + counts.bytes_to_client), (1, 58 + 42));
}

#[test]
fn half_open_it_loses_bytes_in_silence_and_old_connections_stay_lost() {
    for (way, arrives) in [(Way::ToBroker, false), (Way::ToClient, true), (Way::Both, false)] {
        let scene = Scene::new();
        let (mut idle, mut busy) = (scene.client(), scene.client());
        idle.ask(OTHER, 1);
        busy.ask(OTHER, 2);
        scene.network.half_open(way);
        busy.send(OTHER, 3);
        let mut late = scene.client();
        late.send(OTHER, 4);
        busy.hears_nothing();
        late.hears_nothing();
        assert_eq!(scene.requests().len(), if arrives { 4 } else { 2 }, "{way:?}");
        assert_eq!(scene.network.counts().bytes_swallowed, if arrives { 20 } else { 64 }, "{way:?}");
        scene.network.heal();
        idle.ask(OTHER, 5);
        busy.send(OTHER, 6);
        busy.hears_nothing();
        scene.client().ask(OTHER, 7);
        drop((idle, busy, late));
        wait_until(LIMIT, "all to be closed", || scene.network.open() == 0);
    }
}

#[test]
fn half_open_it_keeps_the_end_of_a_client_from_the_broker() {
    let scene = Scene::new();
    let mut client = scene.client();
    client.ask(OTHER, 1);
    scene.network.half_open(Way::ToBroker);
    drop(client);
    // That nothing is heard of it cannot be waited for; it would be within a millisecond.
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!((scene.network.open(), scene.met.lock().unwrap().ends.len()), (1, 0));
    scene.network.heal();
    wait_until(LIMIT, "the broker to hear of it", || scene.met.lock().unwrap().ends.len() == 1);
    assert_eq!(scene.network.open(), 0);
}

#[test]
fn an_end_txn_is_delayed_with_all_that_follows() {
    let scene = Scene::new();
    let mut client = scene.client();
    client.ask(END_TXN, 1);
    scene.network.on_end_txn(EndTxnFault::DelayRequest(Duration::from_millis(200)), 1);
    client.ask(OTHER, 2);
    let began = Instant::now();
    client.send(END_TXN, 3);
    client.send(OTHER, 4);
    assert_eq!((client.answer().unwrap(), client.answer().unwrap()), (3, 4));
    for at in [2, 3] {
        assert!(scene.time_of_request(at).duration_since(began) >= Duration::from_millis(200));
    }
    client.ask(END_TXN, 5);
    assert_eq!(scene.network.end_txn_awaited(), 0);
    let counts = scene.network.counts();
    assert_eq!((counts.end_txn_seen, counts.end_txn_delayed), (3, 1));
}

#[test]
fn a_delayed_end_txn_arrives_though_its_client_has_given_up() {
    let scene = Scene::new();
    let mut client = scene.client();
    client.ask(OTHER, 1);
    scene.network.on_end_txn(EndTxnFault::DelayRequest(Duration::from_millis(200)), 1);
    client.send(END_TXN, 2);
    drop(client);
    let mut client = scene.client();
    client.ask(END_TXN, 3);
    scene.await_requests(&[(OTHER, 1), (END_TXN, 3), (END_TXN, 2)]);
    drop(client);
    wait_until(LIMIT, "all to be closed", || scene.network.open() == 0);
}

#[test]
fn the_answer_to_an_end_txn_is_delayed_after_the_broker_has_acted() {
    let scene = Scene::new();
    let mut client = scene.client();
    scene.network.on_end_txn(EndTxnFault::DelayResponse(Duration::from_millis(200)), 1);
    let began = Instant::now();
    client.ask(END_TXN, 1);
    assert!(began.elapsed() >= Duration::from_millis(200));
    assert!(scene.time_of_request(0).duration_since(began) < Duration::from_millis(200));
    assert_eq!(scene.network.counts().end_txn_delayed, 1);
}

#[test]
fn an_end_txn_is_doubled_and_answered_once() {
    let scene = Scene::new();
    scene.network.on_end_txn(EndTxnFault::Duplicate, 1);
    let mut client = scene.client();
    client.ask(END_TXN, 1);
    client.ask(OTHER, 2);
    client.ask(END_TXN, 3);
    assert_eq!(scene.requests(), [(END_TXN, 1), (END_TXN, 1), (OTHER, 2), (END_TXN, 3)]);
    let counts = scene.network.counts();
    assert_eq!((counts.end_txn_seen, counts.end_txn_duplicated), (2, 1));
}

#[test]
fn the_answer_to_an_end_txn_is_lost_and_the_next_is_not() {
    let scene = Scene::new();
    scene.network.on_end_txn(EndTxnFault::DropResponse, 1);
    let mut client = scene.client();
    client.send(END_TXN, 1);
    client.hears_nothing();
    client.ask(END_TXN, 2);
    assert_eq!(scene.requests(), [(END_TXN, 1), (END_TXN, 2)]);
    assert_eq!(scene.network.counts().end_txn_dropped, 1);
}

#[test]
fn healed_it_disturbs_no_end_txn() {
    let scene = Scene::new();
    scene.network.on_end_txn(EndTxnFault::DropResponse, 5);
    scene.network.heal();
    scene.client().ask(END_TXN, 1);
}

#[test]
fn it_carries_fifty_megabytes_a_second_with_and_without_delay() {
    for delay in [Duration::ZERO, Duration::from_millis(20)] {
        let scene = Scene::new();
        scene.network.delay(delay);
        let mut client = scene.client();
        let (requests, size) = (128, 1 << 20);
        let began = Instant::now();
        for at in 0..requests {
            client.try_send(OTHER, at, size).unwrap();
        }
        for at in 0..requests {
            assert_eq!(client.answer().unwrap(), at);
        }
        let rate = f64::from(requests) / began.elapsed().as_secs_f64();
        assert!(rate > 50.0, "{rate:.0} MiB/s with a delay of {delay:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn it_leaves_no_thread_behind() {
    let scene = Scene::new();
    let name = format!("proxy-{}\n", scene.proxy().address().port());
    let threads = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
        names.filter(|found| *found == name).count()
    };
    let mut clients: Vec<Client> = (0..10).map(|_| scene.client()).collect();
    clients.iter_mut().for_each(|client| client.ask(OTHER, 1));
    assert_eq!(threads(), 21);
    clients.truncate(3);
    wait_until(LIMIT, "the threads of closed connections to end", || threads() == 7);
    scene.network.on_end_txn(EndTxnFault::DelayRequest(LIMIT), 1);
    clients[0].send(END_TXN, 2);
    wait_until(LIMIT, "the delayed request", || scene.network.counts().end_txn_delayed == 1);
    scene.network.half_open(Way::Both);
    clients[1].send(OTHER, 3);
    drop(scene);
    assert_eq!(threads(), 0);
}
