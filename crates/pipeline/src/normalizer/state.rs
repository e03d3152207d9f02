//! The state of one partition: what the rules remember, behind their port.

use catalog::{SettingRow, TenantId};
use codec::Codec;
use normalizer::{Memory, Received, Seen};
use stage::store::Store;
use stage::{Label, Mark, StageError};

use super::NormalizerConfig;
use super::dedup::Dedup;
use super::ledger::Ledger;
use super::settings::Settings;
use super::store::{DEDUP, LEDGER, SEQUENCES, SETTINGS};
use crate::errors::storing;

/// Committed state in the store, and over it what the open transaction changed.
pub(crate) struct State {
    pub(crate) store: Box<dyn Store>,
    pub(crate) dedup: Dedup,
    pub(crate) ledger: Ledger,
    pub(crate) settings: Settings,
}

impl State {
    /// The state that this store holds.
    pub(crate) fn open(config: &NormalizerConfig, mut store: Box<dyn Store>) -> Result<Self, StageError> {
        let codec: &Codec = &config.codec;
        let mut dedup = Dedup::new(config.dedup_window);
        dedup.open(store.as_mut()).map_err(storing)?;
        Ok(Self { store, dedup, ledger: Ledger::default(), settings: Settings::new(codec) })
    }

    /// Makes what the open transaction changed committed state, and drops what is too old.
    pub(crate) fn commit(&mut self, mark: &Mark) -> Result<(), StageError> {
        let mut changes = Vec::new();
        let added = self.dedup.commit(&mut changes);
        self.ledger.commit(&mut changes);
        self.settings.commit(&mut changes);
        let store = self.store.as_mut();
        store
            .commit(changes, mark)
            .and_then(|()| self.dedup.drop_old(store, added))
            .and_then(|()| self.ledger.drop_old(store, self.dedup.latest()))
            .map_err(storing)
    }

    /// What was restored is committed state.
    pub(crate) fn restored(&mut self, mark: &Mark) -> Result<(), StageError> {
        self.store.commit(self.dedup.clock().collect(), mark).map_err(storing)
    }

    /// Forgets everything.
    pub(crate) fn reset(&mut self, why: &str) -> Result<(), StageError> {
        self.rollback();
        self.dedup.reset();
        self.ledger = Ledger::default();
        self.store.reset(why).map_err(storing)
    }

    /// Drops what the open transaction changed.
    pub(crate) fn rollback(&mut self) {
        self.dedup.rollback();
        self.ledger.rollback();
        self.settings.rollback();
    }

    /// Committed rows per table.
    pub(crate) fn rows(&self) -> Vec<(Label, u64)> {
        [("dedup", DEDUP), ("ledger", LEDGER), ("sequences", SEQUENCES), ("settings", SETTINGS)]
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

    fn count(&mut self, received: Received) -> Result<(), StageError> {
        self.ledger.count(self.store.as_ref(), received).map_err(storing)
    }
}
