//! One broker process: started through `deploy/kafka/kafka run`, whose process becomes the broker, so that the child's pid is
//! the broker's. Its folder keeps data, certificates and log over a restart.

use std::fs::{File, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::leash::Leash;
use crate::process::{Signal, await_exit};
use crate::wait::wait_for;
use crate::{port, skip};

const START_LIMIT: Duration = Duration::from_secs(90);
const STOP_LIMIT: Duration = Duration::from_secs(60);
const STARTS: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    Plaintext,
    SaslSsl,
}

/// Where a broker lives: what stays the same when its process is replaced.
pub(crate) struct Site {
    folder: tempfile::TempDir,
    security: Security,
    heap: Option<String>,
    pub(crate) port: u16,
    controller_port: u16,
}

pub(crate) struct Broker {
    child: Child,
    // Released after the child's end, in `Drop`.
    leash: Option<Leash>,
}

enum Start {
    Running(Broker),
    PortTaken,
    Failed(String),
}

impl Site {
    /// A new site with a running broker. Another process can take a port between our look and the broker's: then others.
    pub(crate) fn found(security: Security, heap: Option<&str>) -> (Self, Broker) {
        for _ in 0..STARTS {
            let folder =
                tempfile::Builder::new().prefix("lms-audit-kafka-").tempdir().expect("a folder can be made");
            let (heap, port, controller_port) = (heap.map(str::to_owned), port::free(), port::free());
            let site = Self { folder, security, heap, port, controller_port };
            match site.start() {
                Start::Running(broker) => return (site, broker),
                Start::PortTaken => {}
                Start::Failed(why) => panic!("{why}"),
            }
        }
        panic!("no free ports for a broker in {STARTS} attempts");
    }

    /// Starts the process again, on the same data and ports.
    pub(crate) fn start_again(&self) -> Broker {
        match self.start() {
            Start::Running(broker) => broker,
            Start::PortTaken => panic!("the broker's port {} was taken while it was down", self.port),
            Start::Failed(why) => panic!("{why}"),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn log(&self) -> String {
        read_lossy(&self.log_file())
    }

    fn log_file(&self) -> PathBuf {
        self.folder().join("log")
    }

    fn start(&self) -> Start {
        let before = self.log().len();
        let mut broker = self.spawn();
        let began = Instant::now();
        wait_for(START_LIMIT + Duration::from_secs(1), "the broker's start", || {
            let log = self.log();
            let new = log.get(before..).unwrap_or(&log);
            if new.contains("Kafka Server started") {
                return Some(Ok(()));
            }
            let ended = broker.child.try_wait().expect("a child can be waited for");
            if let Some(status) = ended {
                let why = format!("the broker ended while starting ({status}):\n{new}");
                let taken = new.contains("Address already in use");
                return Some(Err(if taken { Start::PortTaken } else { Start::Failed(why) }));
            }
            (began.elapsed() > START_LIMIT).then(|| {
                Err(Start::Failed(format!("the broker does not start within {START_LIMIT:?}:\n{new}")))
            })
        })
        .map_or_else(|failure| failure, |()| Start::Running(broker))
    }

    fn spawn(&self) -> Broker {
        let mut command = Command::new(skip::kafka_script());
        command.arg("run").arg("--dir").arg(self.folder());
        command.args(["--port", &self.port.to_string()]);
        command.args(["--controller-port", &self.controller_port.to_string()]);
        if self.security == Security::SaslSsl {
            command.arg("--secure");
        }
        if let Some(heap) = &self.heap {
            command.env("LMSAUDIT_KAFKA_HEAP", heap);
        }
        let log = open_log(&self.log_file());
        let child = command
            .env("SETUP_INSTALL", "never")
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
}

impl Broker {
    pub(crate) fn signal(&self, signal: Signal) {
        signal.send(&self.child);
    }

    /// Ends it in the given way and waits for its end.
    pub(crate) fn end(mut self, signal: Signal) {
        signal.send(&self.child);
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

fn open_log(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).expect("a log in a folder of ours can be opened")
}

fn read_lossy(path: &Path) -> String {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
