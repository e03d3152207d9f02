//! What is set for courses and training plans: few rows, held as they are written.

use std::collections::BTreeMap;

use catalog::{Micros, SettingRow, TenantId, setting_key};
use codec::{Codec, Decoder, Encoder};
use stage::StageError;
use stage::store::{Change, Store};

use super::store::SETTINGS;
use crate::errors::{decoding, encoding, storing};

/// Rows of the open transaction, over committed ones in the store.
pub(crate) struct Settings {
    encoder: Encoder,
    decoder: Decoder,
    scratch: Vec<u8>,
    /// In the order of their keys, so that a replay writes them in the same.
    pending: BTreeMap<String, PendingSetting>,
}

/// A row that the open transaction set.
pub(crate) struct PendingSetting {
    pub(crate) value: Box<[u8]>,
    pub(crate) received_at: Micros,
    /// Whether it changed since it was last written.
    pub(crate) dirty: bool,
}

impl Settings {
    pub(crate) fn new(codec: &Codec) -> Self {
        Self {
            encoder: codec.encoder(),
            decoder: codec.decoder(),
            scratch: Vec::new(),
            pending: BTreeMap::new(),
        }
    }

    pub(crate) fn get(
        &self,
        store: &dyn Store,
        tenant: &TenantId,
        kind: &str,
        id: &str,
    ) -> Result<Option<SettingRow>, StageError> {
        let key = setting_key(tenant, kind, id);
        let committed;
        let value = match self.pending.get(&key) {
            Some(pending) => &pending.value[..],
            None => match store.get(SETTINGS, key.as_bytes()).map_err(storing)? {
                Some(value) => {
                    committed = value;
                    &committed[..]
                }
                None => return Ok(None),
            },
        };
        let row = self.decoder.setting(value);
        row.map(Some).map_err(|error| decoding(error, || format!("settings row {key}")))
    }

    pub(crate) fn set(&mut self, row: &SettingRow) -> Result<(), StageError> {
        let key = row.key();
        let written = self.encoder.setting(row, &mut self.scratch);
        written.map_err(|error| encoding(error, || format!("settings row {key}")))?;
        let value = self.scratch.as_slice().into();
        self.pending.insert(key, PendingSetting { value, received_at: row.received_at, dirty: true });
        Ok(())
    }

    /// The rows that changed since they were last written.
    pub(crate) fn dirty(&mut self) -> impl Iterator<Item = (&String, &mut PendingSetting)> {
        self.pending.iter_mut().filter(|(_, pending)| pending.dirty)
    }

    /// The changes that make the open transaction's rows committed ones.
    pub(crate) fn commit(&mut self, changes: &mut Vec<Change>) {
        let pending = std::mem::take(&mut self.pending);
        changes.extend(pending.into_iter().map(|(key, pending)| change(key.as_bytes(), Some(pending.value))));
    }

    pub(crate) fn rollback(&mut self) {
        self.pending.clear();
    }

    /// Takes a row that was committed before; `None` where it was removed since.
    pub(crate) fn restore(
        &mut self,
        store: &mut dyn Store,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), StageError> {
        store.apply(vec![change(key, value.map(Into::into))]).map_err(storing)
    }
}

fn change(key: &[u8], value: Option<Box<[u8]>>) -> Change {
    Change { table: SETTINGS, key: key.into(), value }
}
