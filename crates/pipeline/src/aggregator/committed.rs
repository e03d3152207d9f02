//! Committed rows: the store's bytes, read when an event needs them.

use aggregator::Rows;
use catalog::{ActivityRow, ActorsRow, Category, RegisterRow, Topic, View};
use codec::{DecodeError, Decoder};
use stage::store::{Store, Table, scan_prefix};
use stage::{Partition, StageError};

use crate::errors::{decoding, storing};
use crate::topics::topic_index;

/// The committed rows of one partition.
pub(super) struct Committed<'a> {
    pub(super) partition: Partition,
    pub(super) store: &'a dyn Store,
    pub(super) decoder: &'a Decoder,
}

/// The table that holds the rows of a report topic: it has the topic's number.
pub(super) fn table(category: Category, view: View) -> Table {
    let number = topic_index(Topic::Report(category, view)).index();
    Table::new(u16::try_from(number).expect("a topic's number is a u16"))
}

impl Committed<'_> {
    /// Why a committed row cannot be read. Its key is not named: it may hold a person's id.
    pub(super) fn unreadable(&self, category: Category, view: View, error: DecodeError) -> StageError {
        let topic = Topic::Report(category, view).name();
        decoding(error, || format!("a row of {topic}, partition {}, cannot be read", self.partition))
    }

    fn row<T>(
        &self,
        category: Category,
        view: View,
        key: &str,
        decode: fn(&Decoder, &[u8]) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, StageError> {
        let value = self.store.get(table(category, view), key.as_bytes()).map_err(storing)?;
        let row = value.map(|value| decode(self.decoder, &value)).transpose();
        row.map_err(|error| self.unreadable(category, view, error))
    }
}

impl Rows for Committed<'_> {
    type Error = StageError;

    fn activity(&self, category: Category, key: &str) -> Result<Option<ActivityRow>, StageError> {
        self.row(category, View::Activity, key, Decoder::activity)
    }

    fn actors(&self, category: Category, key: &str) -> Result<Option<ActorsRow>, StageError> {
        self.row(category, View::Actors, key, Decoder::actors)
    }

    fn register(&self, category: Category, key: &str) -> Result<Option<RegisterRow>, StageError> {
        self.row(category, View::Register, key, Decoder::register)
    }

    fn register_keys(
        &self,
        category: Category,
        prefix: &str,
        visit: &mut dyn FnMut(&str),
    ) -> Result<(), StageError> {
        let mut visit_key = |key: &[u8], _: &[u8]| {
            visit(str::from_utf8(key).expect("row keys are checked when they are restored"));
        };
        scan_prefix(self.store, table(category, View::Register), prefix.as_bytes(), &mut visit_key)
            .map_err(storing)
    }
}
