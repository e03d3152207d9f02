//! Records one after another, few at a time: what lets a merge hold almost nothing.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use catalog::Micros;
use runtime::{Log, Reader as _, Reading, Slice};
use stage::Record;

use super::outputs::Output;

/// How long one look into a topic takes at most: what comes meanwhile is held.
const LOOK: Duration = Duration::from_millis(10);
/// How many outputs of one topic are held to be put in order. The trail writes them in order; what
/// lies further off than this is late.
const AHEAD: usize = 1024;

/// Gives one thing after another, and `None` at the end.
pub(super) type Feed<'f, T> = Box<dyn FnMut() -> anyhow::Result<Option<T>> + 'f>;

/// What `take` makes of the records of a slice.
pub(super) fn feed<'f, L: Log, T: 'f>(
    log: &mut L,
    slice: Slice,
    mut take: impl FnMut(&Record<'_>) -> anyhow::Result<Option<T>> + 'f,
) -> anyhow::Result<Feed<'f, T>>
where
    L::Reader: 'f,
{
    if slice.from >= slice.until {
        return Ok(Box::new(|| Ok(None)));
    }
    let mut reader = Some(log.open(vec![slice])?);
    let mut ready = VecDeque::new();
    Ok(Box::new(move || {
        while ready.is_empty()
            && let Some(open) = &mut reader
        {
            let mut failed = None;
            let reading = open.read(LOOK, &mut |_, record| match take(record) {
                Ok(taken) => ready.extend(taken),
                Err(error) => failed = failed.take().or(Some(error)),
            })?;
            if let Some(error) = failed {
                return Err(error);
            }
            if reading == Reading::Done {
                reader = None;
            }
        }
        Ok(ready.pop_front())
    }))
}

/// A feed of which the next can be looked at.
pub(super) struct Peeked<'f, T> {
    feed: Feed<'f, T>,
    next: Option<T>,
}

impl<'f, T> Peeked<'f, T> {
    pub(super) fn new(feed: Feed<'f, T>) -> Self {
        Self { feed, next: None }
    }

    /// The next, left where it is.
    pub(super) fn peek(&mut self) -> anyhow::Result<Option<&T>> {
        if self.next.is_none() {
            self.next = (self.feed)()?;
        }
        Ok(self.next.as_ref())
    }

    pub(super) fn pop(&mut self) -> anyhow::Result<Option<T>> {
        self.peek()?;
        Ok(self.next.take())
    }
}

/// A feed of outputs put in the order of the actions they name, as far as one looks ahead.
pub(super) struct Ordered<'f> {
    feed: Feed<'f, Output>,
    held: BinaryHeap<Reverse<Output>>,
    highest: i64,
    /// From this time of its action on no output matters.
    until: Option<Micros>,
    ended: bool,
}

impl<'f> Ordered<'f> {
    pub(super) fn new(feed: Feed<'f, Output>, until: Option<Micros>) -> Self {
        Self { feed, held: BinaryHeap::new(), highest: i64::MIN, until, ended: false }
    }

    /// The one that names the lowest action, left where it is.
    pub(super) fn peek(&mut self) -> anyhow::Result<Option<&Output>> {
        while !self.ended && self.held.len() < AHEAD {
            match (self.feed)()? {
                // The time of a range is that of its discovery and says nothing about its neighbours.
                Some(output)
                    if !output.is_range() && self.until.is_some_and(|until| output.received_at >= until) =>
                {
                    self.ended = true;
                }
                Some(mut output) => {
                    output.is_behind = output.names < self.highest;
                    if !output.is_range() {
                        self.highest = self.highest.max(output.names);
                    }
                    self.held.push(Reverse(output));
                }
                None => self.ended = true,
            }
        }
        Ok(self.held.peek().map(|Reverse(output)| output))
    }

    pub(super) fn pop(&mut self) -> anyhow::Result<Option<Output>> {
        self.peek()?;
        Ok(self.held.pop().map(|Reverse(output)| output))
    }
}
