//! The ledger as it grows: accounts, and the coverage of both stages.

use std::collections::BTreeMap;

use catalog::{Account as Whose, LedgerRow, TenantId, Topic};
use codec::{Decoder, LedgerRecord};
use runtime::Log;
use stage::{Offset, Partition};

use super::account::Account;
use crate::reading;

/// The last rows of the ledger, as far as it was read.
pub(super) struct Ledger {
    places: Vec<(Partition, Offset)>,
    rows: BTreeMap<String, LedgerRow>,
    coverage: BTreeMap<(String, u32), Offset>,
}

impl Ledger {
    pub(super) fn new(partitions: u32) -> Self {
        let places = (0..partitions).map(|number| (Partition::new(number), Offset::new(0))).collect();
        Self { places, rows: BTreeMap::new(), coverage: BTreeMap::new() }
    }

    /// Reads what was written since the last time.
    pub(super) fn update(&mut self, log: &mut impl Log, decoder: &Decoder) -> anyhow::Result<()> {
        let slices = reading::grown(log, &Topic::Ledger.name(), &mut self.places)?;
        let (rows, coverage) = (&mut self.rows, &mut self.coverage);
        reading::read(log, slices, &mut |_, record| {
            let (Some(key), Some(value)) = (record.key, record.value) else { return Ok(()) };
            match decoder.ledger(value)? {
                LedgerRecord::Account(row) => {
                    // Without a tenant, each partition has its own row of one key.
                    let key = format!("{}/{}", record.partition, String::from_utf8_lossy(key));
                    rows.insert(key, row);
                }
                LedgerRecord::Coverage { stage, partition, coverage: covered, .. } => {
                    coverage.insert((stage, partition), covered.next);
                }
                LedgerRecord::Sequence(_) => {}
            }
            Ok(())
        })
    }

    /// The first offset of a partition that a stage has not covered; none before it has begun.
    pub(super) fn covered(&self, stage: &str, partition: Partition) -> Option<Offset> {
        self.coverage.get(&(stage.to_string(), partition.number())).copied()
    }

    pub(super) fn partitions(&self) -> Vec<Partition> {
        self.places.iter().map(|(partition, _)| *partition).collect()
    }

    /// The sums of a tenant, and of all others.
    pub(super) fn accounts(&self, tenant: &TenantId) -> (Account, Account) {
        let (mut own, mut others) = (Account::default(), Account::default());
        for row in self.rows.values() {
            let is_own = match &row.account {
                Whose::Source(whose, _) | Whose::Tenant(whose) => whose == tenant,
                Whose::Partition(_) => false,
            };
            if is_own { own.add(row) } else { others.add(row) }
        }
        (own, others)
    }
}
