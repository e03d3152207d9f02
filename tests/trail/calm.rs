//! One broker with both stages running, for all tests of a process that only send actions and look at what becomes of them.
//! Each uses tenants of its own.

use std::sync::{Mutex, OnceLock, PoisonError};

use testkit::{Product, Raw};

use super::outputs::Outputs;
use super::site::Site;

/// The shared site.
pub struct Calm {
    /// Its broker.
    pub site: Site,
    running: Mutex<Product>,
}

impl Calm {
    /// The shared site, started at the first call; None where there cannot be a broker.
    #[must_use]
    pub fn site() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Calm>> = OnceLock::new();
        let start = || {
            let site = Site::fresh()?;
            let running = Mutex::new(site.run("calm", &[]));
            Some(Self { site, running })
        };
        SHARED.get_or_init(start).as_ref()
    }

    /// Waits until both stages have processed all there is.
    #[track_caller]
    pub fn await_caught_up(&self) {
        // A failed test of the others says nothing about the process.
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        self.site.await_caught_up(&mut [&mut running]);
    }

    /// Sends actions and returns where each lies and, once both stages have processed them, all outputs.
    #[track_caller]
    pub fn send(&self, actions: Vec<Raw>) -> (Vec<testkit::Placed>, Outputs) {
        let placed = self.site.send(actions);
        self.await_caught_up();
        (placed, Outputs::of(&self.site))
    }
}
