//! Open edX: both shapes, who did it, and lines that cannot be read.

use catalog::{Action, ActorKind, TenantId};
use serde_json::json;

use super::*;
use crate::Format;
use crate::line::{Event, Missing};

fn trail() -> Trail {
    let mapping = Format::Openedx.mapping().expect("it has a mapping");
    Trail { tenant: TenantId::try_from("acme").expect("valid"), source: "openedx".into(), mapping }
}

fn event(line: &str) -> Event {
    match parse(line.as_bytes(), &trail()) {
        Line::Events { mut events, .. } => events.pop().expect("a line is one event"),
        other => panic!("{other:?}"),
    }
}

fn action(root: &Value) -> Action<'static> {
    match event(&root.to_string()) {
        Event::Mapped { mut actions, missing, .. } if missing.is_empty() => {
            actions.pop().expect("one action")
        }
        other => panic!("{other:?}"),
    }
}

fn enrolment() -> Value {
    json!({"name": "edx.course.enrollment.activated", "time": "2026-11-02T09:14:03.123456+00:00",
        "event": {"user_id": 17, "course_id": "course-v1:Example+X+1", "mode": "audit"},
        "context": {"user_id": 3, "course_id": null}, "username": "u-3", "session": "s", "ip": "192.0.2.1",
        "host": "h", "agent": "a", "event_source": "server"})
}

#[test]
fn staff_enrols_a_learner() {
    let action = action(&enrolment());
    assert_eq!(action.entry.action, "course.enrolled");
    assert_eq!(action.actor.id.as_deref(), Some("3"));
    assert_eq!(action.user.as_ref().map(|user| user.id.as_ref()), Some("17"));
    assert_eq!(action.object.as_ref().map(|object| object.id.as_ref()), Some("course-v1:Example+X+1"));
    assert_eq!(action.attribute("mode"), Some("audit"));
    assert_eq!(codec::parse_rfc3339("2026-11-02T09:14:03.123456Z"), Some(action.occurred_at));
    assert_eq!(action.sequence, None);
}

#[test]
fn who_did_it() {
    let blank = json!("");
    for (user, source, request, kind, id) in [
        (json!(3), "server", true, ActorKind::User, Some("3")),
        (json!("3"), "browser", true, ActorKind::User, Some("3")),
        (blank.clone(), "server", true, ActorKind::Unknown, None),
        (json!(null), "server", true, ActorKind::Unknown, None),
        (blank.clone(), "task", true, ActorKind::System, None),
        (json!(3), "task", true, ActorKind::System, None),
        (json!(17), "server", false, ActorKind::System, None),
    ] {
        let mut root = enrolment();
        root["context"]["user_id"] = user.clone();
        root["event_source"] = source.into();
        if !request {
            for field in ["ip", "host", "session"] {
                root[field] = blank.clone();
            }
        }
        let actor = action(&root).actor;
        assert_eq!((actor.kind, actor.id.as_deref()), (kind, id), "{user} {source} {request}");
    }
}

#[test]
fn the_same_event_has_one_id_however_it_is_written() {
    let plain = enrolment();
    let expected = action(&plain);
    let prefixed =
        format!("2026-11-02 09:14:03,124 INFO 20 [tracking] [user 3] [ip 192.0.2.1] logger.py:41 - {plain}");
    let Event::Mapped { actions, .. } = event(&prefixed) else { panic!("it is mapped") };
    assert_eq!(actions, std::slice::from_ref(&expected));
    let mut in_text = plain.clone();
    in_text["event"] = plain["event"].to_string().into();
    assert_eq!(action(&in_text), expected);
    let mut other = plain.clone();
    other["event"]["user_id"] = 18.into();
    assert_ne!(action(&other).id, expected.id);
}

#[test]
fn event_bus_rows_are_cloud_events() {
    let structured = json!({"specversion": "1.0", "type": "org.openedx.learning.course.enrollment.created.v1",
        "id": "e-1", "time": "2026-11-02T09:14:03Z", "source": "lms",
        "data": {"enrollment": {"user": {"id": 17}, "course": {"course_key": "course-v1:Example+X+1"}, "mode": "audit"}}});
    let flat = json!({"ce_type": "org.openedx.learning.course.enrollment.created.v1", "ce_id": "e-1",
        "ce_time": "2026-11-02T09:14:03Z", "enrollment": structured["data"]["enrollment"]});
    let expected = action(&structured);
    assert_eq!(expected.entry.action, "course.enrolled");
    assert_eq!(expected.actor.kind, ActorKind::Anonymous);
    assert_eq!(action(&flat), expected);
}

#[test]
fn a_role_is_told_by_conditions() {
    for (role, course, mapped) in [
        ("instructor", "course-v1:Example+X+1", true),
        ("staff", "course-v1:Example+X+1", false),
        ("instructor", "", false),
    ] {
        let root = json!({"ce_type": "org.openedx.learning.user.course_access_role.added.v1", "ce_id": "e-1",
            "ce_time": "2026-11-02T09:14:03Z",
            "course_access_role_data": {"user": {"id": 17}, "role": role, "course_key": course}});
        assert_eq!(matches!(event(&root.to_string()), Event::Mapped { .. }), mapped, "{role} {course}");
    }
}

#[test]
fn a_tracking_event_within_the_bus_is_taken_out() {
    let mut inner = enrolment();
    let expected = action(&inner);
    let fields = inner.as_object_mut().expect("an object");
    let (data, time) = (fields.remove("event").expect("there"), fields.remove("time").expect("there"));
    fields.insert("data".into(), data.to_string().into());
    fields.insert("timestamp".into(), time);
    let root = json!({"ce_type": "org.openedx.analytics.tracking.event.emitted.v1", "ce_id": "e-1",
        "ce_time": "2026-11-02T09:14:04Z", "tracking_log": inner});
    assert_eq!(action(&root), expected);
}

#[test]
fn what_is_missing_is_told() {
    for (path, value, expected) in [
        ("/event/user_id", json!(null), Missing::User),
        ("/event/course_id", json!(""), Missing::Object),
        ("/time", json!("2026-11-02T09:14:03"), Missing::Time),
        ("/time", json!("yesterday"), Missing::Time),
    ] {
        let mut root = enrolment();
        *root.pointer_mut(path).expect("it is there") = value;
        let Event::Mapped { actions, missing, .. } = event(&root.to_string()) else {
            panic!("{path} is mapped")
        };
        assert_eq!((actions.len(), missing), (0, vec![expected]), "{path}");
    }
}

#[test]
fn urls_are_counted_under_their_pattern() {
    let root = json!({"name": "/courses/course-v1:Example+X+1/u-17", "event_type": "/x", "context": {}});
    assert_eq!(event(&root.to_string()), Event::Unmapped("/*".into()));
    let root = json!({"name": "page_close", "event": "", "context": {}});
    assert_eq!(event(&root.to_string()), Event::Unmapped("page_close".into()));
}

#[test]
fn unreadable_lines_tell_the_place_and_nothing_else() {
    for (line, problem) in [
        ("no object", "there is no JSON object on the line"),
        ("prefix {\"name\": \"secret\", oops}", "the JSON is malformed at byte 27"),
        ("{\"name\": \"secret", "the JSON ends too early at byte 16"),
        ("{\"event\": {}}", "the event has neither name nor event_type"),
    ] {
        assert_eq!(parse(line.as_bytes(), &trail()), Line::Unreadable(problem.into()), "{line}");
    }
}
