//! Several workers of one stage, a thread each.

use std::sync::Arc;
use std::thread::JoinHandle;

use stage::StageFactory;

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
                Worker::new(broker, factory, config, audience).run(&stop)
            })
        };
        Ok(Self { threads: workers.into_iter().map(start).collect::<Result<_, _>>()? })
    }

    /// Waits for every worker.
    ///
    /// # Errors
    /// The first failure that needs a person.
    ///
    /// # Panics
    /// If a worker panicked: a defect, which must not look like an orderly end.
    pub fn join(self) -> Result<(), Failure> {
        let ends: Vec<_> = self.threads.into_iter().map(JoinHandle::join).collect();
        ends.into_iter().try_for_each(|end| end.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    }
}

/// Stops the other workers however a worker ends: failed, panicked or told to.
struct StopOnExit(Stop);

impl Drop for StopOnExit {
    fn drop(&mut self) {
        self.0.set();
    }
}
