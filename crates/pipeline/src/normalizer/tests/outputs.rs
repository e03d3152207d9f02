//! What each verdict writes: topic, partition, time, key, value and headers.

use catalog::{CertificateExpiry, Receipt, Topic};
use codec::{Codec, Decoder, LedgerRecord};
use stage::{Mark, Millis, Offset, Outcome, RestorePoint, StageFactory};

use super::log::{Spec, certificate_expired, expiry, record, sized};
use super::world::{
    COUNT, HOUR, Kept, LIMIT, NOW, Owned, count, home, process, restored, stage_of, stages, transaction,
};
use crate::dead_letter::Failure;
use crate::oversized::headers as oversized;
use crate::{NORMALIZER, REROUTE_HEADER};

fn decoder() -> Decoder {
    Codec::single_object().decoder()
}

fn value(sent: &Owned) -> &[u8] {
    sent.value.as_deref().expect("a value")
}

/// What a fresh stage makes of one record.
fn one(input: &Owned) -> (Outcome, Kept) {
    let mut sink = Kept::default();
    let outcome = process(stage_of(input.partition).as_mut(), input, &mut sink);
    (outcome, sink)
}

/// A tenant whose partition is another than that of `acme`.
fn stranger() -> (&'static str, u32) {
    let partition = |tenant: &&str| count().partition_of(tenant.as_bytes()).number();
    let tenant = ["beta", "gamma", "delta", "eps"].into_iter().find(|t| partition(t) != home());
    tenant.map(|tenant| (tenant, partition(&tenant))).expect("one of four lies elsewhere")
}

#[test]
fn an_audit_event_is_keyed_by_tenant_and_carries_the_brokers_time() {
    let mut input = Spec::default().record();
    input.key = Some(b"whatever".to_vec());
    input.offset = 41;
    input.headers = vec![("traceparent".into(), Some(b"00-trace-span-01".to_vec())), ("other".into(), None)];
    let (outcome, sink) = one(&input);
    let category = "course-and-training-plan";
    assert_eq!(outcome, Outcome::Emit { class: category, occurred_at: Millis::new(NOW - 1_000) });
    let [sent] = &sink.0[..] else { panic!("{:?}", sink.0) };
    assert_eq!((sent.topic, sent.partition, sent.timestamp), (Topic::Events, home(), NOW));
    assert_eq!(sent.key_text(), "acme");
    let event = decoder().event(value(sent)).expect("an event");
    assert_eq!((event.provenance.partition, event.provenance.offset), (home(), 41));
    assert_eq!(event.received_at.get(), NOW * 1000);
    assert_eq!(sent.header("ce_id"), Some(event.event_id.to_string()));
    assert_eq!(sent.header("traceparent").as_deref(), Some("00-trace-span-01"));
    assert_eq!(sent.header("other"), None);
}

#[test]
fn duplicates_and_suppressed_actions_leave_receipts() {
    let mut sink = Kept::default();
    let mut stage = stage_of(home());
    let off = Spec { rest: expiry("disabled"), ..Spec::default() }.record();
    assert!(matches!(process(stage.as_mut(), &off, &mut sink), Outcome::Emit { .. }));
    assert_eq!(process(stage.as_mut(), &off, &mut sink), Outcome::Skip("duplicate"));
    let expired = certificate_expired().record();
    assert_eq!(process(stage.as_mut(), &expired, &mut sink), Outcome::Skip("suppressed"));
    assert_eq!(process(stage.as_mut(), &expired, &mut sink), Outcome::Skip("duplicate"));
    let receipts = sink.of(Topic::Receipts);
    assert!(receipts.iter().all(|r| (r.partition, r.timestamp, r.key_text()) == (home(), NOW, "acme")));
    let [Receipt::Duplicate(of), Receipt::Suppressed(suppressed), Receipt::Duplicate(_)] =
        [0, 1, 2].map(|i| decoder().receipt(value(&receipts[i])).expect("a receipt"))
    else {
        panic!("{receipts:?}");
    };
    assert_eq!((of.id.as_str(), suppressed.id.as_str()), ("a-1", "x-1"));
    assert_eq!(suppressed.action, "certificate.expired");
}

#[test]
fn a_dead_letter_is_the_action_byte_for_byte_and_says_why() {
    let mut input = record(Some(b"{ not an action".to_vec()));
    input.key = None;
    input.offset = 17;
    input.headers = vec![("h".into(), Some(vec![0xff])), ("h".into(), None)];
    let (outcome, sink) = one(&input);
    assert_eq!(outcome, Outcome::Reject("malformed"));
    let [sent] = &sink.0[..] else { panic!("{:?}", sink.0) };
    assert_eq!((sent.topic, sent.partition, sent.timestamp), (Topic::DeadLetters, home(), NOW));
    assert_eq!((&sent.key, &sent.value), (&input.key, &input.value));
    assert_eq!(sent.headers[..2], input.headers);
    let record = sent.record();
    let failure = Failure::read(&record).expect("it says why");
    assert_eq!((failure.topic, failure.stage), ("lms.actions.v1", "normalizer"));
    assert_eq!((failure.partition.number(), failure.offset.number()), (home(), 17));
    assert_eq!((failure.reason.name(), failure.timestamp.get()), ("malformed", NOW));
    assert!(!failure.message.is_empty() && !failure.message.contains("not an action"));
}

#[test]
fn the_limit_is_the_last_size_that_is_read() {
    for (bytes, outcome) in
        [(LIMIT - 1, None), (LIMIT, None), (LIMIT + 1, Some(Outcome::Reject("oversized")))]
    {
        let input = record(Some(sized(bytes)));
        assert_eq!(value(&input).len(), bytes);
        let (found, sink) = one(&input);
        match outcome {
            None => assert!(matches!(found, Outcome::Emit { .. }), "{bytes}: {found:?}"),
            Some(outcome) => {
                assert_eq!(found, outcome, "{bytes}");
                let sent = &sink.0[0];
                assert_eq!(sent.value.as_deref(), Some(&value(&input)[..LIMIT]));
                assert_eq!(sent.header(oversized::SIZE), Some(bytes.to_string()));
                assert_eq!(sent.header(oversized::CUT).as_deref(), Some("value"));
                assert_eq!(sent.header(oversized::SHA256).map(|hash| hash.len()), Some(64));
            }
        }
    }
}

#[test]
fn an_action_of_another_partition_moves_there_and_is_recorded_there() {
    let (tenant, there) = stranger();
    let mut input = Spec { tenant, ..Spec::default() }.record();
    (input.offset, input.key) = (5, None);
    input.headers = vec![("h".into(), Some(b"1".to_vec()))];
    let mut sink = Kept::default();
    let mut stage = stage_of(home());
    let outcome = process(stage.as_mut(), &input, &mut sink);
    assert_eq!(outcome, Outcome::Reroute(stage::Partition::new(there)));
    stage.flush(&mut sink).expect("the store is in memory");
    let [moved, receipt] = &sink.0[..] else { panic!("it counts nothing here: {:?}", sink.0) };
    assert_eq!((moved.topic, moved.partition, moved.key_text()), (Topic::Actions, there, tenant));
    assert_eq!((&moved.value, &moved.headers[..1]), (&input.value, &input.headers[..]));
    assert_eq!(moved.header(REROUTE_HEADER), Some(format!("{}/5/{COUNT}", home())));
    assert_eq!((receipt.topic, receipt.partition, receipt.key_text()), (Topic::Receipts, home(), tenant));
    let Receipt::Rerouted { partition, offset, received_at, to_partition, .. } =
        decoder().receipt(value(receipt)).expect("a receipt")
    else {
        panic!("{receipt:?}");
    };
    assert_eq!((partition, offset, to_partition), (home(), 5, there));
    assert_eq!(received_at.get(), NOW * 1000);
    assert!(matches!(one(moved).0, Outcome::Emit { .. }));
}

#[test]
fn an_action_that_moved_and_is_wrong_again_is_misrouted() {
    let (tenant, there) = stranger();
    let (_, sink) = one(&Spec { tenant, ..Spec::default() }.record());
    let wrong = (0..COUNT).find(|p| ![home(), there].contains(p)).expect("there are three");
    for partition in [home(), wrong] {
        let bounced = Owned { partition, ..sink.0[0].clone() };
        let mut sink = Kept::default();
        let mut stage = stage_of(partition);
        assert_eq!(process(stage.as_mut(), &bounced, &mut sink), Outcome::Reject("misrouted"));
        stage.flush(&mut sink).expect("the store is in memory");
        let key = format!("~unknown/{partition}/2026-11-02T09");
        assert_eq!(sink.rows(Topic::Ledger).into_keys().collect::<Vec<_>>(), [key]);
    }
    let mut other_count = Owned { partition: home(), ..sink.0[0].clone() };
    other_count.headers = vec![(REROUTE_HEADER.into(), Some(format!("0/9/{}", COUNT + 1).into_bytes()))];
    assert_eq!(one(&other_count).0, Outcome::Reroute(stage::Partition::new(there)));
}

#[test]
fn changed_rows_are_written_once_per_transaction_and_go_on_after_it() {
    let (mut stage, mut sink) = (stage_of(home()), Kept::default());
    let spec = |id: &str, value| Spec { id: id.into(), rest: expiry(value), ..Spec::default() };
    let mut late = spec("a-3", "disabled").record();
    late.timestamp = NOW + HOUR;
    let batch = [spec("a-1", "disabled").record(), spec("a-2", "enabled").record(), late];
    transaction(stage.as_mut(), &batch, &mut sink);
    transaction(stage.as_mut(), &[record(Some(b"{".to_vec()))], &mut sink);
    transaction(stage.as_mut(), &[Spec { id: "a-4".into(), ..Spec::default() }.record()], &mut sink);
    stage.flush(&mut sink).expect("nothing changed since");
    let ledger = sink.of(Topic::Ledger);
    let keys: Vec<_> = ledger.iter().map(Owned::key_text).filter(|key| !key.starts_with("~cov")).collect();
    let (nine, ten) = ("acme/lms.web/2026-11-02T09", "acme/lms.web/2026-11-02T10");
    let unknown = format!("~unknown/{}/2026-11-02T09", home());
    assert_eq!(keys, [nine, ten, &unknown, nine]);
    let LedgerRecord::Account(row) = decoder().ledger(value(&sink.rows(Topic::Ledger)[nine])).expect("a row")
    else {
        panic!("{nine} is an account");
    };
    assert_eq!((row.received, row.recorded), (3, 3));
    let settings = sink.of(Topic::Settings);
    let [setting] = &settings[..] else { panic!("{settings:?}") };
    assert_eq!((setting.key_text(), setting.timestamp), ("acme/course/o-1", NOW + HOUR));
    let row = decoder().setting(value(setting)).expect("a row");
    assert_eq!(row.key(), "acme/course/o-1");
    assert!(matches!(row.certificate_expiry, CertificateExpiry::Disabled | CertificateExpiry::Enabled));
}

#[test]
fn a_rollback_leaves_no_trace() {
    let (mut stage, mut sink) = (stage_of(home()), Kept::default());
    let before = stage.rows();
    let off = Spec { rest: expiry("disabled"), ..Spec::default() }.record();
    process(stage.as_mut(), &off, &mut sink);
    process(stage.as_mut(), &certificate_expired().record(), &mut sink);
    stage.flush(&mut sink).expect("the store is in memory");
    stage.rollback();
    assert_eq!(stage.rows(), before);
    let mut after = Kept::default();
    stage.flush(&mut after).expect("nothing to write");
    stage.commit(&Mark::unkept()).expect("nothing to commit");
    assert_eq!((after.0.len(), stage.rows()), (0, before));
    assert!(matches!(
        process(stage.as_mut(), &certificate_expired().record(), &mut after),
        Outcome::Emit { .. }
    ));
}

#[test]
fn rows_are_counted_per_table() {
    let (mut stage, mut sink) = (stage_of(home()), Kept::default());
    let off = Spec { rest: expiry("disabled"), ..Spec::default() }.record();
    transaction(stage.as_mut(), &[off, certificate_expired().record()], &mut sink);
    assert_eq!(stage.rows(), [("dedup", 2), ("ledger", 1), ("sequences", 0), ("settings", 1)]);
}

#[test]
fn what_expired_unread_leaves_a_receipt() {
    let (mut stage, mut sink) = (stage_of(home()), Kept::default());
    stage.expire(Offset::new(4), Offset::new(9), Millis::new(NOW), &mut sink).expect("it is written");
    let [sent] = &sink.0[..] else { panic!("{:?}", sink.0) };
    assert_eq!((sent.topic, sent.partition, sent.key_text()), (Topic::Receipts, home(), "~expired"));
    let expected = Receipt::Expired {
        topic: "lms.actions.v1".into(),
        stage: NORMALIZER.into(),
        partition: home(),
        from: 4,
        until: 9,
        found_at: catalog::Micros::new(NOW * 1000),
    };
    assert_eq!(decoder().receipt(value(sent)).expect("a receipt"), expected);
    restored(home(), &sink, RestorePoint { time: None });
}

#[test]
fn the_spec_names_every_topic_it_writes() {
    let stages = stages();
    let spec = stages.spec();
    assert_eq!((spec.name, spec.topic(spec.input)), ("normalizer", "lms.actions.v1"));
    assert_eq!(spec.topic(spec.ledger), "lms.audit.ledger.v1");
    let outputs: Vec<_> = spec.outputs.iter().map(|index| spec.topic(*index)).collect();
    assert_eq!(
        outputs,
        [
            "lms.audit.events.v1",
            "lms.audit.receipts.v1",
            "lms.audit.dead-letters.v1",
            "lms.audit.ledger.v1",
            "lms.audit.settings.v1",
            "lms.actions.v1"
        ]
    );
    assert_eq!((spec.classes.len(), spec.skips.len(), spec.rejects.len()), (12, 2, 9));
}
