//! Feeds a file of any size to a publisher at constant memory, and accounts for every line.

mod lines;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use catalog::Action;

use crate::adapter::Adapter;
use crate::line::{Event, Form, Line, Passed};
use crate::summary::{Place, Summary};
use lines::{Found, Lines};

/// Longer lines are reported and skipped, 2 MiB.
pub const DEFAULT_LINE_LIMIT: usize = 2 * 1024 * 1024;
/// Longer values of actions are reported and not published, 1 MiB: no topic would take them.
pub const DEFAULT_VALUE_LIMIT: usize = 1024 * 1024;

/// How often progress is told, in bytes.
const PROGRESS_STEP: u64 = 256 * 1024;

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
    name: String,
    reader: Box<dyn Read>,
    size: Option<u64>,
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
    #[error("reading {} failed after line {}, byte {}: {source}", .summary.file, .at.line, .at.byte)]
    Read {
        /// What was handled before.
        at: Place,
        /// What the system says.
        source: io::Error,
        /// What was counted before.
        summary: Box<Summary>,
    },
    /// The publisher lost an action, one of this line or of an earlier one.
    #[error("publishing {} failed by line {}, byte {}: {source}", .summary.file, .at.line, .at.byte)]
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
        let size = about.is_file().then(|| about.len());
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
}

/// Reads an input line by line and publishes the actions of each; flushes before it returns.
///
/// When `cancel` is set it stops after the current line, flushes, and says in the summary how far it
/// came. Whatever was fed before adds nothing when it is fed again.
///
/// # Errors
/// [`FeedError`] when the input cannot be read on or the publisher fails.
pub fn feed<P: Publish>(
    adapter: &Adapter,
    input: Input,
    publish: &mut P,
    control: Control<'_>,
    mut progress: impl FnMut(Progress),
) -> Result<Summary, FeedError<P::Error>> {
    let Input { name, reader, size } = input;
    let summary = Summary { file: name, ..Summary::default() };
    let mut feeding = Feeding { adapter, publish, control, summary };
    let mut lines = Lines::new(BufReader::with_capacity(128 * 1024, reader), control.line_limit);
    let mut told = 0;
    let read = loop {
        if control.cancel.load(Ordering::Relaxed) {
            feeding.summary.stopped = Some(feeding.place());
            break Ok(());
        }
        let found = match lines.next(control.cancel) {
            Ok(Some(found)) => found,
            Ok(None) => break Ok(()),
            // A signal's handler has set the flag, which is looked at above.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => break Err(error),
        };
        if let Err(source) = feeding.line(found) {
            return Err(feeding.publish_error(source));
        }
        feeding.summary.bytes = lines.bytes();
        if feeding.summary.bytes - told >= PROGRESS_STEP {
            told = feeding.summary.bytes;
            progress(feeding.progress(size));
        }
    };
    if let Err(source) = feeding.publish.flush() {
        return Err(feeding.publish_error(source));
    }
    progress(feeding.progress(size));
    match read {
        Ok(()) => Ok(feeding.summary),
        Err(source) => {
            let at = feeding.place();
            Err(FeedError::Read { at, source, summary: Box::new(feeding.summary) })
        }
    }
}

struct Feeding<'a, P: Publish> {
    adapter: &'a Adapter,
    publish: &'a mut P,
    control: Control<'a>,
    summary: Summary,
}

impl<P: Publish> Feeding<'_, P> {
    fn line(&mut self, found: Found<'_>) -> Result<(), P::Error> {
        self.summary.lines += 1;
        let line = match found {
            Found::Line(line) => line,
            Found::TooLong(length) => {
                let limit = self.control.line_limit;
                self.summary.unreadable(format!("the line has {length} bytes, over the limit of {limit}"));
                return Ok(());
            }
        };
        match self.adapter.parse(line) {
            Line::Blank => self.summary.blank += 1,
            Line::Unreadable(problem) => self.summary.unreadable(problem),
            Line::Action(passed) => return self.pass(line, &passed),
            Line::Events { events, mismatched } => {
                self.summary.mismatched += mismatched;
                return self.events(&events);
            }
        }
        Ok(())
    }

    fn pass(&mut self, line: &[u8], passed: &Passed) -> Result<(), P::Error> {
        if self.is_over(line.len()) {
            return Ok(());
        }
        let key = passed.tenant.as_ref().map(|tenant| tenant.as_str().as_bytes()).unwrap_or_default();
        let structured: [(&str, &[u8]); 1] = [("content-type", b"application/cloudevents+json")];
        let headers = if passed.form == Form::CloudEvent { &structured[..] } else { &[] };
        self.publish.publish(key, line, headers)?;
        self.summary.published += 1;
        self.summary.mapped += 1;
        Ok(())
    }

    fn events(&mut self, events: &[Event]) -> Result<(), P::Error> {
        let of = |event: &Event| match event {
            Event::Mapped { actions, .. } => actions.iter().map(encode).collect(),
            Event::Unmapped(_) => Vec::new(),
        };
        let actions: Vec<_> = events.iter().flat_map(of).collect();
        let longest = actions.iter().map(|(_, value)| value.len()).max().unwrap_or_default();
        if self.is_over(longest) {
            return Ok(());
        }
        for (key, value) in &actions {
            self.publish.publish(key, value, &[])?;
            self.summary.published += 1;
        }
        self.summary.events(events);
        Ok(())
    }

    fn is_over(&mut self, length: usize) -> bool {
        let limit = self.control.value_limit;
        if length > limit {
            self.summary.unreadable(format!("an action has {length} bytes, over the limit of {limit}"));
        }
        length > limit
    }

    fn place(&self) -> Place {
        Place { line: self.summary.lines, byte: self.summary.bytes }
    }

    fn progress(&self, total: Option<u64>) -> Progress {
        let Summary { bytes, lines, published, .. } = self.summary;
        Progress { bytes, total, lines, published }
    }

    fn publish_error(self, source: P::Error) -> FeedError<P::Error> {
        FeedError::Publish { at: self.place(), source, summary: Box::new(self.summary) }
    }
}

fn encode(action: &Action<'_>) -> (Vec<u8>, Vec<u8>) {
    (action.tenant.as_str().into(), codec::action_json(action))
}

#[cfg(test)]
mod tests;
