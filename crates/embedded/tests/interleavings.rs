//! Any interleaving of transactions: what a reader of committed records has seen is at every moment
//! a prefix of what the partition holds in the end, and holds what was committed and nothing else.

mod common;

use common::*;
use embedded::{EmbeddedLog, EmbeddedReader, LogRecord};
use proptest::prelude::*;
use runtime::{Consumer, Log, Producer, Reader, Slice, Transaction};
use stage::{Millis, Sink};

const PARTITIONS: u32 = 2;
const IDS: [&str; 3] = ["a", "b", "c"];

/// What one of the transactional ids does with its transaction.
#[derive(Clone, Debug)]
enum Act {
    Send(u32),
    Commit,
    Abort,
    /// A later producer takes the id over.
    Replace,
    /// Somebody writes outside any transaction.
    Publish(u32),
    Read,
}

fn acts() -> impl Strategy<Value = Vec<(usize, Act)>> {
    let act = prop_oneof![
        4 => (0..PARTITIONS).prop_map(Act::Send),
        2 => Just(Act::Commit),
        1 => Just(Act::Abort),
        1 => Just(Act::Replace),
        1 => (0..PARTITIONS).prop_map(Act::Publish),
        2 => Just(Act::Read),
    ];
    prop::collection::vec((0..IDS.len(), act), 0..60)
}

/// What ought to be: per partition each value in log order with whether it was committed (`None`
/// while undecided), and how many control records there are.
#[derive(Default)]
struct Model {
    partitions: [Vec<(String, usize, Option<bool>)>; PARTITIONS as usize],
    control: [i64; PARTITIONS as usize],
}

impl Model {
    fn decide(&mut self, id: usize, committed: bool) {
        for (entries, control) in self.partitions.iter_mut().zip(&mut self.control) {
            let mut took_part = false;
            for (_, _, fate) in entries.iter_mut().filter(|(_, of, fate)| *of == id && fate.is_none()) {
                *fate = Some(committed);
                took_part = true;
            }
            *control += i64::from(took_part);
        }
    }

    /// The committed values before the first undecided one.
    fn visible(&self, partition: u32) -> Vec<String> {
        let decided = self.partitions[partition as usize].iter().take_while(|(_, _, fate)| fate.is_some());
        decided.filter(|(_, _, fate)| *fate == Some(true)).map(|(value, ..)| value.clone()).collect()
    }
}

/// A reader that goes on where it was.
struct Follower {
    reader: EmbeddedReader,
    seen: [Vec<String>; PARTITIONS as usize],
}

impl Follower {
    fn new(log: &EmbeddedLog) -> Self {
        let slice = |n| Slice { topic: OUTPUT.into(), partition: p(n), from: at(0), until: at(i64::MAX) };
        let reader = log.clone().open((0..PARTITIONS).map(slice).collect()).expect("the topic is there");
        Self { reader, seen: Default::default() }
    }

    fn follow(&mut self) {
        let seen = &mut self.seen;
        self.reader.read(NOW, &mut |slot, record| seen[slot].push(text(record.value))).expect("in range");
    }
}

fn play(acts: &[(usize, Act)]) -> Result<(), TestCaseError> {
    let log = log(PARTITIONS);
    let mut consumer = consumer(&log);
    assigned(&mut consumer);
    let proof = consumer.membership().expect("it is a member");
    let mut follower = Follower::new(&log);
    let mut model = Model::default();
    // Each transaction borrows its producer, so the producers are leaked for the length of a case.
    let make = |id: usize| -> &'static mut _ { Box::leak(Box::new(producer(&log, IDS[id]))) };
    let mut open = std::array::from_fn::<_, 3, _>(|_| None);

    for (number, (id, act)) in acts.iter().enumerate() {
        let value = format!("{number}");
        match act {
            Act::Send(partition) => {
                let transaction =
                    open[*id].get_or_insert_with(|| make(*id).begin().expect("it is the latest"));
                transaction.send(&output(*partition, &value));
                model.partitions[*partition as usize].push((value, *id, None));
            }
            Act::Commit => {
                if let Some(transaction) = open[*id].take() {
                    transaction.commit(&[], &proof).expect("it is the latest");
                    model.decide(*id, true);
                }
            }
            Act::Abort => {
                if let Some(transaction) = open[*id].take() {
                    transaction.abort().expect("it is the latest");
                    model.decide(*id, false);
                }
            }
            Act::Replace => {
                make(*id);
                model.decide(*id, false);
                if let Some(fenced) = open[*id].take() {
                    prop_assert!(fenced.commit(&[], &proof).is_err());
                }
            }
            Act::Publish(partition) => {
                let record = LogRecord::new(Millis::new(1), b"k", value.as_bytes());
                log.append(OUTPUT, p(*partition), record).expect("the topic is there");
                model.partitions[*partition as usize].push((value, usize::MAX, Some(true)));
            }
            Act::Read => follower.follow(),
        }
        for n in 0..PARTITIONS {
            let visible = model.visible(n);
            prop_assert_eq!(&values(&log, OUTPUT, n), &visible, "after {} {:?}", number, act);
            prop_assert!(visible.starts_with(&follower.seen[n as usize]), "after {} {:?}", number, act);
        }
    }
    for (id, transaction) in open.into_iter().enumerate() {
        drop(transaction);
        model.decide(id, false);
    }
    // Two reads: each hands over a bounded number of records at most.
    (0..2).for_each(|_| follower.follow());
    for n in 0..PARTITIONS {
        let place = n as usize;
        prop_assert_eq!(&follower.seen[place], &model.visible(n));
        let end = model.partitions[place].len() as i64 + model.control[place];
        prop_assert_eq!(extent(&log, OUTPUT, n), (0, end, end));
    }
    Ok(())
}

proptest! {
    #[test]
    fn readers_of_committed_records_see_prefixes(acts in acts()) {
        play(&acts)?;
    }
}
