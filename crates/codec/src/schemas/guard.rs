//! Which schemas a value may be read by. A schema from a registry is not ours: recursion could
//! exhaust the stack, and items that take no bytes could make a few bytes say "a billion times".

use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::{Name, ResolvedSchema};

/// How deeply types may lie within each other.
const DEPTH: usize = 64;

/// Says what makes this schema unfit to read by.
pub(crate) fn guard(schema: &Schema) -> Result<(), String> {
    let resolved = ResolvedSchema::new(schema).map_err(|_| "it refers to another schema".to_owned())?;
    let mut walk = Walk { names: resolved.get_names(), open: Vec::new(), known: HashMap::new() };
    walk.takes_bytes(schema, 0).map(|_| ())
}

struct Walk<'s> {
    names: &'s HashMap<Name, &'s Schema>,
    /// Records that are being walked.
    open: Vec<&'s Name>,
    /// Records that were walked: each is looked into once.
    known: HashMap<&'s Name, bool>,
}

impl<'s> Walk<'s> {
    /// Whether a value of this schema takes at least one byte.
    fn takes_bytes(&mut self, schema: &'s Schema, depth: usize) -> Result<bool, String> {
        if depth > DEPTH {
            return Err(format!("its types are nested more than {DEPTH} deep"));
        }
        match schema {
            Schema::Null => Ok(false),
            Schema::Fixed(fixed) => Ok(fixed.size > 0),
            Schema::Ref { name } => {
                let target = *self.names.get(name).ok_or("it refers to another schema")?;
                self.takes_bytes(target, depth + 1)
            }
            Schema::Array(array) => self.items(&array.items, "array", depth),
            Schema::Map(map) => self.takes_bytes(&map.types, depth + 1).map(|_| true),
            Schema::Union(union) => {
                for variant in union.variants() {
                    self.takes_bytes(variant, depth + 1)?;
                }
                Ok(true)
            }
            Schema::Record(record) => {
                if let Some(known) = self.known.get(&record.name) {
                    return Ok(*known);
                }
                if self.open.contains(&&record.name) {
                    return Err(format!("record {} holds itself", record.name));
                }
                self.open.push(&record.name);
                let mut takes = false;
                for field in &record.fields {
                    takes |= self.takes_bytes(&field.schema, depth + 1)?;
                }
                self.open.pop();
                if !takes {
                    return Err(format!("record {} takes no bytes", record.name));
                }
                self.known.insert(&record.name, takes);
                Ok(takes)
            }
            _ => Ok(true),
        }
    }

    fn items(&mut self, items: &'s Schema, what: &str, depth: usize) -> Result<bool, String> {
        if self.takes_bytes(items, depth + 1)? {
            Ok(true)
        } else {
            Err(format!("the items of an {what} take no bytes"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str) -> Result<(), String> {
        guard(&Schema::parse_str(text).expect("a schema"))
    }

    #[test]
    fn only_schemas_whose_values_are_bounded_by_their_bytes_pass() {
        for file in crate::schemas::all() {
            assert_eq!(verdict(file.text), Ok(()), "{}", file.name);
        }
        for (text, problem) in [
            (r#"{"type":"array","items":"null"}"#, "the items of an array take no bytes"),
            (
                r#"{"type":"array","items":{"type":"fixed","name":"F","size":0}}"#,
                "the items of an array take no bytes",
            ),
            (
                r#"{"type":"record","name":"R","fields":[{"name":"next","type":["null","R"]}]}"#,
                "record R holds itself",
            ),
            (r#"{"type":"record","name":"E","fields":[]}"#, "record E takes no bytes"),
            (
                r#"{"type":"record","name":"N","fields":[{"name":"n","type":"null"}]}"#,
                "record N takes no bytes",
            ),
        ] {
            assert_eq!(verdict(text), Err(problem.to_owned()), "{text}");
        }
        let deep =
            (0..80).fold("\"int\"".to_owned(), |inner, _| format!(r#"{{"type":"map","values":{inner}}}"#));
        assert_eq!(verdict(&deep), Err("its types are nested more than 64 deep".to_owned()));
    }
}
