//! One row of a mapping, typed: which foreign event, and how its action is made. What the catalog
//! asks of an action is checked here, so that a wrong row is refused before any line is read.

use std::collections::BTreeSet;

use catalog::{ActorKind, Entry, Need};

use super::name::ForeignEvent;
use super::value::{Choice, Path};

/// The columns of a mapping, in the order of the built-in ones.
pub(crate) const COLUMNS: [&str; 10] = [
    "foreign_event",
    "action",
    "actor",
    "user",
    "object",
    "within",
    "occurred_at",
    "id_from",
    "attributes",
    "notes",
];

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) event: ForeignEvent,
    /// How the action is made; none where the event maps to nothing.
    pub(crate) rule: Option<Rule>,
}

/// How an action is made of a foreign event.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) entry: &'static Entry,
    pub(crate) actor: Choice,
    pub(crate) user: Option<Choice>,
    /// One action for each of a list of users.
    pub(crate) each: Option<Each>,
    /// It speaks of `U`: one action for each of a notification's users.
    pub(crate) of_users: bool,
    pub(crate) object: Option<(String, Choice)>,
    pub(crate) within: Vec<(String, Choice)>,
    pub(crate) occurred_at: Path,
    pub(crate) id_from: Vec<Choice>,
    /// Sorted by name.
    pub(crate) attributes: Vec<(String, Choice)>,
}

/// `each path not in path`: those of one list that another does not hold.
#[derive(Clone, Debug)]
pub(crate) struct Each {
    pub(crate) of: Path,
    pub(crate) without: Option<Path>,
}

/// A cell that is wrong: its column, counted as in [`COLUMNS`], and how.
pub(crate) type CellError = (usize, String);

impl Row {
    /// Reads the cells of one row, in the order of [`COLUMNS`].
    pub(crate) fn parse(cells: &[&str; COLUMNS.len()]) -> Result<Self, CellError> {
        let event = ForeignEvent::parse(cells[0]).map_err(|problem| (0, problem))?;
        if cells[1] == "-" {
            return match cells[2..9].iter().position(|cell| *cell != "-") {
                Some(place) => Err((place + 2, "a row without an action says something here".into())),
                None => Ok(Self { event, rule: None }),
            };
        }
        Ok(Self { event, rule: Some(Rule::parse(cells)?) })
    }
}

impl Rule {
    fn parse(cells: &[&str; COLUMNS.len()]) -> Result<Self, CellError> {
        let unknown = || (1, format!("the catalog has no action {:?}", cells[1]));
        let entry = catalog::catalog().action(cells[1]).ok_or_else(unknown)?;
        let (each, user) = user(cells[3]).map_err(|problem| (3, problem))?;
        let mut attributes = pairs(cells[8]).map_err(|problem| (8, problem))?;
        attributes.sort_by(|a, b| a.0.cmp(&b.0));
        let mut rule = Self {
            entry,
            actor: actor(cells[2]).map_err(|problem| (2, problem))?,
            user,
            each,
            of_users: false,
            object: pairs(cells[4]).and_then(at_most_one).map_err(|problem| (4, problem))?,
            within: pairs(cells[5]).map_err(|problem| (5, problem))?,
            occurred_at: Path::parse(cells[6]).map_err(|problem| (6, problem))?,
            id_from: choices(cells[7]).map_err(|problem| (7, problem))?,
            attributes,
        };
        rule.check_catalog()?;
        rule.check_each()?;
        rule.of_users = rule.speaks_of("U");
        Ok(rule)
    }

    fn check_catalog(&self) -> Result<(), CellError> {
        let entry = self.entry;
        if entry.user == Need::Required && self.user.is_none() {
            return Err((3, format!("{} needs a user", entry.action)));
        }
        match &self.object {
            None if !entry.object.is_empty() => {
                return Err((4, format!("{} needs an object: {}", entry.action, entry.object.join(" or "))));
            }
            Some((kind, _)) if !entry.object.is_empty() && !entry.object.contains(&kind.as_str()) => {
                return Err((4, format!("the object of {} is no {kind}", entry.action)));
            }
            _ => {}
        }
        let has = |kind: &&str| self.within.iter().any(|(own, _)| own == kind);
        if !entry.within.is_empty() && !entry.within.iter().any(has) {
            return Err((5, format!("{} needs one of {}", entry.action, entry.within.join(" or "))));
        }
        Ok(())
    }

    fn check_each(&self) -> Result<(), CellError> {
        let named = self.id_from.iter().any(Choice::uses_each);
        match (&self.each, named) {
            (Some(_), false) => Err((7, "the id must be made of each, or all would have one id".into())),
            (None, true) => Err((7, "each is of no list: the user column names none".into())),
            _ => Ok(()),
        }
    }

    fn speaks_of(&self, name: &str) -> bool {
        let object = self.object.iter().chain(&self.within).chain(&self.attributes).map(|(_, choice)| choice);
        let choices = self.user.iter().chain(object).chain(&self.id_from).chain([&self.actor]);
        choices.flat_map(Choice::paths).any(|path| path.begins_with(name))
    }
}

fn actor(cell: &str) -> Result<Choice, String> {
    let choice = Choice::parse(cell)?;
    match choice.constant() {
        Some(word) => match ActorKind::from_name(word) {
            Some(kind) if !kind.needs_id() => Ok(choice),
            _ => Err(format!("{word:?} is not system, anonymous or unknown")),
        },
        None if choice.ends_in_rule_a() => Ok(choice),
        None => Err("it must end in A or a constant, or the actor could be missing".into()),
    }
}

fn user(cell: &str) -> Result<(Option<Each>, Option<Choice>), String> {
    if cell == "-" {
        return Ok((None, None));
    }
    let Some(lists) = cell.strip_prefix("each ") else {
        let choice = Choice::parse(cell)?;
        if choice.ends_in_rule_a() || choice.constant().is_some() {
            return Err("a user is read from a path, never made up".into());
        }
        return Ok((None, Some(choice)));
    };
    let (of, without) = match lists.split_once(" not in ") {
        Some((of, without)) => (of, Some(Path::parse(without.trim())?)),
        None => (lists, None),
    };
    let each = Each { of: Path::parse(of.trim())?, without };
    Ok((Some(each), Some(Choice::parse("each")?)))
}

fn choices(cell: &str) -> Result<Vec<Choice>, String> {
    let choices: Vec<_> =
        cell.split(';').map(|one| Choice::parse(one.trim())).collect::<Result<_, String>>()?;
    if choices.iter().any(Choice::ends_in_rule_a) { Err("A is no part of an id".into()) } else { Ok(choices) }
}

fn pairs(cell: &str) -> Result<Vec<(String, Choice)>, String> {
    if cell == "-" {
        return Ok(Vec::new());
    }
    let mut names = BTreeSet::new();
    let mut pairs = Vec::new();
    for pair in cell.split(';').map(str::trim) {
        let (name, value) = pair.split_once('=').ok_or_else(|| format!("{pair:?} is not name=path"))?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        {
            return Err(format!("{name:?} is not of a-z, 0-9 and _"));
        }
        if !names.insert(name) {
            return Err(format!("{name} stands twice"));
        }
        pairs.push((name.to_owned(), Choice::parse(value)?));
    }
    Ok(pairs)
}

fn at_most_one(mut pairs: Vec<(String, Choice)>) -> Result<Option<(String, Choice)>, String> {
    if pairs.len() > 1 { Err("there is one object at most".into()) } else { Ok(pairs.pop()) }
}
