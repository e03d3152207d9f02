//! The table of mutations: which rule each switches off, by which edits, and which campaign must see it.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use serde::Deserialize;

use super::sign::Sign;
use crate::faults::Options;

/// All mutations.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// In the order they are tried.
    #[serde(rename = "mutation")]
    pub mutations: Vec<Mutation>,
}

/// One rule, switched off.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutation {
    /// Its name, unique.
    pub name: String,
    /// What the product does with the rule switched off.
    pub without: String,
    /// Where the rule comes from.
    pub source: String,
    /// Who must see it.
    pub campaign: Campaign,
    /// One after the other, until one sees it.
    pub seeds: Vec<u64>,
    /// What it must look like: any of these.
    pub red: Vec<Sign>,
    /// How it is switched off.
    #[serde(rename = "edit")]
    pub edits: Vec<Edit>,
}

/// A campaign, but for its seed.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// As `--kinds`.
    pub kinds: String,
    /// As `--nodes`: 1 or 3.
    pub nodes: u32,
    /// As `--faults`.
    pub faults: u32,
    /// As `--records`.
    pub records: u64,
    /// As `--rate`.
    pub rate: u64,
    /// As `--bound`.
    pub bound: String,
}

/// Some text of a file and what stands there instead.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The file, from the workspace's root.
    pub file: PathBuf,
    /// Text that occurs in it exactly once.
    pub from: String,
    /// What replaces it.
    pub to: String,
}

impl Table {
    /// The table beside this file.
    ///
    /// # Errors
    /// Where it cannot be read, or says what is not known.
    pub fn read() -> Result<Self, String> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("mutations/mutations.toml");
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
    }
}

impl Campaign {
    /// The command line of the campaign with this seed, its logs under `folder`.
    ///
    /// # Errors
    /// What the campaign does not know.
    pub fn options(&self, seed: u64, folder: &Path) -> Result<Options, String> {
        let Self { kinds, nodes, faults, records, rate, bound } = self;
        let (nodes, faults, records) = (nodes.to_string(), faults.to_string(), records.to_string());
        let (rate, seed) = (rate.to_string(), seed.to_string());
        let folder = folder.display().to_string();
        let pairs = [
            ("--kinds", kinds.as_str()),
            ("--nodes", &nodes),
            ("--faults", &faults),
            ("--records", &records),
            ("--rate", &rate),
            ("--seed", &seed),
            ("--bound", bound),
            ("--folder", &folder),
        ];
        let arguments =
            ["faults"].into_iter().chain(pairs.into_iter().flat_map(|(name, value)| [name, value]));
        Options::try_parse_from(arguments).map_err(|error| error.to_string())
    }
}

impl Edit {
    /// The text of the file with this edit.
    ///
    /// # Errors
    /// Where the text to be replaced does not occur in it exactly once.
    pub fn apply(&self, text: &str) -> Result<String, String> {
        match text.matches(&self.from).count() {
            1 => Ok(text.replacen(&self.from, &self.to, 1)),
            count => Err(format!(
                "{} holds {count} times, not once, what a mutation replaces: {:?}",
                self.file.display(),
                self.from
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_replaces_what_is_there_once_and_nothing_else() {
        let edit = Edit { file: "a.rs".into(), from: "b".into(), to: "c".into() };
        assert_eq!(edit.apply("abd"), Ok("acd".into()));
        for (text, count) in [("ad", "0 times"), ("abb", "2 times")] {
            let problem = edit.apply(text).expect_err(text);
            assert!(problem.contains("a.rs") && problem.contains(count), "{problem}");
        }
    }
}
