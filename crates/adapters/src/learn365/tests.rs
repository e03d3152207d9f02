//! Learn365: where the trigger comes from, one action per notification and user, and time zones.

use catalog::{Action, ActorKind, TenantId};
use serde_json::json;

use super::*;
use crate::Format;

fn trail() -> Trail {
    let mapping = Format::Learn365.mapping().expect("it has a mapping");
    Trail { tenant: TenantId::try_from("acme").expect("valid"), source: "learn365".into(), mapping }
}

fn read(line: &Value, trigger: Option<&str>) -> (Vec<Event>, u64) {
    match parse(line.to_string().as_bytes(), &trail(), trigger) {
        Line::Events { events, mismatched } => (events, mismatched),
        other => panic!("{other:?}"),
    }
}

fn actions(events: &[Event]) -> Vec<&Action<'static>> {
    let of = |event: &Event| matches!(event, Event::Mapped { .. });
    assert!(events.iter().all(of), "{events:?}");
    events
        .iter()
        .flat_map(|event| match event {
            Event::Mapped { actions, .. } => actions.iter().collect(),
            Event::Unmapped(_) => Vec::new(),
        })
        .collect()
}

fn notification(kind: &str, users: &[&str]) -> Value {
    let users: Vec<_> = users
        .iter()
        .map(|id| json!({"Id": id, "DirectoryObjectId": format!("d-{id}"), "EnrollmentId": format!("e-{id}"), "Email": "x@example.org"}))
        .collect();
    json!({"Action": "CourseEnrollment", "EnrollmentStatus": 1, "Course": {"Id": "c-9", "CourseType": kind},
        "Users": users, "TimeStamp": "2026-11-02T09:14:03Z"})
}

fn body(notifications: &[Value]) -> Value {
    json!({"Id": "f-1", "Attempt": 1, "Properties": {}, "Notifications": notifications})
}

#[test]
fn one_action_for_each_notification_and_user() {
    let body = body(&[notification("ELearning", &["u-17", "u-18"]), notification("TrainingPlan", &["u-17"])]);
    let (events, mismatched) = read(&body, None);
    let actions = actions(&events);
    let told: Vec<_> = actions
        .iter()
        .map(|action| (action.entry.action, action.user.as_ref().map(|user| user.id.as_ref())))
        .collect();
    let expected = [
        ("course.enrolled", Some("u-17")),
        ("course.enrolled", Some("u-18")),
        ("training_plan.enrolled", Some("u-17")),
    ];
    assert_eq!(told, expected);
    assert!(
        actions.iter().all(|action| action.actor.kind == ActorKind::Unknown && action.actor.id.is_none())
    );
    assert_eq!(actions[0].attribute("directory_object_id"), Some("d-u-17"));
    assert_eq!(mismatched, 0);
}

#[test]
fn a_retry_of_another_firing_gives_the_same_actions() {
    let mut again = body(&[notification("ELearning", &["u-17"])]);
    let (first, _) = read(&again, None);
    again["Id"] = "f-2".into();
    again["Attempt"] = 3.into();
    assert_eq!(read(&again, None).0, first);
}

#[test]
fn the_trigger_comes_from_the_envelope_the_flag_or_the_notification() {
    let body = body(&[notification("ELearning", &["u-17"])]);
    for (line, flag, expected, mismatches) in [
        (body.clone(), None, "course.enrolled", 0),
        (body.clone(), Some("CourseStarted"), "course.started", 1),
        (json!({"trigger": "CourseCompleted", "payload": body}), None, "course.completed", 1),
        (
            json!({"trigger": "CourseCompleted", "payload": body}),
            Some("CourseStarted"),
            "course.completed",
            1,
        ),
        (json!({"path": "/hooks/CourseUnenrollment/", "payload": body}), None, "course.unenrolled", 1),
    ] {
        let (events, mismatched) = read(&line, flag);
        let made: Vec<_> = actions(&events).iter().map(|action| action.entry.action).collect();
        assert_eq!((made, mismatched), (vec![expected], mismatches), "{line} {flag:?}");
    }
}

#[test]
fn what_cannot_be_told_is_unmapped_or_incomplete() {
    let unmapped = body(&[notification("Podcast", &["u-17"])]);
    assert_eq!(read(&unmapped, None).0, [Event::Unmapped("CourseEnrollment".into())]);
    let unheard = read(&body(&[notification("ELearning", &["u-17"])]), Some("Unheard")).0;
    assert_eq!(unheard, [Event::Unmapped("Unheard".into())]);
    let incomplete = |change: fn(&mut Value)| {
        let mut notification = notification("ELearning", &["u-17"]);
        change(&mut notification);
        match read(&body(&[notification]), None).0.remove(0) {
            Event::Mapped { actions, missing, .. } => (actions.len(), missing),
            Event::Unmapped(name) => panic!("{name} is mapped"),
        }
    };
    assert_eq!(incomplete(|n| n["TimeStamp"] = "2026-11-02T09:14:03".into()), (0, vec![Missing::Time]));
    assert_eq!(incomplete(|n| n["Users"] = json!([])), (0, vec![Missing::User, Missing::Id]));
    assert_eq!(incomplete(|n| n["Course"]["Id"] = "".into()), (0, vec![Missing::Object, Missing::Id]));
    let one_of_two = incomplete(|n| n["Users"] = json!([{"Id": "u-17"}, {"EnrollmentId": "e-18"}]));
    assert_eq!(one_of_two, (1, vec![Missing::User]));
    let empty = read(&body(&[]), Some("CourseEnrollment")).0;
    assert!(matches!(&empty[..], [Event::Mapped { missing, .. }] if missing == &[Missing::Notifications]));
}

#[test]
fn a_course_itself_is_the_notification() {
    let course = json!({"Action": "CoursePublished", "Id": "c-9", "CourseType": "TrainingPlan",
        "TimeStamp": "2026-11-02T09:14:03.1234567+01:00"});
    let (events, _) = read(&body(&[course]), None);
    let action = actions(&events)[0];
    assert_eq!(action.entry.action, "training_plan.published");
    assert_eq!(action.user, None);
    assert_eq!(Some(action.occurred_at), codec::parse_rfc3339("2026-11-02T08:14:03.123456Z"));
}

#[test]
fn lines_that_are_no_webhook_are_unreadable() {
    for (line, problem) in [
        ("{}", "neither a webhook body nor an envelope: there are no Notifications"),
        ("[1]", "neither a webhook body nor an envelope: there are no Notifications"),
        ("{\"Notifications\": [{}]}", "a notification has no Action, and no trigger was given"),
        ("{", "the JSON ends too early at byte 1"),
    ] {
        assert_eq!(parse(line.as_bytes(), &trail(), None), Line::Unreadable(problem.into()), "{line}");
    }
}
