//! `config show`: the configuration in force, every key explained.

use std::io::Write as _;

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::Value;

use crate::output::{Format, Printer, Row};
use crate::shell::Shell;
use crate::verdict::Verdict;

/// The configuration in force, every key explained.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The configuration in force: every key, what it means, its value and where that comes from.
    ///
    /// Printed as a file that `--config` takes; secrets are never shown. Flags win over environment
    /// variables (`LMSAUDIT_PART_KEY`), those over the file, the file over the defaults.
    Show,
}

/// Prints the configuration.
///
/// # Errors
/// When nothing more can be written.
pub fn run(command: &Command, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    let Command::Show = command;
    match shell.format {
        Format::Table => shell.out.write_all(shell.settings.to_toml().as_bytes())?,
        Format::Json => writeln!(shell.out, "{:#}", shell.settings.to_json())?,
        Format::Jsonl | Format::Csv => rows(shell)?,
    }
    shell.out.flush().context("writing the configuration")?;
    Ok(Verdict::Fine)
}

fn rows(shell: &mut Shell<'_>) -> anyhow::Result<()> {
    let all = shell.settings.to_json();
    let mut printer = Printer::new(&mut shell.out, shell.format, &["key", "value", "source"])?;
    for (part, keys) in all.as_object().into_iter().flatten() {
        for (key, entry) in keys.as_object().into_iter().flatten() {
            let name = format!("{part}.{key}");
            let text = |value: &Value| match value {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let cells = vec![name.clone(), text(&entry["value"]), text(&entry["source"])];
            let json = serde_json::json!({"key": name, "value": entry["value"], "source": entry["source"]});
            printer.row(&Row { cells, json })?;
        }
    }
    printer.finish()?;
    Ok(())
}
