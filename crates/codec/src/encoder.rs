//! Writes the trail's own records: a prefix that names the schema, then the Avro datum.

use std::sync::Arc;

use catalog::{
    Action, ActivityRow, ActorsRow, AuditEvent, Category, LedgerRow, Micros, Receipt, RegisterRow,
    SequenceRow, SettingRow, Topic, View,
};
use serde::Serialize;
use stage::Coverage;

use crate::codec::Shared;
use crate::framing::{confluent, single_object};
use crate::schemas::{self, Compiled};
use crate::wire::{
    ActionOut, ActivityOut, ActorsOut, EventOut, LedgerOut, ReceiptOut, RegisterOut, SettingOut,
};
use crate::{EncodeError, RegistryError};

/// Writes records. The same record gives the same bytes.
///
/// Every method clears `out` and leaves one value in it, or nothing on an error.
///
/// # Errors
/// All methods: [`EncodeError::Unwritable`] where a partition or time is beyond what the schema
/// holds, or the registry does not have the schema; [`EncodeError::Unavailable`] where the registry
/// did not answer.
pub struct Encoder {
    shared: Arc<Shared>,
    /// By [`Topic::index`]; made when a topic is first written.
    prefixes: [Option<Prefix>; Topic::COUNT],
}

/// What every value of a topic begins with, and its schema.
#[derive(Clone, Copy)]
struct Prefix {
    schema: &'static Compiled,
    bytes: [u8; 10],
    length: usize,
}

impl Encoder {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, prefixes: [None; Topic::COUNT] }
    }

    /// Writes an action.
    ///
    /// # Errors
    /// See [`Encoder`].
    pub fn action(&mut self, action: &Action<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Topic::Actions, Ok(ActionOut::of(action)), out)
    }

    /// Writes an audit event.
    ///
    /// # Errors
    /// See [`Encoder`].
    pub fn event(&mut self, event: &AuditEvent<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Topic::Events, EventOut::of(event), out)
    }

    /// Writes a receipt.
    ///
    /// # Errors
    /// See [`Encoder`].
    pub fn receipt(&mut self, receipt: &Receipt, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Topic::Receipts, ReceiptOut::of(receipt), out)
    }

    /// Writes a row of this category's activity view.
    ///
    /// # Errors
    /// See [`Encoder`].
    pub fn activity(
        &mut self,
        category: Category,
        row: &ActivityRow,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        self.write(Topic::Report(category, View::Activity), Ok(ActivityOut::of(row)), out)
    }

    /// Writes a row of this category's actors view.
    ///
    /// # Errors
    /// See [`Encoder`].
    pub fn actors(
        &mut self,
        category: Category,
        row: &ActorsRow,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        self.write(Topic::Report(category, View::Actors), Ok(ActorsOut::of(row)), out)
    }

    /// Writes a row of this category's register view.
    ///
    /// # Errors
    /// See [`Encoder`].
    pub fn register(
        &mut self,
        category: Category,
        row: &RegisterRow,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        self.write(Topic::Report(category, View::Register), Ok(RegisterOut::of(row)), out)
    }

    /// Writes an account's row of the ledger.
    ///
    /// # Errors
    /// See [`Encoder`].
    pub fn ledger(&mut self, row: &LedgerRow, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Topic::Ledger, LedgerOut::account(row), out)
    }

    /// Writes a stage's coverage into the ledger.
    ///
    /// # Errors
    /// See [`Encoder`].
    pub fn coverage(
        &mut self,
        stage: &str,
        partition: u32,
        coverage: &Coverage,
        committed_at: Micros,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        self.write(Topic::Ledger, LedgerOut::coverage(stage, partition, coverage, committed_at), out)
    }

    /// Writes a source's sequence into the ledger.
    ///
    /// # Errors
    /// See [`Encoder`].
    pub fn sequence(&mut self, row: &SequenceRow, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Topic::Ledger, Ok(LedgerOut::sequence(row)), out)
    }

    /// Writes a settings row.
    ///
    /// # Errors
    /// See [`Encoder`].
    pub fn setting(&mut self, row: &SettingRow, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Topic::Settings, Ok(SettingOut::of(row)), out)
    }

    fn write<T: Serialize>(
        &mut self,
        topic: Topic,
        value: Result<T, String>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        out.clear();
        let unwritable = |problem: String| EncodeError::Unwritable(format!("{}: {problem}", topic.name()));
        let value = value.map_err(unwritable)?;
        let prefix = self.prefix(topic)?;
        out.extend_from_slice(&prefix.bytes[..prefix.length]);
        prefix.schema.writer.write_ser(out, &value).map(|_| ()).map_err(|error| {
            out.clear();
            unwritable(error.to_string())
        })
    }

    fn prefix(&mut self, topic: Topic) -> Result<Prefix, EncodeError> {
        if let Some(prefix) = self.prefixes[topic.index()] {
            return Ok(prefix);
        }
        let schema = schemas::latest(topic.content());
        let mut prefix = Prefix { schema, bytes: single_object(schema.fingerprint), length: 10 };
        if let Some(registry) = &self.shared.registry {
            let id = registry.lookup(&schemas::subject(topic), schema.file.text).map_err(not_written)?;
            let bytes = confluent(id);
            prefix.length = bytes.len();
            prefix.bytes[..bytes.len()].copy_from_slice(&bytes);
        }
        self.prefixes[topic.index()] = Some(prefix);
        Ok(prefix)
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Encoder")
    }
}

fn not_written(error: RegistryError) -> EncodeError {
    match error {
        RegistryError::Unavailable(_) => EncodeError::Unavailable(error.to_string()),
        // Schemas are registered on purpose, never by whoever happens to write first.
        RegistryError::NotFound(_) => EncodeError::Unwritable(format!("{error}; register the schemas first")),
        RegistryError::Refused(_) => EncodeError::Unwritable(error.to_string()),
    }
}
