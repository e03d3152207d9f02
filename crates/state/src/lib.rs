//! Committed state on disk: a cache of what the topics say, one directory per stage and partition.
//!
//! A [`Folder`] is held by one process. It opens a [`DiskStore`] per partition, over fjall; what cannot
//! be trusted (damaged, of another format) is set aside with one line in the log and begins empty, so
//! that it is rebuilt from the topics. Whether what it holds fits the topics is for the runtime to say,
//! by its [`stage::Mark`]. This crate must not know what the rows are.

mod disk;
mod folder;
mod gathered;
mod head;
mod sweep;

pub use disk::DiskStore;
pub use folder::{Folder, FolderError, Memory};
pub use head::{FORMAT, read_head, write_head};
