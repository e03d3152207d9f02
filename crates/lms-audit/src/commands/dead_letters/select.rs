//! Which dead letters are meant: the criteria that list and replay share.

use std::str::FromStr;

use catalog::{Micros, Reason, TenantId};
use clap::Args;
use pipeline::replay::read_place;
use stage::{Offset, Partition};

use super::letter::{Letter, Place};
use crate::when::When;

/// Which dead letters are meant. Within one criterion any value will do; all criteria must hold.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Which dead letters")]
pub struct Selection {
    /// Only those of this reason, such as unknown_action; may be repeated.
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub reason: Vec<Reason>,
    /// Only those of this tenant, as it can be read from the value; may be repeated.
    #[arg(long, value_name = "TENANT")]
    pub tenant: Vec<TenantId>,
    /// Only those of this source; may be repeated.
    #[arg(long, value_name = "SOURCE")]
    pub source: Vec<String>,
    /// Only those of actions received from then on: 2h, 3d (ago), 2026-11-01, 2026-11-01T09:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<When>,
    /// Only those of actions received before then.
    #[arg(long, value_name = "TIME")]
    pub until: Option<When>,
    /// Only this one: where the dead letter lies in its topic, or the action's id; may be repeated.
    #[arg(long, value_name = "PARTITION:OFFSET|ID")]
    pub id: Vec<Which>,
}

/// One dead letter by its place, or those of one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Where it lies in the dead-letter topic.
    At(Partition, Offset),
    /// The action's id.
    Action(String),
}

impl FromStr for Which {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match read_place(text) {
            Some((partition, offset)) => Self::At(partition, offset),
            None => Self::Action(text.into()),
        })
    }
}

fn reason(name: &str) -> Result<Reason, String> {
    let names = Reason::ALL.map(Reason::name);
    Reason::from_name(name).ok_or_else(|| format!("there are: {}", names.join(", ")))
}

impl Selection {
    /// Whether anything was chosen at all.
    pub(super) fn is_everything(&self) -> bool {
        let Self { reason, tenant, source, since, until, id } = self;
        let lists = reason.is_empty() && tenant.is_empty() && source.is_empty() && id.is_empty();
        lists && since.is_none() && until.is_none()
    }

    /// Whether a dead letter is meant, if it is `now` now.
    pub(super) fn matches(&self, letter: &Letter, now: Micros) -> bool {
        let content = letter.content.as_ref().ok();
        let is_one = |which: &Which| match which {
            Which::At(partition, offset) => letter.place == (*partition, *offset),
            Which::Action(id) => content.is_some_and(|content| content.id.as_ref() == Some(id)),
        };
        any(&self.reason, |reason| *reason == letter.reason)
            && any(&self.tenant, |tenant| content.is_some_and(|c| c.tenant.as_ref() == Some(tenant)))
            && any(&self.source, |source| content.is_some_and(|c| c.source.as_ref() == Some(source)))
            && any(&self.id, is_one)
            && self.since.is_none_or(|since| letter.received_at >= since.at(now))
            && self.until.is_none_or(|until| letter.received_at < until.at(now))
    }

    /// The places that were named, where nothing but places was.
    pub(super) fn places(&self) -> Option<Vec<Place>> {
        let place = |which: &Which| match which {
            Which::At(partition, offset) => Some((*partition, *offset)),
            Which::Action(_) => None,
        };
        let places: Option<Vec<_>> = self.id.iter().map(place).collect();
        places.filter(|places| !places.is_empty())
    }
}

fn any<T>(wanted: &[T], matches: impl FnMut(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(matches)
}
