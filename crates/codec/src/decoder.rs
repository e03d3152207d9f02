//! Reads records: actions in every form they come in, and the trail's own in either framing.

use std::sync::Arc;

use catalog::{
    ActivityRow, ActorsRow, AuditEvent, LedgerRow, Micros, RawAction, Receipt, RegisterRow, SequenceRow,
    SettingRow,
};
use stage::{Coverage, Header};

use crate::codec::Shared;
use crate::wire::{ActivityIn, ActorsIn, EventIn, Incoming, LedgerIn, ReceiptIn, RegisterIn, SettingIn};
use crate::{DecodeError, action, framing};

/// One record of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerRecord {
    /// What an account received in an hour.
    Account(LedgerRow),
    /// How far a stage has come in one partition.
    Coverage {
        /// The stage.
        stage: String,
        /// The partition of its input.
        partition: u32,
        /// How far.
        coverage: Coverage,
        /// When it was committed.
        committed_at: Micros,
    },
    /// Which numbers of a source's sequence were received.
    Sequence(SequenceRow),
}

/// Reads records.
///
/// # Errors
/// All methods: [`DecodeError::Malformed`] where the bytes are not such a record,
/// [`DecodeError::UnknownSchema`] where nobody knows the schema they name,
/// [`DecodeError::Unavailable`] where the registry did not say.
pub struct Decoder {
    shared: Arc<Shared>,
}

impl Decoder {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Reads an action: plain JSON; CloudEvents 1.0, structured (by its content type, or by its
    /// attributes `specversion`, `type`, `source` and `id`) or binary (by the header
    /// `ce_specversion`); Avro in both framings, or without one beside the header
    /// `__value_schema_id`. It borrows from the value what JSON needs not unescape.
    ///
    /// # Errors
    /// See [`Decoder`]. A field of the wrong form is no error but [`catalog::Field::Invalid`].
    pub fn action<'a>(
        &self,
        value: Option<&'a [u8]>,
        headers: &[Header<'a>],
    ) -> Result<RawAction<'a>, DecodeError> {
        action::decode(&self.shared, value, headers)
    }

    /// Reads an audit event.
    ///
    /// # Errors
    /// See [`Decoder`].
    pub fn event(&self, value: &[u8]) -> Result<AuditEvent<'static>, DecodeError> {
        self.read::<EventIn>(value)
    }

    /// Reads a receipt.
    ///
    /// # Errors
    /// See [`Decoder`].
    pub fn receipt(&self, value: &[u8]) -> Result<Receipt, DecodeError> {
        self.read::<ReceiptIn>(value)
    }

    /// Reads a row of an activity view.
    ///
    /// # Errors
    /// See [`Decoder`].
    pub fn activity(&self, value: &[u8]) -> Result<ActivityRow, DecodeError> {
        self.read::<ActivityIn>(value)
    }

    /// Reads a row of an actors view.
    ///
    /// # Errors
    /// See [`Decoder`].
    pub fn actors(&self, value: &[u8]) -> Result<ActorsRow, DecodeError> {
        self.read::<ActorsIn>(value)
    }

    /// Reads a row of a register view.
    ///
    /// # Errors
    /// See [`Decoder`].
    pub fn register(&self, value: &[u8]) -> Result<RegisterRow, DecodeError> {
        self.read::<RegisterIn>(value)
    }

    /// Reads a record of the ledger.
    ///
    /// # Errors
    /// See [`Decoder`].
    pub fn ledger(&self, value: &[u8]) -> Result<LedgerRecord, DecodeError> {
        self.read::<LedgerIn>(value)
    }

    /// Reads a settings row.
    ///
    /// # Errors
    /// See [`Decoder`].
    pub fn setting(&self, value: &[u8]) -> Result<SettingRow, DecodeError> {
        self.read::<SettingIn>(value)
    }

    fn read<T: Incoming>(&self, value: &[u8]) -> Result<T::Domain, DecodeError> {
        let (schema, datum) = framing::split(value)?
            .ok_or_else(|| DecodeError::malformed("the value begins with no framing's mark"))?;
        let record: T = self.shared.reader(schema)?.read(schema, datum)?;
        record.into_domain().map_err(DecodeError::Malformed)
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decoder")
    }
}
