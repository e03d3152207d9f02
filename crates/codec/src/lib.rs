//! How the trail's records stand on the wire: Avro and JSON, CloudEvents, framings, schemas, and
//! the schema registry's client.
//!
//! Reading an action judges its form alone; what the catalog asks of it is not known here. This
//! crate must not know what a stage does with a record, nor that there is a Kafka client.

mod action;
mod codec;
mod decoder;
mod encoder;
mod error;
mod framing;
mod headers;
mod json;
mod reader;
mod registry;
pub mod schemas;
mod time;
mod wire;

pub use codec::Codec;
pub use decoder::{Decoder, LedgerRecord};
pub use encoder::Encoder;
pub use error::{DecodeError, EncodeError};
pub use headers::EventHeaders;
pub use json::{
    action_json, activity_json, actors_json, event_json, ledger_json, receipt_json, register_json,
    setting_json,
};
pub use registry::{Credentials, RegistryClient, RegistryConfig, RegistryError};
pub use time::{parse_rfc3339, rfc3339};
