//! Mutations: the product with one safety rule switched off, and the fault campaign that must go red over it. A campaign that
//! stays green over such a product proves nothing. `mutations.toml` is the table of them, `main.rs` their command.

#![allow(unreachable_pub, reason = "the parts of one runner, of which few things are for others")]

mod outcome;
mod product;
mod runner;
mod sign;
mod table;
mod tree;

pub use outcome::{Outcome, table as outcomes};
pub use runner::Runner;
pub use sign::{Sign, signs};
pub use table::{Campaign, Edit, Mutation, Table};
pub use tree::Tree;
