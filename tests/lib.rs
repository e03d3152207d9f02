//! What the end-to-end tests share: a stage that copies, so that the loop can be seen bare.

pub mod copying;
