//! Signals to a child process, by pid. `kill` is asked of the shell, as its system call would need unsafe code.

use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use crate::wait::wait_for;

/// What can be sent to a broker or to the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: please end.
    Term,
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGKILL: gone, with nothing said.
    Kill,
    /// SIGSTOP: frozen, as a long pause of the machine does it.
    Stop,
    /// SIGCONT: goes on after [`Signal::Stop`].
    Continue,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Interrupt => "INT",
            Self::Kill => "KILL",
            Self::Stop => "STOP",
            Self::Continue => "CONT",
        }
    }

    /// Sends itself to a child that has not been waited for, so that its pid is surely still its own.
    pub(crate) fn send(self, child: &Child) {
        let sent = Command::new("sh")
            .args(["-c", r#"kill -s "$1" "$2""#, "sh", self.name(), &child.id().to_string()])
            .status()
            .expect("a shell can be started");
        assert!(sent.success(), "SIG{} could not be sent to {}", self.name(), child.id());
    }
}

/// Waits for the child's end without blocking beyond `limit`.
#[track_caller]
pub(crate) fn await_exit(child: &mut Child, limit: Duration, what: &str) -> ExitStatus {
    wait_for(limit, &format!("the end of {what}"), || child.try_wait().expect("a child can be waited for"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[test]
    fn a_signal_arrives_at_its_child() {
        // Not SIGINT: a shell starts what runs in its background with SIGINT ignored, and this child would
        // inherit that; the product, which sets a handler of its own, does not mind.
        for (signal, number) in [(Signal::Term, 15), (Signal::Kill, 9)] {
            let mut child = Command::new("sleep").arg("600").spawn().unwrap();
            signal.send(&child);
            assert_eq!(await_exit(&mut child, LIMIT, "sleep").signal(), Some(number), "{signal:?}");
        }
    }

    #[test]
    fn a_stopped_child_goes_on_when_continued() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        Signal::Stop.send(&child);
        Signal::Term.send(&child);
        assert_eq!(child.try_wait().unwrap(), None, "a stopped process does not see SIGTERM");
        Signal::Continue.send(&child);
        assert_eq!(await_exit(&mut child, LIMIT, "sleep").signal(), Some(15));
    }
}
