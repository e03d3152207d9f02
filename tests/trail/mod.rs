//! The trail on a real broker: the product's processes, what they read and wrote, and the two judges of it: the account (each
//! action ends in exactly one place) and the undisturbed computation (the same outputs, byte for byte).

mod account;
mod actions;
mod calm;
mod chance;
mod outputs;
mod site;
mod undisturbed;

pub use account::{Account, account};
pub use actions::{action, generated, in_partition, now_millis, raw};
pub use calm::Calm;
pub use chance::Chance;
pub use outputs::{Outputs, Written};
pub use site::{Done, LONG, PARTITIONS, REPLAY_MENDED, Site, actions_topic};
pub use undisturbed::{Undisturbed, difference, judge, undisturbed};
