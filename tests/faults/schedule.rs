//! What will be done in one run, and when: made from the seed alone, so that the same seed gives the same run again.

use std::fmt;
use std::time::Duration;

use super::kind::{Kind, Nodes};
use super::stage::StageName;
use crate::trail::Chance;

/// What a schedule is made for.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which clusters; by seed where both are.
    pub nodes: NodesChoice,
    /// Which kinds.
    pub kinds: Vec<Kind>,
    /// How many faults.
    pub faults: usize,
}

/// Which clusters runs may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum NodesChoice {
    /// One node.
    #[value(name = "1")]
    One,
    /// Three nodes.
    #[value(name = "3")]
    Three,
    /// Odd seeds one node, even seeds three.
    Both,
}

/// When, within the victim's own work, a fault comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// As soon as a transaction is open; after a few seconds anyway.
    OpenTransaction,
    /// In the midst of a commit, where it is done to one process; as soon as a transaction is open, where it is not.
    Commit,
    /// Whenever it is.
    AnyTime,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its place in the schedule, from 1.
    pub number: usize,
    /// What is done.
    pub kind: Kind,
    /// To which stage, where it is done to one.
    pub stage: StageName,
    /// Chooses among processes, nodes and the like: any number, taken modulo how many there are.
    pub choice: usize,
    /// When it comes.
    pub aim: Aim,
    /// How long nothing is done before it.
    pub pause: Duration,
    /// How long it lasts.
    pub hold: Duration,
}

/// All faults of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// What it was made from.
    pub seed: u64,
    /// The cluster.
    pub nodes: Nodes,
    /// How long the stages gather before they commit.
    pub commit_interval: Duration,
    /// The faults, in their order.
    pub faults: Vec<Fault>,
}

impl Schedule {
    /// The schedule of this seed.
    ///
    /// # Panics
    /// When none of the kinds is possible on the cluster.
    #[must_use]
    pub fn of(seed: u64, plan: &Plan) -> Self {
        let mut chance = Chance::of(seed);
        let nodes = match plan.nodes {
            NodesChoice::One => Nodes::One,
            NodesChoice::Three => Nodes::Three,
            NodesChoice::Both if seed % 2 == 1 => Nodes::One,
            NodesChoice::Both => Nodes::Three,
        };
        let commit_interval = millis(chance.between(2000, 4001));
        let kinds = deal(&mut chance, plan, nodes);
        let faults = (1..).zip(kinds).map(|(number, kind)| fault(&mut chance, number, kind)).collect();
        Self { seed, nodes, commit_interval, faults }
    }

    /// Another fault of the same kind, in the place of one without effect; the same again for the same number.
    #[must_use]
    pub fn again(&self, kind: Kind, number: usize) -> Fault {
        let number_of_run = u64::try_from(number).expect("few");
        fault(&mut Chance::of(self.seed.wrapping_mul(10_000) + number_of_run), number, kind)
    }
}

/// One line for the run and one for each fault.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, nodes, commit_interval, faults } = self;
        let count = nodes.count();
        writeln!(
            f,
            "seed {seed}: {count} nodes, commit interval {commit_interval:?}, {} faults",
            faults.len()
        )?;
        for fault in faults {
            writeln!(f, "  {fault}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, kind, stage, choice, aim, pause, hold } = self;
        let aim = match aim {
            Aim::OpenTransaction => "open transaction",
            Aim::Commit => "commit",
            Aim::AnyTime => "any time",
        };
        write!(
            f,
            "{number:3} {kind:<20} {stage:<10} choice {choice:<4} {aim:<16} pause {pause:?}, hold {hold:?}"
        )
    }
}

/// Decks of all possible kinds, shuffled, one after the other: every kind comes about as often. What only three nodes can
/// have is in their deck twice, as half of all runs have it.
fn deal(chance: &mut Chance, plan: &Plan, nodes: Nodes) -> Vec<Kind> {
    let possible = plan.kinds.iter().filter(|kind| kind.possible_on(nodes));
    let twice = possible.clone().filter(|kind| kind.moves() && plan.nodes == NodesChoice::Both);
    let deck: Vec<Kind> = possible.chain(twice).copied().collect();
    assert!(!deck.is_empty(), "none of these kinds is possible on {} nodes: {:?}", nodes.count(), plan.kinds);
    let mut dealt = Vec::new();
    while dealt.len() < plan.faults {
        let mut left = deck.clone();
        while !left.is_empty() && dealt.len() < plan.faults {
            dealt.push(left.swap_remove(chance.between(0, left.len())));
        }
    }
    dealt
}

fn fault(chance: &mut Chance, number: usize, kind: Kind) -> Fault {
    let (from, until) = kind.hold_millis();
    Fault {
        number,
        kind,
        stage: if chance.between(0, 2) == 0 { StageName::Normalizer } else { StageName::Aggregator },
        choice: chance.between(0, 1000),
        aim: match chance.between(0, 4) {
            0 => Aim::AnyTime,
            1 => Aim::Commit,
            // One that wakes up before it has begun to commit learns in time that it is expelled.
            2 if kind == Kind::Zombie => Aim::Commit,
            _ => Aim::OpenTransaction,
        },
        pause: millis(chance.between(0, 1500)),
        hold: millis(chance.between(from, until)),
    }
}

fn millis(count: usize) -> Duration {
    Duration::from_millis(u64::try_from(count).expect("a count fits"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn plan(nodes: NodesChoice) -> Plan {
        Plan { nodes, kinds: Kind::ALL.to_vec(), faults: 25 }
    }

    #[test]
    fn a_seed_gives_the_same_schedule_again_and_another_seed_another() {
        let plan = plan(NodesChoice::Both);
        assert_eq!(Schedule::of(7, &plan), Schedule::of(7, &plan));
        assert_ne!(Schedule::of(7, &plan).faults, Schedule::of(9, &plan).faults);
    }

    #[test]
    fn twenty_seeds_of_twenty_five_faults_have_fifteen_of_every_kind() {
        let plan = plan(NodesChoice::Both);
        let mut counts: BTreeMap<Kind, usize> = BTreeMap::new();
        for fault in (1..=20).flat_map(|seed| Schedule::of(seed, &plan).faults) {
            *counts.entry(fault.kind).or_default() += 1;
        }
        assert_eq!(counts.values().sum::<usize>(), 500);
        for kind in Kind::ALL {
            assert!(counts.get(&kind).is_some_and(|count| *count >= 15), "{kind}: {counts:?}");
        }
    }

    #[test]
    fn nothing_moves_on_one_node_and_holds_are_within_bounds() {
        for fault in (1..50).flat_map(|seed| Schedule::of(seed, &plan(NodesChoice::One)).faults) {
            assert!(!fault.kind.moves());
            let (from, until) = fault.kind.hold_millis();
            assert!((millis(from)..millis(until)).contains(&fault.hold), "{fault}");
        }
    }

    #[test]
    fn another_in_the_place_of_one_is_of_its_kind_and_the_same_again() {
        let schedule = Schedule::of(3, &plan(NodesChoice::One));
        let again = schedule.again(Kind::Zombie, 26);
        assert_eq!((again.kind, again.number), (Kind::Zombie, 26));
        assert_eq!(again, schedule.again(Kind::Zombie, 26));
        assert_ne!(again.choice, schedule.again(Kind::Zombie, 27).choice);
    }

    #[test]
    fn only_the_kinds_that_were_asked_for_come() {
        let plan = Plan { nodes: NodesChoice::One, kinds: vec![Kind::Zombie], faults: 3 };
        let kinds: Vec<_> = Schedule::of(1, &plan).faults.iter().map(|fault| fault.kind).collect();
        assert_eq!(kinds, [Kind::Zombie; 3]);
    }
}
