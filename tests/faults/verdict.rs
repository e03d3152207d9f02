//! The verdict over one run: by the independent oracle, which recomputes everything from the actions topic; or, where it cannot
//! run, by the judge in this process, which folds the same log through the product's own stages.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::hall::Hall;
use crate::trail::{PARTITIONS, judge};

/// Who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum JudgeChoice {
    /// The independent oracle; a run without its verdict is red.
    Oracle,
    /// The judge in this process.
    InProcess,
    /// Both, and both must agree with what is there.
    Both,
    /// The oracle, or the judge in this process where the oracle cannot run.
    OracleOrInProcess,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Who decided.
    pub by: String,
    /// Outputs that must be there and are not.
    pub lost: u64,
    /// Outputs that are there more than once.
    pub doubled: u64,
    /// Outputs that are not in the order of their tenant's actions.
    pub out_of_order: u64,
    /// Outputs that are there and say something else.
    pub differing: u64,
    /// What else there is to say: examples, or why there is no verdict.
    pub remarks: Vec<String>,
}

/// Why there is no verdict.
struct NoVerdict(String);

impl Verdict {
    /// Whether all is as it must be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.out_of_order + self.differing == 0
    }
}

/// Decides over what lies in the hall's topics, after both stages have caught up.
///
/// # Errors
/// Why nobody could decide.
pub fn decide(hall: &Hall, choice: JudgeChoice) -> Result<Verdict, String> {
    match choice {
        JudgeChoice::InProcess => Ok(in_process(hall)),
        JudgeChoice::Oracle => oracle(hall).map_err(|NoVerdict(why)| why),
        JudgeChoice::Both => {
            let oracle = oracle(hall).map_err(|NoVerdict(why)| why)?;
            Ok(both(oracle, in_process(hall)))
        }
        JudgeChoice::OracleOrInProcess => Ok(oracle(hall).unwrap_or_else(|NoVerdict(why)| {
            let mut verdict = in_process(hall);
            verdict.remarks.push(format!("the oracle could not run: {why}"));
            verdict
        })),
    }
}

fn both(oracle: Verdict, own: Verdict) -> Verdict {
    Verdict {
        by: format!("{} and {}", oracle.by, own.by),
        differing: oracle.differing.max(own.differing),
        remarks: oracle.remarks.into_iter().chain(own.remarks).collect(),
        ..oracle
    }
}

fn in_process(hall: &Hall) -> Verdict {
    let by = "the judge in process".to_owned();
    match catch_unwind(AssertUnwindSafe(|| judge(&hall.site))) {
        Ok(_) => Verdict { by, ..Verdict::default() },
        // It says the first difference only, in words.
        Err(panic) => {
            let words = panic.downcast_ref::<String>().map_or("it panicked", String::as_str);
            let words = words.chars().take(2000).collect();
            Verdict { by, differing: 1, remarks: vec![words], ..Verdict::default() }
        }
    }
}

fn oracle(hall: &Hall) -> Result<Verdict, NoVerdict> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle/run");
    let (file, log) = (hall.folder().join("oracle.json"), hall.folder().join("oracle.log"));
    let no_verdict = |why: &dyn std::fmt::Display| NoVerdict(format!("{}: {why}", script.display()));
    let output = std::fs::File::create(&log).map_err(|error| no_verdict(&error))?;
    let status = Command::new(&script)
        .args(["--bootstrap-servers", &hall.direct(), "--partitions", &PARTITIONS.to_string(), "--json"])
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(|error| no_verdict(&error))?)
        .stderr(output)
        .status()
        .map_err(|error| no_verdict(&error))?;
    if !matches!(status.code(), Some(0 | 1)) {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        let last = said.lines().last().unwrap_or("it said nothing").to_owned();
        return Err(no_verdict(&format!("ended with {status}: {last}")));
    }
    let text = std::fs::read_to_string(&file).map_err(|error| no_verdict(&error))?;
    let found: Value = serde_json::from_str(&text).map_err(|error| no_verdict(&error))?;
    let verdict = read(&found);
    if verdict.is_clean() == status.success() {
        return Ok(verdict);
    }
    Err(no_verdict(&format!("it ended with {status} and wrote {verdict:?}")))
}

fn read(found: &Value) -> Verdict {
    let count = |name: &str| total(&found[name]);
    Verdict {
        by: "the oracle".into(),
        lost: count("lost"),
        doubled: count("doubled"),
        out_of_order: count("out_of_order"),
        differing: count("differing"),
        remarks: found["examples"].as_array().into_iter().flatten().take(5).map(Value::to_string).collect(),
    }
}

/// A number, or the sum of all numbers by topic.
fn total(value: &Value) -> u64 {
    match value {
        Value::Object(by_topic) => by_topic.values().map(total).sum(),
        other => other.as_u64().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oracles_counts_are_read_as_they_are_and_by_topic() {
        let found = serde_json::json!({
            "lost": 2, "doubled": {"lms.audit.events.v1": 1, "lms.audit.receipts.v1": 3}, "out_of_order": 0,
            "differing": {}, "examples": ["one"],
        });
        let verdict = read(&found);
        assert_eq!((verdict.lost, verdict.doubled, verdict.out_of_order, verdict.differing), (2, 4, 0, 0));
        assert!(!verdict.is_clean());
        assert_eq!(verdict.remarks, ["\"one\""]);
    }

    #[test]
    fn both_must_agree() {
        let clean = Verdict { by: "one".into(), ..Verdict::default() };
        let other = Verdict { by: "other".into(), differing: 1, ..Verdict::default() };
        assert!(both(clean.clone(), clean.clone()).is_clean());
        assert!(!both(clean.clone(), other.clone()).is_clean());
        assert!(!both(other, clean).is_clean());
    }
}
