//! The first cell of a row: the foreign event's name, with `*` and conditions.

use std::collections::{BTreeMap, BTreeSet};

use super::json::text;
use super::value::{Path, Scope};

/// Lists that the operator gives by name, for conditions of the form `path=@name`.
pub type Lists = BTreeMap<String, BTreeSet<String>>;

/// A name and what must hold beside it.
#[derive(Clone, Debug)]
pub(crate) struct ForeignEvent {
    /// The whole cell; two rows with the same one cannot stand side by side.
    pub(crate) cell: String,
    /// The name, with `*` for any text.
    pub(crate) name: String,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug)]
struct Condition {
    path: Path,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    /// `=a|b`: it is one of these.
    Is(Vec<String>),
    /// `!=a|b`: it is there and none of these. What is missing is never "another value".
    IsNot(Vec<String>),
    /// `~a|b`: its text contains one of these.
    Contains(Vec<String>),
    /// `=*`: it is there.
    Present,
    /// `=@name`: it is in the operator's list; without that list nothing is.
    In(String),
}

impl ForeignEvent {
    pub(crate) fn parse(cell: &str) -> Result<Self, String> {
        let (name, conditions) = match cell.split_once('[') {
            None => (cell, Vec::new()),
            Some((name, rest)) => {
                let inside = rest.strip_suffix(']').ok_or("the conditions do not end in ]")?;
                let labels = |text: &&str| !text.starts_with(['+', '-']);
                let conditions = inside.split(';').map(str::trim).filter(labels).map(condition);
                (name, conditions.collect::<Result<_, String>>()?)
            }
        };
        if name.trim().is_empty() {
            return Err("there is no name".into());
        }
        Ok(Self { cell: cell.into(), name: name.into(), conditions })
    }

    /// Whether it speaks of one name alone.
    pub(crate) fn is_exact(&self) -> bool {
        !self.name.contains('*')
    }

    /// Whether anything is asked beside the name (a label alone, `+id`, counts).
    pub(crate) fn has_conditions(&self) -> bool {
        self.cell.len() > self.name.len()
    }

    pub(crate) fn matches_name(&self, name: &str) -> bool {
        matches(&self.name, name)
    }

    pub(crate) fn holds(&self, scope: &Scope<'_>, lists: &Lists) -> bool {
        self.conditions.iter().all(|condition| condition.holds(scope, lists))
    }
}

impl Condition {
    fn holds(&self, scope: &Scope<'_>, lists: &Lists) -> bool {
        let Some(value) = self.path.find(scope) else { return false };
        let Some(text) = text(value) else { return matches!(self.test, Test::Present) };
        match &self.test {
            Test::Present => true,
            Test::Is(words) => words.contains(&text),
            Test::IsNot(words) => !words.contains(&text),
            Test::Contains(words) => words.iter().any(|word| text.contains(word)),
            Test::In(name) => lists.get(name).is_some_and(|list| list.contains(&text)),
        }
    }
}

fn condition(text: &str) -> Result<Condition, String> {
    let at = text.find(['=', '~', '!']).ok_or_else(|| format!("{text:?} is not a condition"))?;
    let (path, rest) = text.split_at(at);
    let words = |words: &str| -> Result<Vec<String>, String> {
        let words: Vec<String> = words.split('|').map(Into::into).collect();
        if words.iter().any(String::is_empty) {
            Err(format!("{text:?} compares with nothing"))
        } else {
            Ok(words)
        }
    };
    let test = if let Some(list) = rest.strip_prefix("=@") {
        if list.is_empty() {
            return Err(format!("{text:?} names no list"));
        }
        Test::In(list.into())
    } else if rest == "=*" {
        Test::Present
    } else if let Some(rest) = rest.strip_prefix("!=") {
        Test::IsNot(words(rest)?)
    } else if let Some(rest) = rest.strip_prefix('=') {
        Test::Is(words(rest)?)
    } else if let Some(rest) = rest.strip_prefix('~') {
        Test::Contains(words(rest)?)
    } else {
        return Err(format!("{text:?} is not a condition"));
    };
    Ok(Condition { path: Path::parse(path)?, test })
}

/// Whether a name fits a pattern, in time linear in the name for each part of the pattern.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().expect("splitting gives at least one part");
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_with_stars() {
        for (pattern, name, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a.*", "a.b.c", true),
            ("a.*.c", "a.c", false),
            ("a.*.c", "a..c", true),
            ("*_video", "play_video", true),
            ("*_video", "video", false),
            ("\\mod_*\\event\\course_module_viewed", "\\mod_quiz\\event\\course_module_viewed", true),
            ("aa*a", "aa", false),
            ("x*ab*ab", "x-ab-ab", true),
            ("x*ab*ab", "x-ab", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn conditions() {
        let root = json!({"kind": "quiz", "level": 50, "flag": false, "none": null, "deep": {"x": [1]}});
        let scope = Scope { root: &root, named: &[], each: None };
        let lists = Lists::from([("levels".to_owned(), BTreeSet::from(["50".to_owned()]))]);
        for (conditions, expected) in [
            ("kind=quiz", true),
            ("kind=page|quiz", true),
            ("kind=page", false),
            ("kind!=page", true),
            ("kind!=page|quiz", false),
            ("none!=page", false),
            ("kind~ui", true),
            ("kind~xx|iz", true),
            ("kind~xx", false),
            ("deep=*", true),
            ("deep.x=*", true),
            ("none=*", false),
            ("gone=*", false),
            ("flag=false", true),
            ("level=50;kind=quiz", true),
            ("level=50;kind=page", false),
            ("level=@levels", true),
            ("kind=@levels", false),
            ("level=@unheard", false),
            ("kind=quiz;+id", true),
        ] {
            let event = ForeignEvent::parse(&format!("n[{conditions}]")).expect("valid");
            assert_eq!(event.holds(&scope, &lists), expected, "{conditions}");
        }
    }

    #[test]
    fn cells_that_are_no_name() {
        for cell in ["", "[a=b]", "n[a=b", "n[a]", "n[a=]", "n[=b]", "n[a=@]", "n[a!b]", "n[a=b|]"] {
            assert!(ForeignEvent::parse(cell).is_err(), "{cell}");
        }
    }
}
