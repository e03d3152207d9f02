//! The same events in any order, in any batches, make the same rows.

use proptest::prelude::*;

use catalog::{AuditEvent, Category};

use crate::testing::*;

const ACTIONS: [&str; 12] = [
    "course.started",
    "course.completed",
    "training_plan.started",
    "course.retaken",
    "course.updated",
    "certificate.issued",
    "certificate.downloaded",
    "certificate.expired",
    "catalog_visitor.assigned",
    "catalog_visitor.unassigned",
    "quiz.added_to_course",
    "lms_admin.assigned",
];

/// Few subjects, few instants, few sources: so that events meet.
fn any_event() -> impl Strategy<Value = AuditEvent<'static>> {
    let place = (prop::sample::select(&ACTIONS[..]), 0..6_i64, 0..400 * DAY, any::<u32>());
    let who = (0..4_u8, 0..2_u8, prop::option::of(0..2_u8), prop::option::of(0..3_i64), prop::bool::ANY);
    (place, who).prop_map(|((action, hour, received, id), (user, object, within, sequence, other))| {
        let mut event = event(id, action, hour * 1800).received(received).sequence(sequence);
        if event.action.user.is_some() {
            event = event.user(&format!("u-{user}"));
        }
        if event.action.object.is_some() {
            event = event.object(&format!("o-{object}"));
        }
        let event = match within {
            Some(catalog) => event.catalog(&format!("k-{catalog}")),
            None => event,
        };
        if other { event.source("hr") } else { event }
    })
}

fn events_in_two_orders() -> impl Strategy<Value = (Vec<AuditEvent<'static>>, Vec<AuditEvent<'static>>)> {
    prop::collection::vec(any_event(), 1..80)
        .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle()))
}

proptest! {
    #[test]
    fn the_order_of_arrival_does_not_show((one, other) in events_in_two_orders()) {
        prop_assert_eq!(Trail::of(&one).committed, Trail::of(&other).committed);
    }

    #[test]
    fn where_commits_fall_does_not_show(
        (events, _) in events_in_two_orders(),
        commits in prop::collection::vec(prop::bool::ANY, 80),
    ) {
        let mut trail = Trail::default();
        for (event, commit) in events.iter().zip(commits) {
            trail.fold(event);
            if commit {
                trail.commit();
            }
        }
        trail.commit();
        prop_assert_eq!(trail.committed, Trail::of(&events).committed);
    }

    #[test]
    fn assigned_and_unassigned_in_one_second_end_as_the_sequence_says(
        order in Just((0..6_i64).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let action = |n: i64| if n % 2 == 0 { "lms_admin.assigned" } else { "lms_admin.unassigned" };
        let events: Vec<_> =
            order.iter().map(|n| event(90 - *n as u32, action(*n), 7).sequence(Some(*n))).collect();
        let trail = Trail::of(&events);
        let row = trail.register(Category::AdminRole, "acme/lms_admin/u-1").expect("there");
        prop_assert_eq!(row.status, Some("unassigned"));
        prop_assert_eq!(row.last.sequence, Some(5));
    }
}
