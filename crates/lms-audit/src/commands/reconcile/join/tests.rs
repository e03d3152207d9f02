use std::collections::VecDeque;

use catalog::{Category, Micros};

use super::*;

fn seen(offset: i64) -> Seen {
    let received_at = Micros::new(offset);
    Seen { offset, received_at, key: String::new(), is_replayed: false, moved_from: None }
}

fn output(at: i64, names: i64, became: Became) -> Output {
    Output { names, at, became, received_at: Micros::new(names), account: None, is_behind: false }
}

fn given<'f, T: 'f>(all: impl IntoIterator<Item = T>) -> super::super::feed::Feed<'f, T> {
    let mut all: VecDeque<_> = all.into_iter().collect();
    Box::new(move || Ok(all.pop_front()))
}

/// What the join says of these actions of offsets 10 to 19, events and receipts, each by the offset it names.
#[track_caller]
fn check(actions: &[i64], events: &[i64], receipts: &[(i64, Became)], expected: &[&str]) {
    let mut actions = Peeked::new(given(actions.iter().map(|offset| seen(*offset)).collect::<Vec<_>>()));
    let event = Became::Event { category: Category::Skill, id: 0 };
    let events = (0..).zip(events).map(|(at, names)| output(at, *names, event)).collect::<Vec<_>>();
    let receipts =
        (0..).zip(receipts).map(|(at, (names, became))| output(at, *names, *became)).collect::<Vec<_>>();
    let mut outputs = [Ordered::new(given(events), None), Ordered::new(given(receipts), None)];
    let mut said = Vec::new();
    join(&(10..20), &mut actions, &mut outputs, &mut |case| {
        said.push(match case {
            Case::One(action, output) if output.is_behind => format!("{} behind", action.offset),
            Case::One(action, output) => format!("{} at {}", action.offset, output.at),
            Case::Lost(action) => format!("{} lost", action.offset),
            Case::Several(action, outputs) => format!("{} {} times", action.offset, outputs.len()),
            Case::Unexplained(output) => format!("{} unexplained", output.names),
            Case::Late(output) => format!("{} late", output.names),
            Case::Outside(output) => format!("{} outside", output.names),
            Case::Expired(range) => format!("{}..{} expired", range.start, range.end),
        });
        Ok(())
    })
    .expect("nothing fails here");
    assert_eq!(said, expected);
}

const ONE: Became = Became::Duplicate;

#[test]
fn each_action_meets_what_became_of_it() {
    check(&[], &[], &[], &[]);
    check(&[10, 12], &[10], &[(12, ONE)], &["10 at 0", "12 at 0"]);
    check(&[10, 12], &[12], &[], &["10 lost", "12 at 0"]);
    check(&[10], &[10, 10], &[(10, ONE)], &["10 3 times"]);
    check(&[10, 12], &[10, 11, 12], &[], &["10 at 0", "11 unexplained", "12 at 2"]);
    check(&[10], &[9, 10, 20, 21], &[], &["9 outside", "10 at 1", "20 outside", "21 outside"]);
    check(&[15], &[15], &[(10, Became::Expired { until: 15 })], &["10..15 expired", "15 at 0"]);
}

#[test]
fn an_output_that_lies_behind_still_meets_its_action() {
    check(&[10, 11], &[11, 10], &[], &["10 behind", "11 at 0"]);
    let far: Vec<_> = std::iter::once(11).chain(12..12 + 1030).chain([10]).collect();
    let mut expected = vec!["10 lost".to_owned(), "11 at 0".into()];
    expected.extend((12..20).map(|offset| format!("{offset} at {}", offset - 11)));
    expected.extend((20..1042).map(|offset| format!("{offset} outside")));
    // It comes into sight as soon as one of those before it is taken.
    let place = expected.iter().position(|line| line == "18 at 7").expect("there");
    expected.insert(place + 1, "10 late".into());
    let actions: Vec<_> = (10..20).collect();
    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    check(&actions, &far, &[], &expected);
}
