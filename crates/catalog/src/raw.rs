//! An action as it was read, before any rule was applied: every field may be missing or wrong.

use std::borrow::Cow;

use crate::Micros;
use crate::action::{Actor, Change, Object, Origin, Text, User};

/// One field of an action that was read but not judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// Not there, or null.
    #[default]
    Absent,
    /// There, but not of the right form: what is wrong, without the value.
    Invalid(Cow<'static, str>),
    /// There.
    Present(T),
}

impl<T> Field<T> {
    /// The value, if it is there and of the right form.
    pub fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            _ => None,
        }
    }

    /// Whether the field is missing.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// An action as decoding found it. What decoding checks is form alone: types, the syntax of times,
/// the names of actor kinds, and that parts have what makes them (an object its kind and id).
/// Lengths, the catalog and all that depends on other fields is the normalizer's to judge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawAction<'a> {
    /// See [`crate::Action`] for each field.
    pub tenant: Field<Text<'a>>,
    /// The action's id.
    pub id: Field<Text<'a>>,
    /// The source.
    pub source: Field<Text<'a>>,
    /// The action's dotted name.
    pub action: Field<Text<'a>>,
    /// When it happened.
    pub occurred_at: Field<Micros>,
    /// Who did it.
    pub actor: Field<Actor<'a>>,
    /// On whose behalf.
    pub on_behalf_of: Field<Actor<'a>>,
    /// To or for whom.
    pub user: Field<User<'a>>,
    /// To what.
    pub object: Field<Object<'a>>,
    /// In what.
    pub within: Field<Vec<Object<'a>>>,
    /// What changed.
    pub changes: Field<Vec<Change<'a>>>,
    /// Anything else, unknown fields under `x.`; sorted by name, each name once.
    pub attributes: Field<Vec<(Text<'a>, Text<'a>)>>,
    /// Why.
    pub reason: Field<Text<'a>>,
    /// Where from.
    pub origin: Field<Origin<'a>>,
    /// Correlation.
    pub correlation_id: Field<Text<'a>>,
    /// The source's counter.
    pub sequence: Field<i64>,
}
