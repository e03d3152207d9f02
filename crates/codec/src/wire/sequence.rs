//! A source's sequence in Avro, as the ledger holds it.

use catalog::{Micros, SequenceRange, SequenceRow};
use serde::Deserialize;

use super::value::tenant;

record! {
    pub(super) struct SequenceOut<'b> {
        tenant: &'b str,
        source: &'b str,
        lowest: i64,
        highest: i64,
        missing: Vec<RangeOut<'b>>,
        more: i64,
        received_at: i64,
    }
}

record! {
    pub(super) struct RangeOut<'b> {
        from: &'b i64,
        until: &'b i64,
    }
}

impl<'b> SequenceOut<'b> {
    pub(super) fn of(row: &'b SequenceRow) -> Self {
        let missing = row.missing.iter().map(|range| RangeOut { from: &range.from, until: &range.until });
        Self {
            tenant: row.tenant.as_str(),
            source: &row.source,
            lowest: row.lowest,
            highest: row.highest,
            missing: missing.collect(),
            more: row.more,
            received_at: row.received_at.get(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename = "SequenceRow")]
pub(super) struct SequenceIn {
    tenant: String,
    source: String,
    lowest: i64,
    highest: i64,
    #[serde(default)]
    missing: Vec<RangeIn>,
    #[serde(default)]
    more: i64,
    received_at: i64,
}

#[derive(Deserialize)]
#[serde(rename = "SequenceRange")]
struct RangeIn {
    from: i64,
    until: i64,
}

impl SequenceIn {
    /// Takes the row only as the schema documents it, so that who reads it may count on that.
    pub(super) fn into_domain(self) -> Result<SequenceRow, String> {
        let missing: Vec<_> =
            self.missing.iter().map(|range| SequenceRange { from: range.from, until: range.until }).collect();
        let mut received = self.lowest;
        for range in &missing {
            if range.from <= received || range.until < range.from {
                return Err("missing is not in ascending ranges above lowest".into());
            }
            received = range.until.checked_add(1).ok_or("missing reaches beyond highest")?;
        }
        if received > self.highest || self.more < 0 {
            return Err("sequence ends below its lowest or a missing number, or more is negative".into());
        }
        Ok(SequenceRow {
            tenant: tenant(&self.tenant)?,
            source: self.source,
            lowest: self.lowest,
            highest: self.highest,
            missing,
            more: self.more,
            received_at: Micros::new(self.received_at),
        })
    }
}
