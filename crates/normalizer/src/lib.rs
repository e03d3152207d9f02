//! The rules that turn one action into one verdict, over domain values alone.
//!
//! The same log gives the same verdicts: this crate must not know a clock, a random number, a log,
//! nor how anything is written on the wire. State is behind [`Memory`]; time is an argument.

mod dedup;
mod digest;
mod event;
mod memory;
mod normalize;
mod place;
mod route;
mod sequence;
mod suppress;
#[cfg(test)]
mod testing;
mod validate;
mod verdict;

pub use digest::{DIGEST_VERSION, digest};
pub use memory::{Counted, Delivery, Memory, Received, Seen};
pub use normalize::normalize;
pub use place::{Place, Rerouted, Rules, Unreadable};
pub use sequence::{first_number, next_number};
pub use verdict::Verdict;
