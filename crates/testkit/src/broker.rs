//! One broker process: started through `deploy/kafka/kafka run`, whose process becomes the broker, so that the child's pid is
//! the broker's. Its folder keeps data, certificates and log over a restart.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::leash::Leash;
use crate::process::{Signal, await_exit};
use crate::proxy::Network;
use crate::wait::wait_for;
use crate::{port, skip};

const START_LIMIT: Duration = Duration::from_secs(90);
const STOP_LIMIT: Duration = Duration::from_secs(60);
const FOUNDINGS: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    Plaintext,
    SaslSsl,
}

/// What is to be founded.
pub(crate) struct Founding {
    pub(crate) nodes: usize,
    pub(crate) proxied: bool,
    pub(crate) heap: Option<String>,
    pub(crate) security: Security,
}

/// Where a broker lives: what stays the same when its process is replaced.
pub(crate) struct Site {
    folder: tempfile::TempDir,
    id: i32,
    port: u16,
    controllers: Vec<u16>,
    cluster: String,
    proxied: Option<Proxied>,
    security: Security,
    heap: Option<String>,
}

/// The second listener: where the proxy finds it, and where clients find the proxy.
#[derive(Clone, Copy)]
struct Proxied {
    port: u16,
    advertised: u16,
}

pub(crate) struct Broker {
    child: Child,
    // Released after the child's end, in `Drop`.
    leash: Option<Leash>,
}

/// A process that may become a broker that serves.
pub(crate) struct Starting {
    broker: Broker,
    // Where in the log its own part begins.
    from: usize,
}

enum Failure {
    PortTaken,
    Other(String),
}

impl Founding {
    /// New sites with running brokers, and the proxies before them. Another process can take a port between our look and the
    /// broker's: then others.
    pub(crate) fn found(&self) -> (Vec<(Site, Broker)>, Option<Network>) {
        for _ in 0..FOUNDINGS {
            let (sites, network) = self.sites();
            let starting: Vec<Starting> = sites.iter().map(Site::begin).collect();
            let started: Result<Vec<Broker>, Failure> =
                sites.iter().zip(starting).map(|(site, starting)| site.started(starting)).collect();
            match started {
                Ok(brokers) => return (sites.into_iter().zip(brokers).collect(), network),
                Err(Failure::PortTaken) => {}
                Err(Failure::Other(why)) => panic!("{why}"),
            }
        }
        panic!("no free ports for a broker in {FOUNDINGS} attempts");
    }

    fn sites(&self) -> (Vec<Site>, Option<Network>) {
        let ports = port::several_free(3 * self.nodes);
        let (listeners, rest) = ports.split_at(self.nodes);
        let (controllers, behind) = rest.split_at(self.nodes);
        let ids = || (1..).take(self.nodes);
        let network = self.proxied.then(|| Network::before(ids().zip(behind.iter().copied())));
        let cluster = cluster_id();
        let site = |(id, (port, behind)): (i32, (&u16, &u16))| Site {
            folder: tempfile::Builder::new()
                .prefix("lms-audit-kafka-")
                .tempdir()
                .expect("a folder can be made"),
            id,
            port: *port,
            controllers: controllers.to_vec(),
            cluster: cluster.clone(),
            proxied: network
                .as_ref()
                .map(|network| Proxied { port: *behind, advertised: network.proxy(id).address().port() }),
            security: self.security,
            heap: self.heap.clone(),
        };
        let sites = ids().zip(listeners.iter().zip(behind)).map(site).collect();
        (sites, network)
    }
}

impl Site {
    pub(crate) fn id(&self) -> i32 {
        self.id
    }

    /// Where it listens itself.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn log(&self) -> String {
        read_lossy(&self.log_file())
    }

    /// Starts a process on this site's data and ports.
    pub(crate) fn begin(&self) -> Starting {
        Starting { from: self.log().len(), broker: self.spawn() }
    }

    /// Waits until a process that took the place of an earlier one serves.
    pub(crate) fn started_again(&self, starting: Starting) -> Broker {
        self.started(starting).unwrap_or_else(|failure| match failure {
            Failure::PortTaken => panic!("a port of node {} was taken while it was down", self.id),
            Failure::Other(why) => panic!("{why}"),
        })
    }

    fn started(&self, starting: Starting) -> Result<Broker, Failure> {
        let Starting { mut broker, from } = starting;
        let began = Instant::now();
        wait_for(START_LIMIT + Duration::from_secs(1), "the broker's start", || {
            let log = self.log();
            let new = log.get(from..).unwrap_or(&log);
            if new.contains("Kafka Server started") {
                return Some(Ok(()));
            }
            let ended = broker.child.try_wait().expect("a child can be waited for");
            if let Some(status) = ended {
                let why = format!("the broker ended while starting ({status}):\n{new}");
                let taken = new.contains("Address already in use");
                return Some(Err(if taken { Failure::PortTaken } else { Failure::Other(why) }));
            }
            (began.elapsed() > START_LIMIT).then(|| {
                Err(Failure::Other(format!("the broker does not start within {START_LIMIT:?}:\n{new}")))
            })
        })
        .map(|()| broker)
    }

    fn spawn(&self) -> Broker {
        let log = open_log(&self.log_file());
        let child = self
            .command()
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file handle can be cloned"))
            .stderr(log)
            // A group of its own, so that Ctrl-C at the tests leaves the order of ending to us.
            .process_group(0)
            .spawn()
            .expect("the broker's script can be started");
        let leash = Some(Leash::hold(&child, self.folder()));
        Broker { child, leash }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(skip::kafka_script());
        command.arg("run").arg("--dir").arg(self.folder());
        command.args(["--port", &self.port.to_string()]);
        match self.controllers.as_slice() {
            [alone] => command.args(["--controller-port", &alone.to_string()]),
            all => {
                let ports: Vec<String> = all.iter().map(u16::to_string).collect();
                command.args(["--node", &self.id.to_string(), "--cluster-id", &self.cluster]);
                command.args(["--controllers", &ports.join(",")])
            }
        };
        if let Some(Proxied { port, advertised }) = self.proxied {
            command.args(["--proxied", &format!("{port}:{advertised}")]);
        }
        if self.security == Security::SaslSsl {
            command.arg("--secure");
        }
        if let Some(heap) = &self.heap {
            command.env("LMSAUDIT_KAFKA_HEAP", heap);
        }
        command.env("SETUP_INSTALL", "never");
        command
    }

    fn log_file(&self) -> PathBuf {
        self.folder().join("log")
    }
}

impl Broker {
    pub(crate) fn signal(&self, signal: Signal) {
        signal.send(&self.child);
    }

    /// Ends it in the given way and waits for its end.
    pub(crate) fn end(self, signal: Signal) {
        self.signal(signal);
        self.await_end();
    }

    /// Waits for its end, which it has been told of.
    pub(crate) fn await_end(mut self) {
        await_exit(&mut self.child, STOP_LIMIT, "the broker");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        drop(self.leash.take());
    }
}

/// 22 characters of URL-safe base64 are what Kafka takes for 16 bytes; one that begins with a dash would be read as an option.
fn cluster_id() -> String {
    let half = || RandomState::new().hash_one("cluster");
    format!("A{:016x}{:05x}", half(), half() & 0xf_ffff)
}

fn open_log(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).expect("a log in a folder of ours can be opened")
}

fn read_lossy(path: &Path) -> String {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
