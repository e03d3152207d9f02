//! Members that hold no parts: text, numbers, lists of text, the attributes, times of Avro.

use std::borrow::Cow;

use catalog::{Field, Micros, Text};
use serde::de::{MapAccess, SeqAccess};

use super::raw;
use super::take::{Name, Names, Path, Seed, Take};
use crate::reader::TimeUnit;
use crate::time::parse_millis;

/// Text.
pub(super) struct Word<'p>(pub(super) &'p Path<'p>);

impl<'de> Take<'de> for Word<'_> {
    type Out = Field<Text<'de>>;

    fn wrong(self) -> Self::Out {
        Field::Invalid(self.0.problem("is not a string"))
    }
    fn null(self) -> Self::Out {
        Field::Absent
    }
    fn text(self, text: Cow<'de, str>) -> Self::Out {
        Field::Present(text)
    }
}

/// A scalar as text, where the format is Avro; JSON's are read from their own text.
pub(super) struct Scalar<'p>(pub(super) &'p Path<'p>);

impl<'de> Take<'de> for Scalar<'_> {
    type Out = Field<Text<'de>>;

    fn wrong(self) -> Self::Out {
        Field::Invalid(self.0.problem("is not a scalar"))
    }
    fn null(self) -> Self::Out {
        Field::Absent
    }
    fn text(self, text: Cow<'de, str>) -> Self::Out {
        Field::Present(text)
    }
    fn integer(self, number: i64) -> Self::Out {
        Field::Present(number.to_string().into())
    }
    fn float(self, number: f64) -> Self::Out {
        Field::Present(number.to_string().into())
    }
    fn boolean(self, value: bool) -> Self::Out {
        Field::Present(value.to_string().into())
    }
}

/// A whole number.
pub(super) struct Integer<'p>(pub(super) &'p Path<'p>);

impl<'de> Take<'de> for Integer<'_> {
    type Out = Field<i64>;

    fn wrong(self) -> Self::Out {
        Field::Invalid(self.0.problem("is not an integer of 64 bits"))
    }
    fn null(self) -> Self::Out {
        Field::Absent
    }
    fn integer(self, number: i64) -> Self::Out {
        Field::Present(number)
    }
}

/// A list of text; none is no list.
pub(super) struct Words<'p>(pub(super) &'p Path<'p>);

impl<'de> Take<'de> for Words<'_> {
    type Out = Field<Vec<Text<'de>>>;

    fn wrong(self) -> Self::Out {
        Field::Invalid(self.0.problem("is not an array"))
    }
    fn null(self) -> Self::Out {
        Field::Absent
    }
    fn seq<A: SeqAccess<'de>>(self, mut seq: A, depth: u8) -> Result<Self::Out, A::Error> {
        let mut list = List::default();
        loop {
            let path = self.0.index(list.next);
            match seq.next_element_seed(Seed { take: Word(&path), depth })? {
                Some(item) => list.push(item, &path),
                None => return Ok(list.whole()),
            }
        }
    }
}

/// Attributes: text by name, sorted; none is no attributes.
pub(super) struct Attributes<'p>(pub(super) &'p Path<'p>);

impl<'de> Take<'de> for Attributes<'_> {
    type Out = Field<Vec<(Text<'de>, Text<'de>)>>;

    fn wrong(self) -> Self::Out {
        Field::Invalid(self.0.problem("is not an object"))
    }
    fn null(self) -> Self::Out {
        Field::Absent
    }
    fn map<A: MapAccess<'de>>(self, mut map: A, depth: u8) -> Result<Self::Out, A::Error> {
        let mut names = Names::default();
        let (mut pairs, mut problem) = (Vec::new(), None);
        while let Some(name) = map.next_key_seed(Name)? {
            names.other(name.clone());
            match map.next_value_seed(Seed { take: Word(&self.0.name(&name)), depth })? {
                Field::Present(value) => pairs.push((name, value)),
                Field::Absent => {}
                Field::Invalid(found) => {
                    problem.get_or_insert(found);
                }
            }
        }
        names.finish()?;
        pairs.sort_unstable_by(|a: &(Text<'_>, Text<'_>), b| a.0.cmp(&b.0));
        Ok(match problem {
            Some(problem) => Field::Invalid(problem),
            None if pairs.is_empty() => Field::Absent,
            None => Field::Present(pairs),
        })
    }
}

/// The items of a list as they come; the first problem becomes the list's.
pub(super) struct List<T> {
    /// The index of the next item.
    pub(super) next: usize,
    items: Vec<T>,
    problem: Option<Cow<'static, str>>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { next: 0, items: Vec::new(), problem: None }
    }
}

impl<T> List<T> {
    pub(super) fn push(&mut self, item: Field<T>, path: &Path<'_>) {
        self.next += 1;
        match item {
            Field::Present(item) => self.items.push(item),
            Field::Absent => {
                self.problem.get_or_insert_with(|| path.problem("is null"));
            }
            Field::Invalid(problem) => {
                self.problem.get_or_insert(problem);
            }
        }
    }

    /// The list. An empty one is absent: Avro cannot tell the two apart, and encodings must agree.
    pub(super) fn whole(self) -> Field<Vec<T>> {
        match self.problem {
            Some(problem) => Field::Invalid(problem),
            None if self.items.is_empty() => Field::Absent,
            None => Field::Present(self.items),
        }
    }
}

/// A time as Avro has it, before its unit is known.
#[derive(Debug, Default)]
pub(super) enum AvroTime {
    #[default]
    Absent,
    Number(i64),
    Float(f64),
    Text(String),
    Wrong,
}

/// A time, where the format is Avro; JSON's are read from their own text.
pub(super) struct Time;

impl<'de> Take<'de> for Time {
    type Out = AvroTime;

    fn wrong(self) -> AvroTime {
        AvroTime::Wrong
    }
    fn null(self) -> AvroTime {
        AvroTime::Absent
    }
    fn text(self, text: Cow<'de, str>) -> AvroTime {
        AvroTime::Text(text.into_owned())
    }
    fn integer(self, number: i64) -> AvroTime {
        AvroTime::Number(number)
    }
    fn float(self, number: f64) -> AvroTime {
        AvroTime::Float(number)
    }
}

impl AvroTime {
    /// The time, its numbers counted in the unit that the schema says.
    pub(super) fn in_unit(self, unit: TimeUnit, path: &Path<'_>) -> Field<Micros> {
        let micros = match (self, unit) {
            (Self::Absent, _) => return Field::Absent,
            (Self::Text(text), _) => return raw::time_in_text(&text, path),
            (Self::Wrong, _) | (_, TimeUnit::NoInstant) => return raw::no_time(path),
            (Self::Number(number), TimeUnit::Micros) => Some(Micros::new(number)),
            (Self::Number(number), TimeUnit::Nanos) => Some(Micros::new(number.div_euclid(1000))),
            (Self::Number(number), TimeUnit::Millis) => Micros::from_millis(number),
            // The shortest digits that mean this number are those that it was written from.
            (Self::Float(number), TimeUnit::Millis) => parse_millis(&number.to_string()),
            (Self::Float(_), _) => None,
        };
        match micros {
            Some(at) => Field::Present(at),
            None => Field::Invalid(path.problem("is out of range")),
        }
    }
}
