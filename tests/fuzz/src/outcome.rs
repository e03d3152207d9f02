//! What the normalizer must do with every record, whatever it is: one outcome, and the outputs that belong to it.

use catalog::{Reason, Topic};
use pipeline::dead_letter::Failure;
use stage::{Outcome, Record, Stage};

use crate::kept::{Kept, Sent};

/// Processes a record: it is never an error, and it comes to one place alone, as its outcome says.
pub(crate) fn process(stage: &mut dyn Stage, record: &Record<'_>, sent: &mut Sent) -> Outcome {
    let before = sent.0.len();
    let outcome = stage.process(record, sent);
    let outcome = outcome.unwrap_or_else(|error| panic!("an action stopped the stage: {error}"));
    let new = &sent.0[before..];
    match outcome {
        Outcome::Emit { .. } => event(only(new, Topic::Events), record),
        Outcome::Skip(_) => drop(only(new, Topic::Receipts)),
        Outcome::Reject(reason) => dead_letter(only(new, Topic::DeadLetters), record, reason),
        Outcome::Reroute(partition) => {
            let [receipt, moved] = sorted(new);
            assert_eq!((receipt.topic, moved.topic), (Topic::Receipts, Topic::Actions));
            assert_eq!(moved.partition, partition.number());
            assert_ne!(moved.partition, record.partition.number(), "it was moved to where it lies");
            assert_eq!(moved.value.as_deref(), record.value, "its value changed on the way");
        }
    }
    outcome
}

fn only(new: &[Kept], topic: Topic) -> &Kept {
    assert_eq!(new.iter().map(|sent| sent.topic).collect::<Vec<_>>(), [topic], "not this one output");
    &new[0]
}

fn sorted(new: &[Kept]) -> [&Kept; 2] {
    let [a, b] = new else { panic!("a re-routed action has two outputs, not {}", new.len()) };
    if a.topic == Topic::Receipts { [a, b] } else { [b, a] }
}

fn event(sent: &Kept, record: &Record<'_>) {
    let event =
        codec::Codec::single_object().decoder().event(sent.value.as_deref().expect("an event has a value"));
    let event = event.unwrap_or_else(|error| panic!("what we wrote cannot be read: {error}"));
    assert_eq!(event.provenance.offset, record.offset.number());
    assert_eq!(sent.key.as_deref(), Some(event.action.tenant.as_str().as_bytes()));
    assert_eq!(sent.partition, record.partition.number());
}

/// Kept byte for byte, unless it was too large; and it says where it lay and why it is here.
fn dead_letter(sent: &Kept, record: &Record<'_>, reason: &str) {
    let letter = sent.record(0);
    let failure = Failure::read(&letter).expect("a dead letter says of itself what it is");
    assert_eq!(failure.reason.name(), reason);
    assert_eq!((failure.partition, failure.offset), (record.partition, record.offset));
    assert_eq!(failure.timestamp, record.timestamp);
    if failure.reason == Reason::Oversized {
        let value = letter.value.unwrap_or_default();
        assert!(record.value.unwrap_or_default().starts_with(value), "not the beginning of what it was");
        return;
    }
    assert_eq!((letter.key, letter.value), (record.key, record.value), "not byte for byte");
    assert_eq!(letter.headers[..record.headers.len()], record.headers[..], "not header for header");
}
