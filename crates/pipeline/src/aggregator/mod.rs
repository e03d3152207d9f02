//! The aggregator as a stage over bytes: audit events in, changed report rows out.
//!
//! The report topics are its changelog: what is written to partition p of them is all its state of
//! partition p, so that a restore puts the values back as they are, without reading them.

mod committed;
mod partition;
mod purged;
mod refold;
mod sweep;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod unfinished;

use catalog::{Category, Topic, View};
use codec::Codec;
use stage::store::{MemoryStore, Store, StoreError};
use stage::{Label, Partition, Stage, StageError, StageFactory, StageSpec};

use crate::errors::storing;
use crate::topics::{topic_index, topic_names};
use partition::AggregatorStage;

pub use refold::{Refold, Refolded};
pub use unfinished::{rebuild_key, rebuild_name};

/// The stage's name: part of its group, its transactional ids and the key of its coverage.
pub const AGGREGATOR: Label = "aggregator";

/// Opens the committed state of one partition.
type OpenStore = dyn Fn(Partition) -> Result<Box<dyn Store>, StoreError> + Send + Sync;

/// Makes one aggregator per partition.
pub struct AggregatorStages {
    spec: StageSpec,
    codec: Codec,
    open: Box<OpenStore>,
}

impl AggregatorStages {
    /// Aggregators that keep their state in memory.
    #[must_use]
    pub fn new(codec: Codec) -> Self {
        Self::with_store(codec, |_| Ok(Box::new(MemoryStore::default())))
    }

    /// Aggregators that keep their committed state in what `open` opens for each partition.
    #[must_use]
    pub fn with_store(
        codec: Codec,
        open: impl Fn(Partition) -> Result<Box<dyn Store>, StoreError> + Send + Sync + 'static,
    ) -> Self {
        Self { spec: spec(), codec, open: Box::new(open) }
    }
}

impl StageFactory for AggregatorStages {
    fn spec(&self) -> &StageSpec {
        &self.spec
    }

    fn create(&self, partition: Partition) -> Result<Box<dyn Stage>, StageError> {
        let store = (self.open)(partition).map_err(storing)?;
        Ok(Box::new(AggregatorStage::open(partition, &self.codec, store)?))
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
