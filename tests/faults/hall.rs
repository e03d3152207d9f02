//! Where one run takes place: the cluster with its network, the processes of both stages, what watches them, and the folder
//! that keeps their logs.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use testkit::{Cluster, Signal};

use super::input::Input;
use super::kind::Nodes;
use super::logs::LogFile;
use super::memory::{Memory, Sampling};
use super::process::{Launch, Membership, Process};
use super::progress::Progress;
use super::schedule::Schedule;
use super::stage::StageName;
use crate::trail::Site;

/// More than partitions have nothing to do.
const AT_MOST: usize = 3;
/// A process that ends by itself so often in one run is not started again.
const RESTARTS: usize = 5;

/// A session times out after 6 s, so zombies are expelled soon; an answer is waited for 8 s, so that connections that carry
/// nothing are given up; a poll is due every 30 s, later than the end of all that a commit waits for: whoever polls too late is
/// rebuilt, which must not hide what else goes wrong. Transactions keep their usual timeout: with it, one that nobody ends stands in
/// the way for so long that the bound on recovery tells.
const PROPERTIES: &str =
    r#"{"session.timeout.ms"="6000","max.poll.interval.ms"="30000","socket.timeout.ms"="8000"}"#;
const LOG_LEVEL: &str = "info,runtime::transaction=debug";

/// The hall of one run.
pub struct Hall {
    /// The cluster.
    pub site: Site,
    /// Every process, running or not.
    pub processes: Vec<Process>,
    /// The input.
    pub input: Input,
    /// How far both groups have come.
    pub progress: Progress,
    /// Who had how much memory.
    pub memory: Memory,
    /// What went wrong so far: each makes the run red.
    pub problems: Vec<String>,
    launch: Launch,
    joined: usize,
    restarts: usize,
    // Ends the sampling with the hall.
    _sampling: Sampling,
}

/// What a hall is built for.
#[derive(Clone, Debug)]
pub struct Ground<'a> {
    /// The product.
    pub binary: &'a Path,
    /// Where the run's files go.
    pub folder: &'a Path,
    /// Records a second.
    pub rate: u64,
}

impl Hall {
    /// Builds the hall: cluster, topics, two processes of each stage, input. None where there can be no Kafka, which has been
    /// said aloud.
    ///
    /// # Panics
    /// When something cannot be started.
    #[must_use]
    pub fn build(schedule: &Schedule, ground: &Ground<'_>) -> Option<Self> {
        let nodes = if schedule.nodes == Nodes::One { 1 } else { 3 };
        let site = Site::on(Cluster::of(nodes).proxied().fresh_or_skip()?, ground.binary);
        let memory = Memory::default();
        let sampling = memory.sample();
        let launch = Launch {
            binary: ground.binary.to_owned(),
            environment: environment(&site),
            commit_interval: schedule.commit_interval,
            failpoints: schedule.faults.iter().any(|fault| fault.kind.needs_failpoints()),
            folder: ground.folder.to_owned(),
            memory: memory.clone(),
        };
        let places =
            StageName::ALL.into_iter().flat_map(|stage| ["one", "two"].map(|instance| (stage, instance)));
        let mut processes: Vec<_> = places
            .map(|(stage, instance)| Process::new(&launch, stage, instance, Membership::Stays))
            .collect();
        processes.iter_mut().for_each(Process::start);
        let progress = Progress::of(&site.kafka);
        let input = Input::start(&site.kafka, schedule.seed, ground.rate);
        let problems = Vec::new();
        Some(Self {
            site,
            processes,
            input,
            progress,
            memory,
            problems,
            launch,
            joined: 0,
            restarts: 0,
            _sampling: sampling,
        })
    }

    /// The run's folder.
    #[must_use]
    pub fn folder(&self) -> &PathBuf {
        &self.launch.folder
    }

    /// The process of this stage that a choice falls on, among those that hold partitions where any does: its place among all.
    ///
    /// # Panics
    /// When the stage has none, which is never so.
    #[must_use]
    pub fn victim(&self, stage: StageName, choice: usize) -> usize {
        let mut places = self.of(stage);
        let holding = |place: &usize| !self.processes[*place].said().holds().is_empty();
        if places.iter().any(holding) {
            places.retain(holding);
        }
        places[choice % places.len()]
    }

    /// The places of this stage's processes among all.
    #[must_use]
    pub fn of(&self, stage: StageName) -> Vec<usize> {
        let all = self.processes.iter().enumerate();
        all.filter(|(_, process)| process.stage == stage).map(|(place, _)| place).collect()
    }

    /// The logs of every process, or of one stage's.
    #[must_use]
    pub fn logs(&self, stage: Option<StageName>) -> Vec<LogFile> {
        let concerned = |process: &&Process| stage.is_none_or(|stage| stage == process.stage);
        self.processes.iter().filter(concerned).map(Process::log_of_this_life).collect()
    }

    /// Where a stage has as many processes as there may be, one that joined leaves; says whether one did.
    pub fn make_room(&mut self, stage: StageName) -> bool {
        let full = self.of(stage).len() >= AT_MOST;
        if full {
            self.leave(stage);
        }
        full
    }

    /// One more process joins the stage; where there are enough already, one that joined before leaves first. Returns its place.
    pub fn join(&mut self, stage: StageName) -> usize {
        self.make_room(stage);
        self.joined += 1;
        let name = format!("joined-{}", self.joined);
        let mut process = Process::new(&self.launch, stage, &name, Membership::Leaves);
        process.start();
        self.processes.push(process);
        self.processes.len() - 1
    }

    /// The process that joined the stage last, where one did: its place.
    #[must_use]
    pub fn last_joined(&self, stage: StageName) -> Option<usize> {
        let leaves = |process: &Process| process.stage == stage && process.membership == Membership::Leaves;
        self.processes.iter().rposition(leaves)
    }

    /// The process that joined the stage last leaves it for good. Nothing where none joined.
    pub fn leave(&mut self, stage: StageName) {
        let Some(place) = self.last_joined(stage) else { return };
        let mut process = self.processes.remove(place);
        if !process.is_running() {
            return;
        }
        process.signal(Signal::Term);
        if let Err(problem) = process.await_end() {
            self.problems.push(problem);
        }
    }

    /// Notes every process that ended without being told to, and starts it again so that the run goes on.
    ///
    /// # Errors
    /// When that has happened too often.
    pub fn look_after(&mut self) -> Result<(), String> {
        look_after(&mut self.processes, &mut self.problems, &mut self.restarts)
    }

    /// Waits until every partition of both groups moves on; returns how long that took.
    ///
    /// # Errors
    /// Which partitions stand still, or who ends again and again.
    pub fn await_recovery(&mut self, limit: Duration) -> Result<Duration, String> {
        let began = Instant::now();
        let Self { progress, processes, problems, restarts, .. } = self;
        progress.await_all_moving(limit, || look_after(processes, problems, restarts))?;
        Ok(began.elapsed())
    }

    /// Whether any process has a transaction open.
    #[must_use]
    pub fn any_open_transaction(&self) -> bool {
        self.processes.iter().any(|process| process.said().open_since().is_some())
    }

    /// Where the tests' own clients and the oracle connect, past the proxies.
    #[must_use]
    pub fn direct(&self) -> String {
        let addresses: Vec<_> = self.site.kafka.nodes().iter().map(testkit::Node::address).collect();
        addresses.join(",")
    }
}

fn look_after(
    processes: &mut [Process],
    problems: &mut Vec<String>,
    restarts: &mut usize,
) -> Result<(), String> {
    for process in processes {
        let Some(problem) = process.ended_by_itself() else { continue };
        problems.push(problem.clone());
        *restarts += 1;
        if *restarts > RESTARTS {
            return Err(format!("processes end again and again; the last one: {problem}"));
        }
        process.start();
    }
    Ok(())
}

fn environment(site: &Site) -> Vec<(String, String)> {
    let own = [
        ("LMSAUDIT_KAFKA_PROPERTIES", PROPERTIES),
        ("LMSAUDIT_LOG_FORMAT", "json"),
        ("LMSAUDIT_LOG_LEVEL", LOG_LEVEL),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    site.environment().into_iter().chain(own).collect()
}
