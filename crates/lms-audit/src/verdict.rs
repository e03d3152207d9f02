//! How a command ends: its exit code, and the error that means "called wrongly".

use std::fmt;
use std::io;
use std::process::ExitCode;

/// What every `--help` says about exit codes.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  it did what was asked
  1  it failed; the message says at what, and what to do
  2  wrong usage or configuration
  3  it found a difference: topics verify, schemas check, the account of a demo,
     reconcile; dead-letters replay refused some";

/// How a command that did not fail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It did what was asked.
    Fine,
    /// It found a difference.
    Differs,
}

/// Wrong usage or configuration: the person who called must change something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misuse(pub String);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misuse {}

/// The exit code of a command, and what to say on stderr, if anything.
#[must_use]
pub fn conclude(result: &anyhow::Result<Verdict>) -> (u8, Option<String>) {
    match result {
        Ok(Verdict::Fine) => (0, None),
        Ok(Verdict::Differs) => (3, None),
        // Whoever reads our output has seen enough: `lms-audit trail … | head`.
        Err(error) if is_broken_pipe(error) => (0, None),
        Err(error) => {
            let code = if error.downcast_ref::<Misuse>().is_some() { 2 } else { 1 };
            (code, Some(format!("{error:#}")))
        }
    }
}

/// Reports the end of a command and gives its exit code.
pub fn exit(result: &anyhow::Result<Verdict>, stderr: &mut dyn io::Write) -> ExitCode {
    let (code, message) = conclude(result);
    if let Some(message) = message {
        // Nothing is left to report to when stderr itself is gone; the exit code still speaks.
        let _ = writeln!(stderr, "lms-audit: {}", crate::output::escape_lines(&message));
    }
    ExitCode::from(code)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};

    use super::*;

    #[test]
    fn every_end_has_its_exit_code() {
        let pipe = io::Error::from(io::ErrorKind::BrokenPipe);
        for (result, code, message) in [
            (Ok(Verdict::Fine), 0, None),
            (Ok(Verdict::Differs), 3, None),
            (Err(anyhow!("no broker answers")), 1, Some("no broker answers")),
            (Err(Misuse("no such key".into()).into()), 2, Some("no such key")),
            (Err(Misuse("no such key".into())).context("config"), 2, Some("config: no such key")),
            (Err(pipe).context("writing"), 0, None),
        ] {
            assert_eq!(conclude(&result), (code, message.map(String::from)), "{result:?}");
        }
    }
}
