//! The last ids of events: what tells that one thing was recorded twice, as two actions.

use std::collections::{HashMap, VecDeque};

use catalog::Micros;

use super::outputs::Output;

/// How many ids of events are remembered, the last ones of a partition.
const EVENT_IDS: usize = 100_000;

/// The last ids of events, each with its action's offset and time.
pub(super) struct EventIds {
    /// Two events of one id less than this apart are one too many, in microseconds.
    window: u64,
    limit: usize,
    known: HashMap<u64, (i64, Micros)>,
    order: VecDeque<u64>,
}

impl EventIds {
    pub(super) fn new(window: u64) -> Self {
        Self { window, limit: EVENT_IDS, known: HashMap::new(), order: VecDeque::new() }
    }

    /// Remembers an id; gives the offset of the action that had it before, within the window.
    pub(super) fn remember(&mut self, id: u64, output: &Output) -> Option<i64> {
        if let Some((offset, at)) = self.known.insert(id, (output.names, output.received_at)) {
            let apart = output.received_at.get().abs_diff(at.get());
            return (apart < self.window).then_some(offset);
        }
        self.order.push_back(id);
        if self.order.len() > self.limit
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::outputs::Became;
    use super::*;

    #[test]
    fn an_id_is_known_again_within_the_window_and_among_the_last() {
        let mut ids = EventIds { limit: 2, ..EventIds::new(10) };
        for (id, names, at, expected) in [
            (1, 0, 0, None),
            (1, 5, 9, Some(0)),
            (1, 6, 19, None),
            (2, 7, 19, None),
            (3, 8, 19, None),
            (1, 9, 20, None),
        ] {
            let became = Became::Duplicate;
            let received_at = Micros::new(at);
            let output = Output { names, at: names, became, received_at, account: None, is_behind: false };
            assert_eq!(ids.remember(id, &output), expected, "{id} {names}");
        }
    }
}
