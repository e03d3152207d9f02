//! Feeds a file of any size to a publisher at constant memory, and accounts for every line.

mod lines;
mod port;

use std::io::{self, BufReader};
use std::sync::atomic::Ordering;

use catalog::Action;

use crate::adapter::Adapter;
use crate::line::{Event, Form, Line, Passed};
use crate::summary::{Place, Summary};
use lines::{Found, Lines};
pub use port::{Control, DEFAULT_LINE_LIMIT, DEFAULT_VALUE_LIMIT, FeedError, Input, Progress, Publish};

/// How often progress is told, in bytes.
const PROGRESS_STEP: u64 = 256 * 1024;

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
