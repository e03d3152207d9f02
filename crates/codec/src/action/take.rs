//! The ground that reading an action stands on: every value is taken by what is wanted of it, and a
//! value of another type is looked through (for names that stand twice, for depth) and then said
//! to be wrong, never an error. JSON and Avro are read by the same code, so that they agree.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

/// How many objects and arrays may lie within each other.
pub(super) const DEPTH: u8 = 64;

/// What is wanted of a value: one method for each type it may have.
pub(super) trait Take<'de>: Sized {
    /// What it becomes.
    type Out;

    /// It is of a type that is not wanted.
    fn wrong(self) -> Self::Out;
    fn null(self) -> Self::Out;
    fn text(self, _text: Cow<'de, str>) -> Self::Out {
        self.wrong()
    }
    fn integer(self, _number: i64) -> Self::Out {
        self.wrong()
    }
    fn float(self, _number: f64) -> Self::Out {
        self.wrong()
    }
    fn boolean(self, _value: bool) -> Self::Out {
        self.wrong()
    }
    fn bytes(self, _bytes: &[u8]) -> Self::Out {
        self.wrong()
    }
    /// `depth`: how many objects and arrays its members lie in.
    fn map<A: MapAccess<'de>>(self, map: A, depth: u8) -> Result<Self::Out, A::Error> {
        skim_map(map, depth)?;
        Ok(self.wrong())
    }
    fn seq<A: SeqAccess<'de>>(self, seq: A, depth: u8) -> Result<Self::Out, A::Error> {
        skim_seq(seq, depth)?;
        Ok(self.wrong())
    }
}

/// Takes one value, whatever its type.
pub(super) struct Seed<T> {
    pub(super) take: T,
    /// How many objects and arrays the value lies in.
    pub(super) depth: u8,
}

impl<'de, T: Take<'de>> DeserializeSeed<'de> for Seed<T> {
    type Value = T::Out;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Out, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<T> Seed<T> {
    fn deeper<E: serde::de::Error>(&self) -> Result<u8, E> {
        if self.depth < DEPTH { Ok(self.depth + 1) } else { Err(E::custom(too_deep())) }
    }
}

impl<'de, T: Take<'de>> Visitor<'de> for Seed<T> {
    type Value = T::Out;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<T::Out, E> {
        Ok(self.take.text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<T::Out, E> {
        Ok(self.take.text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<T::Out, E> {
        Ok(self.take.text(Cow::Owned(text)))
    }

    fn visit_unit<E>(self) -> Result<T::Out, E> {
        Ok(self.take.null())
    }

    fn visit_bool<E>(self, value: bool) -> Result<T::Out, E> {
        Ok(self.take.boolean(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<T::Out, E> {
        Ok(self.take.integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<T::Out, E> {
        Ok(match i64::try_from(number) {
            Ok(number) => self.take.integer(number),
            Err(_) => self.take.wrong(),
        })
    }

    fn visit_f64<E>(self, number: f64) -> Result<T::Out, E> {
        Ok(self.take.float(number))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<T::Out, E> {
        Ok(self.take.bytes(bytes))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T::Out, A::Error> {
        let depth = self.deeper()?;
        self.take.map(map, depth)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T::Out, A::Error> {
        let depth = self.deeper()?;
        self.take.seq(seq, depth)
    }

    /// Avro's enumerations are text to us.
    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<T::Out, A::Error> {
        let (symbol, variant) = data.variant_seed(Name)?;
        variant.unit_variant()?;
        Ok(self.take.text(symbol))
    }
}

/// Reads the name of a member.
pub(super) struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }

    fn visit_string<E>(self, name: String) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name))
    }
}

/// The names that stood in one object, to find one that stands twice: known ones by their slot at
/// once, others when the object ends.
#[derive(Default)]
pub(super) struct Names<'de> {
    slots: u32,
    others: Vec<Cow<'de, str>>,
}

impl<'de> Names<'de> {
    /// The known name of this slot (below 32) stands here.
    pub(super) fn known<E: serde::de::Error>(&mut self, slot: u32) -> Result<(), E> {
        let bit = 1 << slot;
        if self.slots & bit != 0 {
            return Err(E::custom(TWICE));
        }
        self.slots |= bit;
        Ok(())
    }

    pub(super) fn other(&mut self, name: Cow<'de, str>) {
        self.others.push(name);
    }

    pub(super) fn finish<E: serde::de::Error>(self) -> Result<(), E> {
        once_each(self.others).map_err(E::custom)
    }
}

/// Says so if a name stands twice. It sorts, since an object may have as many names as fit into a value.
pub(super) fn once_each(mut names: Vec<Cow<'_, str>>) -> Result<(), String> {
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) { Err(TWICE.into()) } else { Ok(()) }
}

const TWICE: &str = "a name stands twice in one object";

/// What is said where objects and arrays lie too deep in each other.
pub(super) fn too_deep() -> String {
    format!("objects and arrays lie more than {DEPTH} deep in each other")
}

/// Looks through a value that nobody wants.
pub(super) struct Skim;

impl<'de> Take<'de> for Skim {
    type Out = ();

    fn wrong(self) {}
    fn null(self) {}
}

fn skim_map<'de, A: MapAccess<'de>>(mut map: A, depth: u8) -> Result<(), A::Error> {
    let mut names = Names::default();
    while let Some(name) = map.next_key_seed(Name)? {
        names.other(name);
        map.next_value_seed(Seed { take: Skim, depth })?;
    }
    names.finish()
}

fn skim_seq<'de, A: SeqAccess<'de>>(mut seq: A, depth: u8) -> Result<(), A::Error> {
    while seq.next_element_seed(Seed { take: Skim, depth })?.is_some() {}
    Ok(())
}

/// Where a value lies, for what is said about it: `within[0].kind`.
#[derive(Clone, Copy)]
pub(super) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Name(&'p str),
    Index(usize),
}

impl<'p> Path<'p> {
    pub(super) const fn root(name: &'p str) -> Self {
        Self { parent: None, step: Step::Name(name) }
    }

    pub(super) const fn name(&'p self, name: &'p str) -> Self {
        Self { parent: Some(self), step: Step::Name(name) }
    }

    pub(super) const fn index(&'p self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index) }
    }

    /// What is wrong with the value. Names come from whoever sent it: they are cut, and stripped of
    /// what would garble a header or a terminal.
    pub(super) fn problem(&self, problem: &str) -> Cow<'static, str> {
        let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        let mut text: String = self.to_string().chars().take(128).map(clean).collect();
        text.push(' ');
        text.push_str(problem);
        text.into()
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Name(name) if self.parent.is_some() => write!(f, ".{name}"),
            Step::Name(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}
