//! Adapters: what other platforms log becomes actions. Each source has a folder with a pure `parse`
//! (one line in, what it came to out); [`feed()`] streams files to a [`Publish`] and accounts for every
//! line. An action's id derives from the source's content, so that feeding a file twice, or cut
//! otherwise, adds nothing. This crate must not know how Kafka is reached, nor what a stage does.

mod action;
mod adapter;
mod feed;
mod learn365;
mod line;
mod mapping;
mod moodle;
mod names;
mod openedx;
mod summary;

pub use adapter::{Adapter, Format, Settings, SettingsError};
pub use feed::{Control, DEFAULT_LINE_LIMIT, DEFAULT_VALUE_LIMIT, FeedError, Input, Progress, Publish, feed};
pub use line::{Event, Form, Line, Missing, Passed};
pub use mapping::{Lists, Mapping, MappingError};
pub use names::Names;
pub use summary::{Incomplete, Place, Summary, Unreadable};

/// What is wrong with JSON and where on the line, without anything of its content; `before` is how
/// many bytes of the line precede the JSON.
fn json_problem(error: &serde_json::Error, before: usize) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "the JSON ends too early",
        _ => "the JSON is malformed",
    };
    format!("{what} at byte {}", before + error.column())
}
