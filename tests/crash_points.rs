//! Both stages of the trail on the embedded log, with the process killed, or a call failing, at every step that they make: the
//! committed outputs are always those of an undisturbed computation over the same log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use catalog::Topic;
use codec::Codec;
use embedded::{EmbeddedLog, LogRecord, Waiting, crash_points};
use pipeline::{AGGREGATOR, AggregatorStages, NORMALIZER, NormalizerConfig, NormalizerStages};
use runtime::{
    Audience, Limits, MembershipKind, Metrics, StageMetrics, Stop, Unobserved, Worker, WorkerConfig,
};
use serde_json::{Value, json};
use stage::store::{Change, Store, StoreError, Table, Visit};
use stage::{Label, Mark, Millis, Partition, PartitionCount, StageFactory};
use testkit::Taken;
use tests::trail::{Account, Outputs, PARTITIONS, account, action, difference, in_partition};

/// The time at the broker and everywhere.
const NOW: i64 = 1_793_610_843_500;

/// Where an action is put and what it says.
type Put = (u32, Vec<u8>);

/// An action of a minute ago.
fn earlier(tenant: &str, id: &str, mut more: Value) -> Vec<u8> {
    more.as_object_mut().expect("fields").entry("occurred_at").or_insert(json!(NOW - 60_000));
    action(tenant, id, more)
}

/// Everything that can become of an action, in waves, each sent when the one before is done.
fn waves() -> Vec<Vec<Put>> {
    let (near, far) = (in_partition("crash", 0), in_partition("crash", 1));
    let course = json!({"kind": "course", "id": "c-1"});
    let plain = |tenant: &str, id: &str| earlier(tenant, id, json!({}));
    let off = json!({
        "action": "course.updated", "user": null, "attributes": {"certificate_expiry": "disabled"},
    });
    let expired = json!({
        "action": "certificate.expired", "object": {"kind": "certificate", "id": "z-1"}, "within": [course],
    });
    let purged = json!({"action": "learner.purged", "object": null, "occurred_at": NOW - 1000});
    vec![
        vec![
            (0, plain(&near, "a")),
            (1, plain(&near, "astray")),
            (0, b"no action".to_vec()),
            (1, earlier(&far, "off", off)),
            (0, plain(&near, "a")),
        ],
        vec![
            (1, earlier(&far, "expired", expired)),
            (0, earlier(&near, "a", json!({"object": {"kind": "course", "id": "another"}}))),
            (0, earlier(&near, "b", json!({"user": {"id": "u-2"}}))),
            (0, plain(&far, "from-near")),
        ],
        vec![(0, earlier(&near, "purge", purged)), (1, plain(&near, "astray")), (1, plain(&far, "late"))],
    ]
}

fn prepare() -> EmbeddedLog {
    let log = EmbeddedLog::new(Arc::new(|| Millis::new(NOW)), Waiting::AtOnce);
    for topic in Topic::all() {
        match topic {
            Topic::Actions => log.create_stamped_topic(&topic.name(), PARTITIONS),
            _ => log.create_topic(&topic.name(), PARTITIONS),
        }
    }
    log
}

/// State that outlives its process, as on disk: what was committed with its mark, and what was only applied either
/// kept, too, or lost.
#[derive(Clone, Default)]
struct Kept {
    stores: Arc<Mutex<Stores>>,
    applied_is_lost: bool,
    disk: Arc<Mutex<Disk>>,
    /// Why state was set aside, each time.
    set_aside: Arc<Mutex<Vec<String>>>,
}

type Stores = BTreeMap<(Label, Partition), Cellar>;

/// A disk that takes no writes for a while.
#[derive(Clone, Copy, Default)]
struct Disk {
    /// Commits of stores that were asked for so far.
    asked: u32,
    /// From which one on they fail, and how many do.
    fails_from: u32,
    fails: u32,
    /// Those that failed.
    failed: u32,
}

impl Disk {
    fn write(&mut self) -> Result<(), StoreError> {
        let fails = (self.fails_from..self.fails_from + self.fails).contains(&self.asked);
        self.asked += 1;
        self.failed += u32::from(fails);
        if fails { Err(StoreError::Unwritable("no space left on device".into())) } else { Ok(()) }
    }
}

type Cells = BTreeMap<(Table, Vec<u8>), Vec<u8>>;
type Cellar = (Cells, Option<Mark>);

impl Kept {
    fn opener(
        &self,
        stage: Label,
    ) -> impl Fn(Partition) -> Result<Box<dyn Store>, StoreError> + Send + Sync + 'static {
        let kept = self.clone();
        move |partition| {
            let (cells, mark) = kept
                .stores
                .lock()
                .expect("nobody panics")
                .get(&(stage, partition))
                .cloned()
                .unwrap_or_default();
            Ok(Box::new(Open { kept: kept.clone(), place: (stage, partition), cells, mark }))
        }
    }
}

struct Open {
    kept: Kept,
    place: (Label, Partition),
    cells: Cells,
    mark: Option<Mark>,
}

impl Open {
    fn keep(&self) {
        let mut stores = self.kept.stores.lock().expect("nobody panics");
        stores.insert(self.place, (self.cells.clone(), self.mark.clone()));
    }
}

impl Store for Open {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.cells.get(&(table, key.to_vec())).cloned())
    }

    fn scan(&self, table: Table, from: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let of_table = |((other, _), _): &(&(Table, Vec<u8>), &Vec<u8>)| *other == table;
        for ((_, key), value) in self.cells.range((table, from.to_vec())..).take_while(of_table) {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn apply(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        for Change { table, key, value } in changes {
            match value {
                Some(value) => self.cells.insert((table, key.into()), value.into()),
                None => self.cells.remove(&(table, key.into())),
            };
        }
        if !self.kept.applied_is_lost {
            self.keep();
        }
        Ok(())
    }

    fn commit(&mut self, changes: Vec<Change>, mark: &Mark) -> Result<(), StoreError> {
        self.kept.disk.lock().expect("nobody panics").write()?;
        self.apply(changes)?;
        self.mark = Some(mark.clone());
        self.keep();
        Ok(())
    }

    fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }

    fn reset(&mut self, why: &str) -> Result<(), StoreError> {
        self.kept.set_aside.lock().expect("nobody panics").push(why.to_owned());
        (self.cells, self.mark) = (Cells::new(), None);
        self.keep();
        Ok(())
    }

    fn len(&self, table: Table) -> u64 {
        self.cells.keys().filter(|(other, _)| *other == table).count() as u64
    }
}

/// A stage, and what counts its work; made once, as no run changes it.
struct Part {
    factory: Arc<dyn StageFactory>,
    metrics: StageMetrics,
}

fn parts(kept: Option<&Kept>) -> Vec<Part> {
    let count = PartitionCount::new(PARTITIONS).expect("more than none");
    let codec = Codec::single_object();
    let config = NormalizerConfig::new(count, codec.clone());
    let (normalizer, aggregator) = match kept {
        None => (NormalizerStages::new(config), AggregatorStages::new(codec)),
        Some(kept) => (
            NormalizerStages::with_store(config, kept.opener(NORMALIZER)),
            AggregatorStages::with_store(codec, kept.opener(AGGREGATOR)),
        ),
    };
    let factories: [Arc<dyn StageFactory>; 2] = [Arc::new(normalizer), Arc::new(aggregator)];
    let part = |factory: Arc<dyn StageFactory>| {
        let registry = prometheus::Registry::new();
        let metrics = Metrics::register(&registry).expect("a fresh registry").stage(factory.spec());
        Part { factory, metrics }
    };
    factories.map(part).into()
}

/// What lies in the log in the end.
struct Seen {
    actions: Vec<Taken>,
    outputs: Outputs,
}

/// Workers of both stages, started again after every death, driven in turn by one thread.
struct Supervised<'a> {
    log: EmbeddedLog,
    parts: &'a [Part],
    waves: &'a [Vec<Put>],
    stop: Stop,
}

impl<'a> Supervised<'a> {
    fn new(log: &EmbeddedLog, parts: &'a [Part], waves: &'a [Vec<Put>]) -> Self {
        // Told to stop, a worker does not sleep between two tries; its passes are the same.
        let stop = Stop::default();
        stop.set();
        Self { log: log.clone(), parts, waves, stop }
    }

    fn workers(&self) -> Vec<Worker<EmbeddedLog>> {
        let worker = |part: &Part| {
            let config = WorkerConfig {
                app: "test".into(),
                instance: "one".into(),
                number: 0,
                membership: MembershipKind::Static,
                limits: Limits { rest: Duration::ZERO, ..Limits::every(Duration::ZERO) },
                restores: 2,
                oldest_state: Arc::new(|| Duration::from_secs(14 * 86_400)),
                clock: Arc::new(|| Millis::new(NOW)),
            };
            let audience = Audience { metrics: part.metrics.clone(), observer: Arc::new(Unobserved) };
            Worker::new(self.log.restart(), Arc::clone(&part.factory), config, audience)
        };
        self.parts.iter().map(worker).collect()
    }

    fn run(&self) -> Result<Seen, String> {
        let mut workers = self.workers();
        let mut waves = self.waves.iter();
        for _ in 0..300 {
            if self.is_done() {
                match waves.next() {
                    Some(wave) => self.append(wave),
                    None => return Ok(self.seen()),
                }
            }
            for worker in &mut workers {
                let Err(failure) = worker.pass(&self.stop) else { continue };
                let dead = failure.to_string().contains("the process has crashed");
                let Err(failure) = worker.recover(failure, &self.stop) else { continue };
                if !dead {
                    return Err(failure.to_string());
                }
                // Both died; the other is gone before it learns of it.
                workers = self.workers();
                break;
            }
        }
        Err("the stages came to no end".into())
    }

    fn append(&self, wave: &[Put]) {
        for (partition, value) in wave {
            let record = LogRecord::new(Millis::new(0), b"key", value);
            let placed = self.log.append(&Topic::Actions.name(), Partition::new(*partition), record);
            placed.expect("the topic is there");
        }
    }

    fn is_done(&self) -> bool {
        self.parts.iter().all(|part| {
            let spec = part.factory.spec();
            let input = spec.topic(spec.input);
            let group = WorkerConfig::group("test", spec.name);
            (0..PARTITIONS).map(Partition::new).all(|partition| {
                let records = self.log.dump(input, partition).expect("the topic is there");
                let last = records.last().map_or(-1, |(offset, _)| offset.number());
                let next = self.log.group_offset(&group, input, partition);
                next.is_some_and(|next| next.number() > last)
            })
        })
    }

    fn seen(&self) -> Seen {
        let mut seen = Seen { actions: Vec::new(), outputs: Outputs::default() };
        for topic in Topic::all() {
            for partition in 0..PARTITIONS {
                let records = self.log.dump(&topic.name(), Partition::new(partition));
                for (offset, record) in records.expect("the topic is there") {
                    let taken = taken(partition, offset.number(), record);
                    match topic {
                        Topic::Actions => seen.actions.push(taken),
                        _ => seen.outputs.add(topic, partition, taken.into()),
                    }
                }
            }
        }
        seen
    }
}

fn taken(partition: u32, offset: i64, record: LogRecord) -> Taken {
    let LogRecord { timestamp, key, value, headers } = record;
    Taken {
        partition: partition.cast_signed(),
        offset,
        timestamp_ms: Some(timestamp.get()),
        key,
        value,
        headers: headers
            .into_iter()
            .map(|(name, value)| (String::from_utf8_lossy(&name).into_owned(), value))
            .collect(),
    }
}

#[test]
fn both_stages_survive_every_crash_point() {
    let parts = parts(None);
    survive(|log, waves| Supervised::new(log, &parts, waves).run());
}

#[test]
fn both_stages_survive_every_crash_point_with_state_that_outlives_them() {
    for applied_is_lost in [false, true] {
        survive(|log, waves| {
            let kept = Kept { applied_is_lost, ..Kept::default() };
            let seen = Supervised::new(log, &parts(Some(&kept)), waves).run();
            let set_aside = kept.set_aside.lock().expect("nobody panics");
            assert!(set_aside.is_empty(), "the state always fits the topics here: {set_aside:?}");
            seen
        });
    }
}

/// All waves with a disk that fails like this, and, after a restart, one action more in each partition; what is seen and kept in
/// the end, and how many commits the waves took.
fn on_disk(fails_from: u32, fails: u32) -> (Account, Vec<(Label, Partition, Cells)>, u32) {
    let disk = Arc::new(Mutex::new(Disk { fails_from, fails, ..Disk::default() }));
    let kept = Kept { disk: Arc::clone(&disk), ..Kept::default() };
    let (log, parts) = (prepare(), parts(Some(&kept)));
    let run = |waves: &[Vec<Put>]| {
        let seen = Supervised::new(&log, &parts, waves).run();
        seen.unwrap_or_else(|why| panic!("{fails} failures from commit {fails_from} on: {why}"))
    };
    run(&waves());
    let asked = disk.lock().expect("nobody panics").asked;
    let more = (0..PARTITIONS).map(|p| (p, earlier(&in_partition("crash", p), "more", json!({}))));
    let seen = run(&[more.collect()]);
    assert_eq!(difference(&seen.actions, &seen.outputs), None, "{fails} failures from {fails_from} on");
    let stores = kept.stores.lock().expect("nobody panics");
    let cells = stores.iter().map(|((stage, partition), (cells, _))| (*stage, *partition, cells.clone()));
    let failed = disk.lock().expect("nobody panics").failed;
    assert_eq!(failed, fails, "from commit {fails_from} on");
    (account(&seen.actions, &seen.outputs), cells.collect(), asked)
}

#[test]
fn a_disk_that_takes_no_writes_for_a_while_is_waited_out() {
    let (wanted, cells, commits) = on_disk(0, 0);
    assert!(commits > 15, "{commits} commits are too few");
    for fails in [1, 2, 25] {
        for from in 0..commits {
            let (account, kept, _) = on_disk(from, fails);
            assert_eq!(account, wanted, "{fails} failures from commit {from} on");
            for ((stage, partition, kept), (_, _, cells)) in kept.iter().zip(&cells) {
                let place = format!("{fails} failures from commit {from} on: {stage} {partition}");
                assert_eq!(kept.keys().collect::<Vec<_>>(), cells.keys().collect::<Vec<_>>(), "{place}");
                assert!(kept == cells, "{place}: the state afterwards is another one");
            }
        }
    }
}

/// The same cluster, and a topic that was made anew under its old name.
#[test]
fn state_of_a_topic_that_was_made_anew_is_set_aside() {
    let kept = Kept::default();
    let (log, waves) = (prepare(), waves());
    let (first, rest) = waves.split_at(1);
    Supervised::new(&log, &parts(Some(&kept)), first).run().expect("nothing is wrong");
    log.create_topic(&Topic::Receipts.name(), PARTITIONS);
    Supervised::new(&log, &parts(Some(&kept)), rest).run().expect("it goes on from coverage");
    let set_aside = kept.set_aside.lock().expect("nobody panics");
    let why = "it is of another cluster, or of topics that were made anew";
    assert_eq!(*set_aside, vec![why; 2 * PARTITIONS as usize], "each partition of both stages");
}

fn survive(run: impl Fn(&EmbeddedLog, &[Vec<Put>]) -> Result<Seen, String>) {
    let waves = waves();
    let mut wrong = Vec::new();
    let points = crash_points(
        prepare,
        |log| run(log, &waves),
        |point, undisturbed, disturbed| {
            let expected = undisturbed.as_ref().expect("without a fault all goes well");
            let found = disturbed.and_then(|seen| match difference(&seen.actions, &seen.outputs) {
                None => Ok(account(&seen.actions, &seen.outputs)),
                Some(difference) => Err(difference),
            });
            let wanted = wanted();
            assert_eq!(account(&expected.actions, &expected.outputs), wanted, "without a fault");
            if found.as_ref() != Ok(&wanted) {
                wrong.push(format!("{point}: {found:?}"));
            }
        },
    );
    assert!(wrong.is_empty(), "{} of {points} crash points:\n{}", wrong.len(), wrong.join("\n"));
    assert!(points > 500, "{points} crash points are too few to be all");
}

/// What the waves come to.
fn wanted() -> Account {
    Account {
        recorded: 7,
        duplicate: 2,
        suppressed: 1,
        dead_lettered: [("malformed", 1), ("conflicting_duplicate", 1)]
            .map(|(reason, count)| (reason.to_owned(), count))
            .into(),
        rerouted: 3,
    }
}
