//! What was written is read again as it was, whatever it holds; and bytes that nobody wrote are
//! refused without a panic.

mod support;

use catalog::{
    Account, Action, Actor, ActorKind, ActorRef, AuditEvent, Change, Digest, Field, LedgerRow, Micros,
    Object, OrderKey, Origin, Provenance, RawAction, Receipt, SequenceRange, SequenceRow, TenantId, Text,
    User, Window, catalog,
};
use codec::{Codec, LedgerRecord, action_json, parse_rfc3339, rfc3339};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use stage::Header;

fn word() -> impl Strategy<Value = Text<'static>> {
    prop_oneof!["[a-z/%\"\\\\]{0,12}", "\\PC{0,8}", ".{0,6}"].prop_map(Text::Owned)
}

/// A time within the years 0 to 9999, which JSON's form can say.
fn time() -> impl Strategy<Value = Micros> {
    (-62_167_219_200_000_000_i64..253_402_300_800_000_000).prop_map(Micros::new)
}

fn tenant() -> impl Strategy<Value = TenantId> {
    "[A-Za-z0-9][A-Za-z0-9._-]{0,20}".prop_map(|text| TenantId::try_from(text.as_str()).expect("valid"))
}

/// A row as the schema documents it, made of any numbers.
fn sequence_row(tenant: TenantId, source: String, numbers: &[i64; 6], received_at: Micros) -> SequenceRow {
    let mut sorted = *numbers;
    sorted.sort_unstable();
    let [lowest, a, b, c, d, highest] = sorted;
    let apart = lowest < a && b < c.saturating_sub(1) && d < highest;
    let missing = if apart {
        vec![SequenceRange { from: a, until: b }, SequenceRange { from: c, until: d }]
    } else {
        vec![]
    };
    SequenceRow { tenant, source, lowest, highest, missing, more: numbers[0].max(0), received_at }
}

fn kind() -> impl Strategy<Value = ActorKind> {
    proptest::sample::select(&ActorKind::ALL[..])
}

fn actor() -> impl Strategy<Value = Actor<'static>> {
    (kind(), option::of(word()), option::of(word()), vec(word(), 0..3))
        .prop_map(|(kind, id, name, roles)| Actor { kind, id, name, roles })
}

fn object() -> impl Strategy<Value = Object<'static>> {
    (word(), word(), option::of(word())).prop_map(|(kind, id, title)| Object { kind, id, title })
}

fn change() -> impl Strategy<Value = Change<'static>> {
    (word(), option::of(word()), option::of(word())).prop_map(|(field, before, after)| Change {
        field,
        before,
        after,
    })
}

fn origin() -> impl Strategy<Value = Origin<'static>> {
    (option::of(word()), option::of(word()), option::of(word()))
        .prop_map(|(ip, user_agent, channel)| Origin { ip, user_agent, channel })
}

fn action() -> impl Strategy<Value = Action<'static>> {
    let what = (word(), word(), 0..catalog().entries().len(), time(), tenant(), actor());
    let user = (word(), option::of(word())).prop_map(|(id, name)| User { id, name });
    let whom = (option::of(actor()), option::of(user), option::of(object()), vec(object(), 0..3));
    let how =
        (vec(change(), 0..3), btree_map(word(), word(), 0..4), option::of(word()), option::of(origin()));
    (what, whom, how, option::of(word()), option::of(any::<i64>())).prop_map(
        |((id, source, entry, occurred_at, tenant, actor), whom, how, correlation_id, sequence)| Action {
            id,
            source,
            entry: &catalog().entries()[entry],
            occurred_at,
            tenant,
            actor,
            on_behalf_of: whom.0,
            user: whom.1,
            object: whom.2,
            within: whom.3,
            changes: how.0,
            attributes: how.1.into_iter().collect(),
            reason: how.2,
            origin: how.3,
            correlation_id,
            sequence,
        },
    )
}

fn digest() -> impl Strategy<Value = Digest> {
    (any::<u8>(), any::<[u8; 32]>()).prop_map(|(version, hash)| Digest::new(version, hash))
}

fn micros() -> impl Strategy<Value = Micros> {
    any::<i64>().prop_map(Micros::new)
}

fn partition() -> impl Strategy<Value = u32> {
    0..=2_147_483_647_u32
}

fn order() -> impl Strategy<Value = OrderKey> {
    (micros(), word(), option::of(any::<i64>()), any::<u128>(), digest()).prop_map(
        |(occurred_at, source, sequence, id, digest)| OrderKey {
            occurred_at,
            source: source.into_owned(),
            sequence,
            event_id: uuid::Uuid::from_u128(id).into(),
            digest,
        },
    )
}

fn actor_ref() -> impl Strategy<Value = ActorRef> {
    (kind(), option::of(word())).prop_map(|(kind, id)| ActorRef { kind, id: id.map(Text::into_owned) })
}

/// What decoding makes of a valid action.
fn raw<'a>(action: &Action<'a>) -> RawAction<'a> {
    fn some<T>(value: Option<T>) -> Field<T> {
        value.map_or(Field::Absent, Field::Present)
    }
    fn list<T>(items: Vec<T>) -> Field<Vec<T>> {
        if items.is_empty() { Field::Absent } else { Field::Present(items) }
    }
    let action = action.clone();
    RawAction {
        tenant: Field::Present(action.tenant.as_str().to_owned().into()),
        id: Field::Present(action.id),
        source: Field::Present(action.source),
        action: Field::Present(action.entry.action.into()),
        occurred_at: Field::Present(action.occurred_at),
        actor: Field::Present(action.actor),
        on_behalf_of: some(action.on_behalf_of),
        user: some(action.user),
        object: some(action.object),
        within: list(action.within),
        changes: list(action.changes),
        attributes: list(action.attributes),
        reason: some(action.reason),
        origin: some(action.origin),
        correlation_id: some(action.correlation_id),
        sequence: some(action.sequence),
    }
}

proptest! {
    #[test]
    fn an_action_survives_json_and_avro(action in action()) {
        let codec = Codec::single_object();
        let (decoder, mut avro) = (codec.decoder(), Vec::new());
        let json = action_json(&action);
        prop_assert_eq!(decoder.action(Some(&json), &[]), Ok(raw(&action)));
        codec.encoder().action(&action, &mut avro).expect("written");
        prop_assert_eq!(decoder.action(Some(&avro), &[]), Ok(raw(&action)));
    }

    #[test]
    fn an_event_survives(
        action in action(), id in any::<u128>(), received_at in micros(),
        place in (partition(), any::<i64>(), digest()), catalog_version in any::<i32>(),
    ) {
        let codec = Codec::single_object();
        let event = AuditEvent {
            event_id: uuid::Uuid::from_u128(id).into(),
            action,
            received_at,
            provenance: Provenance { partition: place.0, offset: place.1, digest: place.2 },
            catalog_version,
        };
        let (mut encoder, mut out, mut again) = (codec.encoder(), Vec::new(), vec![7]);
        encoder.event(&event, &mut out).expect("written");
        encoder.event(&event, &mut again).expect("written");
        prop_assert_eq!(&out, &again, "the same event gives the same bytes");
        prop_assert_eq!(codec.decoder().event(&out), Ok(event));
    }

    #[test]
    fn rows_survive(
        keys in [order(), order(), order(), order()],
        times in [micros(), micros(), micros(), micros()],
        counts in btree_map("[A-Za-z]{1,9}", any::<i64>(), 0..5),
        place in (tenant(), option::of(word()), actor_ref(), vec((word(), word()), 0..3)),
        bits in any::<[bool; 5]>(), users in 0.0..1e12_f64, sketch in vec(any::<u8>(), 0..64),
    ) {
        let codec = Codec::single_object();
        let (mut encoder, decoder, mut out) = (codec.encoder(), codec.decoder(), Vec::new());
        let category = catalog::Category::Session;
        let [first, last, third, fourth] = keys;
        let text = place.1.map(Text::into_owned);
        let entry = &catalog().entries()[counts.len()];
        let activity = catalog::ActivityRow {
            tenant: place.0.clone(), catalog: text.clone(), event_type: entry.event_type,
            window: if bits[0] { Window::Hour } else { Window::Day }, start: times[0], count: 7,
            by_action: counts.clone(), first_at: times[1], last_at: times[2], distinct_users: users,
            users_sketch: sketch, restarted: bits[1], received_at: times[3],
        };
        encoder.activity(category, &activity, &mut out).expect("written");
        prop_assert_eq!(decoder.activity(&out), Ok(activity));
        let actors = catalog::ActorsRow {
            tenant: place.0.clone(), actor: place.2.clone(), day: times[0], count: -1,
            by_event_type: counts.clone(), first_at: times[1], last_at: times[2], restarted: bits[1],
            received_at: times[3],
        };
        encoder.actors(category, &actors, &mut out).expect("written");
        prop_assert_eq!(decoder.actors(&out), Ok(actors));
        let objects = place.3.into_iter().map(|(kind, id)| (kind.into_owned(), id.into_owned()));
        let register = catalog::RegisterRow {
            tenant: place.0.clone(), kind: entry.register.kind, user: text.clone(), objects: objects.collect(),
            status: bits[2].then_some("active"), since: bits[2].then_some(times[0]),
            by: bits[3].then(|| place.2.clone()), catalog: text, by_event_type: counts, first, last,
            status_set: bits[3].then_some(third), catalog_set: bits[4].then_some(fourth.clone()),
            received_at: times[3],
        };
        encoder.register(category, &register, &mut out).expect("written");
        prop_assert_eq!(decoder.register(&out), Ok(register));
        let setting = catalog::SettingRow {
            tenant: place.0, kind: "course".into(), id: "c".into(), set: fourth, received_at: times[3],
            certificate_expiry: if bits[0] {
                catalog::CertificateExpiry::Enabled
            } else {
                catalog::CertificateExpiry::Disabled
            },
        };
        encoder.setting(&setting, &mut out).expect("written");
        prop_assert_eq!(decoder.setting(&out), Ok(setting));
    }

    #[test]
    fn ledger_and_receipts_survive(
        tenant in tenant(), source in word(), which in 0..3_usize, partition in partition(),
        numbers in any::<[i64; 6]>(), times in [micros(), micros()],
        last_read in option::of(-9_000_000_000_000_000_i64..9_000_000_000_000_000), key in order(),
    ) {
        let codec = Codec::single_object();
        let (mut encoder, decoder, mut out) = (codec.encoder(), codec.decoder(), Vec::new());
        let source = source.into_owned();
        let account = [
            Account::Source(tenant.clone(), source.clone()), Account::Tenant(tenant.clone()),
            Account::Partition(partition),
        ];
        let [received, recorded, duplicate, suppressed, dead_lettered, replayed] = numbers;
        let row = LedgerRow {
            account: account[which].clone(), hour: times[0], received, recorded, duplicate, suppressed,
            dead_lettered, replayed, received_at: times[1],
        };
        encoder.ledger(&row, &mut out).expect("written");
        prop_assert_eq!(decoder.ledger(&out), Ok(LedgerRecord::Account(row)));
        let record = support::coverage(last_read);
        if let LedgerRecord::Coverage { stage, partition, coverage, committed_at } = &record {
            encoder.coverage(stage, *partition, coverage, *committed_at, &mut out).expect("written");
        }
        prop_assert_eq!(decoder.ledger(&out), Ok(record));
        let row = sequence_row(tenant.clone(), source.clone(), &numbers, times[0]);
        encoder.sequence(&row, &mut out).expect("written");
        prop_assert_eq!(decoder.ledger(&out), Ok(LedgerRecord::Sequence(row)));
        let action = catalog::ReceivedAction {
            tenant: tenant.clone(), source: source.clone(), id: source.clone(), action: "any".into(),
            event_id: key.event_id, occurred_at: times[0], received_at: times[1], partition, offset: received,
            digest: key.digest,
        };
        for receipt in [
            Receipt::Duplicate(action.clone()), Receipt::Suppressed(action),
            Receipt::Rerouted { tenant, partition, offset: recorded, received_at: times[0], to_partition: 1 },
            Receipt::Expired {
                topic: source.clone(), stage: source, partition, from: received, until: recorded,
                found_at: times[1],
            },
        ] {
            encoder.receipt(&receipt, &mut out).expect("written");
            prop_assert_eq!(decoder.receipt(&out), Ok(receipt));
        }
    }

    #[test]
    fn a_time_survives_its_text(at in time()) {
        prop_assert_eq!(parse_rfc3339(&rfc3339(at)), Some(at));
    }
}

/// Tries every decoder on these bytes; what matters is that each returns.
fn try_all(value: &[u8]) {
    let decoder = Codec::single_object().decoder();
    let headers = [Header::new("ce_specversion", Some(b"1.0"))];
    let structured = [Header::new("content-type", Some(b"application/cloudevents+json"))];
    let _ = decoder.action(Some(value), &[]);
    let _ = decoder.action(Some(value), &headers);
    let _ = decoder.action(Some(value), &structured);
    let _ = decoder.action(Some(b"{}"), &[Header::new("__value_schema_id", Some(value))]);
    let _ = decoder.event(value);
    let _ = decoder.receipt(value);
    let _ = decoder.activity(value);
    let _ = decoder.actors(value);
    let _ = decoder.register(value);
    let _ = decoder.ledger(value);
    let _ = decoder.setting(value);
}

/// One valid value of every record.
fn values() -> Vec<Vec<u8>> {
    let mut encoder = Codec::single_object().encoder();
    let (mut all, mut out) = (vec![action_json(&support::action()), support::TYPICAL.into()], Vec::new());
    let category = catalog::Category::Skill;
    encoder.action(&support::action(), &mut out).expect("written");
    all.push(out.clone());
    encoder.event(&support::event(), &mut out).expect("written");
    all.push(out.clone());
    for receipt in &support::receipts() {
        encoder.receipt(receipt, &mut out).expect("written");
        all.push(out.clone());
    }
    encoder.activity(category, &support::activity(), &mut out).expect("written");
    all.push(out.clone());
    encoder.actors(category, &support::actors(), &mut out).expect("written");
    all.push(out.clone());
    encoder.register(category, &support::register(), &mut out).expect("written");
    all.push(out.clone());
    for account in support::accounts() {
        encoder.ledger(&support::ledger(account), &mut out).expect("written");
        all.push(out.clone());
    }
    encoder.setting(&support::setting(), &mut out).expect("written");
    all.push(out);
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_bytes_panic_nowhere(value in vec(any::<u8>(), 0..200)) {
        try_all(&value);
    }

    #[test]
    fn json_like_text_panics_nowhere(value in "[\\[\\]{}\":,0-9eE.+\\-a-z\\\\u \n]{0,120}") {
        try_all(value.as_bytes());
    }

    #[test]
    fn damaged_values_panic_nowhere(
        which in any::<proptest::sample::Index>(), damage in vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        cut in option::of(any::<proptest::sample::Index>()), forged in any::<bool>(),
    ) {
        let values = values();
        let mut value = which.get(&values).clone();
        for (place, byte) in damage {
            // Half of the time the prefix stays, so that the datum behind it is tried.
            let from = if forged && value.len() > 20 { 10 } else { 0 };
            let at = from + place.index(value.len() - from);
            value[at] = byte;
        }
        if let Some(cut) = cut {
            value.truncate(cut.index(value.len()));
        }
        try_all(&value);
    }
}

#[test]
fn forged_lengths_allocate_nothing_and_say_where() {
    let mut value = Vec::new();
    Codec::single_object().encoder().event(&support::event(), &mut value).expect("written");
    // The first field's length becomes 2^62; then just within the limit of one field.
    for forged in [&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7e][..], &[0x80, 0x80, 0x80, 0x20]] {
        let forged = [&value[..10], forged, &value[11..]].concat();
        let error = Codec::single_object().decoder().event(&forged).expect_err("refused");
        assert!(error.to_string().contains("at byte"), "{error}");
        assert!(!error.to_string().contains("acme"), "{error}");
    }
}

#[test]
fn every_proper_prefix_and_every_longer_value_is_malformed() {
    let decoder = Codec::single_object().decoder();
    let mut value = Vec::new();
    Codec::single_object().encoder().event(&support::event(), &mut value).expect("written");
    for length in 0..value.len() {
        assert!(decoder.event(&value[..length]).is_err(), "{length} bytes");
    }
    value.push(0);
    let error = decoder.event(&value).expect_err("refused");
    assert!(error.to_string().starts_with("1 bytes follow the datum"), "{error}");
}
