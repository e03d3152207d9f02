//! What windowed rows hold, and how long.

use catalog::{ActorKind, Category};

use super::*;
use crate::testing::*;

fn counts(counts: &BTreeMap<String, i64>) -> Vec<(&str, i64)> {
    counts.iter().map(|(name, count)| (name.as_str(), *count)).collect()
}

#[test]
fn an_event_counts_in_its_hour_and_its_day() {
    let trail = Trail::of(&[
        event(1, "course.started", 3 * 3600 + 5),
        event(2, "training_plan.started", 3 * 3600 + 1).user("u-2"),
        event(3, "course.started", 5 * 3600).user("u-2"),
        event(4, "course.started", DAY),
    ]);
    let row = |key| trail.activity(Category::CourseAndTrainingPlan, key).expect(key);
    let hour = row("acme//CourseStarted/hour/2026-11-02T03");
    assert_eq!((hour.count, hour.start, hour.first_at), (2, at(3 * 3600), at(3 * 3600 + 1)));
    assert_eq!((hour.last_at, hour.received_at), (at(3 * 3600 + 5), at(3 * 3600 + 6)));
    assert_eq!(counts(&hour.by_action), [("course.started", 1), ("training_plan.started", 1)]);
    let day = row("acme//CourseStarted/day/2026-11-02");
    assert_eq!((day.count, day.start, day.last_at, day.restarted), (3, at(0), at(5 * 3600), false));
    assert_eq!(day.distinct_users.round(), 2.0);
    assert_eq!(trail.committed.activity.len(), 5);
}

#[test]
fn a_catalog_and_an_event_type_have_rows_of_their_own() {
    let trail = Trail::of(&[
        event(1, "course.updated", 0),
        event(2, "course.updated", 0).catalog("k/1"),
        event(3, "course.created", 0).catalog("k/1"),
        event(4, "catalog.updated", 0).object("k-9").catalog("k-8"),
    ]);
    for (category, key, users) in [
        (Category::CourseAndTrainingPlan, "acme//CourseUpdated/day/2026-11-02", 0.0),
        (Category::CourseAndTrainingPlan, "acme/k%2F1/CourseUpdated/day/2026-11-02", 0.0),
        (Category::CourseAndTrainingPlan, "acme/k%2F1/CourseCreated/day/2026-11-02", 0.0),
        (Category::Catalog, "acme/k-9/CatalogUpdated/day/2026-11-02", 0.0),
    ] {
        let row = trail.activity(category, key).expect(key);
        assert_eq!((row.count, row.distinct_users), (1, users), "{key}: nobody was named");
    }
    assert_eq!(trail.committed.activity.len(), 8);
}

#[test]
fn an_actor_has_a_row_per_day_whatever_it_is() {
    let trail = Trail::of(&[
        event(1, "course.updated", 10),
        event(2, "course.created", 5),
        event(3, "course.updated", 2 * DAY),
        event(4, "course.updated", 7).actor(ActorKind::System, None),
        event(5, "course.updated", 7).actor(ActorKind::Service, Some("a-1")),
        event(6, "session.updated", 7),
    ]);
    let row = trail.actors(Category::CourseAndTrainingPlan, "acme/user/a-1/2026-11-02").expect("there");
    assert_eq!((row.count, row.day, row.first_at, row.last_at), (2, at(0), at(5), at(10)));
    assert_eq!(counts(&row.by_event_type), [("CourseCreated", 1), ("CourseUpdated", 1)]);
    for (category, key) in [
        (Category::CourseAndTrainingPlan, "acme/user/a-1/2026-11-04"),
        (Category::CourseAndTrainingPlan, "acme/system//2026-11-02"),
        (Category::CourseAndTrainingPlan, "acme/service/a-1/2026-11-02"),
        (Category::Session, "acme/user/a-1/2026-11-02"),
    ] {
        assert_eq!(trail.actors(category, key).expect(key).count, 1, "{key}");
    }
    assert_eq!(trail.committed.actors.len(), 5);
}

/// Each case: when two events of one window were received, in days; and when a third, of another
/// window, was received between them. Then the row's count, mark and timestamp.
#[test]
fn a_row_is_added_to_for_400_days_then_starts_anew() {
    const KEY: &str = "acme//CourseStarted/day/2026-11-02";
    for (first, between, second, expected) in [
        (0, 0, 400, (2, false, 400)),
        (0, 0, 401, (1, true, 401)),
        (0, 0, 430, (1, true, 430)),
        (0, 0, 431, (1, false, 431)),
        (0, 431, 399, (1, false, 399)),
        (0, 429, 399, (2, false, 399)),
        (30, 0, 0, (2, false, 30)),
    ] {
        let trail = Trail::of(&[
            event(1, "course.started", 0).received(first * DAY),
            event(2, "course.started", 10 * DAY).received(between * DAY),
            event(3, "course.started", 0).user("u-2").received(second * DAY),
        ]);
        let row = trail.activity(Category::CourseAndTrainingPlan, KEY).expect("there");
        let found = (row.count, row.restarted, (row.received_at.get() - at(0).get()) / 1_000_000 / DAY);
        assert_eq!(found, expected, "{first} {between} {second}");
        assert_eq!(row.distinct_users.round(), expected.0 as f64);
        let actors =
            trail.actors(Category::CourseAndTrainingPlan, "acme/user/a-1/2026-11-02").expect("there");
        assert_eq!((actors.count, actors.restarted), (expected.0, expected.1), "{first} {between} {second}");
    }
}

#[test]
fn a_restarted_row_stays_marked_until_it_is_cleared() {
    const KEY: &str = "acme//CourseStarted/day/2026-11-02";
    let mut trail = Trail::default();
    for (received, expected) in
        [(0, (1, false)), (401, (1, true)), (402, (2, true)), (803, (1, true)), (1234, (1, false))]
    {
        trail.fold(&event(received as u32, "course.started", 0).received(received * DAY));
        trail.commit();
        let row = trail.activity(Category::CourseAndTrainingPlan, KEY).expect("there");
        assert_eq!((row.count, row.restarted), expected, "day {received}");
    }
}
