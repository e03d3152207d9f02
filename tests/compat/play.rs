//! Both stages over a dump's actions: from nothing, from what its topics hold, or from its state.

use std::collections::BTreeMap;

use catalog::Topic;
use codec::Codec;
use pipeline::{AGGREGATOR, AggregatorStages, NORMALIZER, NormalizerStages, topic_index};
use stage::store::{Store, StoreError};
use stage::{
    Coverage, Mark, Millis, Offset, Partition, PartitionCount, ReadFrom, RestorePoint, Stage, StageFactory,
    TopicIndex,
};

use crate::dump::Dump;
use crate::input;
use crate::log::{Lying, Outputs, Phase};
use crate::state::State;

/// Records of a transaction before the cut; what comes after it is one.
const TRANSACTION: usize = 50;
/// When coverage is committed: what the dump says of time is the actions' own.
const COMMITTED: Millis = Millis::new(1_793_700_000_000);

/// How many partitions a dump has.
pub(crate) fn count(dump: &Dump) -> PartitionCount {
    PartitionCount::new(dump.partitions).expect("a dump has partitions")
}

/// What both stages write that were restored from the topics before the cut.
pub(crate) fn from_topics(dump: &Dump) -> Vec<Lying> {
    let before = dump.outputs(Phase::Before);
    let mut outputs = Outputs::default();
    for partition in count(dump).partitions() {
        let actions = dump.actions(Phase::After, partition.number());
        let mut stage =
            input::stages(count(dump), dump.codec()).create(partition).expect("the state is in memory");
        restore(
            stage.as_mut(),
            NORMALIZER,
            &before,
            partition,
            actions.first().map(|action| input::time(action)),
        );
        transaction(stage.as_mut(), &actions, &mut outputs);
        let mut stage =
            AggregatorStages::new(dump.codec()).create(partition).expect("the state is in memory");
        restore(stage.as_mut(), AGGREGATOR, &before, partition, None);
        transaction(stage.as_mut(), &events(&dump.outputs(Phase::After), partition), &mut outputs);
    }
    without_actions(outputs)
}

/// What both stages write that opened the state; none where it was set aside.
pub(crate) fn from_state(dump: &Dump, state: &State) -> Option<Vec<Lying>> {
    let folder = state.unpack();
    let (normalizer, aggregator) = kept(dump.codec(), count(dump), folder.open());
    let mut outputs = Outputs::default();
    for partition in count(dump).partitions() {
        let actions = dump.actions(Phase::After, partition.number());
        let mut stage = normalizer.create(partition).expect("it opens, or begins empty");
        stage.mark()?;
        transaction(stage.as_mut(), &actions, &mut outputs);
        let mut stage = aggregator.create(partition).expect("it opens, or begins empty");
        stage.mark()?;
        transaction(stage.as_mut(), &events(&dump.outputs(Phase::After), partition), &mut outputs);
    }
    Some(without_actions(outputs))
}

/// Stages that keep their state where `open` says.
pub(crate) fn kept<O>(codec: Codec, count: PartitionCount, open: O) -> (NormalizerStages, AggregatorStages)
where
    O: Fn(&'static str, Partition) -> Result<Box<dyn Store>, StoreError> + Clone + Send + Sync + 'static,
{
    let of_aggregator = open.clone();
    (
        NormalizerStages::with_store(input::config(count, codec.clone()), move |partition| {
            open(NORMALIZER, partition)
        }),
        AggregatorStages::with_store(codec, move |partition| of_aggregator(AGGREGATOR, partition)),
    )
}

/// Processes the actions up to the cut by several transactions, and those behind it by one, in these stages; gives what was
/// written before and after.
pub(crate) fn from_nothing(
    stages: &(NormalizerStages, AggregatorStages),
    before: &[&Lying],
    after: &[&Lying],
    partition: Partition,
    outputs: [&mut Outputs; 2],
    cut: &mut dyn FnMut(),
) {
    let [first, second] = outputs;
    let mut normalizer = stages.0.create(partition).expect("the state can be kept");
    let mut aggregator = stages.1.create(partition).expect("the state can be kept");
    for actions in before.chunks(TRANSACTION) {
        let already = first.0.len();
        transaction(normalizer.as_mut(), actions, first);
        let written = first.0[already..].to_vec();
        transaction(aggregator.as_mut(), &events(&written, partition), first);
    }
    cut();
    // Offsets go on where they were.
    second.0.extend_from_slice(&first.0);
    let already = second.0.len();
    transaction(normalizer.as_mut(), after, second);
    let written = second.0[already..].to_vec();
    transaction(aggregator.as_mut(), &events(&written, partition), second);
    second.0.drain(..already);
}

fn transaction(stage: &mut dyn Stage, records: &[&Lying], outputs: &mut Outputs) {
    for record in records {
        stage
            .process(&record.record(), outputs)
            .unwrap_or_else(|error| panic!("{}: {error}", record.place()));
    }
    stage.flush(outputs).expect("what it holds can be written");
    let mut mark = Mark { trail: "trail".into(), at: COMMITTED, coverage: None, changelogs: BTreeMap::new() };
    if let Some(last) = records.last() {
        let coverage = coverage(last);
        stage.cover(&coverage, COMMITTED, outputs).expect("coverage can be written");
        mark.coverage = Some(coverage);
    }
    stage.commit(&mark).expect("its state can be kept");
}

fn coverage(last: &Lying) -> Coverage {
    Coverage {
        next: Offset::new(last.offset + 1),
        last_read: Some(Millis::new(last.timestamp)),
        cluster_id: "4L6g3nShT-eMCtK--X86sw".into(),
        topic_id: "b8Jn1Y0sQdG9oYdC3mQy2A".into(),
        expired: 0,
    }
}

/// Restores a stage, which has this name, to go on with an action of this time.
fn restore(stage: &mut dyn Stage, name: &str, outputs: &[Lying], partition: Partition, time: Option<Millis>) {
    take(stage, topic_index(Topic::Ledger), ReadFrom::Start, outputs, partition);
    for changelog in stage.changelogs(RestorePoint { time }) {
        take(stage, changelog.topic, changelog.from, outputs, partition);
    }
    let key = catalog::coverage_key(name, partition.number());
    let covered =
        outputs.iter().any(|one| one.topic == Topic::Ledger && one.key.as_deref() == Some(key.as_bytes()));
    assert_eq!(stage.coverage().is_some(), covered, "coverage of the {name}, partition {partition}");
}

fn take(stage: &mut dyn Stage, topic: TopicIndex, from: ReadFrom, outputs: &[Lying], partition: Partition) {
    let here = |one: &&Lying| topic_index(one.topic) == topic && one.partition == partition.number();
    let older = |one: &&Lying| matches!(from, ReadFrom::Time(time) if one.timestamp < time.get());
    for one in outputs.iter().filter(here).skip_while(older) {
        let restored = stage.restore(topic, &one.record());
        restored.unwrap_or_else(|error| panic!("{}: {error}", one.place()));
    }
}

fn events(outputs: &[Lying], partition: Partition) -> Vec<&Lying> {
    outputs.iter().filter(|one| one.topic == Topic::Events && one.partition == partition.number()).collect()
}

/// Re-routed actions lie among the actions already.
pub(crate) fn without_actions(outputs: Outputs) -> Vec<Lying> {
    outputs.0.into_iter().filter(|one| one.topic != Topic::Actions).collect()
}
