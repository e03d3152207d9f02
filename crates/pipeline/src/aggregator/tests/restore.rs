//! Restoring from what was sent, and dropping what was not committed.

use proptest::prelude::*;
use stage::Mark;
use stage::store::{Change, MemoryStore, Store, StoreError, Table, Visit};

use super::any_order::any_event;
use super::*;

/// Purges among the events: they depend on the log's order, which a restore keeps.
fn with_purges() -> impl Strategy<Value = Vec<catalog::AuditEvent<'static>>> {
    let purge = (any::<u32>(), 0..9000_i64, 0..40_u8).prop_map(|(id, second, user)| {
        of(event(id, "learner.purged", second, second), &format!("u-{user}"), "o-1")
    });
    let catalog_purge = (any::<u32>(), 0..9000_i64, 0..40_u8).prop_map(|(id, second, user)| {
        of(event(id, "learner.purged_from_catalog", second, second), &format!("u-{user}"), "c-1")
    });
    prop::collection::vec(prop_oneof![9 => any_event(), 1 => purge, 1 => catalog_purge], 2..60)
}

proptest! {
    #[test]
    fn a_restored_stage_goes_on_as_the_first_would_have(
        events in with_purges(),
        sizes in prop::collection::vec(1..20_usize, 1..9),
        cut in 0.0..1.0_f64,
    ) {
        let values = encode(&events);
        let (before, after) = values.split_at((values.len() as f64 * cut) as usize);
        let mut restored = Run::restored(&run(before, &sizes));
        restored.batches(after, &sizes);
        let whole = run(&values, &[values.len()]);
        prop_assert_eq!(last_rows(&restored.sent), last_rows(&whole.sent));
        prop_assert_eq!(restored.stage.rows(), whole.stage.rows());
    }

    #[test]
    fn a_rollback_leaves_no_trace(
        events in with_purges(),
        lost in with_purges(),
        cut in 0.0..1.0_f64,
    ) {
        let values = encode(&events);
        let (before, after) = values.split_at((values.len() as f64 * cut) as usize);
        let mut aborted = run(before, &[9]);
        let mut whole = run(before, &[9]);
        for value in encode(&lost) {
            aborted.process(&value).expect("an event");
        }
        aborted.flush();
        aborted.rollback(before.len() as i64);
        aborted.batches(after, &[9]);
        whole.batches(after, &[9]);
        prop_assert_eq!(aborted.sent, whole.sent);
    }
}

#[test]
fn the_clock_of_retention_is_restored_with_the_rows() {
    let day = |id, occurred, received| event(id, "course.started", occurred * DAY, received * DAY);
    let before = encode(&[day(1, 0, 0), day(2, 300, 431)]);
    let late = encode(&[day(3, 0, 20)]);
    let mut restored = Run::restored(&run(&before, &[1]));
    restored.batches(&late, &[1]);
    let mut whole = run(&before, &[1]);
    whole.batches(&late, &[1]);
    assert_eq!(last_rows(&restored.sent), last_rows(&whole.sent));
    let topic = Topic::Report(Category::CourseAndTrainingPlan, View::Activity);
    let row = last_rows(&whole.sent)[&(topic, "acme//CourseStarted/day/2026-11-02")].value.clone();
    let row = Codec::single_object().decoder().activity(&row.expect("a row")).expect("a row");
    assert_eq!(row.count, 1, "the first event's row was cleared when the late one came");
}

#[test]
fn coverage_is_that_of_this_stage_and_partition() {
    let mut first = run(&encode(&[event(1, "course.started", 0, 1)]), &[1]);
    assert_eq!(first.stage.coverage(), None, "nothing was restored");
    first.commit();
    let coverage = Run::restored(&first).stage.coverage().cloned().expect("restored");
    assert_eq!((coverage.next, coverage.last_read), (Offset::new(1), Some(Millis::new(5))));
    assert_eq!((coverage.cluster_id.as_str(), coverage.topic_id.as_str()), ("c", "t"));
    for sent in first.sent.iter_mut().filter(|sent| sent.topic == Topic::Ledger) {
        assert_eq!(sent.key, "~coverage/aggregator/2");
        sent.key = "~coverage/normalizer/2".into();
    }
    assert_eq!(Run::restored(&first).stage.coverage(), None);
}

#[test]
fn a_record_that_is_no_row_is_not_restored() {
    let mut run = Run::new();
    let row = record(3, Some(b"\xff"), Some(b""), Millis::new(0));
    for (topic, problem) in [
        (register(Category::Skill), "the record's key is no row key"),
        (Topic::Events, "the topic is no changelog of the aggregator"),
    ] {
        let stopped = run.stage.restore(topic_index(topic), &row);
        let message = format!("{}, partition 2, offset 3: {problem}", topic.name());
        assert_eq!(stopped, Err(StageError::Stop(message)));
    }
}

#[test]
fn a_committed_row_that_cannot_be_read_stops_the_stage() {
    let mut run = Run::new();
    let key = Some(&b"acme/progress/u-1/course/o-1"[..]);
    let topic = topic_index(register(Category::CourseAndTrainingPlan));
    run.stage.restore(topic, &record(0, key, Some(b"no row"), Millis::new(0))).expect("not read yet");
    let value = encode(&[event(1, "course.started", 0, 1)]);
    let Err(StageError::Stop(message)) = run.process(&value[0]) else { panic!("no stop") };
    let start =
        "a row of lms.audit.reports.course-and-training-plan.register.v1, partition 2, cannot be read: ";
    assert!(message.starts_with(start) && !message.contains("u-1"), "{message}");
}

/// State that was kept while the trail went on without it.
struct Old(MemoryStore, Mark);

impl Old {
    /// The committed rows of a run.
    fn of(run: &Run) -> Self {
        let mut store = MemoryStore::default();
        let rows = last_rows(&run.sent).into_iter().filter_map(|((topic, key), sent)| {
            let Topic::Report(category, view) = topic else { return None };
            let table = committed::table(category, view);
            Some(Change { table, key: key.as_bytes().into(), value: sent.value.as_deref().map(Into::into) })
        });
        store.apply(rows.collect()).expect("memory takes all");
        Self(store, Mark::unkept())
    }
}

impl Store for Old {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(table, key)
    }
    fn scan(&self, table: Table, from: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.0.scan(table, from, visit)
    }
    fn apply(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.0.apply(changes)
    }
    fn commit(&mut self, changes: Vec<Change>, mark: &Mark) -> Result<(), StoreError> {
        self.0.commit(changes, mark)
    }
    fn mark(&self) -> Option<&Mark> {
        Some(&self.1)
    }
    fn reset(&mut self, why: &str) -> Result<(), StoreError> {
        self.0.reset(why)
    }
    fn len(&self, table: Table) -> u64 {
        self.0.len(table)
    }
}

proptest! {
    /// Of what came since, the topics have forgotten each tombstone and all but the last row of a key.
    #[test]
    fn old_state_brings_nobody_back_though_the_topics_have_forgotten_who_was_removed(
        events in with_purges(),
        sizes in prop::collection::vec(1..20_usize, 1..9),
        cuts in [0.0..1.0_f64, 0.0..1.0_f64],
    ) {
        let values = encode(&events);
        let [old, now] = cuts.map(|cut| (values.len() as f64 * cut) as usize);
        let (old, now) = (old.min(now), old.max(now));
        let stale = run(&values[..old], &sizes);
        let mut whole = run(&values[..old], &sizes);
        whole.batches(&values[old..now], &sizes);
        let since = whole.sent[stale.sent.len()..].to_vec();
        let store = std::sync::Mutex::new(Some(Old::of(&stale)));
        let open = move |_| {
            let store = store.lock().expect("not poisoned").take().expect("opened once");
            Ok(Box::new(store) as Box<dyn Store>)
        };
        let stages = AggregatorStages::with_store(Codec::single_object(), open);
        let mut back = Run::of(stages.create(PARTITION).expect("memory opens"), now);
        for ((topic, key), sent) in last_rows(&since) {
            let record = record(0, Some(key.as_bytes()), sent.value.as_deref(), sent.timestamp);
            back.stage.restore(topic_index(topic), &record).expect("its own record");
        }
        back.stage.restored(&Mark::unkept()).expect("memory takes all");
        prop_assert_eq!(back.stage.rows(), whole.stage.rows());
        let sent = whole.sent.len();
        back.batches(&values[now..], &sizes);
        whole.batches(&values[now..], &sizes);
        prop_assert_eq!(&back.sent[..], &whole.sent[sent..]);
    }
}
