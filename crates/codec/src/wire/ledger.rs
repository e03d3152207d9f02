//! The ledger in Avro: one record that holds an account's row, a stage's coverage or a source's sequence.

use catalog::{Account, LedgerRow, Micros, SequenceRow};
use serde::Deserialize;
use stage::{Coverage, Millis, Offset};

use super::Incoming;
use super::sequence::{SequenceIn, SequenceOut};
use super::value::{partition, partition_out, tenant};
use crate::LedgerRecord;

record! {
    pub(crate) struct LedgerOut<'b> {
        account: Option<AccountOut<'b>>,
        coverage: Option<CoverageOut<'b>>,
        sequence: Option<SequenceOut<'b>>,
    }
}

record! {
    pub(super) struct AccountOut<'b> {
        tenant: Option<&'b str>,
        source: Option<&'b str>,
        partition: Option<i32>,
        hour: i64,
        received: i64,
        recorded: i64,
        duplicate: i64,
        suppressed: i64,
        dead_lettered: i64,
        replayed: i64,
        received_at: i64,
    }
}

record! {
    pub(super) struct CoverageOut<'b> {
        stage: &'b str,
        partition: i32,
        next_offset: i64,
        last_read_at: Option<i64>,
        cluster_id: &'b str,
        topic_id: &'b str,
        expired: i64,
        committed_at: i64,
    }
}

impl<'b> LedgerOut<'b> {
    pub(crate) fn account(row: &'b LedgerRow) -> Result<Self, String> {
        let (tenant, source, partition) = match &row.account {
            Account::Source(tenant, source) => (Some(tenant.as_str()), Some(source.as_str()), None),
            Account::Tenant(tenant) => (Some(tenant.as_str()), None, None),
            Account::Partition(partition) => (None, None, Some(partition_out(*partition)?)),
        };
        let account = AccountOut {
            tenant,
            source,
            partition,
            hour: row.hour.get(),
            received: row.received,
            recorded: row.recorded,
            duplicate: row.duplicate,
            suppressed: row.suppressed,
            dead_lettered: row.dead_lettered,
            replayed: row.replayed,
            received_at: row.received_at.get(),
        };
        Ok(Self { account: Some(account), coverage: None, sequence: None })
    }

    pub(crate) fn coverage(
        stage: &'b str,
        partition: u32,
        coverage: &'b Coverage,
        committed_at: Micros,
    ) -> Result<Self, String> {
        let last_read_at = match coverage.last_read {
            Some(at) => Some(Micros::from_millis(at.get()).ok_or("last_read is out of range")?.get()),
            None => None,
        };
        let coverage = CoverageOut {
            stage,
            partition: partition_out(partition)?,
            next_offset: coverage.next.number(),
            last_read_at,
            cluster_id: &coverage.cluster_id,
            topic_id: &coverage.topic_id,
            expired: i64::try_from(coverage.expired).map_err(|_| "expired is out of range")?,
            committed_at: committed_at.get(),
        };
        Ok(Self { account: None, coverage: Some(coverage), sequence: None })
    }

    pub(crate) fn sequence(row: &'b SequenceRow) -> Self {
        Self { account: None, coverage: None, sequence: Some(SequenceOut::of(row)) }
    }
}

#[derive(Deserialize)]
#[serde(rename = "LedgerRecord")]
pub(crate) struct LedgerIn {
    #[serde(default)]
    account: Option<AccountIn>,
    #[serde(default)]
    coverage: Option<CoverageIn>,
    #[serde(default)]
    sequence: Option<SequenceIn>,
}

#[derive(Deserialize)]
#[serde(rename = "AccountRow")]
struct AccountIn {
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    partition: Option<i32>,
    hour: i64,
    received: i64,
    recorded: i64,
    duplicate: i64,
    suppressed: i64,
    dead_lettered: i64,
    #[serde(default)]
    replayed: i64,
    received_at: i64,
}

#[derive(Deserialize)]
#[serde(rename = "Coverage")]
struct CoverageIn {
    stage: String,
    partition: i32,
    next_offset: i64,
    #[serde(default)]
    last_read_at: Option<i64>,
    cluster_id: String,
    topic_id: String,
    #[serde(default)]
    expired: i64,
    committed_at: i64,
}

impl Incoming for LedgerIn {
    type Domain = LedgerRecord;

    fn into_domain(self) -> Result<LedgerRecord, String> {
        match (self.account, self.coverage, self.sequence) {
            (Some(account), None, None) => account.into_domain().map(LedgerRecord::Account),
            (None, Some(coverage), None) => coverage.into_domain(),
            (None, None, Some(sequence)) => sequence.into_domain().map(LedgerRecord::Sequence),
            _ => Err("not exactly one of account, coverage and sequence is there".into()),
        }
    }
}

impl AccountIn {
    fn into_domain(self) -> Result<LedgerRow, String> {
        let account = match (self.tenant, self.source, self.partition) {
            (Some(id), Some(source), None) => Account::Source(tenant(&id)?, source),
            (Some(id), None, None) => Account::Tenant(tenant(&id)?),
            (None, None, Some(number)) => Account::Partition(partition(number)?),
            _ => return Err("account is neither a source, nor a tenant, nor a partition".into()),
        };
        Ok(LedgerRow {
            account,
            hour: Micros::new(self.hour),
            received: self.received,
            recorded: self.recorded,
            duplicate: self.duplicate,
            suppressed: self.suppressed,
            dead_lettered: self.dead_lettered,
            replayed: self.replayed,
            received_at: Micros::new(self.received_at),
        })
    }
}

impl CoverageIn {
    fn into_domain(self) -> Result<LedgerRecord, String> {
        let coverage = Coverage {
            next: Offset::new(self.next_offset),
            last_read: self.last_read_at.map(|at| Millis::new(Micros::new(at).millis())),
            cluster_id: self.cluster_id,
            topic_id: self.topic_id,
            expired: u64::try_from(self.expired).map_err(|_| "expired is negative")?,
        };
        Ok(LedgerRecord::Coverage {
            stage: self.stage,
            partition: partition(self.partition)?,
            coverage,
            committed_at: Micros::new(self.committed_at),
        })
    }
}
