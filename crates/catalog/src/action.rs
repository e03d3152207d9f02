//! An action: what a platform service or an adapter says happened.

use std::borrow::Cow;

use crate::{Entry, Micros, TenantId};

/// Text that may still lie in the bytes it was read from.
pub type Text<'a> = Cow<'a, str>;

/// What kind of actor did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorKind {
    /// A person.
    User,
    /// Another service.
    Service,
    /// A holder of an API key.
    ApiKey,
    /// The platform itself: a job, a rule.
    System,
    /// Nobody who is signed in.
    Anonymous,
    /// The source does not say who.
    Unknown,
}

impl ActorKind {
    /// Every kind.
    pub const ALL: [ActorKind; 6] =
        [Self::User, Self::Service, Self::ApiKey, Self::System, Self::Anonymous, Self::Unknown];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::ApiKey => "api_key",
            Self::System => "system",
            Self::Anonymous => "anonymous",
            Self::Unknown => "unknown",
        }
    }

    /// The kind of this name on the wire.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether an actor of this kind must have an id.
    #[must_use]
    pub const fn needs_id(self) -> bool {
        matches!(self, Self::User | Self::Service | Self::ApiKey)
    }
}

/// Who did it, or on whose behalf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor<'a> {
    /// What kind of actor.
    pub kind: ActorKind,
    /// The id; must be there where the kind needs one.
    pub id: Option<Text<'a>>,
    /// A name for people to read.
    pub name: Option<Text<'a>>,
    /// The roles held at the time.
    pub roles: Vec<Text<'a>>,
}

/// The person it was done to or for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User<'a> {
    /// The id.
    pub id: Text<'a>,
    /// A name for people to read.
    pub name: Option<Text<'a>>,
}

/// A thing of the platform: a course, a session, an API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object<'a> {
    /// What kind of thing, as the catalog names it.
    pub kind: Text<'a>,
    /// Its id, unique within the tenant and kind.
    pub id: Text<'a>,
    /// A title for people to read.
    pub title: Option<Text<'a>>,
}

/// One field that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// The field's name.
    pub field: Text<'a>,
    /// Its value before, as text.
    pub before: Option<Text<'a>>,
    /// Its value after, as text.
    pub after: Option<Text<'a>>,
}

/// Where the request came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The client's address.
    pub ip: Option<Text<'a>>,
    /// The client's own description.
    pub user_agent: Option<Text<'a>>,
    /// The way in: `web`, `mobile`, `api`.
    pub channel: Option<Text<'a>>,
}

/// A valid action: it has a tenant, names an action of the catalog, and fits the catalog's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action<'a> {
    /// Unique within the source; 1 to 128 characters.
    pub id: Text<'a>,
    /// Which system says so; 1 to 512 characters.
    pub source: Text<'a>,
    /// What happened.
    pub entry: &'static Entry,
    /// When it happened.
    pub occurred_at: Micros,
    /// Whose trail it belongs to.
    pub tenant: TenantId,
    /// Who did it.
    pub actor: Actor<'a>,
    /// On whose behalf.
    pub on_behalf_of: Option<Actor<'a>>,
    /// To or for whom.
    pub user: Option<User<'a>>,
    /// To what.
    pub object: Option<Object<'a>>,
    /// In what: course, training plan, catalog, session group.
    pub within: Vec<Object<'a>>,
    /// What changed.
    pub changes: Vec<Change<'a>>,
    /// Anything else, as text, sorted by name, each name once.
    pub attributes: Vec<(Text<'a>, Text<'a>)>,
    /// Why it was done.
    pub reason: Option<Text<'a>>,
    /// Where the request came from.
    pub origin: Option<Origin<'a>>,
    /// Ties together what one request did.
    pub correlation_id: Option<Text<'a>>,
    /// The source's own counter.
    pub sequence: Option<i64>,
}

impl Action<'_> {
    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    /// The id of the first thing of this kind in `within`.
    #[must_use]
    pub fn within_id(&self, kind: &str) -> Option<&str> {
        self.within.iter().find(|object| object.kind == kind).map(|object| object.id.as_ref())
    }

    /// The catalog it concerns: the object if that is one, else the one in `within`.
    #[must_use]
    pub fn catalog_id(&self) -> Option<&str> {
        let object = self.object.as_ref().filter(|object| object.kind == "catalog");
        object.map(|object| object.id.as_ref()).or_else(|| self.within_id("catalog"))
    }
}
