//! Moodle: rows of `logstore_standard_log` as JSON. `userid` did it, `relateduserid` is whom it was
//! done to; a row's `other` is JSON or PHP-serialized. Columns can be missing, null, number or text.

mod php;

use catalog::{Micros, Origin};
use serde_json::{Map, Value};

use crate::line::{Event, Line};
use crate::mapping::apply::{Foreign, Trail};
use crate::mapping::text;

/// Columns in which 0 means nobody or nothing, and -1 a person who is not known.
const IDS: [&str; 6] = ["userid", "relateduserid", "realuserid", "courseid", "objectid", "contextinstanceid"];

/// The last second that the calendar of RFC 3339 holds (9999-12-31T23:59:59Z).
const LAST_SECOND: i64 = 253_402_300_799;

/// Reads one line. `main_admin` is the id of the person whom cron poses as.
pub(crate) fn parse(line: &[u8], trail: &Trail, main_admin: &str) -> Line {
    let mut row: Map<String, Value> = match serde_json::from_slice(line) {
        Ok(Value::Object(row)) => row,
        Ok(_) => return Line::Unreadable("the row is no JSON object".into()),
        Err(error) => return Line::Unreadable(crate::json_problem(&error, 0)),
    };
    let name = match row.get("eventname").and_then(Value::as_str) {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => return Line::Unreadable("the row has no eventname".into()),
    };
    if let Err(problem) = normalize(&mut row) {
        // Where the name maps to nothing anyway, what stands in `other` does not matter.
        if trail.mapping.may_map(&name) {
            return Line::Unreadable(problem);
        }
        return Line::Events { events: vec![Event::Unmapped(name)], mismatched: 0 };
    }
    let root = Value::Object(row);
    let doer = Doer::of(&root, main_admin);
    let foreign = Foreign {
        job: doer.job,
        anonymous: text(&root["anonymous"]).as_deref() == Some("1"),
        on_behalf_of: doer.on_behalf_of,
        origin: origin(&root),
        // Within a second only the row's number orders.
        sequence: text(&root["id"]).and_then(|id| id.parse().ok()),
        ..Foreign::new(&name, &root, whole_seconds)
    };
    Line::Events { events: vec![trail.event(&foreign)], mismatched: 0 }
}

/// Drops ids that say nobody, reads `other`, and adds `incourse`: the course, unless that is the
/// site itself (number 1).
fn normalize(row: &mut Map<String, Value>) -> Result<(), String> {
    for column in IDS {
        if matches!(row.get(column).and_then(text).as_deref(), Some("0" | "-1")) {
            row.remove(column);
        }
    }
    row.remove("incourse");
    if let Some(course) = row.get("courseid").filter(|course| text(course).as_deref() != Some("1")).cloned() {
        row.insert("incourse".into(), course);
    }
    if let Some(Value::String(other)) = row.get("other") {
        let other = php::json_or_php(other).map_err(|problem| format!("other: {problem}"))?;
        row.insert("other".into(), other);
    }
    Ok(())
}

struct Doer {
    job: bool,
    on_behalf_of: Option<String>,
}

impl Doer {
    /// On the command line cron poses as the main admin; anybody else there is whom a job ran for.
    /// Elsewhere `realuserid` acts as `userid`.
    fn of(root: &Value, main_admin: &str) -> Self {
        let id = |column: &str| text(&root[column]).filter(|id| !id.is_empty());
        let user = id("userid");
        if root["origin"] == "cli" {
            return Self { job: true, on_behalf_of: user.filter(|user| user != main_admin) };
        }
        let real = id("realuserid");
        let on_behalf_of = user.filter(|user| real.as_ref().is_some_and(|real| real != user));
        Self { job: false, on_behalf_of }
    }
}

fn origin(root: &Value) -> Option<Origin<'static>> {
    let ip = text(&root["ip"]).filter(|ip| !ip.is_empty()).map(Into::into);
    let channel = match root["origin"].as_str() {
        Some("web") => Some("web".into()),
        Some("ws") => Some("api".into()),
        _ => None,
    };
    (ip.is_some() || channel.is_some()).then_some(Origin { ip, user_agent: None, channel })
}

fn whole_seconds(text: &str) -> Option<Micros> {
    let seconds: i64 = text.parse().ok()?;
    (0..=LAST_SECOND).contains(&seconds).then(|| Micros::new(seconds * 1_000_000))
}

#[cfg(test)]
mod tests;
