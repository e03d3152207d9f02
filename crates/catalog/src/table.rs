//! The catalog as data, read once: 12 categories, 97 event types, 114 actions.
//!
//! `data/catalog.tsv` is the one place where an action, an event type or a rule is added or changed.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::Category;
use crate::entry::{Entry, NameSource, Need, Part, Register, Status};

/// Version of the catalog's data, kept in every audit event; counted up with every change of it.
pub const CATALOG_VERSION: i32 = 1;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    Catalog::parse(include_str!("../data/catalog.tsv")).expect("the catalog's own tests hold")
});

/// The catalog this build was made with.
#[must_use]
pub fn catalog() -> &'static Catalog {
    &CATALOG
}

/// All actions and their rules, found by name.
#[derive(Debug)]
pub struct Catalog {
    entries: Vec<Entry>,
    by_action: HashMap<&'static str, usize>,
    named_in_within: HashSet<&'static str>,
}

/// A line of the catalog's data that does not fit its grammar.
#[derive(Debug, PartialEq, Eq)]
pub struct CatalogError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl std::fmt::Display for CatalogError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "catalog data, line {}: {}", self.line, self.problem)
    }
}

impl std::error::Error for CatalogError {}

const HEADER: &str = "category\tcategory_title\tevent_type\taction\tactivity\tname_source\tobject\tuser\twithin\tregister\tstatus";

impl Catalog {
    /// Reads the catalog's data: tab-separated, one header line, one line per action.
    ///
    /// # Errors
    /// [`CatalogError`] for the first line that does not fit the grammar or repeats an action.
    pub fn parse(data: &'static str) -> Result<Self, CatalogError> {
        let mut lines = data.lines().enumerate();
        if lines.next().map(|(_, line)| line) != Some(HEADER) {
            return Err(CatalogError { line: 1, problem: "the header names other columns".into() });
        }
        let mut catalog =
            Self { entries: Vec::new(), by_action: HashMap::new(), named_in_within: HashSet::new() };
        for (number, line) in lines {
            catalog.add(line).map_err(|problem| CatalogError { line: number + 1, problem })?;
        }
        Ok(catalog)
    }

    fn add(&mut self, line: &'static str) -> Result<(), String> {
        let index = self.entries.len();
        let entry = entry(u16::try_from(index).map_err(|_| "too many lines")?, line)?;
        if self.by_action.insert(entry.action, index).is_some() {
            return Err(format!("{} stands twice", entry.action));
        }
        for part in &entry.register.parts {
            if let Part::Within(kind) = part {
                self.named_in_within.insert(kind);
            }
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Every action, in the catalog's order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The action of this dotted name.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&Entry> {
        self.by_action.get(name).map(|index| &self.entries[*index])
    }

    /// The name of an event type as the catalog holds it.
    #[must_use]
    pub fn event_type(&self, name: &str) -> Option<&'static str> {
        self.entries.iter().find(|entry| entry.event_type == name).map(|entry| entry.event_type)
    }

    /// Whether an action may name at most one thing of this kind in `within`: a register's subject
    /// is made of it, or it is the catalog.
    #[must_use]
    pub fn at_most_one_within(&self, kind: &str) -> bool {
        kind == "catalog" || self.named_in_within.contains(kind)
    }
}

fn entry(index: u16, line: &'static str) -> Result<Entry, String> {
    let columns: Vec<_> = line.split('\t').collect();
    let &[
        category,
        category_title,
        event_type,
        action,
        activity,
        source,
        object,
        user,
        within,
        register,
        status,
    ] = columns.as_slice()
    else {
        return Err(format!("{} columns where 11 belong", columns.len()));
    };
    let category = Category::from_name(category).ok_or_else(|| format!("no category {category}"))?;
    Ok(Entry {
        index,
        category,
        category_title: text("category_title", category_title)?,
        event_type: text("event_type", event_type)?,
        action: dotted(action)?,
        activity: text("activity", activity)?,
        name_source: NameSource::ALL
            .into_iter()
            .find(|known| known.name() == source)
            .ok_or_else(|| format!("no name source {source}"))?,
        object: kinds(object)?,
        user: match user {
            "required" => Need::Required,
            "-" => Need::Optional,
            _ => return Err(format!("user is {user}, not required or -")),
        },
        within: kinds(within)?,
        register: subject(category, register)?,
        status: match status {
            "=" => Status::Keep,
            name => Status::Set(word(name)?),
        },
    })
}

fn text(column: &str, value: &'static str) -> Result<&'static str, String> {
    if value.trim().is_empty() { Err(format!("{column} is empty")) } else { Ok(value) }
}

fn word(value: &'static str) -> Result<&'static str, String> {
    let valid = !value.is_empty() && value.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if valid { Ok(value) } else { Err(format!("{value:?} is not of a-z and _")) }
}

fn dotted(value: &'static str) -> Result<&'static str, String> {
    let (thing, verb) = value.split_once('.').ok_or_else(|| format!("{value:?} has no dot"))?;
    word(thing)?;
    word(verb)?;
    Ok(value)
}

fn kinds(value: &'static str) -> Result<Vec<&'static str>, String> {
    if value == "-" { Ok(Vec::new()) } else { value.split('|').map(word).collect() }
}

fn subject(own: Category, value: &'static str) -> Result<Register, String> {
    let (home, rest) = match value.split_once(':') {
        Some((home, rest)) => (Category::from_name(home).ok_or_else(|| format!("no category {home}"))?, rest),
        None => (own, value),
    };
    let (kind, parts) = rest
        .strip_suffix(')')
        .and_then(|rest| rest.split_once('('))
        .ok_or_else(|| format!("{value:?} is not kind(part,…)"))?;
    let parts = parts.split(',').map(part).collect::<Result<Vec<_>, _>>()?;
    Ok(Register { home, kind: word(kind)?, parts })
}

fn part(value: &'static str) -> Result<Part, String> {
    match value {
        "user" => Ok(Part::User),
        "object" => Ok(Part::Object),
        _ => match value.strip_prefix("within.") {
            Some(kind) => Ok(Part::Within(word(kind)?)),
            None => Err(format!("{value:?} is neither user, object nor within.<kind>")),
        },
    }
}

#[cfg(test)]
mod tests;
