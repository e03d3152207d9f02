//! Tries mutations: builds the product without a rule, runs the campaign over it until it is red, and over the unmutated
//! product, which must stay green where the mutated one does not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::outcome::Outcome;
use super::product::build;
use super::sign::signs;
use super::table::{Campaign, Edit, Mutation};
use super::tree::Tree;
use crate::faults::{Done, Report, Schedule, run};

/// Tries mutations, one after the other.
pub struct Runner<'a> {
    tree: Tree,
    /// Where everything goes: the tree, what is built, the logs.
    folder: PathBuf,
    tell: &'a dyn Fn(&str),
    /// The unmutated product, once it is built.
    sound: Option<PathBuf>,
    /// What the campaign says of it, by campaign and seed.
    greens: BTreeMap<(Campaign, u64), Vec<String>>,
}

/// Why a mutation could not be tried to its end.
type Problem = String;

impl<'a> Runner<'a> {
    /// Mutates the working tree at `root`, as it is now, below `folder`; `tell` is told how it goes.
    ///
    /// # Errors
    /// Where the working tree cannot be read.
    pub fn new(root: &Path, folder: &Path, tell: &'a dyn Fn(&str)) -> Result<Self, String> {
        let tree = Tree::read(root, folder.join("tree"))?;
        Ok(Self { tree, folder: folder.to_owned(), tell, sound: None, greens: BTreeMap::new() })
    }

    /// Tries one mutation.
    pub fn attempt(&mut self, mutation: &Mutation) -> Outcome {
        let began = Instant::now();
        let mut outcome = Outcome::of(mutation);
        if let Err(problem) = self.go(mutation, &mut outcome) {
            (self.tell)(&format!("  {problem}"));
            outcome.remarks.push(problem);
        }
        outcome.took = began.elapsed();
        outcome
    }

    fn go(&mut self, mutation: &Mutation, outcome: &mut Outcome) -> Result<(), Problem> {
        let mutated = self.build("mutated", &mutation.edits)?;
        for seed in &mutation.seeds {
            outcome.seeds.push(*seed);
            let done = self.campaign(&mutated, &mutation.name, &mutation.campaign, *seed)?;
            let bound = mutation.campaign.options(*seed, &self.folder)?.bound.recovery;
            outcome.faults += done.faults.len();
            outcome.found = signs(&done, bound);
            (self.tell)(&format!("  seed {seed} without it: {}, {} s", outcome.found(), done.took.as_secs()));
            outcome.remarks = Report { runs: vec![done] }.problems();
            if !mutation.red.iter().any(|sign| outcome.found.contains_key(sign)) {
                continue;
            }
            let problems = self.sound_problems(&mutation.campaign, *seed)?;
            if problems.is_empty() {
                outcome.caught = true;
                return Ok(());
            }
            outcome.remarks.splice(.., problems);
            return Err("the unmutated product is red, too: that proves nothing".into());
        }
        Ok(())
    }

    /// What the campaign finds wrong with the unmutated product; asked once for each campaign and seed.
    fn sound_problems(&mut self, campaign: &Campaign, seed: u64) -> Result<Vec<String>, Problem> {
        if let Some(problems) = self.greens.get(&(campaign.clone(), seed)) {
            return Ok(problems.clone());
        }
        let sound = match self.sound.clone() {
            Some(sound) => sound,
            None => self.build("unmutated", &[])?,
        };
        self.sound = Some(sound.clone());
        let done = self.campaign(&sound, "unmutated", campaign, seed)?;
        let took = done.took.as_secs();
        let problems = Report { runs: vec![done] }.problems();
        let words = if problems.is_empty() { "green".to_owned() } else { problems.join("; ") };
        (self.tell)(&format!("  seed {seed} with all rules: {words}, {took} s"));
        self.greens.insert((campaign.clone(), seed), problems.clone());
        Ok(problems)
    }

    /// Builds the product with these edits; its binary replaces the last one of this name.
    fn build(&self, name: &str, edits: &[Edit]) -> Result<PathBuf, Problem> {
        let began = Instant::now();
        self.tree.set(edits)?;
        let kept = self.folder.join("binaries").join(name);
        let built = build(self.tree.folder(), &self.folder.join("build"), &kept)?;
        (self.tell)(&format!("  the {name} product is built, {} s", began.elapsed().as_secs()));
        Ok(built)
    }

    fn campaign(&self, binary: &Path, name: &str, campaign: &Campaign, seed: u64) -> Result<Done, Problem> {
        let folder = self.folder.join("runs").join(name).join(campaign.kinds.replace(',', "-"));
        let options = campaign.options(seed, &folder)?;
        let schedule = Schedule::of(seed, &options.plan());
        run(&schedule, &options, binary, self.tell).ok_or_else(|| "there can be no Kafka here".into())
    }
}
