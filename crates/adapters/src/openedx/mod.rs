//! Open edX: tracking logs (a text prefix, then JSON; or JSON alone) and event bus rows as CloudEvents
//! in JSON. A tracking line has no id, so its content is hashed. The log and the bus tell the same
//! facts under other ids: feed one of them.

mod shape;

use catalog::Origin;
use serde_json::Value;

use crate::line::Line;
use crate::mapping::apply::{Foreign, Trail};
use crate::mapping::text;

/// Reads one line.
pub(crate) fn parse(line: &[u8], trail: &Trail) -> Line {
    let Some(start) = line.iter().position(|byte| *byte == b'{') else {
        return Line::Unreadable("there is no JSON object on the line".into());
    };
    let root: Value = match serde_json::from_slice(&line[start..]) {
        Ok(root) => root,
        Err(error) => return Line::Unreadable(crate::json_problem(&error, start)),
    };
    let root = shape::normalize(root);
    let Some(name) = shape::name(&root) else {
        return Line::Unreadable("the event has neither name nor event_type".into());
    };
    let bus = !root["ce_type"].is_null();
    let foreign = Foreign {
        job: !bus && is_job(&root),
        origin: if bus { None } else { origin(&root) },
        ..Foreign::new(&name, &root, codec::parse_rfc3339)
    };
    Line::Events { events: vec![trail.event(&foreign)], mismatched: 0 }
}

/// A job says so, or it lacks all that a request has.
fn is_job(root: &Value) -> bool {
    let is_empty = |name: &str| text(&root[name]).is_none_or(|text| text.is_empty());
    root["event_source"] == "task" || ["ip", "host", "session"].into_iter().all(is_empty)
}

fn origin(root: &Value) -> Option<Origin<'static>> {
    let present = |name: &str| text(&root[name]).filter(|text| !text.is_empty()).map(Into::into);
    let channel = match root["event_source"].as_str() {
        Some("browser") => Some("web".into()),
        Some("mobile") => Some("mobile".into()),
        _ => None,
    };
    let origin = Origin { ip: present("ip"), user_agent: present("agent"), channel };
    (origin != Origin::default()).then_some(origin)
}

#[cfg(test)]
mod tests;
