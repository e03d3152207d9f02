//! The stages of `run` as a demo starts and ends them, with nobody to scrape their metrics.

use std::sync::Arc;
use std::time::Duration;

use codec::Codec;
use ops::{Health, Limits};
use prometheus::Registry;
use runtime::{Broker, MembershipKind, Stop};

use super::Lifecycle;
use crate::config::Config;
use crate::stages::{How, OldestState, Stages, Telemetry, Which};

/// Both stages over a broker.
pub struct Workers<B: Broker> {
    broker: B,
    config: Config,
    codec: Codec,
    stop: Stop,
    running: Option<Stages>,
}

impl<B: Broker> Workers<B> {
    /// Workers that have not started yet.
    #[must_use]
    pub fn new(broker: B, config: Config, codec: Codec) -> Self {
        Self { broker, config, codec, stop: Stop::default(), running: None }
    }
}

impl<B: Broker> Lifecycle for Workers<B> {
    fn start(&mut self) -> anyhow::Result<()> {
        // Nobody probes a demo: its own patience is what ends it.
        let limits = Limits { tick: Duration::MAX, progress: Duration::MAX };
        let telemetry = Telemetry::register(&Registry::new(), Arc::new(Health::new(limits)))?;
        // It leaves its groups at the end, so that the next demo need not wait for its session.
        let how = How {
            which: Which::All,
            workers: None,
            membership: MembershipKind::Leaving,
            accepted: Vec::new(),
            oldest_state: OldestState::default(),
        };
        let stop = self.stop.clone();
        self.running = Some(Stages::start(&self.broker, &self.config, &self.codec, how, &telemetry, stop)?);
        Ok(())
    }

    fn check(&mut self) -> anyhow::Result<()> {
        if self.stop.is_set() {
            self.running.take().map_or(Ok(()), Stages::join)?;
            anyhow::bail!("the workers ended");
        }
        Ok(())
    }

    fn stop(&mut self) -> anyhow::Result<()> {
        self.running.take().map_or(Ok(()), Stages::end)
    }
}
