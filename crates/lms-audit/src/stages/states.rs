//! Where the stages keep their committed state: in memory, or in the folder that `state.dir` names.

use anyhow::Context as _;
use codec::Codec;
use pipeline::{AGGREGATOR, AggregatorStages, NORMALIZER, NormalizerConfig, NormalizerStages};
use stage::store::{Store, StoreError};
use stage::{Label, Partition};
use state::{Folder, FolderError, Memory};

use super::Which;
use crate::config::Config;
use crate::verdict::Misuse;

/// The state of the stages of this process.
pub(super) struct States {
    folder: Option<Folder>,
}

impl States {
    /// Takes hold of the folder, where one is configured.
    ///
    /// # Errors
    /// When another process holds it, or it cannot be written.
    pub(super) fn open(config: &Config, which: Which) -> anyhow::Result<Self> {
        let Some(dir) = &config.state.dir else { return Ok(Self { folder: None }) };
        let stages = if which == Which::All { 2 } else { 1 };
        let bytes = u64::from(config.state.memory_mb) << 20;
        let memory = Memory { bytes, stores: stages * config.topics.partitions };
        let folder = Folder::hold(dir, memory).map_err(|error| match error {
            FolderError::Held { .. } | FolderError::NoFolder { .. } => {
                anyhow::Error::new(Misuse(error.to_string()))
            }
            error => anyhow::Error::new(error),
        });
        Ok(Self { folder: Some(folder.context("state.dir")?) })
    }

    /// The normalizer's stages.
    pub(super) fn normalizer(&self, config: NormalizerConfig) -> NormalizerStages {
        match self.stores(NORMALIZER) {
            Some(stores) => NormalizerStages::with_store(config, stores),
            None => NormalizerStages::new(config),
        }
    }

    /// The aggregator's stages.
    pub(super) fn aggregator(&self, codec: Codec) -> AggregatorStages {
        match self.stores(AGGREGATOR) {
            Some(stores) => AggregatorStages::with_store(codec, stores),
            None => AggregatorStages::new(codec),
        }
    }

    fn stores(
        &self,
        stage: Label,
    ) -> Option<impl Fn(Partition) -> Result<Box<dyn Store>, StoreError> + Send + Sync + 'static> {
        let folder = self.folder.clone()?;
        Some(move |partition| {
            let store: Box<dyn Store> = Box::new(folder.open(stage, partition)?);
            #[cfg(feature = "failpoints")]
            let store = super::failpoints::failing(store);
            Ok(store)
        })
    }
}
