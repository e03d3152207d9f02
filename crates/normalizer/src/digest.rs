//! What an action says, as a hash: over its parsed fields, so that two deliveries of one action
//! agree in whatever encoding they came.
//!
//! Not in it: tenant, source and id (they are the identity), and `sequence`, `origin` and
//! `correlation_id`, which differ between two deliveries. Any change here needs a new version.

use catalog::{Action, Actor, Change, Digest, Object, Text};
use sha2::{Digest as _, Sha256};

/// Version of the rule below, the first byte of every digest made by it.
pub const DIGEST_VERSION: u8 = 1;

/// The digest of an action. Unambiguous: text is preceded by its length in bytes and a list by its
/// count of items, both big-endian u64; what may be absent by a byte 0 or 1; times are big-endian
/// i64. Attributes go by name, whatever order they came in.
#[must_use]
pub fn digest(action: &Action<'_>) -> Digest {
    let mut hash = Writer(Sha256::new());
    hash.text(action.entry.action);
    hash.0.update(action.occurred_at.get().to_be_bytes());
    hash.actor(&action.actor);
    hash.option(action.on_behalf_of.as_ref(), Writer::actor);
    hash.option(action.user.as_ref(), |hash, user| {
        hash.text(&user.id);
        hash.maybe_text(user.name.as_ref());
    });
    hash.option(action.object.as_ref(), Writer::object);
    hash.list(&action.within, Writer::object);
    hash.list(&action.changes, Writer::change);
    hash.attributes(&action.attributes);
    hash.maybe_text(action.reason.as_ref());
    Digest::new(DIGEST_VERSION, hash.0.finalize().into())
}

/// Feeds values to the hash so that no two sequences of values give the same bytes.
struct Writer(Sha256);

impl Writer {
    fn length(&mut self, length: usize) {
        self.0.update((length as u64).to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.0.update(text);
    }

    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.0.update([u8::from(value.is_some())]);
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn maybe_text(&mut self, text: Option<&Text<'_>>) {
        self.option(text, |hash, text| hash.text(text));
    }

    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.length(items.len());
        for item in items {
            write(self, item);
        }
    }

    fn actor(&mut self, actor: &Actor<'_>) {
        self.text(actor.kind.name());
        self.maybe_text(actor.id.as_ref());
        self.maybe_text(actor.name.as_ref());
        self.list(&actor.roles, |hash, role| hash.text(role));
    }

    fn object(&mut self, object: &Object<'_>) {
        self.text(&object.kind);
        self.text(&object.id);
        self.maybe_text(object.title.as_ref());
    }

    fn change(&mut self, change: &Change<'_>) {
        self.text(&change.field);
        self.maybe_text(change.before.as_ref());
        self.maybe_text(change.after.as_ref());
    }

    fn attributes(&mut self, attributes: &[(Text<'_>, Text<'_>)]) {
        let write = |hash: &mut Self, (name, value): &(Text<'_>, Text<'_>)| {
            hash.text(name);
            hash.text(value);
        };
        if attributes.is_sorted() {
            return self.list(attributes, write);
        }
        let mut sorted: Vec<_> = attributes.iter().collect();
        sorted.sort_unstable();
        self.list(&sorted, |hash, attribute| write(hash, attribute));
    }
}

#[cfg(test)]
mod tests;
