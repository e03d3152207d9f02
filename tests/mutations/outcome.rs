//! What came of each mutation, and the table that says so.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::sign::Sign;
use super::table::Mutation;

/// What came of one mutation.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The mutation.
    pub mutation: Mutation,
    /// The seeds that were tried.
    pub seeds: Vec<u64>,
    /// The faults that were injected, over all seeds.
    pub faults: usize,
    /// What the last run showed.
    pub found: BTreeMap<Sign, u64>,
    /// Why it could not be tried, or what the last run said where it showed none of what it must.
    pub remarks: Vec<String>,
    /// Whether the campaign went red as it must.
    pub caught: bool,
    /// How long it took, its build and the unmutated product included.
    pub took: Duration,
}

impl Outcome {
    /// One that was not tried yet.
    #[must_use]
    pub fn of(mutation: &Mutation) -> Self {
        Self {
            mutation: mutation.clone(),
            seeds: Vec::new(),
            faults: 0,
            found: BTreeMap::new(),
            remarks: Vec::new(),
            caught: false,
            took: Duration::ZERO,
        }
    }

    /// What was found, in words.
    #[must_use]
    pub fn found(&self) -> String {
        if self.found.is_empty() {
            return "nothing".into();
        }
        let words: Vec<_> = self.found.iter().map(|(sign, count)| format!("{count} {sign}")).collect();
        words.join(", ")
    }
}

/// The table over all of them.
#[must_use]
pub fn table(outcomes: &[Outcome]) -> String {
    let mut text = format!(
        "{:<22}{:<22}{:<8}{:>6}  {:<8}{}\n",
        "MUTATION", "KINDS", "SEEDS", "FAULTS", "CAUGHT", "FOUND"
    );
    for outcome in outcomes {
        let Outcome { mutation, seeds, faults, remarks, caught, .. } = outcome;
        let seeds: Vec<_> = seeds.iter().map(u64::to_string).collect();
        let _ = writeln!(
            text,
            "{:<22}{:<22}{:<8}{faults:>6}  {:<8}{}",
            mutation.name,
            mutation.campaign.kinds,
            seeds.join(" "),
            if *caught { "yes" } else { "NO" },
            outcome.found()
        );
        let _ = writeln!(text, "  {}", mutation.without);
        for remark in remarks.iter().filter(|_| !caught) {
            let _ = writeln!(text, "  {remark}");
        }
    }
    let caught = outcomes.iter().filter(|outcome| outcome.caught).count();
    let minutes = outcomes.iter().map(|outcome| outcome.took.as_secs_f64()).sum::<f64>() / 60.0;
    let _ = writeln!(text, "{caught} of {} caught, in {minutes:.0} minutes", outcomes.len());
    text
}
