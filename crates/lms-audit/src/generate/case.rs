//! What kinds of deliveries there are, how often each comes, and the deck by which none is left out.

use catalog::{Category, Entry, catalog};

use super::flaw::Flaw;
use super::random::Random;

/// One kind of delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// An action, plain JSON, right key.
    Fresh,
    /// The same, of a given action.
    Of(&'static Entry),
    /// As a structured CloudEvent.
    Structured,
    /// As a binary CloudEvent.
    Binary,
    /// It happened up to three days before it is sent.
    Late,
    /// Keyed by another tenant.
    ForeignKey,
    /// Without a key.
    NoKey,
    /// Sent before, the same bytes.
    Repeated,
    /// Sent before, written otherwise: order of fields, form of the time, origin, sequence.
    Rewritten,
    /// Sent before under the same id with other content.
    Conflicting,
    /// A certificate expires in a course whose certificates do not.
    Suppressed,
    /// Wrong in itself.
    Flawed(Flaw),
}

/// How often, of 10,000.
const MIX: [(Case, u64); 18] = [
    (Case::Fresh, 8500),
    (Case::Structured, 300),
    (Case::Binary, 300),
    (Case::Late, 250),
    (Case::ForeignKey, 100),
    (Case::NoKey, 50),
    (Case::Repeated, 150),
    (Case::Rewritten, 100),
    (Case::Conflicting, 40),
    (Case::Suppressed, 60),
    (Case::Flawed(Flaw::Truncated), 30),
    (Case::Flawed(Flaw::NotText), 10),
    (Case::Flawed(Flaw::UnknownFingerprint), 10),
    (Case::Flawed(Flaw::UnknownAction), 30),
    (Case::Flawed(Flaw::NoActor), 30),
    (Case::Flawed(Flaw::BadTime), 30),
    (Case::Flawed(Flaw::Future), 8),
    (Case::Flawed(Flaw::LargeHeaders), 2),
];

/// The next case by chance.
pub(crate) fn by_chance(random: &mut Random) -> Case {
    MIX[random.weighted(MIX.iter().map(|(_, weight)| *weight))].0
}

/// Every action and every kind of delivery once; what needs an original or a setting comes last.
pub(crate) fn deck() -> Vec<Case> {
    let actions = catalog().entries().iter().map(Case::Of);
    let flaws = Flaw::ALL.into_iter().map(Case::Flawed);
    let rest = [
        Case::Structured,
        Case::Binary,
        Case::Late,
        Case::ForeignKey,
        Case::NoKey,
        Case::Repeated,
        Case::Rewritten,
        Case::Conflicting,
        // The first makes the setting where there is none yet.
        Case::Suppressed,
        Case::Suppressed,
    ];
    actions.chain(flaws).chain(rest).collect()
}

/// An action by chance: categories as a platform's own counts have them, learning most, and within
/// one what learners do daily more than what admins do once.
pub(crate) fn action(random: &mut Random) -> &'static Entry {
    let category = Category::ALL[random.weighted(Category::ALL.iter().map(|one| share(*one)))];
    let entries = || catalog().entries().iter().filter(move |entry| entry.category == category);
    let place = random.weighted(entries().map(frequency));
    entries().nth(place).expect("weighted gives a place in the list")
}

/// Of 1,000.
const fn share(category: Category) -> u64 {
    match category {
        Category::UserProgress => 450,
        Category::UserStatus => 250,
        Category::CourseAndTrainingPlan => 130,
        Category::Certificate => 50,
        Category::CourseContent => 40,
        Category::Session => 30,
        Category::Skill => 20,
        Category::AdminRole => 8,
        Category::ManagementRole => 8,
        Category::Catalog => 6,
        Category::CompletionSet => 4,
        Category::ApiKey => 4,
    }
}

fn frequency(entry: &Entry) -> u64 {
    let (_, verb) = entry.action.split_once('.').unwrap_or_default();
    match verb {
        "purged" | "purged_from_catalog" => 1,
        "deleted" | "revoked" | "force_completed" | "retake_forced" => 4,
        "started" | "completed" | "enrolled" | "registered" | "learner_registered" | "issued" => 60,
        _ => 15,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_adds_up_and_every_case_can_come() {
        assert_eq!(MIX.iter().map(|(_, weight)| weight).sum::<u64>(), 10_000);
        assert_eq!(Category::ALL.into_iter().map(share).sum::<u64>(), 1000);
    }
}
