//! The port to committed rows.

use catalog::{ActivityRow, ActorsRow, Category, RegisterRow};

/// Committed rows of one partition's report views, found by category and row key.
pub trait Rows {
    /// Why rows could not be read.
    type Error;

    /// The row of an activity view.
    ///
    /// # Errors
    /// When the row could not be read.
    fn activity(&self, category: Category, key: &str) -> Result<Option<ActivityRow>, Self::Error>;

    /// The row of an actors view.
    ///
    /// # Errors
    /// When the row could not be read.
    fn actors(&self, category: Category, key: &str) -> Result<Option<ActorsRow>, Self::Error>;

    /// The row of a register.
    ///
    /// # Errors
    /// When the row could not be read.
    fn register(&self, category: Category, key: &str) -> Result<Option<RegisterRow>, Self::Error>;

    /// Visits the key of each register row whose key begins so.
    ///
    /// # Errors
    /// When the keys could not be read.
    fn register_keys(
        &self,
        category: Category,
        prefix: &str,
        visit: &mut dyn FnMut(&str),
    ) -> Result<(), Self::Error>;
}
