//! Mappings: which foreign event becomes which action, as tables of data read by one engine.
//!
//! A table is tab-separated with the header `foreign_event action actor user object within
//! occurred_at id_from attributes notes`; a `-` says nothing, a `#` begins a remark line. The
//! language of the cells:
//! - `foreign_event`: a name (`*` is any text), with conditions in brackets, all of which must hold:
//!   `path=a|b`, `path!=a|b` (there, but another), `path~a|b` (contains), `path=*` (there),
//!   `path=@list` (in a list the operator gives; without it nothing is); a label such as `+id` asks
//!   nothing and only tells two rows apart. Exact names with conditions go first, then the bare
//!   name, then patterns, each in the order of the file.
//! - `action`: a name of the catalog, or `-`: the event is known and maps to nothing.
//! - values: a dotted path; `x else y`, the first that is not empty; `=word`, a constant; `a/b` and
//!   `prefix:a`, joined; `A` (actors only), the doer is not named: `system` where the line bears the
//!   platform's sign of a job, whatever the paths say, else `unknown`.
//! - `user`: a value, or `each list not in list`: one action for each; `each` stands for that one.
//!   Several such rows of one event are all taken; one without anybody is passed over.
//! - `object`: `kind=value`; `within`, `attributes`: several with `;` between; what is empty is left
//!   out, unless the catalog asks for it: then the line is incomplete.
//! - `id_from`: values with `;` between, of which the action's id is made. One that is empty makes
//!   the line incomplete, unless it ends in a constant (`x else =`).

pub(crate) mod apply;
mod json;
mod name;
mod row;
mod value;

use std::collections::HashMap;

pub(crate) use json::text;
pub use name::Lists;
use row::{COLUMNS, Row, Rule};
use value::Scope;

/// A platform's mapping: its rows, an operator's rows over them, and the operator's lists.
#[derive(Clone, Debug)]
pub struct Mapping {
    rows: Vec<Row>,
    exact: HashMap<String, Vec<usize>>,
    patterns: Vec<usize>,
    lists: Lists,
}

/// A cell of a mapping that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("mapping {file}, line {line}, column {column}: {problem}")]
pub struct MappingError {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column's name.
    pub column: String,
    /// What is wrong with it.
    pub problem: String,
}

/// What a mapping says of one event.
pub(crate) enum Found<'m> {
    /// Nothing; the row that says so, if there is one.
    Nothing(Option<&'m str>),
    /// These rules make actions of it, each for these users where the row names a list.
    Rules(Vec<(&'m Rule, Vec<String>)>),
}

impl Mapping {
    /// Reads a mapping.
    ///
    /// # Errors
    /// [`MappingError`] for the first cell that cannot be read, and for a row that stands twice.
    pub fn parse(file: &str, text: &str) -> Result<Self, MappingError> {
        Ok(Self::of(parse_rows(file, text)?, Lists::new()))
    }

    /// This mapping with an operator's rows and lists over it: a row with the same `foreign_event`
    /// takes the old one's place, any other goes before all others of its rank (with conditions,
    /// bare, pattern).
    ///
    /// # Errors
    /// [`MappingError`] for the first cell of `text` that cannot be read.
    pub fn with_overrides(self, file: &str, text: &str, lists: Lists) -> Result<Self, MappingError> {
        let mut rows = self.rows;
        let mut added = Vec::new();
        for row in parse_rows(file, text)? {
            match rows.iter_mut().find(|old| old.event.cell == row.event.cell) {
                Some(old) => *old = row,
                None => added.push(row),
            }
        }
        added.append(&mut rows);
        Ok(Self::of(added, self.lists).with_lists(lists))
    }

    /// This mapping with these lists beside those it has.
    #[must_use]
    pub fn with_lists(mut self, lists: Lists) -> Self {
        self.lists.extend(lists);
        self
    }

    /// How many rows make an action, and how many say that there is none.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let mapped = self.rows.iter().filter(|row| row.rule.is_some()).count();
        (mapped, self.rows.len() - mapped)
    }

    fn of(rows: Vec<Row>, lists: Lists) -> Self {
        let mut exact: HashMap<String, Vec<usize>> = HashMap::new();
        let mut patterns = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            if row.event.is_exact() {
                exact.entry(row.event.name.clone()).or_default().push(index);
            } else {
                patterns.push(index);
            }
        }
        for indexes in exact.values_mut() {
            indexes.sort_by_key(|index| !rows[*index].event.has_conditions());
        }
        Self { rows, exact, patterns, lists }
    }

    /// What it says of the event of this name.
    pub(crate) fn find(&self, name: &str, scope: &Scope<'_>) -> Found<'_> {
        let mut rules = Vec::new();
        for row in self.candidates(name).filter(|row| row.event.holds(scope, &self.lists)) {
            match &row.rule {
                Some(rule @ Rule { each: Some(each), .. }) => {
                    let users = each.users(scope);
                    if !users.is_empty() {
                        rules.push((rule, users));
                    }
                }
                _ if !rules.is_empty() => break,
                Some(rule) => return Found::Rules(vec![(rule, Vec::new())]),
                None => return Found::Nothing(Some(&row.event.cell)),
            }
        }
        if rules.is_empty() { Found::Nothing(None) } else { Found::Rules(rules) }
    }

    /// Whether any row could make an action of an event of this name.
    pub(crate) fn may_map(&self, name: &str) -> bool {
        self.candidates(name).any(|row| row.rule.is_some())
    }

    /// The rows that fit a name, in their order of precedence.
    fn candidates<'m>(&'m self, name: &str) -> impl Iterator<Item = &'m Row> {
        let row = |index: &usize| &self.rows[*index];
        let exact = self.exact.get(name).map(Vec::as_slice).unwrap_or_default();
        let patterns = self.patterns.iter().map(row).filter(|row| row.event.matches_name(name));
        exact.iter().map(row).chain(patterns)
    }
}

impl row::Each {
    fn users(&self, scope: &Scope<'_>) -> Vec<String> {
        let at = |path: &value::Path| path.find(scope).map(json::list).unwrap_or_default();
        let without = self.without.as_ref().map(at).unwrap_or_default();
        let mut users = at(&self.of);
        users.retain(|user| !without.contains(user));
        users.sort();
        users.dedup();
        users
    }
}

fn parse_rows(file: &str, text: &str) -> Result<Vec<Row>, MappingError> {
    let error = |line: usize, column: &str, problem: String| MappingError {
        file: file.into(),
        line,
        column: column.into(),
        problem,
    };
    let is_content = |line: &(usize, &str)| !line.1.trim().is_empty() && !line.1.starts_with('#');
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim_end_matches('\r')));
    let mut lines = numbered.filter(is_content);
    let (at, header) = lines.next().ok_or_else(|| error(1, COLUMNS[0], "the file is empty".into()))?;
    let places = header_places(header).map_err(|(column, problem)| error(at, &column, problem))?;
    let mut rows: Vec<Row> = Vec::new();
    for (at, line) in lines {
        let cells = cells(line, &places).map_err(|problem| error(at, "(all)", problem))?;
        let row = Row::parse(&cells).map_err(|(column, problem)| error(at, COLUMNS[column], problem))?;
        if rows.iter().any(|old| old.event.cell == row.event.cell) {
            return Err(error(at, COLUMNS[0], format!("{} stands twice", row.event.cell)));
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Which of [`COLUMNS`] stands at each place; those that are left out say nothing.
fn header_places(header: &str) -> Result<Vec<usize>, (String, String)> {
    let mut places = Vec::new();
    for name in header.split('\t') {
        let known = COLUMNS.iter().position(|column| *column == name);
        let place = known.ok_or_else(|| (name.to_owned(), "there is no such column".to_owned()))?;
        if places.contains(&place) {
            return Err((name.into(), "the column stands twice".into()));
        }
        places.push(place);
    }
    for needed in [0, 1] {
        if !places.contains(&needed) {
            return Err((COLUMNS[needed].into(), "the header does not name it".into()));
        }
    }
    Ok(places)
}

fn cells<'l>(line: &'l str, places: &[usize]) -> Result<[&'l str; COLUMNS.len()], String> {
    let found: Vec<_> = line.split('\t').map(str::trim).collect();
    if found.len() != places.len() {
        return Err(format!("{} cells where the header names {}", found.len(), places.len()));
    }
    let mut cells = ["-"; COLUMNS.len()];
    for (place, cell) in places.iter().zip(found) {
        cells[*place] = cell;
    }
    Ok(cells)
}

#[cfg(test)]
mod tests;
