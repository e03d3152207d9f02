//! An action's own fields, at the top of a JSON text, in a CloudEvent's data, or in an Avro record.

use std::borrow::Cow;

use catalog::{Change, Field, Micros, Object, RawAction};
use serde::de::{DeserializeSeed as _, Error as _, MapAccess, SeqAccess};
use serde_json::value::RawValue;

use super::parts::{ActorPart, ChangePart, ObjectPart, OriginPart, Part, UserPart};
use super::raw;
use super::scalars::{Attributes, AvroTime, Integer, List, Time, Word};
use super::take::{Name, Names, Path, Seed, Take};
use super::unknown::{Format, Unknown};
use super::vast::{self, Vast};

/// What an unknown field `specversion` at the top means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Specversion {
    /// It may be a CloudEvent: stop, and look at the whole again.
    Stop,
    /// It is a field like others.
    Field,
}

/// Reads an action; `None` where the value is no object.
pub(super) struct Plain<'u, 'de> {
    pub(super) unknown: &'u mut Unknown<'de>,
    pub(super) specversion: Specversion,
    /// Set where reading stopped at a `specversion`.
    pub(super) stopped: bool,
    /// The time, where the format is Avro.
    pub(super) time: AvroTime,
}

/// Reads an action from a JSON text that lies `depth` deep.
///
/// # Errors
/// What makes the text malformed, with line and column; or that reading stopped, which `plain` says.
pub(super) fn json<'de>(
    text: &'de str,
    plain: &mut Plain<'_, 'de>,
    depth: u8,
) -> Result<Option<RawAction<'de>>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    match (Seed { take: &mut *plain, depth }).deserialize(&mut reader) {
        Ok(action) => {
            reader.end()?;
            Ok(action)
        }
        Err(error) if vast::is_cause(&error) => {
            plain.unknown.fields.clear();
            Seed { take: plain, depth }.deserialize(Vast(serde_json::from_str(text)?))
        }
        Err(error) => Err(error),
    }
}

impl<'u, 'de> Plain<'u, 'de> {
    pub(super) fn new(unknown: &'u mut Unknown<'de>, specversion: Specversion) -> Self {
        Self { unknown, specversion, stopped: false, time: AvroTime::Absent }
    }

    fn field<A: MapAccess<'de>>(
        &mut self,
        action: &mut RawAction<'de>,
        names: &mut Names<'de>,
        name: Cow<'de, str>,
        map: &mut A,
        depth: u8,
    ) -> Result<(), A::Error> {
        let path = &Path::root(&name);
        let word = Seed { take: Word(path), depth };
        match name.as_ref() {
            "tenant" => action.tenant = known(names, 0, map, word)?,
            "id" => action.id = known(names, 1, map, word)?,
            "source" => action.source = known(names, 2, map, word)?,
            "action" => action.action = known(names, 3, map, word)?,
            "reason" => action.reason = known(names, 4, map, word)?,
            "correlation_id" => action.correlation_id = known(names, 5, map, word)?,
            "occurred_at" => {
                names.known(6)?;
                action.occurred_at = self.occurred_at(map, path, depth)?;
            }
            "actor" => action.actor = known(names, 7, map, Seed { take: ActorPart(self.part(path)), depth })?,
            "on_behalf_of" => {
                action.on_behalf_of = known(names, 8, map, Seed { take: ActorPart(self.part(path)), depth })?;
            }
            "user" => action.user = known(names, 9, map, Seed { take: UserPart(self.part(path)), depth })?,
            "object" => {
                action.object = known(names, 10, map, Seed { take: ObjectPart(self.part(path)), depth })?;
            }
            "within" => action.within = known(names, 11, map, Seed { take: Within(self.part(path)), depth })?,
            "changes" => {
                action.changes = known(names, 12, map, Seed { take: Changes(self.part(path)), depth })?;
            }
            "attributes" => {
                action.attributes = known(names, 13, map, Seed { take: Attributes(path), depth })?;
            }
            "origin" => {
                action.origin = known(names, 14, map, Seed { take: OriginPart(self.part(path)), depth })?;
            }
            "sequence" => action.sequence = known(names, 15, map, Seed { take: Integer(path), depth })?,
            "specversion" if self.specversion == Specversion::Stop => {
                self.stopped = true;
                return Err(A::Error::custom("specversion stands among the fields"));
            }
            _ => self.unknown.take(map, names, path, name.clone(), depth)?,
        }
        Ok(())
    }

    fn part<'s, 'p>(&'s mut self, path: &'p Path<'p>) -> Part<'s, 'p, 'de> {
        Part { unknown: self.unknown, path }
    }

    fn occurred_at<A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        path: &Path<'_>,
        depth: u8,
    ) -> Result<Field<Micros>, A::Error> {
        match self.unknown.format {
            Format::Json => {
                let value: &'de RawValue = map.next_value()?;
                raw::time(value.get(), path, depth).map_err(A::Error::custom)
            }
            Format::Avro => {
                self.time = map.next_value_seed(Seed { take: Time, depth })?;
                Ok(Field::Absent)
            }
        }
    }
}

fn known<'de, A: MapAccess<'de>, T: Take<'de>>(
    names: &mut Names<'de>,
    slot: u32,
    map: &mut A,
    seed: Seed<T>,
) -> Result<T::Out, A::Error> {
    names.known(slot)?;
    map.next_value_seed(seed)
}

impl<'de> Take<'de> for &mut Plain<'_, 'de> {
    type Out = Option<RawAction<'de>>;

    fn wrong(self) -> Self::Out {
        None
    }
    fn null(self) -> Self::Out {
        None
    }
    fn map<A: MapAccess<'de>>(self, mut map: A, depth: u8) -> Result<Self::Out, A::Error> {
        let mut action = RawAction::default();
        let mut names = Names::default();
        while let Some(name) = map.next_key_seed(Name)? {
            self.field(&mut action, &mut names, name, &mut map, depth)?;
        }
        names.finish()?;
        Ok(Some(action))
    }
}

/// The things it happened in.
struct Within<'u, 'p, 'de>(Part<'u, 'p, 'de>);

impl<'de> Take<'de> for Within<'_, '_, 'de> {
    type Out = Field<Vec<Object<'de>>>;

    fn wrong(self) -> Self::Out {
        Field::Invalid(self.0.path.problem("is not an array"))
    }
    fn null(self) -> Self::Out {
        Field::Absent
    }
    fn seq<A: SeqAccess<'de>>(self, mut seq: A, depth: u8) -> Result<Self::Out, A::Error> {
        let mut list = List::default();
        loop {
            let path = self.0.path.index(list.next);
            let part = Part { unknown: &mut *self.0.unknown, path: &path };
            match seq.next_element_seed(Seed { take: ObjectPart(part), depth })? {
                Some(item) => list.push(item, &path),
                None => return Ok(list.whole()),
            }
        }
    }
}

/// What changed.
struct Changes<'u, 'p, 'de>(Part<'u, 'p, 'de>);

impl<'de> Take<'de> for Changes<'_, '_, 'de> {
    type Out = Field<Vec<Change<'de>>>;

    fn wrong(self) -> Self::Out {
        Field::Invalid(self.0.path.problem("is not an array"))
    }
    fn null(self) -> Self::Out {
        Field::Absent
    }
    fn seq<A: SeqAccess<'de>>(self, mut seq: A, depth: u8) -> Result<Self::Out, A::Error> {
        let mut list = List::default();
        loop {
            let path = self.0.path.index(list.next);
            let part = Part { unknown: &mut *self.0.unknown, path: &path };
            match seq.next_element_seed(Seed { take: ChangePart(part), depth })? {
                Some(item) => list.push(item, &path),
                None => return Ok(list.whole()),
            }
        }
    }
}
