//! Moodle: who did it, `other` in its forms, admins by list, and what is missing.

use std::collections::BTreeSet;

use catalog::{Action, ActorKind, TenantId};
use serde_json::json;

use super::*;
use crate::Format;
use crate::Lists;
use crate::line::Missing;

fn trail() -> Trail {
    let lists = Lists::from([("course_admin_role_ids".to_owned(), BTreeSet::from(["3".to_owned()]))]);
    let mapping = Format::Moodle.mapping().expect("it has a mapping").with_lists(lists);
    Trail { tenant: TenantId::try_from("acme").expect("valid"), source: "moodle".into(), mapping }
}

fn event(row: &Value) -> Event {
    match parse(row.to_string().as_bytes(), &trail(), "2") {
        Line::Events { mut events, .. } => events.pop().expect("a line is one event"),
        other => panic!("{other:?}"),
    }
}

fn actions(row: &Value) -> Vec<Action<'static>> {
    match event(row) {
        Event::Mapped { actions, missing, .. } if missing.is_empty() => actions,
        other => panic!("{other:?}"),
    }
}

fn row(name: &str, more: &Value) -> Value {
    let mut row = json!({"id": 900, "eventname": format!("\\core\\event\\{name}"), "timecreated": 1_793_610_843,
        "userid": 5, "relateduserid": 17, "courseid": 9, "objectid": 44, "contextinstanceid": 31, "origin": "web"});
    let fields = row.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    row
}

fn enrolment(more: &Value) -> Value {
    row("user_enrolment_created", more)
}

#[test]
fn whoever_enrols_is_the_actor_and_whoever_is_enrolled_the_user() {
    let action = actions(&enrolment(&json!({"other": "a:1:{s:5:\"enrol\";s:6:\"manual\";}"}))).remove(0);
    assert_eq!(action.entry.action, "course.enrolled");
    assert_eq!(action.actor.id.as_deref(), Some("5"));
    assert_eq!(action.user.as_ref().map(|user| user.id.as_ref()), Some("17"));
    assert_eq!(action.object.as_ref().map(|object| object.id.as_ref()), Some("9"));
    assert_eq!(action.attribute("enrol"), Some("manual"));
    assert_eq!(action.occurred_at, Micros::new(1_793_610_843_000_000));
    assert_eq!(action.sequence, Some(900));
    assert_eq!(action.origin.and_then(|origin| origin.channel).as_deref(), Some("web"));
}

#[test]
fn who_did_it() {
    for (more, kind, id, on_behalf_of) in [
        (json!({}), ActorKind::User, Some("5"), None),
        (json!({"userid": "5"}), ActorKind::User, Some("5"), None),
        (json!({"userid": 0}), ActorKind::Unknown, None, None),
        (json!({"userid": null}), ActorKind::Unknown, None, None),
        (json!({"userid": -1}), ActorKind::Unknown, None, None),
        (json!({"realuserid": 8}), ActorKind::User, Some("8"), Some("5")),
        (json!({"realuserid": "0"}), ActorKind::User, Some("5"), None),
        (json!({"origin": "cli", "userid": 2}), ActorKind::System, None, None),
        (json!({"origin": "cli", "userid": "2"}), ActorKind::System, None, None),
        (json!({"origin": "cli", "userid": 0}), ActorKind::System, None, None),
        (json!({"origin": "cli", "userid": null}), ActorKind::System, None, None),
        (json!({"origin": "cli", "userid": 5}), ActorKind::System, None, Some("5")),
        (json!({"origin": "web", "userid": 2}), ActorKind::User, Some("2"), None),
        (json!({"anonymous": 1}), ActorKind::Anonymous, None, None),
        (json!({"anonymous": "1", "realuserid": 8}), ActorKind::Anonymous, None, None),
        (json!({"anonymous": 0}), ActorKind::User, Some("5"), None),
    ] {
        let action = actions(&enrolment(&more)).remove(0);
        let behalf = action.on_behalf_of.and_then(|actor| actor.id);
        assert_eq!((action.actor.kind, action.actor.id.as_deref()), (kind, id), "{more}");
        assert_eq!(behalf.as_deref(), on_behalf_of, "{more}");
    }
}

#[test]
fn numbers_and_texts_make_the_same_action() {
    let texts = json!({"id": "900", "timecreated": "1793610843", "userid": "5", "relateduserid": "17", "courseid": "9",
        "objectid": "44", "contextinstanceid": "31"});
    let decimals = json!({"id": 900.0, "timecreated": 1_793_610_843.0, "userid": 5.0, "relateduserid": 17.0,
        "courseid": 9.0, "objectid": 44.0, "contextinstanceid": 31.0});
    let expected = actions(&enrolment(&json!({})));
    assert_eq!(actions(&enrolment(&texts)), expected);
    assert_eq!(actions(&enrolment(&decimals)), expected);
}

#[test]
fn the_last_enrolment_is_told_by_other() {
    for (other, mapped) in [
        (json!("{\"userenrolment\":{\"lastenrol\":true},\"enrol\":\"manual\"}"), true),
        (json!("a:1:{s:13:\"userenrolment\";a:1:{s:9:\"lastenrol\";b:1;}}"), true),
        (json!({"userenrolment": {"lastenrol": true}}), true),
        (json!("a:1:{s:13:\"userenrolment\";a:1:{s:9:\"lastenrol\";b:0;}}"), false),
        (json!("N;"), false),
        (json!(null), false),
    ] {
        let event = event(&row("user_enrolment_deleted", &json!({"other": other})));
        assert_eq!(matches!(event, Event::Mapped { .. }), mapped, "{other}");
    }
}

#[test]
fn other_that_cannot_be_read_matters_only_where_the_name_maps() {
    let object = json!({"other": "O:8:\"stdClass\":0:{}"});
    let line = row("user_enrolment_deleted", &object).to_string();
    let expected = Line::Unreadable("other: an object at byte 1".into());
    assert_eq!(parse(line.as_bytes(), &trail(), "2"), expected);
    assert!(matches!(event(&row("user_loggedin", &object)), Event::Unmapped(_)));
}

#[test]
fn each_admin_added_or_removed_is_an_action() {
    let lists = |old: &str, new: &str| {
        let other = json!({"name": "siteadmins", "oldvalue": old, "value": new}).to_string();
        row("config_log_created", &json!({"other": other, "relateduserid": null}))
    };
    let made = |old: &str, new: &str| -> Vec<(String, String)> {
        let user = |action: &Action<'_>| action.user.as_ref().expect("it has a user").id.to_string();
        actions(&lists(old, new)).iter().map(|action| (action.entry.action.into(), user(action))).collect()
    };
    let pair = |verb: &str, user: &str| (format!("lms_admin.{verb}"), user.to_owned());
    assert_eq!(made("2", "2, 17,18"), [pair("assigned", "17"), pair("assigned", "18")]);
    assert_eq!(made("2,17", "2,18"), [pair("assigned", "18"), pair("unassigned", "17")]);
    let ids: BTreeSet<_> = actions(&lists("2,17", "2,18,19")).into_iter().map(|action| action.id).collect();
    assert_eq!(ids.len(), 3);
    let reordered = event(&lists("2,17", "17,2"));
    assert_eq!(reordered, Event::Unmapped("\\core\\event\\config_log_created".into()));
    let other = json!({"other": "{\"name\":\"smtppass\",\"value\":\"secret\"}"});
    assert!(matches!(event(&row("config_log_created", &other)), Event::Unmapped(_)));
}

#[test]
fn a_role_makes_a_course_admin_only_by_the_operators_list() {
    for (role, level, mapped) in [(3, 50, true), (5, 50, false), (3, 40, false)] {
        let event = event(&row("role_assigned", &json!({"objectid": role, "contextlevel": level})));
        assert_eq!(matches!(event, Event::Mapped { .. }), mapped, "{role} {level}");
    }
}

#[test]
fn a_certificate_outside_a_course_lies_within_none() {
    for (course, within) in
        [(json!(9), Some("9")), (json!(1), None), (json!("1"), None), (json!(0), None), (json!(null), None)]
    {
        let mut row = row("x", &json!({"courseid": course}));
        row["eventname"] = "\\tool_certificate\\event\\certificate_issued".into();
        let action = actions(&row).remove(0);
        assert_eq!(action.within_id("course"), within, "{course}");
        assert_eq!(action.object.map(|object| object.id).as_deref(), Some("tool_certificate:44"));
    }
}

#[test]
fn a_try_of_a_package_has_a_composed_id() {
    let mut row = row("x", &json!({"other": "a:1:{s:9:\"attemptid\";i:2;}"}));
    row["eventname"] = "\\mod_scorm\\event\\attempt_deleted".into();
    assert_eq!(actions(&row).remove(0).object.map(|object| object.id).as_deref(), Some("31/17/2"));
}

#[test]
fn a_token_counts_only_where_other_says_who_made_it() {
    for (other, mapped) in [("{\"auto\":false}", true), ("a:1:{s:4:\"auto\";b:1;}", false), ("", false)] {
        let event = event(&row("webservice_token_created", &json!({"other": other})));
        assert_eq!(matches!(event, Event::Mapped { .. }), mapped, "{other}");
    }
}

#[test]
fn what_is_missing_is_told() {
    for (more, expected) in [
        (json!({"relateduserid": 0}), Missing::User),
        (json!({"courseid": null}), Missing::Object),
        (json!({"timecreated": "soon"}), Missing::Time),
        (json!({"timecreated": 1_793_610_843_000_i64}), Missing::Time),
        (json!({"id": null}), Missing::Id),
    ] {
        let Event::Mapped { actions, missing, .. } = event(&enrolment(&more)) else {
            panic!("{more} is mapped")
        };
        assert_eq!((actions.len(), missing), (0, vec![expected]), "{more}");
    }
}

#[test]
fn rows_that_are_none_are_unreadable() {
    for (line, problem) in [
        ("{}", "the row has no eventname"),
        ("[]", "the row is no JSON object"),
        ("{\"eventname\": 7}", "the row has no eventname"),
        ("{\"eventname\"", "the JSON ends too early at byte 12"),
    ] {
        assert_eq!(parse(line.as_bytes(), &trail(), "2"), Line::Unreadable(problem.into()), "{line}");
    }
}
