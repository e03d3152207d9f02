//! `catalog`: every action, the event type it becomes, and where its name comes from.

use catalog::{Category, Entry, Need, Part, Status};
use clap::Args;
use serde_json::json;

use crate::output::{Printer, Row};
use crate::shell::Shell;
use crate::verdict::Verdict;

/// The closed catalog: 12 categories, 97 event types, 114 actions
///
/// The source says where the names come from: article (the documentation we follow), other_edition
/// (lost in this edition of the article, found in another), proposed (found nowhere, ours) or
/// corrected (a misprint).
///
///   lms-audit catalog --category certificate
///   lms-audit catalog -o json | jq length
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Command {
    /// Only this category; may be repeated.
    #[arg(long, value_name = "CATEGORY", value_parser = category)]
    pub category: Vec<Category>,
}

/// A category by its name.
///
/// # Errors
/// A message that lists all names.
pub fn category(name: &str) -> Result<Category, String> {
    Category::from_name(name).ok_or_else(|| {
        format!("there is no such category; there are: {}", Category::ALL.map(Category::name).join(", "))
    })
}

/// Prints the catalog.
///
/// # Errors
/// When nothing more can be written.
pub fn run(command: &Command, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    let wanted = |entry: &&Entry| command.category.is_empty() || command.category.contains(&entry.category);
    let columns = ["category", "event type", "action", "activity", "source"];
    let mut printer = Printer::new(&mut shell.out, shell.format, &columns)?;
    for entry in catalog::catalog().entries().iter().filter(wanted) {
        printer.row(&row(entry))?;
    }
    printer.finish()?;
    Ok(Verdict::Fine)
}

fn row(entry: &Entry) -> Row {
    let cells =
        [entry.category.name(), entry.event_type, entry.action, entry.activity, entry.name_source.name()];
    let parts: Vec<_> = entry.register.parts.iter().copied().map(part).collect();
    let status = match entry.status {
        Status::Keep => None,
        Status::Set(status) => Some(status),
    };
    Row {
        cells: cells.map(String::from).into(),
        json: json!({
            "category": entry.category.name(),
            "category_title": entry.category_title,
            "event_type": entry.event_type,
            "action": entry.action,
            "activity": entry.activity,
            "name_source": entry.name_source.name(),
            "object": entry.object,
            "user": if entry.user == Need::Required { "required" } else { "optional" },
            "within": entry.within,
            "register": {"category": entry.register.home.name(), "kind": entry.register.kind, "parts": parts},
            "status": status,
        }),
    }
}

fn part(part: Part) -> String {
    match part {
        Part::User => "user".into(),
        Part::Object => "object".into(),
        Part::Within(kind) => format!("within.{kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::output::Format;

    fn printed(format: Format, category: &[Category]) -> String {
        let mut out = Vec::new();
        let mut shell = Shell::new(Config::default(), format, &mut out);
        let ended = run(&Command { category: category.into() }, &mut shell).expect("printed");
        assert_eq!(ended, Verdict::Fine);
        drop(shell);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn json_has_all_114_actions() {
        let all: Vec<serde_json::Value> = serde_json::from_str(&printed(Format::Json, &[])).expect("JSON");
        assert_eq!(all.len(), 114);
        assert!(all.iter().all(|entry| entry["name_source"].is_string()));
    }

    #[test]
    fn a_category_as_a_table() {
        assert_eq!(
            printed(Format::Table, &[Category::ApiKey]),
            "\
CATEGORY  EVENT TYPE       ACTION             ACTIVITY                SOURCE
api-key   ApiKeyRevoked    api_key.revoked    API key was revoked.    article
api-key   ApiKeyGenerated  api_key.generated  API key was generated.  article
api-key   ApiKeyUpdated    api_key.updated    API key was updated.    article
"
        );
    }
}
