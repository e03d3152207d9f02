//! Fields that no version of the action's form knows: kept as attributes under `x.`, up to a size.

use std::borrow::Cow;
use std::fmt::Write as _;

use catalog::{Field, RawAction, Text};
use serde::de::{Error as _, MapAccess, SeqAccess};
use serde_json::value::RawValue;

use super::raw;
use super::take::{Name, Names, Path, Seed, Take};

/// How many bytes the unknown fields of one action may have, names and values together.
const LIMIT: usize = 8 * 1024;
/// The attribute that says how many unknown fields were left out.
const LEFT_OUT: &str = "x.~truncated";

/// The format at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Avro,
}

/// The unknown fields of one action.
pub(super) struct Unknown<'de> {
    pub(super) format: Format,
    /// By path.
    pub(super) fields: Vec<(String, Text<'de>)>,
}

impl<'de> Unknown<'de> {
    pub(super) fn new(format: Format) -> Self {
        Self { format, fields: Vec::new() }
    }

    /// Takes the value of a member that is not known here.
    pub(super) fn take<A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        names: &mut Names<'de>,
        path: &Path<'_>,
        name: Cow<'de, str>,
        depth: u8,
    ) -> Result<(), A::Error> {
        let field = path.to_string();
        names.other(name);
        let text = match self.format {
            Format::Json => {
                let value: &'de RawValue = map.next_value()?;
                raw::text(value.get(), depth).map_err(A::Error::custom)?
            }
            Format::Avro => {
                let mut json = String::new();
                map.next_value_seed(Seed { take: Json(&mut json), depth })?;
                raw::text(&json, depth).map_err(A::Error::custom)?.map(|text| Cow::Owned(text.into_owned()))
            }
        };
        self.fields.extend(text.map(|text| (field, text)));
        Ok(())
    }

    /// Puts the fields among the action's attributes. Which ones fit depends on their names alone,
    /// not on the order in which they came.
    pub(super) fn finish(mut self, action: &mut RawAction<'de>) {
        if self.fields.is_empty() || matches!(action.attributes, Field::Invalid(_)) {
            return;
        }
        let mut attributes = match std::mem::take(&mut action.attributes) {
            Field::Present(attributes) => attributes,
            _ => Vec::new(),
        };
        self.fields.sort_by(|a, b| a.0.cmp(&b.0));
        let (mut left, mut left_out) = (LIMIT, 0_usize);
        let given = attributes.len();
        let mut last = String::new();
        for (path, value) in self.fields {
            let name = format!("x.{path}");
            let size = name.len() + value.len();
            let taken = attributes[..given].binary_search_by(|(known, _)| known.as_ref().cmp(&name)).is_ok();
            if taken || name == last || size > left {
                left_out += 1;
                continue;
            }
            left -= size;
            last.clone_from(&name);
            attributes.push((Cow::Owned(name), value));
        }
        if left_out > 0 {
            attributes.retain(|(name, _)| name != LEFT_OUT);
            attributes.push((Cow::Borrowed(LEFT_OUT), Cow::Owned(left_out.to_string())));
        }
        attributes.sort_by(|a, b| a.0.cmp(&b.0));
        action.attributes = Field::Present(attributes);
    }
}

/// Writes a value of Avro as compact JSON.
struct Json<'o>(&'o mut String);

impl Json<'_> {
    fn put(self, value: &impl serde::Serialize) {
        self.0.push_str(&serde_json::to_string(value).expect("a scalar is JSON"));
    }
}

impl<'de> Take<'de> for Json<'_> {
    type Out = ();

    fn wrong(self) {
        self.null();
    }
    fn null(self) {
        self.0.push_str("null");
    }
    fn text(self, text: Cow<'de, str>) {
        self.put(&text);
    }
    fn integer(self, number: i64) {
        self.put(&number);
    }
    fn float(self, number: f64) {
        self.put(&number);
    }
    fn boolean(self, value: bool) {
        self.put(&value);
    }
    fn bytes(self, bytes: &[u8]) {
        self.0.push('"');
        for byte in bytes {
            write!(self.0, "{byte:02x}").expect("a String takes all");
        }
        self.0.push('"');
    }
    fn map<A: MapAccess<'de>>(self, mut map: A, depth: u8) -> Result<(), A::Error> {
        let mut names = Names::default();
        let mut mark = '{';
        while let Some(name) = map.next_key_seed(Name)? {
            self.0.push(std::mem::replace(&mut mark, ','));
            Json(self.0).put(&name);
            self.0.push(':');
            names.other(name);
            map.next_value_seed(Seed { take: Json(self.0), depth })?;
        }
        self.0.push_str(if mark == '{' { "{}" } else { "}" });
        names.finish()
    }
    fn seq<A: SeqAccess<'de>>(self, mut seq: A, depth: u8) -> Result<(), A::Error> {
        let begin = self.0.len();
        self.0.push('[');
        loop {
            let before = self.0.len();
            if seq.next_element_seed(Seed { take: Json(self.0), depth })?.is_none() {
                break;
            }
            debug_assert!(self.0.len() > before, "every value writes something");
            self.0.push(',');
        }
        if self.0.len() > begin + 1 {
            self.0.pop();
        }
        self.0.push(']');
        Ok(())
    }
}
