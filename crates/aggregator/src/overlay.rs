//! What one transaction changes: typed rows over the committed ones, each read once, each sent once.

use catalog::{ActivityRow, ActorsRow, Category, Micros, RegisterRow, View};

use crate::layer::Layer;

/// The rows that events were folded into since the last commit, over the committed rows.
///
/// [`Overlay::fold`] changes it, [`Overlay::changes`] lists what changed, and then either
/// [`Overlay::commit`] or [`Overlay::rollback`] ends the transaction. Nothing but the trail's clock
/// is kept from one transaction to the next: to keep decoded rows was measured and costs more than
/// to decode them again.
#[derive(Debug, Default)]
pub struct Overlay {
    pub(crate) layers: [Layers; Category::ALL.len()],
    /// The latest `received_at` seen in the partition: committed, and with this transaction.
    committed_latest: Option<Micros>,
    latest: Option<Micros>,
}

/// The three views of one category.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    pub(crate) activity: Layer<ActivityRow>,
    pub(crate) actors: Layer<ActorsRow>,
    pub(crate) register: Layer<RegisterRow>,
}

/// One row that changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change<'a> {
    /// The category whose view it is in.
    pub category: Category,
    /// The view.
    pub view: View,
    /// The row's key.
    pub key: &'a str,
    /// The row; `None` is a tombstone.
    pub row: Option<Row<'a>>,
    /// The timestamp of the record: the greatest `received_at` folded into the row, or that of the
    /// event that removed it.
    pub received_at: Micros,
}

/// A row of one of the views.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Row<'a> {
    /// Of an activity view.
    Activity(&'a ActivityRow),
    /// Of an actors view.
    Actors(&'a ActorsRow),
    /// Of a register.
    Register(&'a RegisterRow),
}

impl Overlay {
    /// A committed row of any view with this `received_at` was restored.
    pub fn restored(&mut self, received_at: Micros) {
        self.committed_latest = self.committed_latest.max(Some(received_at));
        self.latest = self.committed_latest;
    }

    /// The latest `received_at` seen in the partition.
    #[must_use]
    pub fn latest(&self) -> Option<Micros> {
        self.latest
    }

    /// An event was passed over that concerns none of the rows that are wanted; the trail's clock runs
    /// on with it, as it does where it is folded.
    pub fn passed(&mut self, received_at: Micros) {
        self.advance(received_at);
    }

    /// Takes note of an event's `received_at` and gives the latest one.
    pub(crate) fn advance(&mut self, received_at: Micros) -> Micros {
        let latest = self.latest.map_or(received_at, |latest| latest.max(received_at));
        self.latest = Some(latest);
        latest
    }

    /// Every row that changed since the last commit, in the order of topics and then of keys.
    pub fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        Category::ALL.into_iter().zip(&self.layers).flat_map(|(category, layers)| {
            let change = move |view, key, row, received_at| Change { category, view, key, row, received_at };
            let activity = layers.activity.changes();
            let activity =
                activity.map(move |(k, r, at)| change(View::Activity, k, r.map(Row::Activity), at));
            let actors = layers.actors.changes();
            let actors = actors.map(move |(k, r, at)| change(View::Actors, k, r.map(Row::Actors), at));
            let register = layers.register.changes();
            let register =
                register.map(move |(k, r, at)| change(View::Register, k, r.map(Row::Register), at));
            activity.chain(actors).chain(register)
        })
    }

    /// The changes are committed.
    pub fn commit(&mut self) {
        self.committed_latest = self.latest;
        self.clear();
    }

    /// The transaction is aborted: nothing of it is left.
    pub fn rollback(&mut self) {
        self.latest = self.committed_latest;
        self.clear();
    }

    fn clear(&mut self) {
        for layers in &mut self.layers {
            layers.activity.clear();
            layers.actors.clear();
            layers.register.clear();
        }
    }
}

#[cfg(test)]
mod tests;
