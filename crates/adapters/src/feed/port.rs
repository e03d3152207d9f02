//! What feeding needs and tells: where lines come from, where actions go, how far it came.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::summary::{Place, Summary};

/// Longer lines are reported and skipped, 2 MiB.
pub const DEFAULT_LINE_LIMIT: usize = 2 * 1024 * 1024;
/// Longer values of actions are reported and not published, 1 MiB: no topic would take them.
pub const DEFAULT_VALUE_LIMIT: usize = 1024 * 1024;

/// Takes actions to the actions topic.
///
/// It may return before an action is there; [`Publish::flush`] returns when all are.
pub trait Publish {
    /// What can go wrong.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Takes one action: key (the tenant; empty where the action names none), value, headers.
    ///
    /// # Errors
    /// When it cannot be taken, or one taken before was lost.
    fn publish(&mut self, key: &[u8], value: &[u8], headers: &[(&str, &[u8])]) -> Result<(), Self::Error>;

    /// Waits until all that was taken is in the topic.
    ///
    /// # Errors
    /// When any of it was lost.
    fn flush(&mut self) -> Result<(), Self::Error>;
}

/// What is read.
pub struct Input {
    pub(super) name: String,
    pub(super) reader: Box<dyn Read>,
    pub(super) size: Option<u64>,
}

/// How it is read.
#[derive(Clone, Copy, Debug)]
pub struct Control<'a> {
    /// Set by another thread to stop after the current line.
    pub cancel: &'a AtomicBool,
    /// In bytes, without the line ending.
    pub line_limit: usize,
    /// In bytes.
    pub value_limit: usize,
}

/// How far a file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub bytes: u64,
    /// Of so many; none where that is not known (standard input).
    pub total: Option<u64>,
    /// Lines read.
    pub lines: u64,
    /// Actions published.
    pub published: u64,
}

/// Why a file was not fed to its end. What was counted before is with it.
#[derive(Debug, thiserror::Error)]
pub enum FeedError<E: std::error::Error + 'static> {
    /// The file cannot be read on.
    #[error("reading {} failed after line {}, byte {}", .summary.file, .at.line, .at.byte)]
    Read {
        /// What was handled before.
        at: Place,
        /// What the system says.
        source: io::Error,
        /// What was counted before.
        summary: Box<Summary>,
    },
    /// The publisher lost an action, one of this line or of an earlier one.
    #[error("publishing {} failed by line {}, byte {}", .summary.file, .at.line, .at.byte)]
    Publish {
        /// Up to where lines were handed to the publisher.
        at: Place,
        /// What the publisher says.
        source: E,
        /// What was counted before; `published` counts what was handed over.
        summary: Box<Summary>,
    },
}

impl Input {
    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Self::from_reader("-", io::stdin(), None));
        }
        let file = File::open(path)?;
        let about = file.metadata()?;
        if about.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
        }
        let size = about.is_file().then_some(about.len());
        Ok(Self::from_reader(&path.display().to_string(), file, size))
    }

    /// Anything that can be read, with the name by which it is reported.
    pub fn from_reader(name: &str, reader: impl Read + 'static, size: Option<u64>) -> Self {
        Self { name: name.into(), reader: Box::new(reader), size }
    }
}

impl<'a> Control<'a> {
    /// The default limits.
    #[must_use]
    pub const fn new(cancel: &'a AtomicBool) -> Self {
        Self { cancel, line_limit: DEFAULT_LINE_LIMIT, value_limit: DEFAULT_VALUE_LIMIT }
    }

    /// The same with this limit of an action's value. A foreign line may say an action at twice its
    /// length, so the limit of lines goes with it.
    #[must_use]
    pub fn with_value_limit(self, value_limit: usize) -> Self {
        Self { value_limit, line_limit: DEFAULT_LINE_LIMIT.max(value_limit.saturating_mul(2)), ..self }
    }
}
