//! What would become of an action that is published again, as far as that is certain: by the rules of
//! this version and without what the normalizer remembers.

use std::convert::Infallible;

use catalog::{Micros, RawAction, SettingRow, TenantId};
use normalizer::{
    Delivery, Memory, Place as ActionPlace, Received, Rules, Seen, Unreadable, Verdict, normalize,
};
use stage::{Offset, PartitionCount};

/// What an action is judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground {
    /// Of the actions topic.
    pub(super) partitions: PartitionCount,
    /// The greatest value of an action, in bytes.
    pub(super) max_value_bytes: u32,
    /// When it is published.
    pub(super) now: Micros,
}

impl Ground {
    /// Why an action of this tenant and so many bytes would become a dead letter wherever it lies; `None`
    /// where that is not certain.
    pub(super) fn rejects(&self, raw: RawAction<'_>, tenant: &TenantId, bytes: usize) -> Option<String> {
        let limit = usize::try_from(self.max_value_bytes).unwrap_or(usize::MAX);
        let raw = if bytes > limit {
            Err(Unreadable::Oversized(format!("the value has {bytes} bytes, over the limit of {limit}")))
        } else {
            Ok(raw)
        };
        let place = ActionPlace {
            partition: self.partitions.partition_of(tenant.as_str().as_bytes()),
            offset: Offset::new(0),
            received_at: self.now,
            count: self.partitions,
            rerouted: None,
            delivery: Delivery::Replayed,
        };
        match normalize(raw, &place, &Rules::default(), &mut Nothing) {
            Ok(Verdict::DeadLetter { reason, message, .. }) => Some(format!("{}: {message}", reason.name())),
            Ok(_) => None,
            Err(impossible) => match impossible {},
        }
    }
}

/// A memory that remembers nothing.
struct Nothing;

impl Memory for Nothing {
    type Error = Infallible;

    fn seen(&mut self, _: &[u8; 16]) -> Result<Option<Seen>, Infallible> {
        Ok(None)
    }

    fn remember(&mut self, _: [u8; 16], _: Seen) -> Result<(), Infallible> {
        Ok(())
    }

    fn setting(&mut self, _: &TenantId, _: &str, _: &str) -> Result<Option<SettingRow>, Infallible> {
        Ok(None)
    }

    fn set(&mut self, _: SettingRow) -> Result<(), Infallible> {
        Ok(())
    }

    fn count(&mut self, _: Received) -> Result<(), Infallible> {
        Ok(())
    }
}
