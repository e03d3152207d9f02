//! Commit, rollback, and what is kept between transactions.

use catalog::{Topic, View};

use super::*;
use crate::testing::*;

#[test]
fn a_rollback_leaves_no_trace() {
    let mut trail = Trail::of(&[event(1, "course.started", 10)]);
    let before = (trail.committed.clone(), trail.overlay.latest());
    trail.fold(&event(2, "course.completed", 20).received(500 * DAY));
    trail.fold(&event(3, "learner.purged", 30));
    assert_ne!(trail.overlay.latest(), before.1);
    trail.overlay.rollback();
    assert_eq!(trail.overlay.changes().count(), 0);
    trail.commit();
    assert_eq!((trail.committed.clone(), trail.overlay.latest()), before);
    trail.fold(&event(4, "course.completed", 40));
    trail.commit();
    let expected = Trail::of(&[event(1, "course.started", 10), event(4, "course.completed", 40)]);
    assert_eq!(trail.committed, expected.committed);
}

#[test]
fn each_changed_row_is_listed_once_by_topic_and_key() {
    let mut trail = Trail::default();
    for (id, action) in (1..).zip(["quiz.created", "catalog.updated", "course.started", "course.completed"]) {
        trail.fold(&event(id, action, 10));
        trail.fold(&event(id + 10, action, 11));
    }
    let listed: Vec<_> = trail
        .overlay
        .changes()
        .map(|change| (Topic::Report(change.category, change.view).index(), change.key.to_owned()))
        .collect();
    let mut sorted = listed.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(listed, sorted);
    assert_eq!(listed.len(), 4 * 2 + 3 + 3, "activity, actors and register rows");
    assert!(trail.overlay.changes().any(|change| change.view == View::Actors));
}

#[test]
fn restored_rows_set_the_trails_clock() {
    let mut overlay = Overlay::default();
    for second in [5, 9, 7] {
        overlay.restored(at(second));
    }
    assert_eq!(overlay.latest(), Some(at(9)));
    overlay.rollback();
    assert_eq!(overlay.latest(), Some(at(9)));
}
