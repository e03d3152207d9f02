//! A consumer group: members on numbered seats, and who owns which partition.
//!
//! Partition `p` belongs to the member on seat `p % seats`. A change is cooperative, as in Kafka: a
//! partition is assigned only once its old owner has released it.

use std::collections::{BTreeMap, BTreeSet};

use runtime::{BrokerError, Cause, GroupEvent, Remedy};
use stage::{Offset, Partition};

/// The number of a member; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MemberId(pub(crate) u64);

#[derive(Debug)]
struct Member {
    instance: Option<String>,
    seat: Option<u32>,
    /// Rises when the group expels the member, so that proofs of before are refused.
    session: u64,
    /// What was taken from it and not yet said.
    lost: Vec<Partition>,
    /// What it was told to release and has not.
    revoked: BTreeSet<Partition>,
}

/// A consumer group of one topic.
#[derive(Debug)]
pub(crate) struct Group {
    seats: u32,
    members: BTreeMap<MemberId, Member>,
    owners: BTreeMap<Partition, MemberId>,
    offsets: BTreeMap<Partition, Offset>,
}

impl Default for Group {
    fn default() -> Self {
        Self { seats: 1, members: BTreeMap::new(), owners: BTreeMap::new(), offsets: BTreeMap::new() }
    }
}

impl Group {
    /// Sets the number of seats. Who sat beyond them stands; who stood sits down where there is room.
    pub(crate) fn set_seats(&mut self, seats: u32) {
        self.seats = seats.max(1);
        for member in self.members.values_mut() {
            member.seat = member.seat.filter(|seat| *seat < self.seats);
        }
        self.fill(None);
    }

    /// Joins on the lowest free seat. A member with the same instance id is replaced: the new one
    /// gets its seat and partitions, and the old one is fenced (KIP-345).
    pub(crate) fn join(&mut self, id: MemberId, instance: Option<String>) {
        if let Some(name) = &instance {
            let old = self.members.iter().find(|(_, m)| m.instance.as_ref() == Some(name)).map(|(id, _)| *id);
            if let Some(old) = old {
                self.leave_seat(old);
            }
        }
        let seat = self.free_seat();
        let member = Member { instance, seat, session: 0, lost: Vec::new(), revoked: BTreeSet::new() };
        self.members.insert(id, member);
    }

    pub(crate) fn leave(&mut self, id: MemberId) {
        self.leave_seat(id);
        self.fill(None);
    }

    /// Who is a member, by instance id where it has one.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |(id, member): (&MemberId, &Member)| match &member.instance {
            Some(instance) => instance.clone(),
            None => format!("member {}", id.0),
        };
        self.members.iter().map(name).collect()
    }

    pub(crate) fn leave_all(&mut self) {
        self.members.clear();
        self.owners.clear();
    }

    /// Takes everything from the member on this seat, as a session that timed out does; it learns of
    /// it at its next event and may sit down again after that.
    pub(crate) fn expel(&mut self, seat: u32) {
        let Some((id, member)) = self.members.iter_mut().find(|(_, m)| m.seat == Some(seat)) else { return };
        let id = *id;
        let owned = self.owners.iter().filter(|(_, owner)| **owner == id).map(|(p, _)| *p);
        member.lost.extend(owned);
        member.revoked.clear();
        member.seat = None;
        member.session += 1;
        self.owners.retain(|_, owner| *owner != id);
        self.fill(Some(id));
    }

    /// The next change for this member, of a topic with this many partitions.
    pub(crate) fn event(&mut self, id: MemberId, count: u32) -> Result<Option<GroupEvent>, BrokerError> {
        let lost = std::mem::take(&mut self.member_mut(id)?.lost);
        // It knows now: it may sit down again, if nobody took its seat.
        self.fill(None);
        if !lost.is_empty() {
            return Ok(Some(GroupEvent::Lost(lost)));
        }
        let seats = self.seats;
        let member = self.members.get_mut(&id).expect("a member was found above");
        let mine = |seat: Option<u32>, p: Partition| seat == Some(p.number() % seats);
        let seat = member.seat;
        let revoked: Vec<_> = self
            .owners
            .iter()
            .filter(|(p, owner)| **owner == id && !mine(seat, **p) && !member.revoked.contains(p))
            .map(|(p, _)| *p)
            .collect();
        if !revoked.is_empty() {
            member.revoked.extend(&revoked);
            return Ok(Some(GroupEvent::Revoked(revoked)));
        }
        let assigned: Vec<_> = (0..count)
            .map(Partition::new)
            .filter(|p| mine(seat, *p) && !self.owners.contains_key(p))
            .collect();
        self.owners.extend(assigned.iter().map(|p| (*p, id)));
        Ok((!assigned.is_empty()).then_some(GroupEvent::Assigned(assigned)))
    }

    pub(crate) fn release(&mut self, id: MemberId, partitions: &[Partition]) -> Result<(), BrokerError> {
        let member = self.member_mut(id)?;
        for partition in partitions {
            member.revoked.remove(partition);
        }
        self.owners.retain(|p, owner| *owner != id || !partitions.contains(p));
        Ok(())
    }

    /// The number of the member's session, proof of membership.
    pub(crate) fn session(&self, id: MemberId) -> Result<u64, BrokerError> {
        self.members.get(&id).map(|member| member.session).ok_or_else(replaced)
    }

    /// Whether a commit of these partitions may be taken: the session is the member's and it owns
    /// them all. Kafka looks at the generation only; here a commit for another's partition is
    /// refused as well, since no worker may ever try.
    pub(crate) fn check(
        &self,
        id: MemberId,
        session: u64,
        offsets: &[(Partition, Offset)],
    ) -> Result<(), BrokerError> {
        let refuse = |detail: String| {
            let attempt = "embedded log: send offsets to transaction".into();
            Err(BrokerError { remedy: Remedy::Abort, cause: Cause::Other, attempt, detail })
        };
        if self.members.get(&id).is_none_or(|member| member.session != session) {
            return refuse("the proof of membership is of an earlier generation".into());
        }
        match offsets.iter().find(|(p, _)| self.owners.get(p) != Some(&id)) {
            Some((partition, _)) => refuse(format!("partition {partition} belongs to another member")),
            None => Ok(()),
        }
    }

    pub(crate) fn commit(&mut self, offsets: &[(Partition, Offset)]) {
        self.offsets.extend(offsets.iter().copied());
    }

    pub(crate) fn committed(&self, partition: Partition) -> Option<Offset> {
        self.offsets.get(&partition).copied()
    }

    pub(crate) fn forget_offsets(&mut self) {
        self.offsets.clear();
    }

    fn member_mut(&mut self, id: MemberId) -> Result<&mut Member, BrokerError> {
        self.members.get_mut(&id).ok_or_else(replaced)
    }

    fn leave_seat(&mut self, id: MemberId) {
        self.members.remove(&id);
        self.owners.retain(|_, owner| *owner != id);
    }

    fn free_seat(&self) -> Option<u32> {
        (0..self.seats).find(|seat| self.members.values().all(|m| m.seat != Some(*seat)))
    }

    /// Seats who stands, in join order; not who has yet to learn of a loss.
    fn fill(&mut self, but: Option<MemberId>) {
        let standing: Vec<_> = self
            .members
            .iter()
            .filter(|(id, m)| m.seat.is_none() && m.lost.is_empty() && Some(**id) != but)
            .map(|(id, _)| *id)
            .collect();
        for id in standing {
            let seat = self.free_seat();
            self.members.get_mut(&id).expect("taken from the members above").seat = seat;
        }
    }
}

fn replaced() -> BrokerError {
    BrokerError {
        remedy: Remedy::Rebuild,
        cause: Cause::Fenced,
        attempt: "embedded log: consumer".into(),
        detail: "another member with this instance id has taken over".into(),
    }
}
