//! What a schema registry answers, and a datum read by the schema it gave: neither is ours.

use codec::{Codec, RegistryClient};
use stage::Header;

use crate::blocks::pieces;
use crate::framing::every;

/// Bytes of a schema at most: the guard is against small schemas that cost much; a large one costs what it is long.
const SCHEMA: usize = 16 * 1024;

/// Two pieces: the answer, its choice being the status and whether the bytes are the whole body or the schema in it; and the
/// datum.
pub(crate) fn body(data: &[u8]) {
    let [(choice, answer), (_, datum)] = pieces(data, 2)[..] else { return };
    let text = String::from_utf8_lossy(&answer[..answer.len().min(SCHEMA)]).into_owned();
    let status = match choice % 4 {
        0 | 1 => 200,
        2 => 404,
        _ => 100 + u16::from(choice) * 2,
    };
    let body = if choice % 4 == 0 { serde_json::json!({"schema": text}).to_string() } else { text };
    let decoder = Codec::with_registry(RegistryClient::within(move |_| (status, body.clone()))).decoder();
    let framed = [&[0, 0, 0, 0, 1], datum].concat();
    every(&decoder, &framed, &[]);
    every(&decoder, datum, &[Header::new("__value_schema_id", Some(&[0, 0, 0, 0, 1]))]);
}
