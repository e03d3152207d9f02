//! Actions as producers send them: each form is read by the decoder as the normalizer reads it.

use catalog::{Field, RawAction};
use codec::{Codec, DecodeError, Decoder, rfc3339};
use stage::Header;

use crate::blocks::Block;
use crate::framing;

/// A message names fields and places, never content: so none is much longer than this, in bytes.
const MESSAGE: usize = 1024;

thread_local! {
    static DECODER: Decoder = Codec::single_object().decoder();
}

/// Plain JSON; white space around it changes nothing.
pub(crate) fn json(data: &[u8]) {
    let found = read(data, &[]);
    if data.first() == Some(&b'{') {
        let padded = [b" \n\t", data, b"\r\n "].concat();
        assert_eq!(read(&padded, &[]).ok(), found.ok(), "white space around the value changes what is read");
    }
}

/// A structured CloudEvent; its content type may be one of three, or be missing.
pub(crate) fn structured(data: &[u8]) {
    let Some((choice, value)) = data.split_first() else { return };
    let media: &[u8] = match choice % 4 {
        0 => b"application/cloudevents+json",
        1 => b"Application/CloudEvents+JSON; charset=utf-8",
        2 => b"application/cloudevents+avro",
        _ => return drop(read(value, &[])),
    };
    let found = read(value, &[Header::new("content-type", Some(media))]);
    assert!(choice % 4 != 2 || found.is_err(), "a CloudEvent is read in a format that is not JSON");
}

/// A binary CloudEvent: its attributes are headers.
pub(crate) fn binary(data: &[u8]) {
    let block = Block::read(data);
    drop(read(block.value.unwrap_or_default(), &block.headers));
}

/// A datum of our schema, with its framing and beside the header that names the schema: both say the same.
pub(crate) fn avro(data: &[u8]) {
    for framed in framing::versions("action", data) {
        let (prefix, datum) = framed.split_at(5);
        let header = Header::new("__value_schema_id", Some(prefix));
        let found = [(&framed[..], &[][..]), (datum, &[header])].map(|(value, headers)| {
            let found = framing::DECODER.with(|decoder| decoder.action(Some(value), headers));
            found.inspect(check).ok()
        });
        assert_eq!(found[0], found[1], "the header's schema and the prefix's disagree");
    }
}

/// Reads a value as an action, twice; both times the same must come of it.
fn read<'a>(value: &'a [u8], headers: &[Header<'a>]) -> Result<RawAction<'a>, DecodeError> {
    let found = DECODER.with(|decoder| decoder.action(Some(value), headers));
    assert_eq!(
        DECODER.with(|decoder| decoder.action(Some(value), headers)),
        found,
        "read twice, two verdicts"
    );
    match &found {
        Ok(action) => check(action),
        Err(DecodeError::Unavailable(problem)) => panic!("there is no registry to be unavailable: {problem}"),
        Err(DecodeError::Malformed(problem) | DecodeError::UnknownSchema(problem)) => short(problem),
    }
    found
}

/// What was read can be shown, and what is wrong with it is said shortly.
pub(crate) fn check(action: &RawAction<'_>) {
    for problem in [
        problem(&action.tenant),
        problem(&action.id),
        problem(&action.source),
        problem(&action.action),
        problem(&action.occurred_at),
        problem(&action.actor),
        problem(&action.on_behalf_of),
        problem(&action.user),
        problem(&action.object),
        problem(&action.within),
        problem(&action.changes),
        problem(&action.attributes),
        problem(&action.reason),
        problem(&action.origin),
        problem(&action.correlation_id),
        problem(&action.sequence),
    ]
    .into_iter()
    .flatten()
    {
        short(problem);
    }
    if let Field::Present(at) = action.occurred_at {
        let _shown = rfc3339(at);
    }
}

fn problem<T>(field: &Field<T>) -> Option<&str> {
    match field {
        Field::Invalid(problem) => Some(problem),
        Field::Absent | Field::Present(_) => None,
    }
}

fn short(problem: &str) {
    assert!(problem.len() <= MESSAGE, "a message of {} bytes: {problem}", problem.len());
}
