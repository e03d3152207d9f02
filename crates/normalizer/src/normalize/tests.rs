//! The order of the steps, the accounts, and that every action ends in exactly one verdict.

use catalog::{Actor, ActorKind, Micros, Object, User, catalog};
use proptest::prelude::*;
use stage::Offset;

use super::*;
use crate::testing::{COUNT, Fake, OCCURRED_AT, action, away, count_of, object, place, raw, tenant};
use crate::{Delivery, Rerouted, Seen};

fn judge<'a>(raw: Result<RawAction<'a>, Unreadable>, place: &Place, memory: &mut Fake) -> Verdict<'a> {
    normalize(raw, place, &Rules::default(), memory).expect("the fake holds all")
}

fn reason(verdict: &Verdict<'_>) -> Option<Reason> {
    match verdict {
        Verdict::DeadLetter { reason, .. } => Some(*reason),
        _ => None,
    }
}

fn acme() -> Account {
    Account::Source(tenant("acme"), "lms.web".into())
}

fn unknown() -> Account {
    Account::Partition(place().partition.number())
}

/// Checks what becomes of one action in an empty memory, and whose account it counts in.
fn check(
    raw: Result<RawAction<'static>, Unreadable>,
    place: Place,
    expected: Option<Reason>,
    account: Account,
) {
    let mut memory = Fake::default();
    let verdict = judge(raw, &place, &mut memory);
    assert_eq!(reason(&verdict), expected, "{verdict:?}");
    if let Verdict::DeadLetter { account: named, .. } = &verdict {
        assert_eq!(*named, account);
    }
    let counted = if expected.is_some() { Counted::DeadLettered } else { Counted::Recorded };
    let received_at = place.received_at;
    let delivery = Delivery::Published;
    assert_eq!(memory.counts, [Received { account, counted, received_at, sequence: None, delivery }]);
}

#[test]
fn what_cannot_be_read_counts_in_the_partitions_account() {
    for (unreadable, reason) in [
        (Unreadable::Oversized("too large".into()), Reason::Oversized),
        (Unreadable::Malformed("no JSON".into()), Reason::Malformed),
        (Unreadable::UnknownSchema("schema 9".into()), Reason::UnknownSchema),
    ] {
        check(Err(unreadable), place(), Some(reason), unknown());
    }
}

#[test]
fn the_account_is_as_near_as_can_be_read() {
    let valid = || raw(action("course.created"));
    let invalid = || Field::Invalid("must be text".into());
    check(Ok(valid()), place(), None, acme());
    for (spoiled, reason, account) in [
        (RawAction { tenant: Field::Absent, ..valid() }, Reason::MissingField, unknown()),
        (RawAction { tenant: invalid(), ..valid() }, Reason::InvalidField, unknown()),
        (RawAction { tenant: Field::Present("~".into()), ..valid() }, Reason::InvalidField, unknown()),
        (
            RawAction { source: Field::Absent, ..valid() },
            Reason::MissingField,
            Account::Tenant(tenant("acme")),
        ),
        (RawAction { source: invalid(), ..valid() }, Reason::InvalidField, Account::Tenant(tenant("acme"))),
        (
            RawAction { source: Field::Present("".into()), ..valid() },
            Reason::InvalidField,
            Account::Tenant(tenant("acme")),
        ),
        (RawAction { id: Field::Absent, ..valid() }, Reason::MissingField, acme()),
        (RawAction { action: Field::Present("x.y".into()), ..valid() }, Reason::UnknownAction, acme()),
    ] {
        check(Ok(spoiled), place(), Some(reason), account);
    }
}

#[test]
fn routing_comes_before_every_verdict_and_counts_nothing() {
    let place = Place { partition: away(), ..place() };
    let home = count_of(COUNT).partition_of(b"acme");
    let spoiled = RawAction { tenant: Field::Present("acme".into()), ..RawAction::default() };
    for raw in [raw(action("course.created")), spoiled] {
        let mut memory = Fake::default();
        let verdict = judge(Ok(raw), &place, &mut memory);
        assert_eq!(verdict, Verdict::Reroute { tenant: tenant("acme"), to: home });
        assert_eq!((memory.counts.len(), memory.seen.len()), (0, 0));
    }
}

#[test]
fn an_action_moves_once() {
    let rerouted =
        Some(Rerouted { partition: place().partition, offset: Offset::new(3), count: count_of(COUNT) });
    let place = Place { partition: away(), rerouted, ..place() };
    let account = Account::Partition(away().number());
    check(Ok(raw(action("course.created"))), place, Some(Reason::Misrouted), account);
}

#[test]
fn a_delivery_again_is_a_duplicate_or_a_conflict_until_the_window_is_over() {
    let window = 35 * 24 * 3_600_000_000;
    let mut memory = Fake::default();
    let at = |after: i64| Place { received_at: Micros::new(OCCURRED_AT + 1_000_000 + after), ..place() };
    let again = || Ok(raw(action("course.created")));
    let mut other = raw(action("course.created"));
    other.reason = Field::Present("another".into());

    assert!(matches!(judge(again(), &at(0), &mut memory), Verdict::Recorded(_)));
    assert!(matches!(judge(again(), &at(window - 1), &mut memory), Verdict::Duplicate(_)));
    let conflict = judge(Ok(other.clone()), &at(window - 1), &mut memory);
    assert_eq!(reason(&conflict), Some(Reason::ConflictingDuplicate));
    assert!(matches!(judge(Ok(other), &at(window), &mut memory), Verdict::Recorded(_)));
    let conflict = judge(again(), &at(window + 1), &mut memory);
    assert_eq!(reason(&conflict), Some(Reason::ConflictingDuplicate));
    assert!(memory.counts.iter().all(|received| received.account == acme()));
    let counted: Vec<_> = memory.counts.iter().map(|received| received.counted).collect();
    assert_eq!(
        counted,
        [
            Counted::Recorded,
            Counted::Duplicate,
            Counted::DeadLettered,
            Counted::Recorded,
            Counted::DeadLettered
        ]
    );
}

#[test]
fn a_suppressed_action_is_remembered_and_a_rejected_one_is_not() {
    let mut memory = Fake::default();
    let mut disabled = action("course.updated");
    disabled.attributes = vec![("certificate_expiry".into(), "disabled".into())];
    let mut expired = action("certificate.expired");
    expired.id = "a-2".into();
    expired.within = vec![object("course", "o-1")];
    let mut invalid = raw(expired.clone());
    invalid.user = Field::Absent;

    assert_eq!(reason(&judge(Ok(invalid), &place(), &mut memory)), Some(Reason::MissingField));
    assert!(matches!(judge(Ok(raw(disabled)), &place(), &mut memory), Verdict::Recorded(_)));
    assert!(matches!(judge(Ok(raw(expired.clone())), &place(), &mut memory), Verdict::Suppressed(_)));
    assert!(matches!(judge(Ok(raw(expired)), &place(), &mut memory), Verdict::Duplicate(_)));
    assert_eq!(memory.seen.len(), 2);
}

#[test]
fn a_rejected_course_sets_nothing() {
    let mut memory = Fake::default();
    let mut disabled = action("course.updated");
    disabled.attributes = vec![("certificate_expiry".into(), "disabled".into())];
    disabled.occurred_at = Micros::new(0);
    assert_eq!(reason(&judge(Ok(raw(disabled)), &place(), &mut memory)), Some(Reason::InvalidField));
    assert!(memory.settings.is_empty());
}

fn fields<T: Clone + std::fmt::Debug + 'static>(
    values: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Field<T>> {
    prop_oneof![
        8 => values.prop_map(Field::Present),
        1 => Just(Field::Absent),
        1 => Just(Field::Invalid("must be otherwise".into())),
    ]
    .boxed()
}

fn texts(pattern: &'static str) -> BoxedStrategy<Field<Text<'static>>> {
    fields(pattern.prop_map(Text::from))
}

prop_compose! {
    /// Actions that are mostly valid, mostly of one tenant, and often deliver an id again.
    fn raw_actions()(
        tenant in texts("acme|acme|acme|beta|gamma|no tenant"),
        id in texts("a-[1-4]|"),
        source in texts("lms.web|api|"),
        action in fields(prop::sample::select(vec!["course.updated", "certificate.expired", "x.y"])
            .prop_map(Text::from)),
        occurred_at in fields((-1..30_i64).prop_map(|hour| Micros::new(OCCURRED_AT + hour * 3_600_000_000))),
        actor in fields(prop::sample::select(&ActorKind::ALL[..])
            .prop_map(|kind| Actor { kind, id: Some("u-1".into()), name: None, roles: vec![] })),
        user in fields(Just(User { id: "u-17".into(), name: None })),
        object in fields(prop::sample::select(vec!["course", "certificate"])
            .prop_map(|kind| Object { kind: kind.into(), id: "o-1".into(), title: None })),
        within in fields(Just(vec![object("course", "o-1")])),
        attributes in fields(prop::sample::select(vec!["enabled", "disabled", "never"])
            .prop_map(|value| vec![("certificate_expiry".into(), value.into())])),
    ) -> RawAction<'static> {
        RawAction {
            tenant, id, source, action, occurred_at, actor, user, object, within, attributes,
            ..RawAction::default()
        }
    }
}

/// What a verdict must have counted, and whether it must have remembered the action.
fn expected(verdict: &Verdict<'_>) -> (Option<Counted>, bool) {
    match verdict {
        Verdict::Recorded(_) => (Some(Counted::Recorded), true),
        Verdict::Suppressed(_) => (Some(Counted::Suppressed), true),
        Verdict::Duplicate(_) => (Some(Counted::Duplicate), false),
        Verdict::DeadLetter { .. } => (Some(Counted::DeadLettered), false),
        Verdict::Reroute { .. } => (None, false),
    }
}

/// What the ledger is told of one action's sequence.
fn sequence_of(raw: RawAction<'static>, place: &Place) -> Option<i64> {
    let mut memory = Fake::default();
    judge(Ok(raw), place, &mut memory);
    let [received] = &memory.counts[..] else { panic!("counted once: {:?}", memory.counts) };
    received.sequence
}

#[test]
fn a_sequence_counts_where_its_source_is_known_whatever_the_verdict() {
    let numbered = || RawAction { sequence: Field::Present(7), ..raw(action("course.created")) };
    assert_eq!(sequence_of(numbered(), &place()), Some(7));
    let dead = RawAction { action: Field::Present("no.such".into()), ..numbered() };
    assert_eq!(sequence_of(dead, &place()), Some(7));
    for unknown in [
        RawAction { source: Field::Absent, ..numbered() },
        RawAction { source: Field::Present("".into()), ..numbered() },
        RawAction { tenant: Field::Absent, ..numbered() },
        RawAction { sequence: Field::Invalid("must be a number".into()), ..numbered() },
    ] {
        assert_eq!(sequence_of(unknown, &place()), None);
    }
    let count = place().count;
    let rerouted = Some(Rerouted { partition: place().partition, offset: Offset::new(1), count });
    let bounced = Place { partition: away(), rerouted, ..place() };
    assert_eq!(sequence_of(numbered(), &bounced), None);
}

#[test]
fn who_published_it_is_counted() {
    let mut memory = Fake::default();
    let place = Place { delivery: Delivery::Replayed, ..place() };
    judge(Ok(raw(action("course.created"))), &place, &mut memory);
    judge(Err(Unreadable::Malformed("no JSON".into())), &place, &mut memory);
    assert!(memory.counts.iter().all(|received| received.delivery == Delivery::Replayed));
    assert_eq!(memory.counts.len(), 2);
}

proptest! {
    #[test]
    fn every_action_ends_in_exactly_one_verdict(
        log in prop::collection::vec((raw_actions(), 0..COUNT, any::<bool>()), 1..40),
    ) {
        let mut memory = Fake::default();
        for (offset, (raw, partition, moved)) in log.into_iter().enumerate() {
            let partition = stage::Partition::new(partition);
            let offset = Offset::new(offset as i64);
            let rerouted = moved.then_some(Rerouted { partition, offset, count: count_of(COUNT) });
            let received_at = Micros::new(OCCURRED_AT + offset.number() * 3 * 86_400_000_000);
            let place = Place { partition, offset, received_at, rerouted, ..place() };
            let (counts, seen) = (memory.counts.len(), memory.seen.clone());
            let verdict = judge(Ok(raw), &place, &mut memory);
            let (counted, remembered) = expected(&verdict);
            let new: Vec<_> = memory.counts[counts..].iter().map(|received| received.counted).collect();
            prop_assert_eq!(new, counted.into_iter().collect::<Vec<_>>(), "{:?}", verdict);
            let now: Vec<&Seen> = memory.seen.iter()
                .filter(|(key, value)| seen.get(*key) != Some(value)).map(|(_, value)| value).collect();
            prop_assert_eq!(now.len(), usize::from(remembered), "{:?}", verdict);
            if let Verdict::Recorded(event) = &verdict {
                prop_assert_eq!(count_of(COUNT).partition_of(event.action.tenant.as_str().as_bytes()), partition);
                prop_assert!(catalog().action(event.action.entry.action).is_some());
            }
        }
    }
}
