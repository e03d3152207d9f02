//! The normalizer through the contract of stages, over bytes: what each verdict writes, and that
//! no cut of the log, no abort and no restart changes what is written.

mod edges;
mod log;
mod outputs;
mod properties;
mod restart;
mod sequences;
mod speed;
mod world;
