//! What ends a pass of the loop: an error of the broker or of the stage, with its place.

use std::fmt;

use stage::{Offset, Partition, StageError};

use crate::error::{BrokerError, Cause, Remedy};

/// What ended a pass of the loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A call to the broker failed.
    Broker(BrokerError),
    /// A stage could not go on.
    Stage {
        /// Why.
        error: StageError,
        /// Where.
        place: String,
    },
}

impl Failure {
    pub(crate) fn stage(error: StageError, topic: &str, partition: Partition, offset: Offset) -> Self {
        Self::Stage { error, place: format!("{topic} partition {partition} offset {offset}") }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Broker(error) => error.remedy,
            Self::Stage { error: StageError::Retry(_), .. } => Remedy::Retry,
            Self::Stage { error: StageError::Rebuild(_) | StageError::Storage(_), .. } => Remedy::Rebuild,
            Self::Stage { error: StageError::Stop(_), .. } => Remedy::Stop,
        }
    }

    /// Where it comes from.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Self::Broker(error) => error.cause,
            Self::Stage { error: StageError::Retry(_), .. } => Cause::Transport,
            Self::Stage { error: StageError::Storage(_), .. } => Cause::Storage,
            Self::Stage { .. } => Cause::Other,
        }
    }
}

impl From<BrokerError> for Failure {
    fn from(error: BrokerError) -> Self {
        Self::Broker(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker(error) => error.fmt(f),
            Self::Stage { error, place } => write!(f, "{place}: {error}"),
        }
    }
}

impl std::error::Error for Failure {}
