//! What a purge removes, what it leaves, and what it keeps from coming back.

use super::*;
use crate::testing::*;

const PROGRESS: (Category, &str) = (Category::CourseAndTrainingPlan, "acme/progress/u-1/course/o-1");
const CERTIFICATE: (Category, &str) = (Category::Certificate, "acme/certificate/u-1/certificate/o-1");

fn row<'t>(trail: &'t Trail, (category, key): (Category, &str)) -> Option<&'t RegisterRow> {
    trail.register(category, key)
}

/// One event per action that names a user, a purge after it: learner records go, all else stays.
#[test]
fn a_purge_removes_learner_records_of_its_user_alone() {
    for entry in catalog().entries().iter().filter(|entry| entry.register.parts.contains(&Part::User)) {
        let own = event(1, entry.action, 10);
        let others = [own.clone().user("u-10"), own.clone().user("u-1/x"), own.clone().user("U-1")];
        let purge = event(9, "learner.purged", 20);
        let trail = Trail::of([&own].into_iter().chain(&others).chain([&purge]));
        let kept = trail.register(entry.register.home, &key_of(&own)).is_some();
        let is_record = entry.register.home.holds_learner_records();
        let records_purge = matches!(entry.register.kind, "purge" | "catalog_purge");
        assert_eq!(kept, !is_record || records_purge, "{}", entry.action);
        for other in &others {
            assert!(trail.register(entry.register.home, &key_of(other)).is_some(), "{}", entry.action);
        }
    }
}

fn key_of(event: &AuditEvent<'_>) -> String {
    let subject = crate::register::subject(event).expect("whole");
    let kind = event.action.entry.register.kind;
    register_key(&event.action.tenant, kind, subject.user, subject.objects.iter().copied())
}

#[test]
fn another_tenants_learner_of_the_same_id_keeps_all() {
    let mut other = event(1, "course.started", 10);
    other.action.tenant = "acme2".parse().expect("valid");
    let trail = Trail::of([&other, &event(2, "learner.purged", 20)]);
    assert!(trail.register(PROGRESS.0, "acme2/progress/u-1/course/o-1").is_some());
}

#[test]
fn a_tombstone_has_the_purges_time_and_later_events_make_a_new_row() {
    let mut trail = Trail::of([&event(1, "course.started", 10)]);
    trail.fold(&event(2, "learner.purged", 20).received(77));
    let tombstones: Vec<_> = trail.overlay.changes().filter(|change| change.row.is_none()).collect();
    assert_eq!(tombstones.len(), 1);
    assert_eq!((tombstones[0].category, tombstones[0].key), PROGRESS);
    assert_eq!((tombstones[0].view, tombstones[0].received_at), (catalog::View::Register, at(77)));
    trail.commit();
    assert_eq!(row(&trail, PROGRESS), None);
    trail.fold(&event(3, "course.started", 30));
    trail.commit();
    let after = row(&trail, PROGRESS).expect("there");
    assert_eq!((after.first.occurred_at, after.by_event_type["CourseStarted"]), (at(30), 1));
}

/// Seconds of the events before a purge at 50, then what is left after it: status, first, last, counts.
#[test]
fn a_row_that_goes_on_after_the_purge_keeps_what_is_later() {
    type Left<'a> = Option<(Option<&'a str>, i64, i64, &'a [(&'a str, i64)])>;
    let cases: [(&[(&str, i64)], Left<'_>); 7] = [
        (&[("certificate.issued", 10), ("certificate.downloaded", 40)], None),
        (
            &[("certificate.issued", 60), ("certificate.downloaded", 70)],
            Some((Some("valid"), 60, 70, &[("CertificateDownloaded", 1), ("CertificateIssued", 1)])),
        ),
        (
            &[("certificate.issued", 10), ("certificate.downloaded", 60), ("certificate.downloaded", 70)],
            Some((None, 70, 70, &[("CertificateDownloaded", 1)])),
        ),
        (
            &[("certificate.issued", 10), ("certificate.expired", 60)],
            Some((Some("expired"), 60, 60, &[("CertificateExpired", 1)])),
        ),
        (
            &[("certificate.issued", 10), ("certificate.expired", 60), ("certificate.downloaded", 70)],
            Some((Some("expired"), 70, 70, &[("CertificateDownloaded", 1)])),
        ),
        (
            &[("certificate.issued", 10), ("certificate.issued", 60)],
            Some((Some("valid"), 60, 60, &[("CertificateIssued", 1)])),
        ),
        (&[("certificate.issued", 10), ("certificate.reissued", 60)], Some((Some("valid"), 60, 60, &[]))),
    ];
    for (events, expected) in cases {
        let events: Vec<_> =
            (1..).zip(events).map(|(id, (action, second))| event(id, action, *second)).collect();
        let trail = Trail::of(events.iter().chain([&event(9, "learner.purged", 50)]));
        let left = row(&trail, CERTIFICATE).map(|row| {
            let counts: Vec<_> =
                row.by_event_type.iter().map(|(name, count)| (name.as_str(), *count)).collect();
            assert_eq!(
                row.status.is_some(),
                row.status_set.is_some() && row.by.is_some() && row.since.is_some()
            );
            (row.status, row.first.occurred_at, row.last.occurred_at, counts)
        });
        let expected =
            expected.map(|(status, first, last, counts)| (status, at(first), at(last), counts.to_vec()));
        assert_eq!(left, expected, "{events:?}");
    }
}

/// The purge comes late: one event after it is left as if the purge had come in its time.
#[test]
fn a_late_purge_leaves_one_later_event_as_a_timely_one_does() {
    let before = event(1, "course.completed", 10).catalog("k-1");
    let after = event(2, "course.started", 60).received(100);
    let purge = event(3, "learner.purged", 50);
    let late = Trail::of([&before, &after, &purge]);
    let timely = Trail::of([&before, &purge, &after]);
    assert_eq!(row(&late, PROGRESS), row(&timely, PROGRESS));
    assert_eq!(row(&late, PROGRESS).expect("there").catalog, None);
    let later_still = Trail::of([&before, &after, &purge.received(500)]);
    assert_eq!(row(&later_still, PROGRESS).expect("there").received_at, at(500), "the purge is folded in");
}

#[test]
fn within_one_instant_the_registers_order_decides_what_a_purge_reaches() {
    for (source, kept) in [("hr", false), ("mls", true)] {
        let same_instant = event(1, "course.started", 50).source(source);
        let trail = Trail::of([&same_instant, &event(2, "learner.purged", 50)]);
        assert_eq!(row(&trail, PROGRESS).is_some(), kept, "{source}");
    }
}

#[test]
fn a_catalogs_purge_reaches_only_rows_that_name_it() {
    let purge = event(9, "learner.purged_from_catalog", 50).object("k-1");
    for (events, kept) in [
        (vec![event(1, "course.started", 10).catalog("k-1")], false),
        (vec![event(1, "course.started", 10).catalog("k-2")], true),
        (vec![event(1, "course.started", 10)], true),
        (vec![event(1, "course.started", 10).catalog("k-1"), event(2, "course.completed", 20)], false),
        (
            vec![
                event(1, "course.started", 10).catalog("k-1"),
                event(2, "course.completed", 20).catalog("k-2"),
            ],
            true,
        ),
        (vec![event(1, "course.started", 60).catalog("k-1")], true),
    ] {
        let trail = Trail::of(events.iter().chain([&purge]));
        assert_eq!(row(&trail, PROGRESS).is_some(), kept, "{events:?}");
    }
    let visitor = event(1, "catalog_visitor.assigned", 10).object("k-1");
    let admin = event(2, "catalog_admin.assigned", 10).object("k-1");
    let trail = Trail::of([&visitor, &admin, &purge]);
    assert_eq!(trail.register(Category::UserStatus, "acme/catalog_visitor/u-1/catalog/k-1"), None);
    assert!(trail.register(Category::AdminRole, "acme/catalog_admin/u-1/catalog/k-1").is_some());
}

/// Which purge lies at 50, then an event that arrives after it.
#[test]
fn purges_guard_against_late_events() {
    let all = || event(8, "learner.purged", 50);
    let catalog = || event(8, "learner.purged_from_catalog", 50).object("k-1");
    let started = |second| event(1, "course.started", second);
    for (purge, late, made) in [
        (all(), started(10), false),
        (all(), started(60), true),
        (all(), started(10).user("u-2"), true),
        (all(), started(50).source("hr"), false),
        (all(), started(50).source("mls"), true),
        (catalog(), started(10).catalog("k-1"), false),
        (catalog(), started(60).catalog("k-1"), true),
        (catalog(), started(10).catalog("k-2"), true),
        (catalog(), started(10), true),
    ] {
        for commit_between in [false, true] {
            let mut trail = Trail::default();
            trail.fold(&purge);
            if commit_between {
                trail.commit();
            }
            trail.fold(&late);
            trail.commit();
            let found = trail.committed.register.keys().any(|(_, key)| key.starts_with("acme/progress/"));
            assert_eq!(found, made, "{late:?}");
            let catalog = late.action.catalog_id().unwrap_or("");
            let key = format!("acme/{catalog}/CourseStarted/day/2026-11-02");
            let activity = trail.activity(Category::CourseAndTrainingPlan, &key);
            assert_eq!(activity.map(|row| row.count), Some(1), "the windowed views count it all the same");
        }
    }
}

#[test]
fn the_latest_of_several_purges_guards_and_all_their_rows_stay() {
    let (first, second) = (event(8, "learner.purged", 50), event(9, "learner.purged", 100));
    let late = event(1, "course.started", 70);
    for purges in [[&first, &second], [&second, &first]] {
        let trail = Trail::of(purges.into_iter().chain([&late]));
        assert_eq!(row(&trail, PROGRESS), None);
        let purge = trail.register(Category::UserStatus, "acme/purge/u-1").expect("survives");
        assert_eq!((purge.since, purge.by_event_type["UserPurged"]), (Some(at(100)), 2));
    }
    let of_catalog = event(7, "learner.purged_from_catalog", 10).object("k-1");
    let trail = Trail::of([&of_catalog, &second]);
    assert!(trail.register(Category::UserStatus, "acme/catalog_purge/u-1/catalog/k-1").is_some());
    let role = event(2, "session_instructor.assigned", 10);
    let trail = Trail::of([&second, &role]);
    assert!(trail.register(Category::ManagementRole, "acme/session_instructor/u-1/session/o-1").is_some());
}

/// The rows that a purge must find may be committed, in the overlay, changed or removed there.
#[test]
fn a_purge_sees_committed_rows_and_the_overlay_as_one() {
    let mut trail = Trail::of([
        &event(1, "course.started", 10).object("committed"),
        &event(2, "course.started", 10).object("changed"),
    ]);
    trail.fold(&event(3, "course.completed", 60).object("changed"));
    trail.fold(&event(4, "course.started", 20).object("new"));
    trail.fold(&event(5, "learner.purged", 50));
    trail.fold(&event(6, "learner.purged", 55));
    trail.commit();
    let progress = trail.committed.register.keys().filter(|(_, key)| key.starts_with("acme/progress/"));
    let keys: Vec<_> = progress.map(|(_, key)| key.as_str()).collect();
    assert_eq!(keys, ["acme/progress/u-1/course/changed"]);
}

/// Rows that were kept elsewhere while a purge was folded, and what of them the purge's own row says is gone.
#[test]
fn the_row_of_a_purge_tells_what_it_reaches_of_rows_that_were_kept_elsewhere() {
    let started = |id, user: &str, second| event(id, "course.started", second).user(user);
    let kept = Trail::of([
        &started(1, "u-1", 10),
        &started(2, "u-1", 60).object("o-2"),
        &started(3, "u-1", 10).object("o-3").catalog("c-1"),
        &started(4, "u-1", 10).object("o-4").catalog("c-2"),
        &started(5, "u-10", 10),
        &event(6, "lms_admin.assigned", 10),
    ]);
    let course = |object: &str| (PROGRESS.0, format!("acme/progress/u-1/course/{object}"));
    let purge = event(9, "learner.purged", 50);
    let from_catalog = event(9, "learner.purged_from_catalog", 50).object("c-1");
    for (purge, key, gone) in [
        (purge, "acme/purge/u-1", vec![course("o-1"), course("o-3"), course("o-4")]),
        (from_catalog, "acme/catalog_purge/u-1/catalog/c-1", vec![course("o-3")]),
    ] {
        assert!(is_purge(key));
        let there = Trail::of([&purge]);
        let row = there.register(PURGES, key).expect("a purge leaves a row");
        assert_eq!(purged(row, &kept.committed), Ok(gone), "{key}");
        assert_eq!(purged(row, &there.committed), Ok(vec![]), "{key}");
    }
    let other = row(&kept, PROGRESS).expect("there");
    assert_eq!(purged(other, &kept.committed), Ok(vec![]), "no purge");
    assert!(!is_purge(PROGRESS.1) && !is_purge("purge"));
}
