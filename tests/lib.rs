//! What the end-to-end tests share: a stage that copies, so that the loop can be seen bare; and the trail on a real broker,
//! run as its users run it, read back, accounted for and compared with an undisturbed computation.

pub mod copying;
pub mod trail;
