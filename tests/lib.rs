//! What the end-to-end tests share: a stage that copies, so that the loop can be seen bare; and the trail on a real broker,
//! run as its users run it, read back, accounted for and compared with an undisturbed computation; the faults that are done to
//! it; and the mutations that those faults must show.

pub mod copying;
pub mod faults;
pub mod mutations;
pub mod trail;
