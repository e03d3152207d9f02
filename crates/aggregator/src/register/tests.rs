//! Which row an event is of, and what the row says afterwards.

use catalog::{ActorKind, Category, Micros};

use super::*;
use crate::testing::*;

#[test]
fn the_catalog_says_which_row_an_event_is_of() {
    for (action, home, key) in [
        ("catalog.created", Category::Catalog, "acme/catalog/catalog/o-1"),
        ("course.started", Category::CourseAndTrainingPlan, "acme/progress/u-1/course/o-1"),
        ("training_plan.completed", Category::CourseAndTrainingPlan, "acme/progress/u-1/training_plan/o-1"),
        ("course.retake_forced", Category::CourseAndTrainingPlan, "acme/progress/u-1/course/o-1"),
        (
            "course.added_to_training_plan",
            Category::CourseAndTrainingPlan,
            "acme/plan_course/training_plan/w-1/course/o-1",
        ),
        ("session.added_to_group", Category::Session, "acme/group_session/session_group/w-1/session/o-1"),
        ("lms_admin.assigned", Category::AdminRole, "acme/lms_admin/u-1"),
        ("learner.purged", Category::UserStatus, "acme/purge/u-1"),
        ("learner.purged_from_catalog", Category::UserStatus, "acme/catalog_purge/u-1/catalog/o-1"),
        ("certificate.expired", Category::Certificate, "acme/certificate/u-1/certificate/o-1"),
    ] {
        let trail = Trail::of(&[event(1, action, 0)]);
        let row =
            trail.register(home, key).unwrap_or_else(|| panic!("{action}: {:?}", trail.committed.register));
        assert_eq!(trail.committed.register.len(), 1, "{action}");
        assert_eq!(row.key(), key);
    }
}

#[test]
fn every_action_of_the_catalog_makes_its_row() {
    for entry in catalog::catalog().entries() {
        let trail = Trail::of(&[event(1, entry.action, 0)]);
        let ((home, _), row) = trail.committed.register.first_key_value().expect(entry.action);
        let expected = match entry.status {
            Status::Set(status) => Some(status),
            Status::Keep => None,
        };
        assert_eq!((*home, row.status), (entry.register.home, expected), "{}", entry.action);
        assert_eq!(row.by_event_type, BTreeMap::from([(entry.event_type.into(), 1)]));
        assert_eq!(row.since.is_some(), row.by.is_some());
    }
}

#[test]
fn what_the_subject_is_made_of_must_be_there() {
    for (action, part) in [
        ("lms_admin.assigned", "user"),
        ("course.created", "object"),
        ("course.added_to_training_plan", "training_plan"),
    ] {
        let mut event = event(1, action, 0);
        event.action.within.clear();
        match part {
            "user" => event.action.user = None,
            "object" => event.action.object = None,
            _ => {}
        }
        let mut trail = Trail::default();
        let error = trail.overlay.fold(&event, &trail.committed).expect_err(action);
        assert_eq!(
            error.to_string(),
            format!("an event of {action} has no {part}, of which its register row is made")
        );
    }
}

/// Status, second of `since`, actor, catalog, seconds of the first and the last event.
type Said<'a> = (Option<&'a str>, Option<Micros>, Option<&'a str>, Option<&'a str>, Micros, Micros);

fn said(row: &RegisterRow) -> Said<'_> {
    let by = row.by.as_ref().and_then(|by| by.id.as_deref());
    (row.status, row.since, by, row.catalog.as_deref(), row.first.occurred_at, row.last.occurred_at)
}

#[test]
fn a_row_moves_forward_only() {
    let by = |event: AuditEvent<'static>, id| event.actor(ActorKind::User, Some(id));
    let downloaded = by(event(1, "certificate.downloaded", 10), "x").catalog("k-1");
    let issued = by(event(2, "certificate.issued", 20), "y").catalog("k-2");
    let expired = by(event(3, "certificate.expired", 30), "z");
    let later = by(event(4, "certificate.downloaded", 40), "u-1");
    let valid = Some("valid");
    for (events, expected) in [
        (vec![&downloaded], (None, None, None, Some("k-1"), at(10), at(10))),
        (vec![&downloaded, &issued], (valid, Some(at(20)), Some("y"), Some("k-2"), at(10), at(20))),
        (vec![&issued, &downloaded], (valid, Some(at(20)), Some("y"), Some("k-2"), at(10), at(20))),
        (vec![&issued, &expired], (Some("expired"), Some(at(30)), Some("z"), Some("k-2"), at(20), at(30))),
        (vec![&issued, &later], (valid, Some(at(20)), Some("y"), Some("k-2"), at(20), at(40))),
        (
            vec![&later, &expired, &issued, &downloaded],
            (Some("expired"), Some(at(30)), Some("z"), Some("k-2"), at(10), at(40)),
        ),
    ] {
        let trail = Trail::of(events.iter().copied());
        let row =
            trail.register(Category::Certificate, "acme/certificate/u-1/certificate/o-1").expect("there");
        assert_eq!(said(row), expected, "{events:?}");
        assert_eq!(row.by_event_type.values().sum::<i64>(), events.len() as i64);
    }
}

/// The register's order: `occurred_at`, source, sequence (absent first), event id, digest.
#[test]
fn within_one_instant_source_and_sequence_decide() {
    let assigned =
        |source: &str, sequence| event(1, "lms_admin.assigned", 0).source(source).sequence(sequence);
    let unassigned =
        |source: &str, sequence| event(2, "lms_admin.unassigned", 0).source(source).sequence(sequence);
    for (one, other, expected) in [
        (assigned("lms", Some(1)), unassigned("lms", Some(2)), "unassigned"),
        (assigned("lms", Some(2)), unassigned("lms", Some(1)), "assigned"),
        (assigned("lms", None), unassigned("lms", Some(i64::MIN)), "unassigned"),
        (assigned("hr", Some(9)), unassigned("lms", Some(1)), "unassigned"),
        (assigned("lms", Some(1)), unassigned("hr", Some(9)), "assigned"),
    ] {
        for events in [[&one, &other], [&other, &one]] {
            let trail = Trail::of(events);
            let row = trail.register(Category::AdminRole, "acme/lms_admin/u-1").expect("there");
            assert_eq!(row.status, Some(expected));
        }
    }
    let (a, b) = (assigned("lms", None), unassigned("lms", None));
    assert_eq!(Trail::of([&a, &b]).committed, Trail::of([&b, &a]).committed, "the event ids decide");
}
