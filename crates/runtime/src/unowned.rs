//! Partitions that a group has given to nobody. A partition that moves is first taken from one member and, when that has joined
//! again without it, given to another (KIP-429). A static member that ends between the two, or falls silent and comes back, is
//! given what it had been promised without a new sharing out (KIP-345), so nobody learns that the partition is free: it would lie
//! idle until somebody happens to join or leave. Each process looks for such partitions and has the group share out anew.

use std::time::{Duration, Instant};

use crate::admin::{Share, Shares};
use crate::error::BrokerError;
use crate::port::{Broker, Consumer as _, GroupEvent, MemberSpec};
use crate::stop::Stop;

const EVERY: Duration = Duration::from_secs(5);
/// So often in a row a partition is seen unowned before it counts: between taking and giving it is so for as long as a commit
/// takes.
const LOOKS: usize = 3;
/// A group shares out within its members' max.poll.interval.ms at the latest; whoever waits longer looks again.
const PATIENCE: Duration = Duration::from_secs(60);

/// A group that is watched.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Its id.
    pub group: String,
    /// What it shares out.
    pub topic: String,
    /// Another topic, which its members may read and none of them consumes.
    pub other: String,
    /// The client ids of this process's members begin with this.
    pub own: String,
}

/// Looks at the groups until it is told to stop, and has a group share out anew that has left partitions unowned. The members'
/// processes take turns: whose member comes first by name does it, and should it not be able to, the next one later.
pub fn watch_shares<B: Broker>(broker: &B, shares: &mut impl Shares, groups: &[Watched], stop: &Stop) {
    let mut seen = vec![0; groups.len()];
    while !stop.wait(EVERY) {
        for (watched, seen) in groups.iter().zip(&mut seen) {
            let share = match shares.share(&watched.group, &watched.topic) {
                Ok(share) => share,
                Err(error) => {
                    tracing::debug!(%error, "whether partitions are unowned cannot be seen now");
                    continue;
                }
            };
            if !is_due(&share, &watched.own, seen) {
                continue;
            }
            tracing::warn!(
                group = watched.group,
                topic = watched.topic,
                partitions = ?share.unowned,
                "partitions were given to nobody: the group is made to share out anew"
            );
            if let Err(error) = share_anew(broker, watched, stop) {
                tracing::warn!(%error, "the group could not be made to share out anew: trying again");
            }
        }
    }
}

/// Counts a look; says whether it is this process's turn to act.
fn is_due(share: &Share, own: &str, seen: &mut usize) -> bool {
    if !share.at_rest || share.unowned.is_empty() {
        *seen = 0;
        return false;
    }
    *seen += 1;
    let Some(turn) = share.members.iter().position(|member| member.starts_with(own)) else { return false };
    let due = *seen >= LOOKS + 2 * turn;
    if due {
        *seen = 0;
    }
    due
}

/// Joins the group for another topic and leaves it: whoever joins has it share out anew, and as this member wants nothing that
/// the others have, they keep all of it.
///
/// # Errors
/// [`BrokerError`] when no broker answers, or the group did not share out within a minute.
pub fn share_anew<B: Broker>(broker: &B, watched: &Watched, stop: &Stop) -> Result<(), BrokerError> {
    let mut passing = broker.consumer(&MemberSpec {
        group: watched.group.clone(),
        topic: watched.other.clone(),
        client_id: format!("{}passing", watched.own),
        instance_id: None,
    })?;
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        match passing.event()? {
            Some(GroupEvent::Assigned(partitions)) => return passing.accept(&partitions),
            Some(GroupEvent::Revoked(partitions) | GroupEvent::Lost(partitions)) => {
                passing.release(&partitions)?;
            }
            None => {
                if stop.wait(Duration::from_millis(50)) {
                    return Ok(());
                }
            }
        }
    }
    Err(BrokerError::stop("sharing out anew", format!("group {} did not within {PATIENCE:?}", watched.group)))
}

#[cfg(test)]
mod tests {
    use stage::Partition;

    use super::*;

    fn share(at_rest: bool, unowned: &[u32]) -> Share {
        let members = ["app-one-0", "app-one-1", "app-two-0"].map(str::to_owned).to_vec();
        Share { at_rest, members, unowned: unowned.iter().copied().map(Partition::new).collect() }
    }

    fn looks(own: &str, shares: &[Share]) -> Vec<bool> {
        let mut seen = 0;
        shares.iter().map(|share| is_due(share, own, &mut seen)).collect()
    }

    #[test]
    fn it_acts_once_partitions_stay_unowned_at_rest() {
        let unowned = || share(true, &[2]);
        assert_eq!(
            looks("app-one-", &[unowned(), unowned(), unowned(), unowned()]),
            [false, false, true, false]
        );
        let mended = [unowned(), unowned(), share(true, &[]), unowned(), unowned(), unowned()];
        assert_eq!(looks("app-one-", &mended), [false, false, false, false, false, true]);
        let moving = [unowned(), unowned(), share(false, &[0, 1, 2]), unowned()];
        assert_eq!(looks("app-one-", &moving), [false; 4]);
    }

    #[test]
    fn processes_take_turns_and_strangers_have_none() {
        let always = vec![share(true, &[2]); 8];
        assert_eq!(looks("app-two-", &always).iter().position(|due| *due), Some(LOOKS + 2 * 2 - 1));
        assert_eq!(looks("app-three-", &always), [false; 8]);
    }
}
