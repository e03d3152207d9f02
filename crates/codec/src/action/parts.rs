//! The parts of an action: actor, user, object, changes, origin, attributes. A part with one wrong
//! member is wrong as a whole, and says which member.

use std::borrow::Cow;

use catalog::{Actor, ActorKind, Change, Field, Object, Origin, Text, User};
use serde::de::{Error as _, MapAccess};
use serde_json::value::RawValue;

use super::raw;
use super::scalars::{Scalar, Word, Words};
use super::take::{Name, Names, Path, Seed, Take};
use super::unknown::{Format, Unknown};

/// What reads a part is told: where unknown members go, and where the part lies.
pub(super) struct Part<'u, 'p, 'de> {
    pub(super) unknown: &'u mut Unknown<'de>,
    pub(super) path: &'p Path<'p>,
}

impl<'de> Part<'_, '_, 'de> {
    fn no_object<T>(&self) -> Field<T> {
        Field::Invalid(self.path.problem("is not an object"))
    }

    /// Takes a member that is not known here.
    fn other<A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        names: &mut Names<'de>,
        name: Cow<'de, str>,
        depth: u8,
    ) -> Result<(), A::Error> {
        let path = self.path.name(&name);
        self.unknown.take(map, names, &path, name.clone(), depth)
    }

    /// Takes a member that should be text.
    fn text<A: MapAccess<'de>>(
        &self,
        map: &mut A,
        name: &'static str,
        depth: u8,
    ) -> Result<Field<Text<'de>>, A::Error> {
        map.next_value_seed(Seed { take: Word(&self.path.name(name)), depth })
    }

    /// Takes a member that may be any scalar.
    fn scalar<A: MapAccess<'de>>(
        &self,
        map: &mut A,
        name: &'static str,
        depth: u8,
    ) -> Result<Field<Text<'de>>, A::Error> {
        let path = self.path.name(name);
        match self.unknown.format {
            Format::Json => {
                let value: &'de RawValue = map.next_value()?;
                raw::scalar(value.get(), &path, depth).map_err(A::Error::custom)
            }
            Format::Avro => map.next_value_seed(Seed { take: Scalar(&path), depth }),
        }
    }
}

/// Gathers the members of a part; the first problem becomes the part's.
struct Members<'p> {
    path: &'p Path<'p>,
    problem: Option<Cow<'static, str>>,
}

impl<'p> Members<'p> {
    fn of(path: &'p Path<'p>) -> Self {
        Self { path, problem: None }
    }

    fn optional<T>(&mut self, field: Field<T>) -> Option<T> {
        match field {
            Field::Present(value) => Some(value),
            Field::Absent => None,
            Field::Invalid(problem) => {
                self.problem.get_or_insert(problem);
                None
            }
        }
    }

    fn needed<T>(&mut self, name: &str, field: Field<T>) -> Option<T> {
        if field.is_absent() {
            let missing = self.path.name(name).problem("is missing");
            self.problem.get_or_insert(missing);
        }
        self.optional(field)
    }

    /// The whole, which is there where all that it needs is.
    fn whole<T>(self, whole: Option<T>) -> Field<T> {
        match (self.problem, whole) {
            (Some(problem), _) => Field::Invalid(problem),
            (None, Some(whole)) => Field::Present(whole),
            (None, None) => Field::Invalid(self.path.problem("is incomplete")),
        }
    }
}

/// An actor.
pub(super) struct ActorPart<'u, 'p, 'de>(pub(super) Part<'u, 'p, 'de>);

impl<'de> Take<'de> for ActorPart<'_, '_, 'de> {
    type Out = Field<Actor<'de>>;

    fn wrong(self) -> Self::Out {
        self.0.no_object()
    }
    fn null(self) -> Self::Out {
        Field::Absent
    }
    fn map<A: MapAccess<'de>>(self, mut map: A, depth: u8) -> Result<Self::Out, A::Error> {
        let Self(mut part) = self;
        let (mut kind, mut id, mut name, mut roles) = Default::default();
        let mut names = Names::default();
        while let Some(member) = map.next_key_seed(Name)? {
            match member.as_ref() {
                "kind" => {
                    names.known(0)?;
                    kind = part.text(&mut map, "kind", depth)?;
                }
                "id" => {
                    names.known(1)?;
                    id = part.text(&mut map, "id", depth)?;
                }
                "name" => {
                    names.known(2)?;
                    name = part.text(&mut map, "name", depth)?;
                }
                "roles" => {
                    names.known(3)?;
                    roles = map.next_value_seed(Seed { take: Words(&part.path.name("roles")), depth })?;
                }
                _ => part.other(&mut map, &mut names, member, depth)?,
            }
        }
        names.finish()?;
        let mut members = Members::of(part.path);
        let kind = members.needed("kind", actor_kind(kind, part.path));
        let (id, name) = (members.optional(id), members.optional(name));
        let roles = members.optional(roles).unwrap_or_default();
        Ok(members.whole(kind.map(|kind| Actor { kind, id, name, roles })))
    }
}

fn actor_kind(kind: Field<Text<'_>>, path: &Path<'_>) -> Field<ActorKind> {
    match kind {
        Field::Absent => Field::Absent,
        Field::Invalid(problem) => Field::Invalid(problem),
        Field::Present(name) => match ActorKind::from_name(&name) {
            Some(kind) => Field::Present(kind),
            None => Field::Invalid(path.name("kind").problem("is none of the kinds of actor")),
        },
    }
}

/// The person it was done to or for.
pub(super) struct UserPart<'u, 'p, 'de>(pub(super) Part<'u, 'p, 'de>);

impl<'de> Take<'de> for UserPart<'_, '_, 'de> {
    type Out = Field<User<'de>>;

    fn wrong(self) -> Self::Out {
        self.0.no_object()
    }
    fn null(self) -> Self::Out {
        Field::Absent
    }
    fn map<A: MapAccess<'de>>(self, map: A, depth: u8) -> Result<Self::Out, A::Error> {
        let Self(mut part) = self;
        let [id, name] = texts(&mut part, map, ["id", "name"], depth)?;
        let mut members = Members::of(part.path);
        let (id, name) = (members.needed("id", id), members.optional(name));
        Ok(members.whole(id.map(|id| User { id, name })))
    }
}

/// A thing of the platform.
pub(super) struct ObjectPart<'u, 'p, 'de>(pub(super) Part<'u, 'p, 'de>);

impl<'de> Take<'de> for ObjectPart<'_, '_, 'de> {
    type Out = Field<Object<'de>>;

    fn wrong(self) -> Self::Out {
        self.0.no_object()
    }
    fn null(self) -> Self::Out {
        Field::Absent
    }
    fn map<A: MapAccess<'de>>(self, map: A, depth: u8) -> Result<Self::Out, A::Error> {
        let Self(mut part) = self;
        let [kind, id, title] = texts(&mut part, map, ["kind", "id", "title"], depth)?;
        let mut members = Members::of(part.path);
        let (kind, id) = (members.needed("kind", kind), members.needed("id", id));
        let title = members.optional(title);
        Ok(members.whole(kind.zip(id).map(|(kind, id)| Object { kind, id, title })))
    }
}

/// Where the request came from.
pub(super) struct OriginPart<'u, 'p, 'de>(pub(super) Part<'u, 'p, 'de>);

impl<'de> Take<'de> for OriginPart<'_, '_, 'de> {
    type Out = Field<Origin<'de>>;

    fn wrong(self) -> Self::Out {
        self.0.no_object()
    }
    fn null(self) -> Self::Out {
        Field::Absent
    }
    fn map<A: MapAccess<'de>>(self, map: A, depth: u8) -> Result<Self::Out, A::Error> {
        let Self(mut part) = self;
        let [ip, user_agent, channel] = texts(&mut part, map, ["ip", "user_agent", "channel"], depth)?;
        let mut members = Members::of(part.path);
        let (ip, user_agent) = (members.optional(ip), members.optional(user_agent));
        let channel = members.optional(channel);
        Ok(members.whole(Some(Origin { ip, user_agent, channel })))
    }
}

/// One field that changed.
pub(super) struct ChangePart<'u, 'p, 'de>(pub(super) Part<'u, 'p, 'de>);

impl<'de> Take<'de> for ChangePart<'_, '_, 'de> {
    type Out = Field<Change<'de>>;

    fn wrong(self) -> Self::Out {
        self.0.no_object()
    }
    fn null(self) -> Self::Out {
        Field::Absent
    }
    fn map<A: MapAccess<'de>>(self, mut map: A, depth: u8) -> Result<Self::Out, A::Error> {
        let Self(mut part) = self;
        let (mut field, mut before, mut after) = Default::default();
        let mut names = Names::default();
        while let Some(member) = map.next_key_seed(Name)? {
            match member.as_ref() {
                "field" => {
                    names.known(0)?;
                    field = part.text(&mut map, "field", depth)?;
                }
                "before" => {
                    names.known(1)?;
                    before = part.scalar(&mut map, "before", depth)?;
                }
                "after" => {
                    names.known(2)?;
                    after = part.scalar(&mut map, "after", depth)?;
                }
                _ => part.other(&mut map, &mut names, member, depth)?,
            }
        }
        names.finish()?;
        let mut members = Members::of(part.path);
        let field = members.needed("field", field);
        let (before, after) = (members.optional(before), members.optional(after));
        Ok(members.whole(field.map(|field| Change { field, before, after })))
    }
}

/// Reads an object whose known members are all text.
fn texts<'de, A: MapAccess<'de>, const N: usize>(
    part: &mut Part<'_, '_, 'de>,
    mut map: A,
    known: [&'static str; N],
    depth: u8,
) -> Result<[Field<Text<'de>>; N], A::Error> {
    let mut fields = [const { Field::Absent }; N];
    let mut names = Names::default();
    while let Some(member) = map.next_key_seed(Name)? {
        match known.iter().position(|name| *name == member) {
            Some(place) => {
                names.known(u32::try_from(place).expect("a few names"))?;
                fields[place] = part.text(&mut map, known[place], depth)?;
            }
            None => part.other(&mut map, &mut names, member, depth)?,
        }
    }
    names.finish()?;
    Ok(fields)
}
