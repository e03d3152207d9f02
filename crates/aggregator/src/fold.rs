//! One audit event's way through the three views.

use catalog::{AuditEvent, OrderKey, Window, activity_key, actors_key, register_key};

use crate::register::{self, actor, subject};
use crate::sketch::NotCanonical;
use crate::{FoldError, Overlay, Rows, purge, windows};

impl Overlay {
    /// Folds one audit event into the rows of its category's views and of its subject's register.
    ///
    /// The event must not have been folded before: the normalizer sees to that, and so counts
    /// simply grow.
    ///
    /// # Errors
    /// [`FoldError`] when committed rows could not be read or do not fit; the overlay may hold a
    /// part of the event then and must be rolled back.
    pub fn fold<R: Rows>(&mut self, event: &AuditEvent<'_>, rows: &R) -> Result<(), FoldError<R::Error>> {
        self.fold_activity(event, rows)?;
        self.fold_actors(event, rows)?;
        self.fold_register(event, rows)
    }

    fn fold_activity<R: Rows>(
        &mut self,
        event: &AuditEvent<'_>,
        rows: &R,
    ) -> Result<(), FoldError<R::Error>> {
        let latest = self.advance(event.received_at);
        let action = &event.action;
        let category = action.entry.category;
        let (event_type, at) = (action.entry.event_type, action.occurred_at);
        for window in Window::ALL {
            let key = activity_key(&action.tenant, action.catalog_id(), event_type, window, at);
            let layer = &mut self.layers[category.index()].activity;
            let slot = layer.slot(key, |key| rows.activity(category, key)).map_err(FoldError::Rows)?;
            windows::fold(slot, event, latest, || windows::activity(event, window))?;
        }
        Ok(())
    }

    fn fold_actors<R: Rows>(&mut self, event: &AuditEvent<'_>, rows: &R) -> Result<(), FoldError<R::Error>> {
        let latest = self.advance(event.received_at);
        let action = &event.action;
        let category = action.entry.category;
        let actor = actor(event);
        let key = actors_key(&action.tenant, &actor, action.occurred_at);
        let layer = &mut self.layers[category.index()].actors;
        let slot = layer.slot(key, |key| rows.actors(category, key)).map_err(FoldError::Rows)?;
        Ok(windows::fold(slot, event, latest, || windows::actors(event, actor))?)
    }

    fn fold_register<R: Rows>(
        &mut self,
        event: &AuditEvent<'_>,
        rows: &R,
    ) -> Result<(), FoldError<R::Error>> {
        let action = &event.action;
        let subject =
            subject(event).map_err(|part| FoldError::Subject { action: action.entry.action, part })?;
        let order = OrderKey::of(event);
        if purge::guards(self, event, &order, &subject, rows)? {
            return Ok(());
        }
        let (home, kind) = (action.entry.register.home, action.entry.register.kind);
        let key = register_key(&action.tenant, kind, subject.user, subject.objects.iter().copied());
        let layer = &mut self.layers[home.index()].register;
        let slot = layer.slot(key, |key| rows.register(home, key)).map_err(FoldError::Rows)?;
        register::fold(slot, event, &order, &subject);
        match (purge::Purge::of(event, &subject), subject.user) {
            (Some(purge), Some(user)) => purge::apply(self, purge, event, &order, user, rows),
            _ => Ok(()),
        }
    }
}

impl<E> From<NotCanonical> for FoldError<E> {
    fn from(_: NotCanonical) -> Self {
        Self::Sketch
    }
}

#[cfg(test)]
mod tests;
