//! The aggregator as a stage over bytes: audit events in, changed report rows out.
//!
//! The report topics are its changelog: what is written to partition p of them is all its state of
//! partition p, so that a restore puts the values back as they are, without reading them.

mod committed;
mod partition;
mod sweep;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use catalog::{Category, Topic, View};
use codec::Codec;
use stage::store::{MemoryStore, Store};
use stage::{Label, Partition, Stage, StageFactory, StageSpec};

use crate::topics::{topic_index, topic_names};
use partition::AggregatorStage;

/// The stage's name: part of its group, its transactional ids and the key of its coverage.
pub const AGGREGATOR: Label = "aggregator";

/// Makes the committed state of one partition, empty.
type NewStore = dyn Fn(Partition) -> Box<dyn Store> + Send + Sync;

/// Makes one aggregator per partition.
pub struct AggregatorStages {
    spec: StageSpec,
    codec: Codec,
    store: Box<NewStore>,
}

impl AggregatorStages {
    /// Aggregators that keep their state in memory.
    #[must_use]
    pub fn new(codec: Codec) -> Self {
        Self::with_store(codec, |_| Box::new(MemoryStore::default()))
    }

    /// Aggregators that keep their state in what `store` makes for each partition.
    #[must_use]
    pub fn with_store(
        codec: Codec,
        store: impl Fn(Partition) -> Box<dyn Store> + Send + Sync + 'static,
    ) -> Self {
        Self { spec: spec(), codec, store: Box::new(store) }
    }
}

impl StageFactory for AggregatorStages {
    fn spec(&self) -> &StageSpec {
        &self.spec
    }

    fn create(&self, partition: Partition) -> Box<dyn Stage> {
        Box::new(AggregatorStage::new(partition, &self.codec, (self.store)(partition)))
    }
}

/// The 36 report topics, in the order of topics.
fn reports() -> impl Iterator<Item = (Category, View)> {
    Category::ALL.into_iter().flat_map(|category| View::ALL.map(|view| (category, view)))
}

fn spec() -> StageSpec {
    let reports = reports().map(|(category, view)| Topic::Report(category, view));
    StageSpec {
        name: AGGREGATOR,
        topics: topic_names(),
        input: topic_index(Topic::Events),
        ledger: topic_index(Topic::Ledger),
        // Of the ledger it writes only its coverage. Receipts are not here: the normalizer writes
        // them too, so they say nothing about whether this stage has run.
        outputs: reports.chain([Topic::Ledger]).map(topic_index).collect(),
        classes: Category::ALL.map(Category::name).to_vec(),
        skips: Vec::new(),
        rejects: Vec::new(),
    }
}
