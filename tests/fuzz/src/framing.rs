//! Values in both framings, and the schemas they name: our own, as a registry within the process knows them.

use std::sync::LazyLock;

use catalog::Topic;
use codec::{Codec, Decoder, RegistryClient, schemas};
use stage::Header;

use crate::blocks::Block;

/// A codec whose registry knows every version of our schemas: its id is its place in the list, from 1.
static CONFLUENT: LazyLock<Codec> = LazyLock::new(|| Codec::with_registry(RegistryClient::within(answer)));

thread_local! {
    /// Reads Confluent's framing of our schemas.
    pub(crate) static DECODER: Decoder = CONFLUENT.decoder();
}

/// What a registry says that has our schemas, each under the subjects of its topics, and nothing else.
fn answer(path: &str) -> (u16, String) {
    let id = path.strip_prefix("/schemas/ids/").and_then(|id| id.parse::<usize>().ok());
    if let Some(file) = id.and_then(|id| schemas::all().get(id.checked_sub(1)?)) {
        return (200, serde_json::json!({"schema": file.text}).to_string());
    }
    let topic = Topic::all().find(|topic| path.strip_prefix("/subjects/") == Some(&schemas::subject(*topic)));
    if let Some(file) = topic.and_then(schemas::of) {
        let place = schemas::all().iter().position(|one| one == file).expect("it is one of all");
        return (200, serde_json::json!({"id": place + 1}).to_string());
    }
    (404, r#"{"error_code":40403,"message":"Schema not found"}"#.to_owned())
}

/// A codec whose registry has our schemas.
pub(crate) fn codec() -> Codec {
    CONFLUENT.clone()
}

/// A datum framed as every version of this schema in turn, Confluent's way.
pub(crate) fn versions(name: &str, datum: &[u8]) -> Vec<Vec<u8>> {
    let ids = (1_u32..).zip(schemas::all()).filter(|(_, file)| file.name == name).map(|(id, _)| id);
    ids.map(|id| [&[0][..], &id.to_be_bytes(), datum].concat()).collect()
}

/// Reads a value as everything that a topic holds. No header, or one that names the schema.
pub(crate) fn body(data: &[u8]) {
    let block = Block::read(data);
    let value = block.value.unwrap_or_default();
    DECODER.with(|decoder| every(decoder, value, &block.headers));
}

/// Reads a value as every kind of record; that it can be read as one is no reason to be read as another, nor not to.
pub(crate) fn every(decoder: &Decoder, value: &[u8], headers: &[Header<'_>]) {
    if let Ok(action) = decoder.action(Some(value), headers) {
        crate::actions::check(&action);
    }
    let read = [
        decoder.event(value).is_ok(),
        decoder.receipt(value).is_ok(),
        decoder.ledger(value).is_ok(),
        decoder.activity(value).is_ok(),
        decoder.actors(value).is_ok(),
        decoder.register(value).is_ok(),
        decoder.setting(value).is_ok(),
    ];
    let framed = matches!(value, [0, ..] | [0xC3, 0x01, ..]);
    assert!(framed || read == [false; 7], "a value without a framing was read as a record of ours");
}
