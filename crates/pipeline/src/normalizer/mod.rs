//! The normalizer over bytes: its topics, its configuration, and one stage per partition.

mod dedup;
mod emit;
mod flood;
mod ledger;
mod restore;
mod sequence;
mod settings;
mod stage;
mod state;
mod store;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::stage::store::{Store, StoreError};
use ::stage::{Partition, PartitionCount, Stage, StageError, StageFactory, StageSpec};
use catalog::{Category, Reason, Topic};
use codec::Codec;
use normalizer::Rules;

use self::stage::NormalizerStage;
use crate::errors::storing;
use crate::topics::{topic_index, topic_names};

pub use flood::FloodLimit;
pub use store::NormalizerStore;

/// The stage's name, in groups, coverage keys, headers and metrics.
pub const NORMALIZER: &str = "normalizer";

/// `Outcome::Skip` of an action that was seen before.
pub(crate) const DUPLICATE: &str = "duplicate";
/// `Outcome::Skip` of an action that a rule says makes no event.
pub(crate) const SUPPRESSED: &str = "suppressed";

/// What the normalizer must be told.
#[derive(Clone)]
pub struct NormalizerConfig {
    /// How many partitions every topic has.
    pub partitions: PartitionCount,
    /// The most bytes an action's value may have.
    pub max_value_bytes: usize,
    /// Deliveries of one action less than this apart are duplicates; must exceed the retention of
    /// actions and of dead letters.
    pub dedup_window: Duration,
    /// Whether, and from where on, a flood of unknown actions stops the stage.
    pub flood_limit: Option<FloodLimit>,
    /// How records are read and written.
    pub codec: Codec,
}

impl NormalizerConfig {
    /// The defaults: 1 MiB, 35 days, no flood stops it.
    #[must_use]
    pub fn new(partitions: PartitionCount, codec: Codec) -> Self {
        let dedup_window = Rules::default().dedup_window;
        Self { partitions, max_value_bytes: 1024 * 1024, dedup_window, flood_limit: None, codec }
    }
}

/// Opens the committed state of one partition.
type OpenStore = Arc<dyn Fn(Partition) -> Result<Box<dyn Store>, StoreError> + Send + Sync>;

/// Makes the normalizer's stages.
#[derive(Clone)]
pub struct NormalizerStages {
    spec: StageSpec,
    config: NormalizerConfig,
    open: OpenStore,
}

impl fmt::Debug for NormalizerStages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NormalizerStages").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl NormalizerStages {
    /// Stages that keep their state in memory.
    #[must_use]
    pub fn new(config: NormalizerConfig) -> Self {
        Self::with_store(config, |_| Ok(Box::<NormalizerStore>::default()))
    }

    /// Stages that keep their committed state in what `open` opens for each partition.
    #[must_use]
    pub fn with_store(
        config: NormalizerConfig,
        open: impl Fn(Partition) -> Result<Box<dyn Store>, StoreError> + Send + Sync + 'static,
    ) -> Self {
        Self { spec: spec(), config, open: Arc::new(open) }
    }
}

impl StageFactory for NormalizerStages {
    fn spec(&self) -> &StageSpec {
        &self.spec
    }

    fn create(&self, partition: Partition) -> Result<Box<dyn Stage>, StageError> {
        let store = (self.open)(partition).map_err(storing)?;
        Ok(Box::new(NormalizerStage::open(partition, &self.config, store)?))
    }
}

fn spec() -> StageSpec {
    let outputs =
        [Topic::Events, Topic::Receipts, Topic::DeadLetters, Topic::Ledger, Topic::Settings, Topic::Actions];
    StageSpec {
        name: NORMALIZER,
        topics: topic_names(),
        input: topic_index(Topic::Actions),
        ledger: topic_index(Topic::Ledger),
        outputs: outputs.map(topic_index).into(),
        classes: Category::ALL.map(Category::name).into(),
        skips: vec![DUPLICATE, SUPPRESSED],
        rejects: Reason::ALL.map(Reason::name).into(),
    }
}

#[cfg(test)]
mod tests;
