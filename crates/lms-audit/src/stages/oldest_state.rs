//! How old state on disk may be: learnt from the topics whenever they are looked at, asked by workers
//! whenever a restore begins.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use runtime::TopicState;

use crate::topics;

/// How old state on disk may be; clones share what they learn.
#[derive(Clone, Debug)]
pub struct OldestState(Arc<AtomicU64>);

impl Default for OldestState {
    /// As where every topic is as planned.
    fn default() -> Self {
        let state = Self(Arc::default());
        state.learn(&[]);
        state
    }
}

impl OldestState {
    /// The greatest age of state that may be used.
    #[must_use]
    pub fn get(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    pub(super) fn learn(&self, topics: &[Option<TopicState>]) {
        let oldest = topics::oldest_state(topics).as_millis();
        self.0.store(u64::try_from(oldest).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}
