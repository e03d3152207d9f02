//! Step 3: whether an action was delivered before, and whether it said the same.

use std::time::Duration;

use catalog::{Digest, Micros};

use crate::Seen;

/// What an action is beside an earlier one of its tenant, source and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Novelty {
    /// There is none within the window.
    New,
    /// It says the same, or it cannot be told that it does not.
    Duplicate,
    /// It says something else.
    Conflict,
}

/// Judges an action by what is remembered under its key. The distance counts in either direction,
/// since broker clocks may step back.
pub(crate) fn novelty(
    seen: Option<&Seen>,
    received_at: Micros,
    digest: &Digest,
    window: Duration,
) -> Novelty {
    let Some(seen) = seen else { return Novelty::New };
    let apart = received_at.get().abs_diff(seen.received_at.get());
    if u128::from(apart) >= window.as_micros() {
        Novelty::New
    } else if seen.digest.comparable(digest) && seen.digest != *digest {
        Novelty::Conflict
    } else {
        Novelty::Duplicate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_open_at_its_end_and_digests_of_other_versions_do_not_conflict() {
        let window = Duration::from_micros(100);
        let (same, other, version) =
            (Digest::new(1, [7; 32]), Digest::new(1, [8; 32]), Digest::new(2, [8; 32]));
        for (received_at, digest, expected) in [
            (1000, same, Novelty::Duplicate),
            (1099, same, Novelty::Duplicate),
            (1100, same, Novelty::New),
            (901, same, Novelty::Duplicate),
            (900, same, Novelty::New),
            (1099, other, Novelty::Conflict),
            (1100, other, Novelty::New),
            (1099, version, Novelty::Duplicate),
        ] {
            let seen = Seen { received_at: Micros::new(1000), digest: same };
            let found = novelty(Some(&seen), Micros::new(received_at), &digest, window);
            assert_eq!(found, expected, "received at {received_at}");
        }
        assert_eq!(novelty(None, Micros::new(1000), &same, window), Novelty::New);
    }
}
