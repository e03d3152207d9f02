//! Waiting for a condition instead of for a time. A test that waits in vain says what for.

use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(10);

/// Asks until `condition` holds.
///
/// # Panics
/// When it does not hold within `limit`, naming `what`.
#[track_caller]
pub fn wait_until(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(limit, what, || condition().then_some(()));
}

/// Asks until `answer` gives something, and returns that.
///
/// # Panics
/// When it gives nothing within `limit`, naming `what`.
#[track_caller]
pub fn wait_for<T>(limit: Duration, what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = answer() {
            return found;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} in vain for {what}");
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_what_was_waited_for() {
        let mut asked = 0;
        let answer = wait_for(Duration::from_secs(10), "the third question", || {
            asked += 1;
            (asked == 3).then_some("yes")
        });
        assert_eq!((answer, asked), ("yes", 3));
    }

    #[test]
    #[should_panic(expected = "waited 30ms in vain for the moon to fall")]
    fn says_what_it_waited_for() {
        wait_until(Duration::from_millis(30), "the moon to fall", || false);
    }
}
