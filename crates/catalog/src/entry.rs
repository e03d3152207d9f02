//! One row of the catalog, typed: an action and the rules it must fit.

use crate::Category;

/// One action of the catalog.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// The place in the catalog, from 0.
    pub index: u16,
    /// The category.
    pub category: Category,
    /// The category's title for people.
    pub category_title: &'static str,
    /// The event type, `CertificateIssued`.
    pub event_type: &'static str,
    /// The action's dotted name, `certificate.issued`.
    pub action: &'static str,
    /// The sentence that people read.
    pub activity: &'static str,
    /// Where the names come from.
    pub name_source: NameSource,
    /// Kinds the object may have; empty where none is needed.
    pub object: Vec<&'static str>,
    /// Whether a user must be named.
    pub user: Need,
    /// Kinds of which one must be in `within`; empty where none must.
    pub within: Vec<&'static str>,
    /// The subject of the register row it makes.
    pub register: Register,
    /// What it does to that row's status.
    pub status: Status,
}

/// Where the names of a row come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameSource {
    /// The source article.
    Article,
    /// Lost in this edition of the article, found in another.
    OtherEdition,
    /// Found nowhere: proposed by us.
    Proposed,
    /// The article has a misprint.
    Corrected,
}

impl NameSource {
    /// Every source.
    pub const ALL: [NameSource; 4] = [Self::Article, Self::OtherEdition, Self::Proposed, Self::Corrected];

    /// The name in the catalog's data.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Article => "article",
            Self::OtherEdition => "other_edition",
            Self::Proposed => "proposed",
            Self::Corrected => "corrected",
        }
    }
}

/// Whether something must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It must.
    Required,
    /// It may.
    Optional,
}

/// The subject of a register row: `[home:]kind(part,…)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// The category whose register the subject is in.
    pub home: Category,
    /// The kind of subject.
    pub kind: &'static str,
    /// What the subject is made of, in order.
    pub parts: Vec<Part>,
}

/// One part of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The user.
    User,
    /// The object.
    Object,
    /// The thing of this kind in `within`.
    Within(&'static str),
}

/// What an action does to the status of its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Leaves it.
    Keep,
    /// Sets it.
    Set(&'static str),
}
