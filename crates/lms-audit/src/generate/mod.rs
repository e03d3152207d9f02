//! Makes actions as a platform would send them, with everything that goes wrong in practice, and
//! says of each what must become of it.
//!
//! Pure and deterministic: the same options give the same bytes. What is expected holds if each
//! tenant's log order is the order of making, so nothing that depends on order is ever made with a
//! key that leads elsewhere.

mod case;
mod draft;
mod expect;
mod flaw;
mod generator;
mod options;
mod random;
mod world;

pub use case::Case;
pub use expect::{Expect, Fate, Route, Summary};
pub use flaw::Flaw;
pub use generator::Generator;
pub use options::{Made, Options};

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod tests;
