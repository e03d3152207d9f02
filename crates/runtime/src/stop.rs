//! Asks workers to commit and end.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Shared by those who ask for an end and those who end.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Asks for an end.
    pub fn set(&self) {
        *self.0.0.lock().expect("nothing panics while holding it") = true;
        self.0.1.notify_all();
    }

    /// Whether an end was asked for.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.0.lock().expect("nothing panics while holding it")
    }

    /// Waits this long, or until an end is asked for; says whether it was.
    pub fn wait(&self, at_most: Duration) -> bool {
        let held = self.0.0.lock().expect("nothing panics while holding it");
        let outcome = self.0.1.wait_timeout_while(held, at_most, |set| !*set);
        *outcome.expect("nothing panics while holding it").0
    }
}
