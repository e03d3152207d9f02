//! What a stage's committed state reflects: how it is known, after a restart, what is left to read.

use std::collections::BTreeMap;

use crate::{Coverage, Millis, Offset, TopicIndex};

/// What the committed state of one partition reflects, kept with the state itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Names the cluster and the topics that the offsets speak of: another name, other offsets.
    pub trail: String,
    /// When it was made.
    pub at: Millis,
    /// How far the stage has come; `None` while a first restore is under way.
    pub coverage: Option<Coverage>,
    /// Of each topic that the state is restored from, the first offset that it does not reflect.
    pub changelogs: BTreeMap<TopicIndex, Offset>,
}

impl Mark {
    /// The mark of state that nobody keeps.
    #[must_use]
    pub fn unkept() -> Self {
        Self { trail: String::new(), at: Millis::new(0), coverage: None, changelogs: BTreeMap::new() }
    }
}
