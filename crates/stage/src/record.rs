//! Records as a stage sees them: borrowed bytes in, borrowed bytes out.

use std::borrow::Cow;

use crate::{Millis, Offset, Partition, TopicIndex};

/// One header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The header's name, as bytes: Kafka says UTF-8, but does not check it. Names may repeat.
    pub name: &'a [u8],
    /// The value; Kafka tells an absent value from an empty one.
    pub value: Option<&'a [u8]>,
}

impl<'a> Header<'a> {
    /// A header of this name.
    #[must_use]
    pub const fn new(name: &'a str, value: Option<&'a [u8]>) -> Self {
        Self { name: name.as_bytes(), value }
    }

    /// The name as text, for people; what is not UTF-8 is shown as U+FFFD.
    #[must_use]
    pub fn shown_name(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.name)
    }
}

/// One input record.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// The partition it was read from.
    pub partition: Partition,
    /// Its offset there.
    pub offset: Offset,
    /// Its timestamp: the broker's for actions, the action's broker time for all we write.
    pub timestamp: Millis,
    /// The key, if there is one.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers in their order.
    pub headers: Vec<Header<'a>>,
}

impl<'a> Record<'a> {
    /// The value of the last header of this name, as Kafka's own clients read a repeated header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers.iter().rev().find(|h| h.name == name.as_bytes()).and_then(|h| h.value)
    }
}

/// One record to write, within the current transaction.
#[derive(Clone, Copy, Debug)]
pub struct Output<'a> {
    /// The topic.
    pub topic: TopicIndex,
    /// The partition; that of the input for everything but a re-routed action.
    pub partition: Partition,
    /// The record's timestamp.
    pub timestamp: Millis,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers in their order.
    pub headers: &'a [Header<'a>],
}

/// Takes the outputs of a stage into the transaction that is open.
///
/// It cannot fail: what goes wrong while sending stays with the transaction and fails its commit.
pub trait Sink {
    /// Takes one output; the bytes are copied or sent before it returns.
    fn send(&mut self, output: &Output<'_>);
}
