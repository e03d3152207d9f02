//! The join: actions and outputs of one partition, merged by the action's offset. It holds what each
//! feed looks ahead and nothing else, however long the partition is.

use std::ops::Range;

use super::feed::{Ordered, Peeked};
use super::outputs::{Became, Output, Seen};

/// What the join finds at one offset.
#[derive(Debug)]
pub(super) enum Case<'c> {
    /// An action and what became of it, as it must be.
    One(&'c Seen, &'c Output),
    /// An action of which nothing became.
    Lost(&'c Seen),
    /// An action of which several outputs say what became.
    Several(&'c Seen, &'c [Output]),
    /// An output that names an action that nobody sees: aborted, or never there.
    Unexplained(&'c Output),
    /// An output that names an action that was judged already: it lies far behind its neighbours.
    Late(&'c Output),
    /// An output of an action outside the range.
    Outside(&'c Output),
    /// Offsets that expired unread.
    Expired(Range<i64>),
}

/// Takes what is found, in the order of offsets.
pub(super) type Judge<'j> = &'j mut dyn FnMut(Case<'_>) -> anyhow::Result<()>;

/// Merges the actions of a range with all outputs; each feed of actions ascends.
pub(super) fn join(
    range: &Range<i64>,
    actions: &mut Peeked<'_, Seen>,
    outputs: &mut [Ordered<'_>],
    judge: Judge<'_>,
) -> anyhow::Result<()> {
    let mut judged = range.start - 1;
    loop {
        let next = lowest(outputs)?;
        let offset = actions.peek()?.map(|action| action.offset);
        match (offset, next) {
            (None, None) => return Ok(()),
            (_, Some(next)) if next.is_range || offset.is_none_or(|offset| next.names < offset) => {
                let output = outputs[next.place].pop()?.expect("it was looked at");
                judge(without_action(&output, range, judged))?;
            }
            (Some(offset), _) => {
                let action = actions.pop()?.expect("it was looked at");
                judged = offset;
                let mut found = Vec::new();
                for feed in outputs.iter_mut() {
                    while feed.peek()?.is_some_and(|output| output.names == offset && !output.is_range()) {
                        found.extend(feed.pop()?);
                    }
                }
                match &found[..] {
                    [] => judge(Case::Lost(&action))?,
                    [output] => judge(Case::One(&action, output))?,
                    several => judge(Case::Several(&action, several))?,
                }
            }
            (None, Some(_)) => unreachable!("an output without an action comes first"),
        }
    }
}

/// The output to be looked at next.
struct Next {
    place: usize,
    names: i64,
    is_range: bool,
}

fn lowest(outputs: &mut [Ordered<'_>]) -> anyhow::Result<Option<Next>> {
    let mut lowest: Option<Next> = None;
    for (place, feed) in outputs.iter_mut().enumerate() {
        let Some(output) = feed.peek()? else { continue };
        let is_range = output.is_range();
        // A range explains the actions in it, so it comes before them.
        let is_lower = |lowest: &Next| (output.names, !is_range) < (lowest.names, !lowest.is_range);
        if lowest.as_ref().is_none_or(is_lower) {
            lowest = Some(Next { place, names: output.names, is_range });
        }
    }
    Ok(lowest)
}

fn without_action<'c>(output: &'c Output, range: &Range<i64>, judged: i64) -> Case<'c> {
    match output.became {
        Became::Expired { until } => Case::Expired(output.names..until),
        _ if !range.contains(&output.names) => Case::Outside(output),
        _ if output.names <= judged => Case::Late(output),
        _ => Case::Unexplained(output),
    }
}

#[cfg(test)]
mod tests;
