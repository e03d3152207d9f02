//! Several workers of one stage, a thread each.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use stage::StageFactory;

use crate::budget::Budget;
use crate::error::{BrokerError, Cause};
use crate::failure::Failure;
use crate::port::Broker;
use crate::stop::Stop;
use crate::worker::{Audience, Worker, WorkerConfig};

/// Running workers of one stage.
#[must_use = "the workers run until they are joined"]
pub struct Pool {
    threads: Vec<JoinHandle<Result<(), Failure>>>,
}

impl Pool {
    /// Starts one worker per configuration. A worker that cannot go on stops all that share `stop`.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start<B: Broker>(
        broker: &B,
        factory: &Arc<dyn StageFactory>,
        workers: Vec<(WorkerConfig, Audience)>,
        stop: &Stop,
    ) -> std::io::Result<Self> {
        let start = |(config, audience): (WorkerConfig, Audience)| {
            let name = format!("{}-{}", factory.spec().name, config.number);
            let (broker, factory, stop) = (broker.clone(), Arc::clone(factory), stop.clone());
            std::thread::Builder::new().name(name).spawn(move || {
                let _stop_all = StopOnExit(stop.clone());
                work(&broker, &factory, &config, &audience, &stop)
            })
        };
        Ok(Self { threads: workers.into_iter().map(start).collect::<Result<_, _>>()? })
    }

    /// Waits for every worker.
    ///
    /// # Errors
    /// The first failure that needs a person; a worker that panicked and was not replaced is one, too.
    ///
    /// # Panics
    /// If what watches over a worker panicked: a defect, which must not look like an orderly end.
    pub fn join(self) -> Result<(), Failure> {
        let ends: Vec<_> = self.threads.into_iter().map(JoinHandle::join).collect();
        ends.into_iter().try_for_each(|end| end.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    }
}

/// Runs a worker. One that panics is a defect; it is replaced by one that begins from the committed topics,
/// as long as that helps.
fn work<B: Broker>(
    broker: &B,
    factory: &Arc<dyn StageFactory>,
    config: &WorkerConfig,
    audience: &Audience,
    stop: &Stop,
) -> Result<(), Failure> {
    let mut budget = Budget::default();
    loop {
        let mut worker = Worker::new(broker.clone(), Arc::clone(factory), config.clone(), audience.clone());
        let panic = match catch_unwind(AssertUnwindSafe(|| worker.run(stop))) {
            Ok(ended) => return ended,
            Err(panic) => panic,
        };
        let (stage, number) = (factory.spec().name, config.number);
        let said = said(panic.as_ref());
        tracing::error!(stage, worker = number, said, "a worker panicked: report this as a defect");
        worker.drop_link();
        let ended = |why: &str| {
            let detail = format!("it panicked, which is a defect to be reported ({said}); {why}");
            Err(BrokerError::stop(format!("worker {number} of {stage}"), detail).into())
        };
        if let Err(advice) = budget.rebuild(Cause::Other, Instant::now()) {
            return ended(&format!("rebuilt {advice}"));
        }
        if stop.wait(budget.wait()) {
            return ended(
                "told to stop, it is not rebuilt; its open transaction is read again at the next start",
            );
        }
    }
}

/// The text of a panic.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a text")
}

/// Stops the other workers however a worker ends: failed, panicked or told to.
struct StopOnExit(Stop);

impl Drop for StopOnExit {
    fn drop(&mut self) {
        self.0.set();
    }
}
