//! The topics as they shall be, what differs in those that are there, and the steps between.
//!
//! All of it is pure: `topics apply|verify` and the running stages call it on what the broker says.

mod plan;
mod steps;
mod verify;

pub use plan::{check, max_message_bytes, names, oldest_state, plan};
pub use steps::{Conflict, Step, steps};
pub use verify::{Finding, Weight, verify};
