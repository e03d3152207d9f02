//! The aggregator: folds one audit event after the other into the rows of the report views.
//!
//! Pure: it asks no clock, draws no random number, logs nothing and knows neither bytes nor topics
//! of Kafka. What it must know of committed state it asks of [`Rows`]; what it changes it keeps in
//! an [`Overlay`], which yields each changed row once.

mod error;
mod fold;
mod layer;
mod overlay;
mod purge;
mod register;
mod retention;
mod rows;
mod sketch;
#[cfg(test)]
mod testing;
mod windows;

pub use error::FoldError;
pub use overlay::{Change, Overlay, Row};
pub use purge::{PURGES, concerns, is_purge, purged};
pub use retention::is_cleared;
pub use rows::Rows;
