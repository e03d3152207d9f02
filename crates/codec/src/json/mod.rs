//! Records as JSON: actions as adapters publish them, the trail's own as people and scripts read
//! them (times as RFC 3339 in UTC, digests as hex, sketches as base64).

mod action;
mod record;

pub use action::action_json;
pub use record::{
    activity_json, actors_json, event_json, ledger_json, receipt_json, register_json, setting_json,
};
