//! The client against a server that says what a test wants and counts what it is asked.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{Credentials, RegistryClient, RegistryConfig, RegistryError};
use crate::framing::SchemaRef;

/// A request as the server saw it: line, headers in small letters, body.
#[derive(Clone)]
struct Seen {
    line: String,
    headers: String,
    body: String,
}

/// A registry in a thread. Answers by request line; what it has no answer for it drops unanswered.
struct Registry {
    url: String,
    answers: Arc<Mutex<HashMap<String, (u16, String)>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Registry {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("bound"));
        let registry = Self { url, answers: Arc::default(), seen: Arc::default() };
        let (answers, seen) = (Arc::clone(&registry.answers), Arc::clone(&registry.seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                serve(stream, &answers, &seen);
            }
        });
        registry
    }

    fn answer(&self, request: &str, status: u16, body: &str) {
        let answer = (status, body.to_owned());
        self.answers.lock().expect("no panic").insert(request.to_owned(), answer);
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic").clone()
    }

    fn config(&self) -> RegistryConfig {
        RegistryConfig { timeout: Duration::from_secs(5), ..RegistryConfig::new(&self.url) }
    }

    fn client(&self) -> RegistryClient {
        RegistryClient::new(&self.config())
    }
}

fn serve(stream: TcpStream, answers: &Mutex<HashMap<String, (u16, String)>>, seen: &Mutex<Vec<Seen>>) {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).is_err() || line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let Some(first) = lines.first() else { return };
    let line = first.trim_end_matches(" HTTP/1.1").to_owned();
    let headers = lines[1..].join("\n").to_lowercase();
    let length = headers.lines().find_map(|header| header.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).expect("a body as long as it says");
    let body = String::from_utf8(body).expect("utf-8");
    seen.lock().expect("no panic").push(Seen { line: line.clone(), headers, body });
    if let Some((status, body)) = answers.lock().expect("no panic").get(&line) {
        let head =
            format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        let mut stream = reader.into_inner();
        // The client may have given up; that is its test's business.
        let _ = stream.write_all(format!("{head}{body}").as_bytes());
    }
}

const ASK_7: &str = "GET /schemas/ids/7";
const NOT_FOUND: &str = r#"{"error_code":40403,"message":"Schema not found"}"#;

#[test]
fn a_schema_is_asked_for_once() {
    let registry = Registry::start();
    registry.answer(ASK_7, 200, r#"{"schema":"\"int\""}"#);
    let client = registry.client();
    assert_eq!(client.schema(7).as_deref(), Ok("\"int\""));
    assert_eq!(client.clone().schema(7).as_deref(), Ok("\"int\""));
    assert_eq!(registry.seen().len(), 1);
}

#[test]
fn an_unknown_schema_is_not_asked_for_again_within_60_seconds() {
    let registry = Registry::start();
    registry.answer(ASK_7, 404, NOT_FOUND);
    let now = Arc::new(Mutex::new(Instant::now()));
    let clock = Arc::clone(&now);
    let client = RegistryClient::with_clock(&registry.config(), move || *clock.lock().expect("no panic"));
    assert!(matches!(client.schema(7), Err(RegistryError::NotFound(_))));
    *now.lock().expect("no panic") += Duration::from_millis(59_999);
    registry.answer(ASK_7, 200, r#"{"schema":"\"int\""}"#);
    assert!(matches!(client.schema(7), Err(RegistryError::NotFound(_))));
    assert_eq!(registry.seen().len(), 1);
    *now.lock().expect("no panic") += Duration::from_millis(1);
    assert_eq!(client.schema(7).as_deref(), Ok("\"int\""));
    assert_eq!(registry.seen().len(), 2);
}

#[test]
fn what_may_pass_is_never_remembered() {
    let registry = Registry::start();
    let client = registry.client();
    for (status, body) in [
        (500, r#"{"error_code":50001,"message":"backend"}"#),
        (503, "busy"),
        (429, "{}"),
        // Not the registry's own 404: a proxy's, or a wrong path's.
        (404, "<html>"),
        (404, r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#),
        (200, "<html>"),
        (200, r#"{"other":1}"#),
    ] {
        registry.answer(ASK_7, status, body);
        let answer = client.schema(7);
        assert!(matches!(answer, Err(RegistryError::Unavailable(_))), "{status} {body}: {answer:?}");
    }
    registry.answer(ASK_7, 200, r#"{"schema":"\"int\"","schemaType":"AVRO","references":[]}"#);
    assert_eq!(client.schema(7).as_deref(), Ok("\"int\""));
    assert_eq!(registry.seen().len(), 8);
}

#[test]
fn no_answer_in_time_is_unavailable() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", silent.local_addr().expect("bound"));
    let config = RegistryConfig { timeout: Duration::from_millis(200), ..RegistryConfig::new(&url) };
    let client = RegistryClient::new(&config);
    let begin = Instant::now();
    assert!(matches!(client.schema(7), Err(RegistryError::Unavailable(_))));
    assert!(begin.elapsed() < Duration::from_secs(5), "the timeout holds");
    drop(silent);
    assert!(matches!(client.schema(7), Err(RegistryError::Unavailable(_))), "nobody listens");
}

#[test]
fn schemas_that_cannot_be_used_are_unknown() {
    let registry = Registry::start();
    let client = registry.client();
    registry.answer(ASK_7, 200, r#"{"schema":"{}","schemaType":"JSON"}"#);
    assert!(matches!(client.schema(7), Err(RegistryError::NotFound(_))));
    registry.answer("GET /schemas/ids/8", 200, r#"{"schema":"\"int\"","references":[{"name":"a"}]}"#);
    assert!(matches!(client.schema(8), Err(RegistryError::NotFound(_))));
}

#[test]
fn a_guid_is_asked_for_as_such() {
    let registry = Registry::start();
    let guid = uuid::Uuid::from_u128(5);
    registry.answer(&format!("GET /schemas/guids/{guid}"), 200, r#"{"schema":"\"int\""}"#);
    assert_eq!(registry.client().schema_of(SchemaRef::Guid(guid)).as_deref(), Ok("\"int\""));
}

#[test]
fn an_id_is_looked_up_or_registered_once() {
    let registry = Registry::start();
    let client = registry.client();
    registry.answer("POST /subjects/a-value", 404, r#"{"error_code":40401,"message":"no subject"}"#);
    assert!(matches!(client.lookup("a-value", "\"int\""), Err(RegistryError::NotFound(_))));
    registry.answer("POST /subjects/a-value/versions", 200, r#"{"id":3}"#);
    assert_eq!(client.register("a-value", "\"int\""), Ok(3));
    assert_eq!(client.lookup("a-value", "\"int\""), Ok(3));
    let seen = registry.seen();
    assert_eq!(seen.len(), 2, "the second lookup is from memory");
    assert_eq!(seen[1].line, "POST /subjects/a-value/versions");
    assert_eq!(seen[1].body, r#"{"schema":"\"int\""}"#);
    assert!(seen[1].headers.contains("content-type: application/vnd.schemaregistry.v1+json"));
}

#[test]
fn a_refusal_is_told_from_a_failure() {
    let registry = Registry::start();
    let client = registry.client();
    for (status, body) in
        [(409, r#"{"error_code":409,"message":"incompatible"}"#), (401, "who?"), (422, "{}")]
    {
        registry.answer("POST /subjects/a-value/versions", status, body);
        let answer = client.register("a-value", "\"int\"");
        assert!(matches!(answer, Err(RegistryError::Refused(_))), "{status}: {answer:?}");
    }
}

#[test]
fn compatibility_is_asked_and_set() {
    let registry = Registry::start();
    let client = registry.client();
    registry.answer("GET /config/a-value", 404, r#"{"error_code":40408,"message":"not set"}"#);
    assert_eq!(client.compatibility("a-value"), Ok(None));
    registry.answer("GET /config/a-value", 200, r#"{"compatibilityLevel":"FULL"}"#);
    assert_eq!(client.compatibility("a-value"), Ok(Some("FULL".into())));
    registry.answer("PUT /config/a-value", 200, r#"{"compatibility":"FULL_TRANSITIVE"}"#);
    assert_eq!(client.set_compatibility("a-value", "FULL_TRANSITIVE"), Ok(()));
    assert_eq!(registry.seen().last().expect("asked").body, r#"{"compatibility":"FULL_TRANSITIVE"}"#);
}

#[test]
fn credentials_are_sent_and_never_shown() {
    let registry = Registry::start();
    let credentials = Credentials { user: "u".into(), password: "geheim".into() };
    let config = RegistryConfig { credentials: Some(credentials), ..registry.config() };
    registry.answer(ASK_7, 200, r#"{"schema":"\"int\""}"#);
    RegistryClient::new(&config).schema(7).expect("found");
    assert!(registry.seen()[0].headers.contains("authorization: basic dtpnzwhlaw0="));
    assert!(!format!("{config:?}").contains("geheim"));
}
