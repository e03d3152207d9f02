//! One request to one broker, in Kafka's own protocol: what librdkafka offers no call for, or answers from memory.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};

const PATIENCE: Duration = Duration::from_secs(5);
const LARGEST: u32 = 64 << 20;

/// Sends the request to the broker at `address` (`host:port`, plaintext) and waits for its answer.
///
/// # Errors
/// When the broker does not listen, hangs up, is silent for five seconds, or answers what cannot be read.
pub(crate) fn ask<R: Request>(address: &str, version: i16, request: &R) -> io::Result<R::Response> {
    let address: SocketAddr = address.parse().map_err(io::Error::other)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&frame(version, request)?)?;
    let mut size = [0; 4];
    stream.read_exact(&mut size)?;
    let size = u32::from_be_bytes(size);
    if size > LARGEST {
        return Err(io::Error::other(format!("an answer of {size} bytes")));
    }
    let mut body = vec![0; size as usize];
    stream.read_exact(&mut body)?;
    let mut body = Bytes::from(body);
    ResponseHeader::decode(&mut body, R::Response::header_version(version)).map_err(io::Error::other)?;
    R::Response::decode(&mut body, version).map_err(io::Error::other)
}

fn frame<R: Request>(version: i16, request: &R) -> io::Result<Vec<u8>> {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(1)
        .with_client_id(Some(StrBytes::from_static_str("testkit")));
    let mut body = BytesMut::new();
    header.encode(&mut body, R::header_version(version)).map_err(io::Error::other)?;
    request.encode(&mut body, version).map_err(io::Error::other)?;
    let size = u32::try_from(body.len()).map_err(io::Error::other)?;
    Ok([&size.to_be_bytes(), &body[..]].concat())
}
