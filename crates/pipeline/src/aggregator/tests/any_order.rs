//! The same events give the same bytes: in any order, in any batches, again and again.

use catalog::AuditEvent;
use proptest::prelude::*;

use super::*;

const ACTIONS: [&str; 10] = [
    "course.started",
    "course.completed",
    "course.retaken",
    "course.updated",
    "certificate.issued",
    "certificate.downloaded",
    "catalog_visitor.assigned",
    "quiz.added_to_course",
    "lms_admin.assigned",
    "lms_admin.unassigned",
];

/// Few subjects, few instants: so that events meet.
pub(super) fn any_event() -> impl Strategy<Value = AuditEvent<'static>> {
    let what = (prop::sample::select(&ACTIONS[..]), 0..5_i64, 0..300 * DAY, any::<u32>());
    let who = (0..40_u8, 0..2_u8, prop::option::of(0..3_i64));
    (what, who).prop_map(|((action, hour, received, id), (user, object, sequence))| {
        let mut event = event(id, action, hour * 1800, received);
        event.action.sequence = sequence;
        of(event, &format!("u-{user}"), &format!("o-{object}"))
    })
}

proptest! {
    #[test]
    fn the_order_of_arrival_does_not_show_in_the_bytes(
        (one, other) in prop::collection::vec(any_event(), 1..60)
            .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
    ) {
        let (one, other) = (run(&encode(&one), &[7]), run(&encode(&other), &[60]));
        prop_assert_eq!(last_rows(&one.sent), last_rows(&other.sent));
    }

    #[test]
    fn where_transactions_end_does_not_show(
        events in prop::collection::vec(any_event(), 1..60),
        sizes in prop::collection::vec(1..20_usize, 1..9),
    ) {
        let values = encode(&events);
        let (batched, at_once) = (run(&values, &sizes), run(&values, &[values.len()]));
        prop_assert_eq!(last_rows(&batched.sent), last_rows(&at_once.sent));
        prop_assert_eq!(batched.stage.rows(), at_once.stage.rows());
    }

    #[test]
    fn a_replay_sends_the_same_bytes(
        events in prop::collection::vec(any_event(), 1..40),
        sizes in prop::collection::vec(1..20_usize, 1..9),
    ) {
        let values = encode(&events);
        prop_assert_eq!(run(&values, &sizes).sent, run(&values, &sizes).sent);
    }
}
