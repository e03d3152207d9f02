//! The records as they stand in Avro: borrowed structs to write, owned ones to read. Fields are in
//! the schema's order, which the writer would otherwise have to restore record by record. Fields
//! that a schema has a default for are read with it.

mod action;
mod event;
mod facts;
mod ledger;
mod names;
mod receipt;
mod register;
mod report;
mod setting;
mod value;

pub(crate) use action::ActionOut;
pub(crate) use event::{EventIn, EventOut};
pub(crate) use ledger::{LedgerIn, LedgerOut};
pub(crate) use receipt::{ReceiptIn, ReceiptOut};
pub(crate) use register::{RegisterIn, RegisterOut};
pub(crate) use report::{ActivityIn, ActivityOut, ActorsIn, ActorsOut};
pub(crate) use setting::{SettingIn, SettingOut};

/// An owned record that becomes one of the domain.
pub(crate) trait Incoming: serde::de::DeserializeOwned {
    /// The domain's record.
    type Domain;

    /// # Errors
    /// What is wrong, by field, without the content.
    fn into_domain(self) -> Result<Self::Domain, String>;
}
