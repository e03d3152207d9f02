//! What each rule of validation lets through and what it names.

use catalog::{Actor, ActorKind, User};
use proptest::prelude::*;

use super::*;
use crate::testing::{OCCURRED_AT, action, object, place, raw};

fn judge(raw: RawAction<'_>) -> Result<Action<'_>, Rejection> {
    let tenant = raw.tenant.present().and_then(|text| TenantId::try_from(text.as_ref()).ok());
    validate(raw, tenant, place().received_at)
}

/// Spoils a valid `certificate.expired` and checks what is said about it.
fn check(spoil: impl FnOnce(&mut RawAction<'static>), expected: Result<(), (Reason, &str)>) {
    let mut raw = raw(action("certificate.expired"));
    spoil(&mut raw);
    let found = judge(raw.clone()).map(|_| ()).map_err(|rejection| (rejection.reason, rejection.message));
    let expected = expected.map_err(|(reason, message)| (reason, message.to_owned()));
    assert_eq!(found, expected, "{raw:?}");
}

fn missing_field(message: &str) -> Result<(), (Reason, &str)> {
    Err((Reason::MissingField, message))
}

fn invalid_field(message: &str) -> Result<(), (Reason, &str)> {
    Err((Reason::InvalidField, message))
}

fn invalid<T>() -> Field<T> {
    Field::Invalid("must be text".into())
}

fn text<'a>(character: &str, count: usize) -> catalog::Text<'a> {
    character.repeat(count).into()
}

#[test]
fn every_action_of_the_catalog_is_valid_with_what_its_row_asks_for() {
    for entry in catalog().entries() {
        let valid = action(entry.action);
        assert_eq!(judge(raw(valid.clone())), Ok(valid));
    }
}

#[test]
fn what_is_missing_comes_before_what_is_invalid() {
    check(|raw| *raw = RawAction::default(), missing_field("tenant is missing"));
    check(|raw| raw.tenant = Field::Absent, missing_field("tenant is missing"));
    check(|raw| raw.id = Field::Absent, missing_field("id is missing"));
    check(|raw| raw.source = Field::Absent, missing_field("source is missing"));
    check(|raw| raw.action = Field::Absent, missing_field("action is missing"));
    check(|raw| raw.occurred_at = Field::Absent, missing_field("occurred_at is missing"));
    check(|raw| raw.actor = Field::Absent, missing_field("actor is missing"));
    check(|raw| (raw.tenant, raw.actor) = (invalid(), Field::Absent), missing_field("actor is missing"));
    check(|raw| (raw.id, raw.source) = (Field::Absent, Field::Absent), missing_field("id is missing"));
}

#[test]
fn what_is_invalid_is_named_in_order() {
    let mut spoiled = raw(action("certificate.expired"));
    spoiled.sequence = invalid();
    spoiled.correlation_id = invalid();
    spoiled.origin = invalid();
    spoiled.reason = invalid();
    spoiled.attributes = invalid();
    spoiled.changes = invalid();
    spoiled.within = invalid();
    spoiled.object = invalid();
    spoiled.user = invalid();
    spoiled.on_behalf_of = invalid();
    spoiled.actor = invalid();
    spoiled.occurred_at = invalid();
    spoiled.action = invalid();
    spoiled.source = invalid();
    spoiled.id = invalid();
    spoiled.tenant = invalid();
    let good = raw(action("certificate.expired"));
    type Mend = fn(&mut RawAction<'static>, &RawAction<'static>);
    let mend: [(&str, Mend); 16] = [
        ("tenant", |bad, good| bad.tenant = good.tenant.clone()),
        ("id", |bad, good| bad.id = good.id.clone()),
        ("source", |bad, good| bad.source = good.source.clone()),
        ("action", |bad, good| bad.action = good.action.clone()),
        ("occurred_at", |bad, good| bad.occurred_at = good.occurred_at.clone()),
        ("actor", |bad, good| bad.actor = good.actor.clone()),
        ("on_behalf_of", |bad, good| bad.on_behalf_of = good.on_behalf_of.clone()),
        ("user", |bad, good| bad.user = good.user.clone()),
        ("object", |bad, good| bad.object = good.object.clone()),
        ("within", |bad, good| bad.within = good.within.clone()),
        ("changes", |bad, good| bad.changes = good.changes.clone()),
        ("attributes", |bad, good| bad.attributes = good.attributes.clone()),
        ("reason", |bad, good| bad.reason = good.reason.clone()),
        ("origin", |bad, good| bad.origin = good.origin.clone()),
        ("correlation_id", |bad, good| bad.correlation_id = good.correlation_id.clone()),
        ("sequence", |bad, good| bad.sequence = good.sequence.clone()),
    ];
    for (field, mend) in mend {
        let rejection = judge(spoiled.clone()).expect_err("it is spoiled");
        assert_eq!(rejection, Rejection::new(Reason::InvalidField, format!("{field}: must be text")));
        mend(&mut spoiled, &good);
    }
    assert_eq!(judge(spoiled), Ok(action("certificate.expired")));
}

#[test]
fn a_name_that_the_catalog_has_not_is_an_unknown_action_at_the_names_turn() {
    let unknown = Err((Reason::UnknownAction, "action: the catalog has none of this name"));
    for name in ["course.exploded", "", "Course.Created", "course.created "] {
        check(|raw| raw.action = Field::Present(name.into()), unknown);
    }
    check(|raw| (raw.action, raw.occurred_at) = (Field::Present("x.y".into()), invalid()), unknown);
    check(
        |raw| (raw.action, raw.source) = (Field::Present("x.y".into()), invalid()),
        invalid_field("source: must be text"),
    );
}

#[test]
fn a_tenant_that_is_none_is_an_invalid_field_without_its_text() {
    check(
        |raw| raw.tenant = Field::Present("no tenant".into()),
        invalid_field(
            "tenant: a tenant id is 1 to 64 of A-Z a-z 0-9 . _ - and begins with a letter or digit",
        ),
    );
}

#[test]
fn lengths_are_of_characters() {
    type Spoil = fn(&mut RawAction<'static>, catalog::Text<'static>);
    let bounded: [(&str, usize, Spoil); 8] = [
        ("id", 128, |raw, text| raw.id = Field::Present(text)),
        ("source", 512, |raw, text| raw.source = Field::Present(text)),
        ("user.id", 512, |raw, id| raw.user = Field::Present(User { id, name: None })),
        ("actor.id", 512, |raw, id| {
            raw.actor =
                Field::Present(Actor { kind: ActorKind::System, id: Some(id), name: None, roles: vec![] });
        }),
        ("on_behalf_of.id", 512, |raw, id| {
            raw.on_behalf_of =
                Field::Present(Actor { kind: ActorKind::User, id: Some(id), name: None, roles: vec![] });
        }),
        ("object.id", 512, |raw, id| {
            raw.object = Field::Present(Object { id, ..object("certificate", "") });
        }),
        ("within[1].id", 512, |raw, id| {
            let second = Object { id, ..object("catalog", "") };
            raw.within = Field::Present(vec![object("course", "w-1"), second]);
        }),
        ("within[1].kind", 512, |raw, kind| {
            let second = Object { kind, ..object("", "x-1") };
            raw.within = Field::Present(vec![object("course", "w-1"), second]);
        }),
    ];
    for (field, most, spoil) in bounded {
        let message = format!("{field} must have 1 to {most} characters");
        check(|raw| spoil(raw, "".into()), invalid_field(&message));
        check(|raw| spoil(raw, text("x", 1)), Ok(()));
        check(|raw| spoil(raw, text("é", most)), Ok(()));
        check(|raw| spoil(raw, text("x", most + 1)), invalid_field(&message));
        check(|raw| spoil(raw, text("é", most + 1)), invalid_field(&message));
    }
    check(
        |raw| raw.object = Field::Present(object("", "o-1")),
        invalid_field("object.kind must have 1 to 512 characters"),
    );
}

#[test]
fn an_actor_has_an_id_where_its_kind_needs_one() {
    for kind in ActorKind::ALL {
        let someone = || Field::Present(Actor { kind, id: None, name: None, roles: vec![] });
        for field in ["actor", "on_behalf_of"] {
            let message = format!("{field}.id is missing: an actor of kind {} has one", kind.name());
            let expected = if kind.needs_id() { missing_field(&message) } else { Ok(()) };
            check(
                |raw| match field {
                    "actor" => raw.actor = someone(),
                    _ => raw.on_behalf_of = someone(),
                },
                expected,
            );
        }
    }
}

#[test]
fn the_catalog_says_what_an_action_is_about() {
    check(
        |raw| raw.object = Field::Absent,
        missing_field("object is missing: certificate.expired is about certificate"),
    );
    check(
        |raw| raw.object = Field::Present(object("course", "o-1")),
        invalid_field("object.kind: certificate.expired is about certificate"),
    );
    check(|raw| raw.user = Field::Absent, missing_field("user is missing: certificate.expired is about one"));
    let none = missing_field("within has no course or training_plan: certificate.expired lies in one");
    check(|raw| raw.within = Field::Absent, none);
    check(|raw| raw.within = Field::Present(vec![object("session", "w-1")]), none);
    check(
        |raw| raw.within = Field::Present(vec![object("session", "w-1"), object("training_plan", "w-2")]),
        Ok(()),
    );
}

#[test]
fn what_the_catalog_does_not_ask_for_may_be_there() {
    let mut more = action("lms_admin.assigned");
    more.object = Some(object("catalog", "k-1"));
    more.within = vec![object("catalog", "k-2"), object("course", "c-1")];
    assert_eq!(judge(raw(more.clone())), Ok(more));
    let mut about = action("course.created");
    about.user = Some(User { id: "u-17".into(), name: None });
    assert_eq!(judge(raw(about.clone())), Ok(about));
}

#[test]
fn of_what_rows_are_keyed_by_there_is_one_in_within() {
    for (kind, once) in [
        ("course", true),
        ("training_plan", true),
        ("session_group", true),
        ("catalog", true),
        ("session", false),
        ("skill", false),
    ] {
        let mut twice = action("lms_admin.assigned");
        twice.within = vec![object(kind, "w-1"), object("quiz", "q-1"), object(kind, "w-1")];
        let found = judge(raw(twice)).map(|_| ());
        let message = "within[2].kind: stands twice and may only once";
        let expected = if once { Err(Rejection::new(Reason::InvalidField, message)) } else { Ok(()) };
        assert_eq!(found, expected, "{kind}");
    }
}

#[test]
fn time_begins_in_1990_and_ends_a_day_after_the_broker_received_it() {
    let received_at = OCCURRED_AT + 1_000_000;
    let future =
        Err((Reason::TimestampInFuture, "occurred_at lies over 24 h after the broker received the action"));
    for (occurred_at, expected) in [
        (Micros::EARLIEST.get(), Ok(())),
        (Micros::EARLIEST.get() - 1, invalid_field("occurred_at lies before 1990")),
        (received_at + FUTURE, Ok(())),
        (received_at + FUTURE + 1, future),
    ] {
        check(|raw| raw.occurred_at = Field::Present(Micros::new(occurred_at)), expected);
    }
    check(
        |raw| (raw.occurred_at, raw.user) = (Field::Present(Micros::new(0)), Field::Absent),
        missing_field("user is missing: certificate.expired is about one"),
    );
}

proptest! {
    #[test]
    fn no_message_holds_what_the_action_says(
        secret in "secret[a-z]{8}",
        spoiled in 0..8_usize,
    ) {
        let mut raw = raw(action("certificate.expired"));
        let long = || Field::Present(catalog::Text::from(secret.repeat(40)));
        match spoiled {
            0 => raw.tenant = Field::Present(format!("{secret}!").into()),
            1 => raw.id = long(),
            2 => raw.source = long(),
            3 => raw.action = Field::Present(secret.clone().into()),
            4 => raw.user = Field::Present(User { id: secret.repeat(40).into(), name: None }),
            5 => raw.object = Field::Present(Object { kind: secret.clone().into(), ..object("", "o-1") }),
            6 => raw.object = Field::Present(Object { id: secret.repeat(40).into(), ..object("certificate", "") }),
            _ => raw.within = Field::Present(vec![Object { kind: secret.clone().into(), ..object("", "o-1") }]),
        }
        let rejection = judge(raw).expect_err("it is spoiled");
        prop_assert!(!rejection.message.contains("secret"), "{}", rejection.message);
    }
}
