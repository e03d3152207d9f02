//! The loop: one thread, one stage, one consumer, one transactional producer, its partitions' state.
//!
//! Every pass handles changes of the assignment, restores a piece, then runs at most one transaction.
//! What fails falls into retry, abort, rebuild or stop ([`Remedy`]); outputs, coverage, state, metrics
//! and offsets agree after each.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use stage::{Millis, Partition, StageFactory};

use crate::budget::Budget;
use crate::error::{BrokerError, Cause, Remedy};
use crate::failure::Failure;
use crate::held::Held;
use crate::metrics::StageMetrics;
use crate::port::{Broker, Consumer, GroupEvent, Log, MemberSpec};
use crate::restore::{Ids, Restore};
use crate::stop::Stop;
use crate::tally::{Observer, Phase};
use crate::task::Task;
use crate::transaction::{Ended, Limits, run_transaction};

/// How a worker is set up.
#[derive(Clone)]
pub struct WorkerConfig {
    /// What ids begin with.
    pub app: String,
    /// Names this process among those that run the stage: kept across restarts, unique among the
    /// living.
    pub instance: String,
    /// Names this worker within the process.
    pub number: u32,
    /// Whether it stays a member of its group while it restarts.
    pub membership: MembershipKind,
    /// When a transaction ends.
    pub limits: Limits,
    /// The broker's and everybody's time.
    pub clock: Arc<dyn Fn() -> Millis + Send + Sync>,
}

/// Whether a worker stays a member of its group while it is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MembershipKind {
    /// Static membership (KIP-345): a restart within the session timeout moves nothing.
    Static,
    /// It leaves when it ends, and its partitions move at once.
    Leaving,
}

/// Whose metrics and observers a worker tells.
#[derive(Clone)]
pub struct Audience {
    /// The loop's own metrics.
    pub metrics: StageMetrics,
    /// Told what the worker does.
    pub observer: Arc<dyn Observer>,
}

impl WorkerConfig {
    fn id(&self, stage: &str) -> String {
        format!("{}-{stage}-{}-{}", self.app, self.instance, self.number)
    }

    /// The group of a stage.
    #[must_use]
    pub fn group(app: &str, stage: &str) -> String {
        format!("{app}-{stage}")
    }
}

/// One worker of one stage.
pub struct Worker<B: Broker> {
    broker: B,
    factory: Arc<dyn StageFactory>,
    config: WorkerConfig,
    audience: Audience,
    link: Option<Link<B>>,
    tasks: BTreeMap<Partition, Task>,
    restores: Vec<Restore<B::Log>>,
    events: VecDeque<GroupEvent>,
    /// Accepted, and not being restored yet.
    accepted: Vec<Partition>,
    held: Held,
    budget: Budget,
}

/// The connections of a worker: made together, replaced together.
struct Link<B: Broker> {
    consumer: B::Consumer,
    producer: B::Producer,
    log: B::Log,
    ids: Ids,
}

impl<B: Broker> Worker<B> {
    /// A worker that has not connected yet.
    pub fn new(broker: B, factory: Arc<dyn StageFactory>, config: WorkerConfig, audience: Audience) -> Self {
        Self {
            broker,
            factory,
            config,
            audience,
            link: None,
            tasks: BTreeMap::new(),
            restores: Vec::new(),
            events: VecDeque::new(),
            accepted: Vec::new(),
            held: Held::default(),
            budget: Budget::default(),
        }
    }

    /// Works until it is told to stop; then commits what is open and ends.
    ///
    /// # Errors
    /// [`Failure`] when a person must act.
    pub fn run(&mut self, stop: &Stop) -> Result<(), Failure> {
        while !stop.is_set() {
            if let Err(failure) = self.pass(stop) {
                self.recover(failure, stop)?;
            }
        }
        self.drop_link();
        Ok(())
    }

    /// One pass of the loop.
    ///
    /// # Errors
    /// [`Failure`], to be given to [`Worker::recover`].
    pub fn pass(&mut self, stop: &Stop) -> Result<(), Failure> {
        let now = (self.config.clock)();
        self.audience.metrics.ticked(now);
        self.audience.observer.ticked();
        self.connect()?;
        while let Some(event) = self.next_event()? {
            self.handle(event)?;
            self.events.pop_front();
        }
        self.begin_restore()?;
        self.restore()?;
        self.transact(stop)
    }

    fn connect(&mut self) -> Result<(), Failure> {
        if self.link.is_some() {
            return Ok(());
        }
        let spec = self.factory.spec();
        let id = self.config.id(spec.name);
        let input = spec.topic(spec.input);
        let mut log = self.broker.log()?;
        let ids = Ids { cluster: log.cluster_id()?, input: log.topic_id(input)? };
        // The producer first: it aborts what a dead predecessor left open, so that the group's
        // offsets and the ends of the changelogs are decided when they are asked for.
        let producer = self.broker.producer(&id, input, &spec.topics)?;
        let member = MemberSpec {
            group: WorkerConfig::group(&self.config.app, spec.name),
            topic: input.to_owned(),
            client_id: id.clone(),
            instance_id: (self.config.membership == MembershipKind::Static).then_some(id),
        };
        let consumer = self.broker.consumer(&member)?;
        self.link = Some(Link { consumer, producer, log, ids });
        self.budget.connected(Instant::now());
        Ok(())
    }

    fn link(&mut self) -> &mut Link<B> {
        self.link.as_mut().expect("a pass connects first")
    }

    fn next_event(&mut self) -> Result<Option<GroupEvent>, BrokerError> {
        if self.events.is_empty() {
            let event = self.link().consumer.event()?;
            self.events.extend(event);
        }
        Ok(self.events.front().cloned())
    }

    fn handle(&mut self, event: GroupEvent) -> Result<(), Failure> {
        let stage = self.factory.spec().name;
        match event {
            GroupEvent::Assigned(partitions) => {
                tracing::info!(stage, worker = self.config.number, ?partitions, "partitions assigned");
                self.link().consumer.accept(&partitions)?;
                self.audience.metrics.assigned(partitions.len());
                self.accepted.extend(partitions);
                self.tell_phase();
            }
            GroupEvent::Revoked(partitions) => {
                tracing::info!(stage, worker = self.config.number, ?partitions, "partitions revoked");
                self.give_up(&partitions, false)?;
            }
            GroupEvent::Lost(partitions) => {
                tracing::warn!(
                    stage,
                    worker = self.config.number,
                    ?partitions,
                    "partitions lost: the group went on without this worker"
                );
                self.give_up(&partitions, true)?;
            }
        }
        Ok(())
    }

    /// Gives partitions up and drops their state. Their work is committed, or void.
    fn give_up(&mut self, partitions: &[Partition], lost: bool) -> Result<(), Failure> {
        self.link().consumer.release(partitions)?;
        self.audience.metrics.taken(partitions, lost);
        self.accepted.retain(|partition| !partitions.contains(partition));
        self.tasks.retain(|partition, _| !partitions.contains(partition));
        self.restores.iter_mut().for_each(|restore| restore.forget(partitions));
        self.restores.retain(|restore| !restore.is_empty());
        if lost {
            self.audience.observer.entered(Phase::Joining);
        } else {
            self.tell_phase();
        }
        self.held.tell(&self.tasks, &self.audience.metrics);
        Ok(())
    }

    fn begin_restore(&mut self) -> Result<(), Failure> {
        if self.accepted.is_empty() {
            return Ok(());
        }
        let partitions = self.accepted.clone();
        let factory = Arc::clone(&self.factory);
        let link = self.link();
        let committed = link.consumer.committed(&partitions)?;
        let restore = Restore::begin(&mut link.log, factory.as_ref(), committed)?;
        self.restores.push(restore);
        self.accepted.clear();
        Ok(())
    }

    fn restore(&mut self) -> Result<(), Failure> {
        let Some(restore) = self.restores.first_mut() else { return Ok(()) };
        let link = self.link.as_mut().expect("a pass connects first");
        // With nothing else to do the restore has the thread to itself.
        let wait = if self.tasks.is_empty() { Duration::from_millis(200) } else { Duration::from_millis(20) };
        let finished = restore.step(&mut link.log, self.factory.spec(), &link.ids, wait)?;
        let remaining = restore.remaining();
        self.audience.metrics.restoring(remaining);
        if finished.is_none() && restore.stands_still(Instant::now()) {
            let (stage, worker) = (self.factory.spec().name, self.config.number);
            tracing::warn!(
                stage,
                worker,
                remaining,
                "the restore waits: no broker answers, or a transaction was left open in a topic that is read; kafka-transactions.sh find-hanging names it"
            );
        }
        if let Some(tasks) = finished {
            let restored: Vec<_> = tasks.iter().map(|(p, task)| (*p, task.next)).collect();
            self.tasks.extend(tasks);
            self.restores.remove(0);
            self.audience.metrics.restoring(0);
            self.tell_phase();
            self.held.tell(&self.tasks, &self.audience.metrics);
            let link = self.link.as_mut().expect("a pass connects first");
            for (partition, next) in restored {
                let stage = self.factory.spec().name;
                tracing::info!(
                    stage,
                    partition = partition.number(),
                    next = next.number(),
                    "partition restored"
                );
                link.consumer.start(partition, next)?;
            }
        }
        Ok(())
    }

    fn transact(&mut self, stop: &Stop) -> Result<(), Failure> {
        let link = self.link.as_mut().expect("a pass connects first");
        let limits = Limits { restoring: !self.restores.is_empty(), ..self.config.limits };
        let clock = Arc::clone(&self.config.clock);
        let ended = run_transaction(
            &mut link.consumer,
            &mut link.producer,
            self.factory.spec(),
            &link.ids,
            &mut self.tasks,
            &limits,
            clock.as_ref(),
            stop,
            &mut self.events,
        )?;
        self.tell_lag();
        match ended {
            Ended::Idle => {}
            Ended::Committed { tally, steps } => {
                self.budget.succeeded(Instant::now());
                self.audience.metrics.committed(&tally, steps, (self.config.clock)());
                self.audience.observer.committed(&tally);
                self.held.tell(&self.tasks, &self.audience.metrics);
            }
            Ended::Lost => {
                self.audience.metrics.aborted();
                self.rewind()?;
            }
        }
        Ok(())
    }

    /// Drops what was not committed and reads it again.
    fn rewind(&mut self) -> Result<(), Failure> {
        let link = self.link.as_mut().expect("a pass connects first");
        for (partition, task) in &mut self.tasks {
            task.rollback();
            link.consumer.start(*partition, task.next)?;
        }
        Ok(())
    }

    /// Answers a failure by its remedy.
    ///
    /// # Errors
    /// The failure itself when a person must act, told what to do.
    pub fn recover(&mut self, failure: Failure, stop: &Stop) -> Result<(), Failure> {
        let stage = self.factory.spec().name;
        let remedy = failure.remedy();
        if failure.cause() == Cause::Fenced {
            self.audience.metrics.fenced();
        } else {
            self.audience.metrics.aborted();
        }
        tracing::warn!(stage, worker = self.config.number, %failure, ?remedy, "a pass of the loop failed");
        match remedy {
            Remedy::Retry | Remedy::Abort => {
                stop.wait(self.budget.wait());
                if self.link.is_some()
                    && let Err(failure) = self.rewind()
                {
                    tracing::warn!(stage, %failure, "going back failed: rebuilding");
                    self.drop_link();
                }
                Ok(())
            }
            Remedy::Rebuild => {
                if let Err(advice) = self.budget.rebuild(failure.cause(), Instant::now()) {
                    let attempt = format!("{failure}; rebuilt {advice}");
                    return Err(BrokerError::stop(
                        format!("worker {} of {stage}", self.config.number),
                        attempt,
                    )
                    .into());
                }
                self.drop_link();
                stop.wait(self.budget.wait());
                Ok(())
            }
            Remedy::Stop => {
                self.drop_link();
                Err(failure)
            }
        }
    }

    /// Drops every connection and all state: it is rebuilt from committed topics.
    fn drop_link(&mut self) {
        let mut held: Vec<_> = self.tasks.keys().chain(&self.accepted).copied().collect();
        held.extend(self.restores.iter().flat_map(Restore::partitions));
        self.audience.metrics.dropped(&held);
        self.tasks.clear();
        self.restores.clear();
        self.events.clear();
        self.accepted.clear();
        // Told first: to leave may take seconds.
        self.audience.observer.entered(Phase::Joining);
        self.link = None;
        self.held.tell(&self.tasks, &self.audience.metrics);
    }

    fn tell_phase(&self) {
        let phase = if self.restores.is_empty() && self.accepted.is_empty() {
            Phase::Running
        } else {
            Phase::Restoring
        };
        self.audience.observer.entered(phase);
    }

    fn tell_lag(&self) {
        let Some(link) = &self.link else { return };
        let now = (self.config.clock)();
        let mut oldest = 0.0_f64;
        let mut backlog = 0;
        for (partition, task) in &self.tasks {
            let Some(behind) = link.consumer.backlog(*partition, task.next) else { continue };
            self.audience.metrics.lag(*partition, behind);
            backlog += behind;
            if behind > 0
                && let Some(age) = task.age(now)
            {
                oldest = oldest.max(age);
            }
        }
        self.audience.metrics.lag_seconds(oldest);
        self.audience.observer.saw_backlog(backlog);
    }

    /// How many partitions it works on, restored ones only.
    #[must_use]
    pub fn working_on(&self) -> usize {
        self.tasks.len()
    }
}
