//! Transactions: one open at most per transactional id, fenced by epoch, decided atomically.

use std::collections::{BTreeMap, BTreeSet};

use runtime::{BrokerError, Cause, Remedy};
use stage::{Millis, Offset, Partition};

use crate::cluster::Cluster;
use crate::group::MemberId;
use crate::partition::{Fate, TransactionId};
use crate::record::LogRecord;

/// One producer's claim to a transactional id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) transactional_id: String,
    pub(crate) epoch: u64,
}

/// Input offsets to commit, and whose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress<'a> {
    pub(crate) group: &'a str,
    pub(crate) topic: &'a str,
    pub(crate) member: MemberId,
    pub(crate) session: u64,
    pub(crate) offsets: &'a [(Partition, Offset)],
}

#[derive(Debug, Default)]
pub(crate) struct Transactions {
    epochs: BTreeMap<String, u64>,
    open: BTreeMap<String, Open>,
    begun: u64,
}

#[derive(Debug)]
struct Open {
    id: TransactionId,
    /// The partitions that take part.
    places: BTreeSet<(String, Partition)>,
}

impl Cluster {
    /// Aborts what an earlier producer of this transactional id left open, and fences it.
    pub(crate) fn claim(&mut self, transactional_id: &str, now: Millis) -> Claim {
        self.decide(transactional_id, Fate::Aborted, now);
        let epoch = self.transactions.epochs.entry(transactional_id.to_owned()).or_insert(0);
        *epoch += 1;
        Claim { transactional_id: transactional_id.to_owned(), epoch: *epoch }
    }

    pub(crate) fn begin(&mut self, claim: &Claim) -> Result<(), BrokerError> {
        self.check_claim(claim)?;
        self.transactions.begun += 1;
        let open = Open { id: TransactionId(self.transactions.begun), places: BTreeSet::new() };
        self.transactions.open.insert(claim.transactional_id.clone(), open);
        Ok(())
    }

    pub(crate) fn send(
        &mut self,
        claim: &Claim,
        topic: &str,
        partition: Partition,
        record: LogRecord,
        now: Millis,
    ) -> Result<(), BrokerError> {
        self.check_claim(claim)?;
        let open = self.transactions.open.get_mut(&claim.transactional_id).ok_or_else(not_open)?;
        let id = open.id;
        if !open.places.iter().any(|(t, p)| t == topic && *p == partition) {
            open.places.insert((topic.to_owned(), partition));
        }
        self.append(topic, partition, record, Fate::Open(id), now).map(drop)
    }

    /// Makes outputs and offsets visible together. A refused proof of membership aborts.
    pub(crate) fn commit(
        &mut self,
        claim: &Claim,
        progress: Progress<'_>,
        now: Millis,
    ) -> Result<(), BrokerError> {
        self.check_claim(claim)?;
        let group = self.group(progress.group, progress.topic);
        if let Err(refused) = group.check(progress.member, progress.session, progress.offsets) {
            self.decide(&claim.transactional_id, Fate::Aborted, now);
            return Err(refused);
        }
        group.commit(progress.offsets);
        self.decide(&claim.transactional_id, Fate::Committed, now);
        Ok(())
    }

    /// Makes outputs visible that come of no group's input.
    pub(crate) fn commit_alone(&mut self, claim: &Claim, now: Millis) -> Result<(), BrokerError> {
        self.check_claim(claim)?;
        self.decide(&claim.transactional_id, Fate::Committed, now);
        Ok(())
    }

    pub(crate) fn abort(&mut self, claim: &Claim, now: Millis) -> Result<(), BrokerError> {
        self.check_claim(claim)?;
        self.decide(&claim.transactional_id, Fate::Aborted, now);
        Ok(())
    }

    /// What the coordinator does after `transaction.timeout.ms`: aborts every open transaction and
    /// fences its producer.
    pub(crate) fn time_out(&mut self, now: Millis) {
        let open: Vec<_> = self.transactions.open.keys().cloned().collect();
        for transactional_id in open {
            self.claim(&transactional_id, now);
        }
    }

    fn check_claim(&self, claim: &Claim) -> Result<(), BrokerError> {
        if self.transactions.epochs.get(&claim.transactional_id) == Some(&claim.epoch) {
            return Ok(());
        }
        Err(BrokerError {
            remedy: Remedy::Rebuild,
            cause: Cause::Fenced,
            attempt: format!("embedded log: producer {}", claim.transactional_id),
            detail: "a later producer with this transactional id has taken over".into(),
        })
    }

    fn decide(&mut self, transactional_id: &str, fate: Fate, now: Millis) {
        let Some(open) = self.transactions.open.remove(transactional_id) else { return };
        for (topic, partition) in &open.places {
            // A topic deleted meanwhile took its part of the transaction along.
            if let Ok(log) = self.partition_mut(topic, *partition) {
                log.decide(open.id, fate, now);
            }
        }
    }
}

fn not_open() -> BrokerError {
    BrokerError {
        remedy: Remedy::Rebuild,
        cause: Cause::Other,
        attempt: "embedded log: send".into(),
        detail: "no transaction is open".into(),
    }
}
