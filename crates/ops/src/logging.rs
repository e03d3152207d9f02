//! The log: to standard error, one JSON object a line or as text for people. Fragments with structured fields; topics,
//! partitions, offsets and reasons may be logged, never a key, a value, a header or anything else that names a person.

use std::io::IsTerminal;

use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object, for machines.
    #[default]
    Json,
    /// Text, coloured on a terminal unless `NO_COLOR` is set.
    Text,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter cannot be read.
    #[error("invalid log filter {filter:?}")]
    Filter {
        /// The filter as it was given.
        filter: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// The process has one.
    #[error("the log is already set up")]
    Twice(#[from] TryInitError),
}

/// Sets up the log of this process. The filter is a level (`info`) or directives (`info,runtime=debug`).
///
/// # Errors
/// When the filter cannot be read or the process has a log already.
pub fn init_logging(format: LogFormat, filter: &str) -> Result<(), LoggingError> {
    let colour =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let subscriber = subscriber(format, filter, colour, std::io::stderr)?;
    Ok(subscriber.try_init()?)
}

fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    colour: bool,
    writer: W,
) -> Result<tracing::Dispatch, LoggingError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter)
        .map_err(|source| LoggingError::Filter { filter: filter.to_owned(), source })?;
    // A line that cannot be written is lost; to say so on standard error would panic where that is what cannot be written.
    let builder = tracing_subscriber::fmt().log_internal_errors(false).with_env_filter(filter);
    let builder = builder.with_writer(writer).with_ansi(colour);
    Ok(match format {
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).into(),
        LogFormat::Text => builder.compact().into(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: &str, log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let dispatch = subscriber(format, filter, false, move || writer.clone()).unwrap();
        tracing::dispatcher::with_default(&dispatch, log);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_has_its_fields_at_the_top() {
        let text = logged(LogFormat::Json, "info", || tracing::warn!(partition = 3, "partition lost"));
        assert!(text.starts_with("{\"timestamp\":\"2"), "{text}");
        assert!(
            text.contains("Z\",\"level\":\"WARN\",\"message\":\"partition lost\",\"partition\":3,"),
            "{text}"
        );
        assert_eq!(text.matches('\n').count(), 1);
    }

    #[test]
    fn text_is_for_people() {
        let text = logged(LogFormat::Text, "info", || tracing::info!(partition = 3, "partition lost"));
        assert!(text.contains("INFO") && text.contains("partition lost partition=3"), "{text}");
    }

    #[test]
    fn the_filter_decides() {
        let log = || tracing::debug!("a record");
        assert_eq!(logged(LogFormat::Json, "info", log), "");
        assert_ne!(logged(LogFormat::Json, "warn,ops=debug", log), "");
        let error = subscriber(LogFormat::Json, "info,ops=loud", false, std::io::sink).unwrap_err();
        assert_eq!(error.to_string(), "invalid log filter \"info,ops=loud\"");
    }
}
