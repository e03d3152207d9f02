//! `publish`: feeds files of other platforms, or of actions, to the actions topic.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use adapters::{Adapter, Control, Format as Source, Input, Lists, Mapping, Settings, Summary};
use anyhow::{Context as _, bail};
use catalog::TenantId;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use runtime::{BrokerError, Publisher};
use serde_json::{Value, json};
use stage::Header;

use crate::output::{Format, escape_json, say};
use crate::shell::Shell;
use crate::verdict::{Misuse, Verdict};

/// Feed files of another platform, or of actions, to the trail
///
/// An action's id is made of the source's own content, so that publishing a file twice, or going on
/// after an interruption from the beginning, adds nothing. Ctrl-C ends after the current line and
/// says how far it came. Every line is accounted for at the end: mapped, unmapped (with the names),
/// incomplete, unreadable or blank; exit code 1 if any was unreadable or incomplete.
///
///   lms-audit publish tracking.log --format openedx --tenant acme
///   zcat log.jsonl.gz | lms-audit publish - --format moodle --tenant acme
///   lms-audit publish actions.jsonl --format action
#[derive(Clone, Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Command {
    /// The files; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What the lines are: action, openedx, moodle or learn365.
    #[arg(long, value_parser = format)]
    pub format: Source,
    /// Whose trail; every format but action needs it.
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// The actions' source; the format's name if not given. Use another for each installation.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Rows that add to the built-in mapping or replace its rows, in the same form.
    #[arg(long, value_name = "FILE.tsv")]
    pub mapping: Option<PathBuf>,
    /// The trigger by which webhooks came, where the lines do not tell (learn365).
    #[arg(long)]
    pub trigger: Option<String>,
    /// The id of the main admin, whom cron poses as (moodle).
    #[arg(long, value_name = "ID")]
    pub main_admin: Option<String>,
}

pub(super) fn format(name: &str) -> Result<Source, String> {
    Source::from_name(name).ok_or_else(|| format!("there are: {}", Source::ALL.map(Source::name).join(", ")))
}

/// Publishes the files.
///
/// # Errors
/// When the arguments do not fit, a file cannot be read, the broker refuses, the person who called
/// ends it, or a line could not be published.
pub fn run(
    command: &Command,
    shell: &mut Shell<'_>,
    publisher: &mut impl Publisher,
) -> anyhow::Result<Verdict> {
    let adapter = command.adapter()?;
    let cancel = Arc::new(AtomicBool::new(false));
    let on_signal = Arc::clone(&cancel);
    ctrlc::set_handler(move || on_signal.store(true, Ordering::Relaxed)).context("listening for Ctrl-C")?;
    let value_limit = usize::try_from(shell.config().normalizer.max_value_bytes).unwrap_or(usize::MAX);
    let mut clean = true;
    for file in &command.files {
        let input = Input::open(file).with_context(|| format!("opening {}", file.display()))?;
        let control = Control::new(&cancel).with_value_limit(value_limit);
        let summary = feed(&adapter, input, publisher, control, &progress_bar())?;
        clean &= summary.is_clean();
        print(&summary, shell)?;
        if summary.stopped.is_some() {
            bail!("interrupted in {}; feeding the file again adds nothing twice", file.display());
        }
    }
    if !clean {
        bail!("some lines were unreadable or incomplete and are not in the trail; the summary says which");
    }
    Ok(Verdict::Fine)
}

/// Feeds one input and shows how far it has come.
///
/// # Errors
/// When the input cannot be read on or the broker refuses; what was counted before is said.
pub fn feed(
    adapter: &Adapter,
    input: Input,
    publisher: &mut impl Publisher,
    control: Control<'_>,
    bar: &ProgressBar,
) -> anyhow::Result<Summary> {
    let fed = adapters::feed(adapter, input, &mut Bridge(publisher), control, |progress| {
        match progress.total {
            Some(total) => bar.set_length(total),
            None => bar.unset_length(),
        }
        bar.set_position(progress.bytes);
        bar.set_message(format!("{} lines, {} actions", progress.lines, progress.published));
    });
    bar.finish_and_clear();
    Ok(fed?)
}

pub(super) fn progress_bar() -> ProgressBar {
    // Drawn on stderr, and only where that is a terminal.
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bytes} of {total_bytes} ({bytes_per_sec}, {eta} left) {msg}");
    bar.with_style(style.expect("the template is well-formed"))
}

impl Command {
    fn adapter(&self) -> anyhow::Result<Adapter> {
        let settings = Settings {
            tenant: self.tenant.clone(),
            source: self.source.clone(),
            mapping: self.mapping()?,
            trigger: self.trigger.clone(),
            main_admin: self.main_admin.clone(),
        };
        Ok(Adapter::new(self.format, settings).map_err(|error| Misuse(error.to_string()))?)
    }

    fn mapping(&self) -> anyhow::Result<Option<Mapping>> {
        let Some(path) = &self.mapping else { return Ok(None) };
        let Some(built_in) = self.format.mapping() else {
            return Err(Misuse(format!("format {} has no mapping", self.format)).into());
        };
        let name = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|error| Misuse(format!("cannot read {name}: {error}")))?;
        let mapping = built_in.with_overrides(&name, &text, Lists::default());
        Ok(Some(mapping.map_err(|error| Misuse(error.to_string()))?))
    }
}

fn print(summary: &Summary, shell: &mut Shell<'_>) -> anyhow::Result<()> {
    match shell.format {
        Format::Table => say_summary(summary),
        _ => writeln!(shell.out, "{}", escape_json(&json(summary).to_string()))?,
    }
    shell.out.flush()?;
    Ok(())
}

/// Says what became of the lines of one input, a line each.
pub(super) fn say_summary(summary: &Summary) {
    for line in summary.to_string().lines() {
        say(line);
    }
}

fn json(summary: &Summary) -> Value {
    let unmapped: serde_json::Map<_, _> = summary
        .unmapped_names
        .sorted()
        .into_iter()
        .map(|(name, count)| (name.into(), json!(count)))
        .collect();
    let incomplete = summary.incomplete_names.sorted().into_iter().map(|(name, one)| {
        let missing: Vec<_> = one.missing.iter().map(|missing| missing.name()).collect();
        (name.to_string(), json!({"count": one.count, "missing": missing, "first_lines": one.first_lines}))
    });
    let unreadable: Vec<_> = summary
        .first_unreadable
        .iter()
        .map(|one| json!({"line": one.line, "problem": one.problem}))
        .collect();
    json!({
        "file": summary.file, "bytes": summary.bytes, "lines": summary.lines, "blank": summary.blank,
        "mapped": summary.mapped, "unmapped": summary.unmapped, "unreadable": summary.unreadable,
        "incomplete": summary.incomplete, "published": summary.published, "mismatched": summary.mismatched,
        "unmapped_names": unmapped,
        "incomplete_names": incomplete.collect::<serde_json::Map<_, _>>(),
        "first_unreadable": unreadable,
        "stopped": summary.stopped.map(|place| json!({"line": place.line, "byte": place.byte})),
    })
}

/// The runtime's publisher as the adapters want it.
struct Bridge<'a, P>(&'a mut P);

impl<P: Publisher> adapters::Publish for Bridge<'_, P> {
    type Error = BrokerError;

    fn publish(&mut self, key: &[u8], value: &[u8], headers: &[(&str, &[u8])]) -> Result<(), BrokerError> {
        let headers: Vec<_> = headers.iter().map(|(name, value)| Header::new(name, Some(value))).collect();
        self.0.publish((!key.is_empty()).then_some(key), value, &headers)
    }

    fn flush(&mut self) -> Result<(), BrokerError> {
        const WAIT: Duration = Duration::from_secs(60);
        self.0.flush(WAIT).map(drop)
    }
}
