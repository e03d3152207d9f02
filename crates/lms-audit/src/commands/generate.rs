//! `generate`: actions with everything that goes wrong in practice, and what must become of them.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use catalog::Micros;
use clap::Args;
use runtime::Publisher;
use serde_json::{Map, Value, json};
use stage::{Header, PartitionCount};

use crate::config::{Config, Span};
use crate::generate::{Generator, Made, Options, Summary};
use crate::output::{Progress, escape_json, say};
use crate::shell::Shell;
use crate::verdict::{Misuse, Verdict};
use crate::when::{self, When};

/// Make actions, with everything that goes wrong in practice, and say what must become of them
///
/// All 114 actions come, in the proportions of a real platform, from tenants of very different
/// size: late ones, duplicates, conflicting ones, dead letters of every reason, suppressed ones,
/// ones with a wrong key, CloudEvents. The same arguments give the same bytes, with --start fixed
/// as well. What must become of them is said at the end, so that a run can be checked exactly.
///
///   lms-audit generate -n 1000 --seed 1 --start 2026-11-01 > actions.jsonl
///   lms-audit generate -n 100000 --seed 1 --publish --summary expected.json
///
/// Lines have: key, headers, value (value_base64 where it is no text), expect.
#[derive(Clone, Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Command {
    /// How many actions. From 300 on, every action and every kind of mistake is among them.
    #[arg(short = 'n', long, default_value_t = 1000)]
    pub count: u64,
    /// What chance begins with.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// When the first action happens: 2026-11-01, 2026-11-01T09:00:00Z, 3d. So long ago that the
    /// last one happens now, if not given.
    #[arg(long, value_name = "TIME")]
    pub start: Option<When>,
    /// How long it is until the last one.
    #[arg(long, default_value = "1d", value_name = "SPAN")]
    pub span: Span,
    /// How many tenants.
    #[arg(long, default_value_t = 12)]
    pub tenants: usize,
    /// Learners of each tenant.
    #[arg(long, default_value_t = 500)]
    pub learners: u64,
    /// Courses of each tenant.
    #[arg(long, default_value_t = 40)]
    pub courses: u64,
    /// Write the lines to this file, not to stdout.
    #[arg(long, value_name = "FILE", conflicts_with = "publish")]
    pub out: Option<PathBuf>,
    /// Publish to the actions topic.
    #[arg(long)]
    pub publish: bool,
    /// Write what must become of them to this file, not to stderr.
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
}

impl Command {
    /// What to make for topics of so many partitions, if it is `now` now.
    ///
    /// # Errors
    /// [`Misuse`] when the last action would happen in the future.
    pub fn options(
        &self,
        config: &Config,
        partitions: PartitionCount,
        now: Micros,
    ) -> Result<Options, Misuse> {
        let span = self.span.millis().saturating_mul(1000);
        let start = match self.start {
            Some(start) => start.at(now),
            None => Micros::new(now.get().saturating_sub_unsigned(span).div_euclid(1_000_000) * 1_000_000),
        };
        let end = start.get().saturating_add_unsigned(span);
        if end > now.get() {
            return Err(Misuse(format!(
                "the last action would happen at {}, which is not yet: choose an earlier --start or a \
                 shorter --span",
                when::readable(Micros::new(end))
            )));
        }
        Ok(Options {
            count: self.count,
            seed: self.seed,
            start,
            span,
            tenants: self.tenants,
            learners: self.learners,
            courses: self.courses,
            partitions,
            max_value_bytes: usize::try_from(config.normalizer.max_value_bytes).unwrap_or(usize::MAX),
        })
    }
}

/// Writes the actions as lines.
///
/// # Errors
/// When the arguments do not fit or nothing more can be written.
pub fn write(command: &Command, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    let options = command.options(shell.config(), planned(shell.config())?, when::now())?;
    let summary = match &command.out {
        Some(path) => {
            let file = std::fs::File::create(path).with_context(|| format!("creating {}", path.display()))?;
            lines(options.clone(), &mut std::io::BufWriter::new(file))
                .with_context(|| format!("writing {}", path.display()))?
        }
        None => lines(options.clone(), &mut shell.out)?,
    };
    conclude(command, &options, &summary)
}

/// How many partitions the topics shall have.
///
/// # Errors
/// [`Misuse`] when there shall be none.
pub fn planned(config: &Config) -> Result<PartitionCount, Misuse> {
    PartitionCount::new(config.topics.partitions)
        .ok_or_else(|| Misuse("topics.partitions is at least 1".into()))
}

/// Publishes the actions to a topic of so many partitions.
///
/// # Errors
/// When the arguments do not fit or the broker refuses.
pub fn publish(
    command: &Command,
    shell: &mut Shell<'_>,
    partitions: PartitionCount,
    publisher: &mut impl Publisher,
) -> anyhow::Result<Verdict> {
    let options = command.options(shell.config(), partitions, when::now())?;
    let summary = send(options.clone(), publisher)?;
    conclude(command, &options, &summary)
}

/// Publishes what these options make and says what must become of it.
///
/// # Errors
/// When the broker refuses or does not acknowledge within a minute.
pub fn send(options: Options, publisher: &mut impl Publisher) -> anyhow::Result<Summary> {
    const WAIT: Duration = Duration::from_secs(60);
    let total = options.count;
    let (mut summary, mut progress) = (Summary::default(), Progress::default());
    for made in Generator::new(options) {
        let headers: Vec<_> =
            made.headers.iter().map(|(name, value)| Header::new(name, Some(value))).collect();
        publisher.publish(made.key.as_deref(), &made.value, &headers)?;
        summary.add(made.expect);
        progress.tick(|| format!("{} of {total} actions published", summary.total));
    }
    publisher.flush(WAIT)?;
    progress.done();
    Ok(summary)
}

fn lines(options: Options, out: &mut dyn Write) -> std::io::Result<Summary> {
    let mut summary = Summary::default();
    for made in Generator::new(options) {
        writeln!(out, "{}", escape_json(&line(&made).to_string()))?;
        summary.add(made.expect);
    }
    out.flush()?;
    Ok(summary)
}

fn line(made: &Made) -> Value {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut line = Map::new();
    line.insert("key".into(), made.key.as_deref().map(text).into());
    let headers = made.headers.iter().map(|(name, value)| (name.clone(), Value::from(text(value))));
    line.insert("headers".into(), headers.collect());
    match std::str::from_utf8(&made.value) {
        Ok(value) => line.insert("value".into(), value.into()),
        Err(_) => line.insert("value_base64".into(), STANDARD.encode(&made.value).into()),
    };
    line.insert("expect".into(), made.expect.fate.name().into());
    line.into()
}

fn conclude(command: &Command, options: &Options, summary: &Summary) -> anyhow::Result<Verdict> {
    let mut report = summary.to_json();
    report["seed"] = json!(options.seed);
    report["start"] = json!(codec::rfc3339(options.start));
    match &command.summary {
        Some(path) => std::fs::write(path, format!("{report:#}\n"))
            .with_context(|| format!("writing {}", path.display()))?,
        None => say(&report.to_string()),
    }
    Ok(Verdict::Fine)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command as Commands};
    use crate::output::Format;

    const NOW: Micros = Micros::new(1_793_610_843_500_000);

    fn parse(line: &str) -> Command {
        match Cli::try_parse_from(line.split(' ')).expect(line).command {
            Commands::Generate(command) => command,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn start_is_so_that_all_has_happened() {
        for (line, start) in [
            ("lms-audit generate", Some("2026-11-01 09:14:03Z")),
            ("lms-audit generate --span 2h", Some("2026-11-02 07:14:03Z")),
            ("lms-audit generate --start 2026-10-01", Some("2026-10-01 00:00:00Z")),
            ("lms-audit generate --start 3d", Some("2026-10-30 09:14:03Z")),
            ("lms-audit generate --start 2026-11-02", None),
        ] {
            let config = Config::default();
            let options = parse(line).options(&config, planned(&config).expect("some"), NOW);
            assert_eq!(options.ok().map(|options| when::readable(options.start)).as_deref(), start, "{line}");
        }
    }

    #[test]
    fn the_same_arguments_write_the_same_lines_and_a_summary_that_adds_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("summary.json");
        let mut command = parse("lms-audit generate -n 400 --start 2026-10-01 --learners 50");
        command.summary = Some(file.clone());
        let written = || {
            let mut out = Vec::new();
            write(&command, &mut Shell::new(Config::default(), Format::Table, &mut out)).expect("written");
            out
        };
        let lines = written();
        assert_eq!(lines, written());
        assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), 400);
        let summary: Value = serde_json::from_slice(&std::fs::read(file).expect("written")).expect("JSON");
        let number = |name: &str| summary[name].as_u64().expect(name);
        let parts = ["recorded", "duplicate", "suppressed", "dead_lettered"].map(number);
        assert_eq!((number("total"), parts.iter().sum::<u64>()), (400, 400));
    }
}
