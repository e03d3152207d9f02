//! A record of the dead-letter topic: a dead letter and what can be read of its action, or a marker.

use anyhow::Context as _;
use catalog::{Field, Identity, Micros, RawAction, Reason, TenantId, Topic};
use codec::{DecodeError, Decoder};
use pipeline::dead_letter::Failure;
use pipeline::replay::{Marker, write_place};
use stage::{Millis, Offset, Partition, Record};

use crate::reading;

/// What is kept of a text that a source wrote: no action is valid in which one is longer (an id, a source),
/// and one that is not may bring a megabyte, of which many would take all memory.
const KEPT_CHARACTERS: usize = 512;

/// Where a dead letter lies in its own topic.
pub(super) type Place = (Partition, Offset);

/// What a record of the dead-letter topic is.
pub(super) enum Entry {
    /// An action that could not become an audit event.
    Letter(Box<Letter>),
    /// A dead letter that lies before it was replayed.
    Marker,
    /// Neither: nobody but lms-audit may write there.
    Foreign(Place),
}

/// A dead letter, without its bytes.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    /// Where it lies.
    pub(super) place: Place,
    /// The action's place in the actions topic.
    pub(super) action_place: Place,
    /// Broker time of the action.
    pub(super) received_at: Micros,
    /// Why it was rejected.
    pub(super) reason: Reason,
    /// Why, for people.
    pub(super) message: String,
    /// The stage that rejected it.
    pub(super) stage: String,
    /// What can be read of the action, or why it cannot be read now.
    pub(super) content: Result<Content, String>,
}

/// What of an action tells whose it is and which: as it was read, or [`Content::shortened`] to be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    /// The tenant, where it is a valid one.
    pub(super) tenant: Option<TenantId>,
    /// The source.
    pub(super) source: Option<String>,
    /// The action's id.
    pub(super) id: Option<String>,
    /// The action's name.
    pub(super) action: Option<String>,
}

/// That a dead letter was replayed, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replayed {
    /// The marker's offset in the dead letter's partition.
    pub(super) marker: Offset,
    /// When.
    pub(super) at: Millis,
    /// The partition of the actions topic it was published to.
    pub(super) to_partition: Partition,
    /// The tenant it was published for.
    pub(super) tenant: String,
    /// The id it was published under, shortened.
    pub(super) id: String,
}

impl Replayed {
    /// Which dead letter was replayed, if a record is a marker.
    pub(super) fn read(record: &Record<'_>) -> Option<(Place, Self)> {
        let marker = Marker::read(record)?;
        let replayed = Self {
            marker: record.offset,
            at: record.timestamp,
            to_partition: marker.to_partition,
            tenant: shortened(marker.tenant.into()),
            id: shortened(marker.id.into()),
        };
        Some((marker.of, replayed))
    }
}

impl Entry {
    /// Reads a record.
    ///
    /// # Errors
    /// When the schema registry does not answer.
    pub(super) fn read(record: &Record<'_>, decoder: &Decoder) -> anyhow::Result<Self> {
        let place = (record.partition, record.offset);
        if let Some(failure) = Failure::read(record) {
            return Ok(Self::Letter(Box::new(Letter::of(record, &failure, decoder)?)));
        }
        Ok(if Marker::read(record).is_some() { Self::Marker } else { Self::Foreign(place) })
    }
}

impl Letter {
    fn of(record: &Record<'_>, failure: &Failure<'_>, decoder: &Decoder) -> anyhow::Result<Self> {
        Ok(Self {
            place: (record.partition, record.offset),
            action_place: (failure.partition, failure.offset),
            received_at: reading::micros(failure.timestamp),
            reason: failure.reason,
            message: failure.message.into(),
            stage: failure.stage.into(),
            content: Content::read(record.value, &record.headers, decoder)
                .with_context(|| shown_place((record.partition, record.offset)))?,
        })
    }

    /// The same, of a size that many of them can be kept in.
    pub(super) fn shortened(self) -> Self {
        Self { content: self.content.map(Content::shortened), ..self }
    }

    /// The content, empty where it cannot be read.
    pub(super) fn readable(&self) -> Content {
        self.content.clone().unwrap_or_default()
    }
}

impl Content {
    /// What identifies the action; `None` where a part of it cannot be read. To be asked before it is
    /// shortened.
    pub(super) fn identity(&self) -> Option<Identity> {
        let Self { tenant, source, id, .. } = self;
        Some(Identity::of(tenant.as_ref()?, source.as_ref()?, id.as_ref()?))
    }

    /// The same, of a size that many of them can be kept in.
    pub(super) fn shortened(self) -> Self {
        let Self { tenant, source, id, action } = self;
        Self { tenant, source: source.map(shortened), id: id.map(shortened), action: action.map(shortened) }
    }

    /// Reads a value as the normalizer would; the inner error says why that is not possible, shortened.
    ///
    /// # Errors
    /// When the schema registry does not answer.
    pub(super) fn read(
        value: Option<&[u8]>,
        headers: &[stage::Header<'_>],
        decoder: &Decoder,
    ) -> anyhow::Result<Result<Self, String>> {
        match decoder.action(value, headers) {
            Ok(raw) => Ok(Ok(Self::of(raw))),
            Err(DecodeError::Malformed(problem) | DecodeError::UnknownSchema(problem)) => {
                Ok(Err(shortened(problem)))
            }
            Err(error @ DecodeError::Unavailable(_)) => Err(error.into()),
        }
    }

    fn of(raw: RawAction<'_>) -> Self {
        let text = |field: &Field<catalog::Text<'_>>| field.present().map(|text| text.to_string());
        Self {
            tenant: raw.tenant.present().and_then(|tenant| TenantId::try_from(tenant.as_ref()).ok()),
            source: text(&raw.source),
            id: text(&raw.id),
            action: text(&raw.action),
        }
    }
}

/// A text's first [`KEPT_CHARACTERS`], and an ellipsis where it has more.
fn shortened(text: String) -> String {
    match text.char_indices().nth(KEPT_CHARACTERS) {
        // Copied, so that what was cut is given back.
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A dead letter's place for messages.
pub(super) fn shown_place(place: Place) -> String {
    format!("dead letter {} of {}", write_place(place), Topic::DeadLetters.name())
}
