//! The fault campaign: the trail on Apache Kafka, its input flowing, disturbed by a schedule that a seed gives; and afterwards a
//! judge that says what was lost, doubled, put out of order or made different. `main.rs` beside this file is its command.

#![allow(unreachable_pub, reason = "the parts of one campaign, of which few things are for others")]

mod evidence;
mod hall;
mod inject;
mod input;
mod kind;
mod logs;
mod memory;
mod options;
mod process;
mod progress;
mod report;
mod run;
mod schedule;
mod settled;
mod stage;
mod verdict;

pub use evidence::Hit;
pub use kind::{Kind, Nodes};
pub use options::{Bounds, Options};
pub use report::Report;
pub use run::{Done, FaultDone, run};
pub use schedule::{Fault, NodesChoice, Plan, Schedule};
pub use verdict::{JudgeChoice, Verdict};
