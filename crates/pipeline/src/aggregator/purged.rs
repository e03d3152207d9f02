//! Purges that state on disk has missed: a tombstone is forgotten after a while, the row of the purge that
//! wrote it never is. So whatever the topics have forgotten, no learner's record comes back with old state.

use std::collections::BTreeSet;

use aggregator::{PURGES, Rows as _, is_purge, purged};
use catalog::{Category, View};
use stage::StageError;
use stage::store::{Change, Store};

use super::committed::{Committed, table};

/// The purges that came to state which was there before them.
#[derive(Default)]
pub(super) struct Purged {
    /// Whether the state was there before what is restored: else every row comes from the topics, and so
    /// does what became of it.
    is_old: bool,
    /// Keys of the purges' rows.
    keys: BTreeSet<String>,
}

impl Purged {
    pub(super) fn open(store: &dyn Store) -> Self {
        Self { is_old: store.mark().is_some(), keys: BTreeSet::new() }
    }

    /// Takes note of a row that is restored.
    pub(super) fn see(&mut self, category: Category, view: View, key: &str) {
        if self.is_old && (category, view) == (PURGES, View::Register) && is_purge(key) {
            self.keys.insert(key.to_owned());
        }
    }

    /// Removes what these purges had removed.
    pub(super) fn removals(&self, rows: &Committed<'_>) -> Result<Vec<Change>, StageError> {
        let mut removals = Vec::new();
        for key in &self.keys {
            let Some(purge) = rows.register(PURGES, key)? else { continue };
            let gone = purged(&purge, rows)?.into_iter();
            removals.extend(gone.map(|(category, key)| Change {
                table: table(category, View::Register),
                key: key.into_bytes().into(),
                value: None,
            }));
        }
        Ok(removals)
    }
}
