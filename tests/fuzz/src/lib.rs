//! What each fuzz target does with its bytes: reads them as the product reads what comes from outside, and asserts what must
//! hold whatever they are. Plain functions, so that cargo-fuzz and the stable tests run the same; a panic is a finding.

mod actions;
mod blocks;
mod config;
mod dead_letters;
mod framing;
mod kept;
mod normalizing;
mod outcome;
mod records;
mod registry;
mod reporting;
mod restoring;
pub mod seeds;
mod sources;
mod stored;

/// One fuzz target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name: of its binary, its file in `targets/`, and its folder in `corpus/`.
    pub name: &'static str,
    /// What it reads, for people.
    pub reads: &'static str,
    body: fn(&[u8]),
}

macro_rules! targets {
    ($($name:ident: $body:path, $reads:literal;)*) => {
        &[$(Target { name: stringify!($name), reads: $reads, body: $body },)*]
    };
}

/// Every target.
pub const TARGETS: &[Target] = targets! {
    action_json: actions::json, "an action as plain JSON";
    action_structured: actions::structured, "an action as a CloudEvent in structured mode";
    action_binary: actions::binary, "an action as a CloudEvent in binary mode: headers, an empty line, the value";
    action_avro: actions::avro, "an action as an Avro datum of our schema";
    framing: framing::body, "a value in any framing, with or without the header that names its schema";
    registry: registry::body, "a schema registry's answer, and an Avro datum to read by it";
    event: records::event, "an audit event as an Avro datum";
    receipt: records::receipt, "a receipt as an Avro datum";
    ledger: records::ledger, "a record of the ledger as an Avro datum";
    activity: records::activity, "a row of an activity view as an Avro datum";
    actors: records::actors, "a row of an actors view as an Avro datum";
    register: records::register, "a row of a register view as an Avro datum";
    setting: records::setting, "a settings row as an Avro datum";
    dead_letter: dead_letters::body, "the headers of a dead letter";
    normalizer: normalizing::log, "a log of actions, read by the normalizer";
    normalizer_headers: normalizing::headers, "key and headers of an action: sizes, re-routes, CloudEvents";
    normalizer_restore: restoring::normalizer, "what a normalizer restores its state from";
    aggregator: reporting::body, "report rows to restore, and audit events to fold into them";
    state_head: stored::head, "what a store on disk says of itself";
    state_rows: stored::rows, "rows of a store that an earlier process left";
    openedx: sources::openedx, "a line of an Open edX tracking log";
    moodle: sources::moodle, "a row of Moodle's log";
    moodle_php: sources::moodle_php, "what PHP serialized into a row of Moodle's log";
    learn365: sources::learn365, "a webhook body of Learn365";
    feed: sources::feed, "a file of any format, cut into chunks";
    mapping: sources::mapping, "an operator's mapping";
    config: config::body, "configuration: file, environment, flags and properties";
};

/// Runs one target over these bytes.
///
/// # Panics
/// Where the bytes break what must hold, and for a target that does not exist.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.unwrap_or_else(|| panic!("there is no fuzz target {name}")).body)(data);
}
