//! A settings row in Avro.

use catalog::{CertificateExpiry, Micros, SettingRow};
use serde::Deserialize;

use super::Incoming;
use super::facts::{OrderIn, OrderOut};
use super::value::tenant;

record! {
    pub(crate) struct SettingOut<'b> {
        tenant: &'b str,
        kind: &'b str,
        id: &'b str,
        certificate_expiry: &'static str,
        set: OrderOut<'b>,
        received_at: i64,
    }
}

impl<'b> SettingOut<'b> {
    pub(crate) fn of(row: &'b SettingRow) -> Self {
        Self {
            tenant: row.tenant.as_str(),
            kind: &row.kind,
            id: &row.id,
            certificate_expiry: row.certificate_expiry.name(),
            set: OrderOut::of(&row.set),
            received_at: row.received_at.get(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename = "SettingRow")]
pub(crate) struct SettingIn {
    tenant: String,
    kind: String,
    id: String,
    certificate_expiry: String,
    set: OrderIn,
    received_at: i64,
}

impl Incoming for SettingIn {
    type Domain = SettingRow;

    fn into_domain(self) -> Result<SettingRow, String> {
        Ok(SettingRow {
            tenant: tenant(&self.tenant)?,
            kind: self.kind,
            id: self.id,
            certificate_expiry: CertificateExpiry::from_name(&self.certificate_expiry)
                .ok_or("certificate_expiry is neither enabled nor disabled")?,
            set: self.set.try_into()?,
            received_at: Micros::new(self.received_at),
        })
    }
}
