//! The state of one partition: what the rules remember, behind their port.

use catalog::{Account, Micros, SettingRow, TenantId};
use codec::Codec;
use normalizer::{Counted, Memory, Seen};
use stage::store::Store;
use stage::{Label, StageError};

use super::NormalizerConfig;
use super::dedup::Dedup;
use super::ledger::Ledger;
use super::settings::Settings;
use super::store::{DEDUP, LEDGER, SETTINGS};
use crate::errors::storing;

/// Committed state in the store, and over it what the open transaction changed.
pub(crate) struct State {
    pub(crate) store: Box<dyn Store>,
    pub(crate) dedup: Dedup,
    pub(crate) ledger: Ledger,
    pub(crate) settings: Settings,
}

impl State {
    pub(crate) fn new(config: &NormalizerConfig, store: Box<dyn Store>) -> Self {
        let codec: &Codec = &config.codec;
        Self {
            store,
            dedup: Dedup::new(config.dedup_window),
            ledger: Ledger::default(),
            settings: Settings::new(codec),
        }
    }

    /// Makes what the open transaction changed committed state, and drops what is too old.
    pub(crate) fn commit(&mut self) -> Result<(), StageError> {
        let mut changes = Vec::new();
        self.dedup.commit(&mut changes);
        let added = changes.len();
        self.ledger.commit(&mut changes);
        self.settings.commit(&mut changes);
        let store = self.store.as_mut();
        store
            .apply(changes)
            .and_then(|()| self.dedup.drop_old(store, added))
            .and_then(|()| self.ledger.drop_old(store, self.dedup.latest()))
            .map_err(storing)
    }

    /// Drops what the open transaction changed.
    pub(crate) fn rollback(&mut self) {
        self.dedup.rollback();
        self.ledger.rollback();
        self.settings.rollback();
    }

    /// Committed rows per table.
    pub(crate) fn rows(&self) -> Vec<(Label, u64)> {
        [("dedup", DEDUP), ("ledger", LEDGER), ("settings", SETTINGS)]
            .map(|(label, table)| (label, self.store.len(table)))
            .into()
    }
}

impl Memory for State {
    type Error = StageError;

    fn seen(&mut self, key: &[u8; 16]) -> Result<Option<Seen>, StageError> {
        self.dedup.get(self.store.as_ref(), key).map_err(storing)
    }

    fn remember(&mut self, key: [u8; 16], seen: Seen) -> Result<(), StageError> {
        self.dedup.set(key, seen);
        Ok(())
    }

    fn setting(&mut self, tenant: &TenantId, kind: &str, id: &str) -> Result<Option<SettingRow>, StageError> {
        self.settings.get(self.store.as_ref(), tenant, kind, id)
    }

    fn set(&mut self, row: SettingRow) -> Result<(), StageError> {
        self.settings.set(&row)
    }

    fn count(
        &mut self,
        account: Account,
        hour: Micros,
        counted: Counted,
        received_at: Micros,
    ) -> Result<(), StageError> {
        self.ledger.count(self.store.as_ref(), account, hour, counted, received_at).map_err(storing)
    }
}
