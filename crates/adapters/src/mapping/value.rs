//! The small language of a row's cells: dotted paths, choices (`x else y`), joins, constants.
//! A value counts as empty where it is missing, null or a text without characters.

use serde_json::Value;

use super::json::{canonical, text};

/// What the paths of a row are looked up in.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// Where a path begins unless its first name is one of `named`.
    pub(crate) root: &'a Value,
    /// Further beginnings (`N`, `U`, `trigger` of a webhook).
    pub(crate) named: &'a [(&'static str, &'a Value)],
    /// The current one of a row that makes an action for each of a list.
    pub(crate) each: Option<&'a str>,
}

/// A dotted path, `other.userenrolment.lastenrol`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path(Vec<String>);

/// One way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    /// What lies at a path.
    Path(Path),
    /// Several pieces with `/` between them, each with a fixed `prefix:` or without.
    Joined(Vec<(Option<String>, Path)>),
    /// `=word`.
    Constant(String),
    /// `A`: the doer is not named.
    RuleA,
    /// `each`: the current one of a list.
    Each,
}

/// Ways to a value in order; the first that is not empty is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice(Vec<Term>);

impl Path {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let valid = |name: &str| {
            !name.is_empty()
                && name != "-"
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        };
        if text.split('.').all(valid) {
            Ok(Self(text.split('.').map(Into::into).collect()))
        } else {
            Err(format!("{text:?} is not a dotted path"))
        }
    }

    pub(crate) fn begins_with(&self, name: &str) -> bool {
        self.0[0] == name
    }

    /// What lies there, unless it is empty.
    pub(crate) fn find<'a>(&self, scope: &Scope<'a>) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first().expect("a path has at least one name");
        let start = match scope.named.iter().find(|(name, _)| name == first) {
            Some((_, value)) => value,
            None => step(scope.root, first)?,
        };
        let value = rest.iter().try_fold(start, |value, name| step(value, name))?;
        let empty = value.is_null() || value.as_str().is_some_and(str::is_empty);
        (!empty).then_some(value)
    }

    /// The text of what lies there; nothing for lists and objects.
    pub(crate) fn text(&self, scope: &Scope<'_>) -> Option<String> {
        self.find(scope).and_then(text)
    }
}

impl Choice {
    pub(crate) fn parse(cell: &str) -> Result<Self, String> {
        let terms: Vec<_> =
            cell.split(" else ").map(|term| Term::parse(term.trim())).collect::<Result<_, _>>()?;
        match terms.iter().position(|term| *term == Term::RuleA) {
            Some(place) if place + 1 < terms.len() => Err("nothing can follow A".into()),
            _ => Ok(Self(terms)),
        }
    }

    /// The first text that is not empty.
    pub(crate) fn text(&self, scope: &Scope<'_>) -> Option<String> {
        self.0.iter().find_map(|term| term.text(scope)).filter(|text| !text.is_empty())
    }

    /// The first value that is not empty, as bytes for an id: lists and objects as JSON with sorted
    /// names. A choice that ends in a constant is never without a value, even an empty one.
    pub(crate) fn identity(&self, scope: &Scope<'_>) -> Option<String> {
        self.0.iter().find_map(|term| match term {
            Term::Path(path) => path.find(scope).map(|value| text(value).unwrap_or_else(|| canonical(value))),
            other => other.text(scope),
        })
    }

    /// Whether it ends in rule A.
    pub(crate) fn ends_in_rule_a(&self) -> bool {
        self.0.last() == Some(&Term::RuleA)
    }

    /// The constant it ends in.
    pub(crate) fn constant(&self) -> Option<&str> {
        match self.0.last() {
            Some(Term::Constant(word)) => Some(word),
            _ => None,
        }
    }

    /// The first value of its paths alone, leaving out constants and rule A.
    pub(crate) fn path_text(&self, scope: &Scope<'_>) -> Option<String> {
        let is_path = |term: &&Term| !matches!(term, Term::Constant(_) | Term::RuleA);
        self.0.iter().filter(is_path).find_map(|term| term.text(scope))
    }

    /// Every path in it.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().flat_map(|term| match term {
            Term::Path(path) => vec![path],
            Term::Joined(pieces) => pieces.iter().map(|(_, path)| path).collect(),
            _ => Vec::new(),
        })
    }

    /// Whether it speaks of the current one of a list.
    pub(crate) fn uses_each(&self) -> bool {
        self.0.contains(&Term::Each)
    }
}

impl Term {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(word) = text.strip_prefix('=') {
            return Ok(Self::Constant(word.into()));
        }
        match text {
            "A" => Ok(Self::RuleA),
            "each" => Ok(Self::Each),
            _ if text.contains(['/', ':']) => {
                let piece = |piece: &str| match piece.split_once(':') {
                    Some((prefix, path)) if !prefix.is_empty() => {
                        Ok((Some(prefix.to_owned()), Path::parse(path)?))
                    }
                    Some(_) => Err(format!("{piece:?} has nothing before the colon")),
                    None => Ok((None, Path::parse(piece)?)),
                };
                Ok(Self::Joined(text.split('/').map(piece).collect::<Result<_, String>>()?))
            }
            _ => Ok(Self::Path(Path::parse(text)?)),
        }
    }

    fn text(&self, scope: &Scope<'_>) -> Option<String> {
        match self {
            Self::Path(path) => path.text(scope),
            Self::Constant(word) => Some(word.clone()),
            Self::RuleA => None,
            Self::Each => scope.each.map(Into::into),
            Self::Joined(pieces) => {
                let mut joined = String::new();
                for (place, (prefix, path)) in pieces.iter().enumerate() {
                    if place > 0 {
                        joined.push('/');
                    }
                    if let Some(prefix) = prefix {
                        joined.push_str(prefix);
                        joined.push(':');
                    }
                    joined.push_str(&path.text(scope)?);
                }
                Some(joined)
            }
        }
    }
}

fn step<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(name),
        Value::Array(values) => values.get(name.parse::<usize>().ok()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_are_read_as_the_language_says() {
        let root = json!({"a": {"n": 6, "f": 6.0, "s": "6", "nul": null, "blank": "", "t": true}, "l": [{"x": "y"}],
            "o": {"b": 1, "a": [1.0, {"d": null, "c": "z"}]}, "big": 123_456_789_012_345_678_901_234.0});
        let scope = Scope { root: &root, named: &[], each: Some("7") };
        for (cell, expected) in [
            ("a.n", Some("6")),
            ("a.f", Some("6")),
            ("a.s", Some("6")),
            ("a.t", Some("true")),
            ("a.nul", None),
            ("a.blank", None),
            ("a.none", None),
            ("a", None),
            ("big", None),
            ("l.0.x", Some("y")),
            ("a.nul else a.blank else a.n", Some("6")),
            ("a.nul else =fixed", Some("fixed")),
            ("pre:a.n", Some("pre:6")),
            ("a.n/a.s/l.0.x", Some("6/6/y")),
            ("a.n/a.nul", None),
            ("each", Some("7")),
            ("a.nul else A", None),
        ] {
            let choice = Choice::parse(cell).expect("the cell is valid");
            assert_eq!(choice.text(&scope).as_deref(), expected, "{cell}");
        }
        let object = Choice::parse("o").expect("valid").identity(&scope);
        assert_eq!(object.as_deref(), Some(r#"{"a":[1,{"c":"z","d":null}],"b":1}"#));
        assert_eq!(Choice::parse("a.nul else =").expect("valid").identity(&scope).as_deref(), Some(""));
        assert_eq!(Choice::parse("a.nul").expect("valid").identity(&scope), None);
    }

    #[test]
    fn cells_that_are_no_language_are_refused() {
        for cell in ["", "a..b", "each id in x", "A else a", ":a", "a/", "a else ", "ä"] {
            assert!(Choice::parse(cell).is_err(), "{cell:?}");
        }
    }
}
