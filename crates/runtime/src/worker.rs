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
use crate::ids::Ids;
use crate::metrics::StageMetrics;
use crate::port::{Broker, Consumer, GroupEvent, MemberSpec};
use crate::restore::{Restored, Times};
use crate::restores::{Restores, Standing};
use crate::stop::Stop;
use crate::tally::{Observer, Phase};
use crate::task::Task;
use crate::transaction::{Ended, Limits, Setting, run_transaction};

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
    /// How many partitions are restored at the same time.
    pub restores: usize,
    /// State on disk that is older than this is not used: half of the topics' `delete.retention.ms`, as
    /// it is when a restore begins.
    pub oldest_state: Arc<dyn Fn() -> Duration + Send + Sync>,
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
    restores: Restores<B::Log>,
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
        let restores = Restores::new(config.restores, config.limits.rest);
        Self {
            broker,
            factory,
            config,
            audience,
            link: None,
            tasks: BTreeMap::new(),
            restores,
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
        let ids = Ids::ask(&mut log, spec)?;
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
                self.tell_held();
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
        self.restores.forget(partitions);
        if lost {
            self.audience.observer.entered(Phase::Joining);
        } else {
            self.tell_phase();
        }
        self.tell_held();
        Ok(())
    }

    fn restore(&mut self) -> Result<(), Failure> {
        let link = self.link.as_mut().expect("a pass connects first");
        if !self.accepted.is_empty() {
            self.restores.add(link.consumer.committed(&self.accepted)?);
            self.accepted.clear();
        }
        if self.restores.is_empty() {
            return Ok(());
        }
        // With nothing else to do the restores have the thread to themselves.
        let wait = if self.tasks.is_empty() { Duration::from_millis(200) } else { Duration::from_millis(20) };
        let times = Times { now: (self.config.clock)(), oldest_state: (self.config.oldest_state)() };
        self.restores.step(&mut link.log, self.factory.as_ref(), &link.ids, wait, times)?;
        let ready = self.restores.take_ready();
        let starts: Vec<_> = ready.iter().map(|restored| (restored.partition, restored.task.next)).collect();
        // Tasks before their input is started: should that fail, recovery starts the input of all tasks.
        self.tasks.extend(ready.into_iter().map(|Restored { partition, task }| (partition, task)));
        if !starts.is_empty() {
            self.tell_phase();
        }
        self.tell_held();
        let link = self.link.as_mut().expect("a pass connects first");
        for (partition, next) in starts {
            link.consumer.start(partition, next)?;
        }
        Ok(())
    }

    fn transact(&mut self, stop: &Stop) -> Result<(), Failure> {
        let link = self.link.as_mut().expect("a pass connects first");
        let setting = Setting {
            spec: self.factory.spec(),
            ids: &link.ids,
            worker: self.config.number,
            limits: Limits { restoring: self.restores.are_due(), ..self.config.limits },
            clock: self.config.clock.as_ref(),
            stop,
        };
        let (consumer, producer) = (&mut link.consumer, &mut link.producer);
        let ended = run_transaction(consumer, producer, &setting, &mut self.tasks, &mut self.events)?;
        self.tell_lag();
        match ended {
            Ended::Idle => {}
            Ended::Committed { tally, steps, kept } => {
                self.audience.metrics.committed(&tally, steps, (self.config.clock)());
                self.audience.observer.committed(&tally);
                for (partition, failure) in kept? {
                    self.restore_again(partition, &failure)?;
                }
                self.budget.succeeded(Instant::now());
                self.tell_held();
            }
            Ended::Doubtful { tally, steps } => {
                self.audience.metrics.committed(&tally, steps, (self.config.clock)());
                self.audience.observer.committed(&tally);
                return Err(doubt().into());
            }
            Ended::Lost => {
                self.audience.metrics.aborted();
                self.rewind()?;
            }
            Ended::Failed(failure) => {
                if failure.cause() != Cause::Fenced {
                    self.audience.metrics.aborted();
                }
                return Err(failure);
            }
        }
        Ok(())
    }

    /// Restores a partition again, whose state on disk fell behind what was committed; the others go on.
    fn restore_again(&mut self, partition: Partition, failure: &Failure) -> Result<(), Failure> {
        let link = self.link.as_mut().expect("a pass connects first");
        link.consumer.pause(partition)?;
        // Before it is opened again: a store is open once.
        let committed = self.tasks.remove(&partition).map(|task| task.committed);
        self.restores.again(self.factory.spec().name, (partition, committed), failure);
        self.tell_phase();
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
    pub(crate) fn drop_link(&mut self) {
        let mut held: Vec<_> = self.tasks.keys().chain(&self.accepted).copied().collect();
        held.extend(self.restores.partitions());
        self.audience.metrics.dropped(&held);
        self.tasks.clear();
        self.restores.clear();
        self.events.clear();
        self.accepted.clear();
        // Told first: to leave may take seconds.
        self.audience.observer.entered(Phase::Joining);
        self.link = None;
        self.tell_held();
    }

    fn tell_held(&mut self) {
        let standing = self.restores.standing();
        let waiting = standing.waiting + self.accepted.len() as u64;
        self.held.tell(&self.tasks, &Standing { waiting, ..standing }, &self.audience.metrics);
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

/// The client sent the end of a transaction more than once and says that it was committed: a copy that
/// comes late could end the next transaction, and what a broker made of the first is seen in the topics
/// only (librdkafka#5423).
fn doubt() -> BrokerError {
    BrokerError {
        remedy: Remedy::Rebuild,
        cause: Cause::Transport,
        attempt: "after a commit".into(),
        detail: "its EndTxn was sent more than once: the producer is replaced and the topics are asked"
            .into(),
    }
}
