//! The registry client: what it asks, and for how long it believes the answer.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::{Call, Http};
use super::{RegistryConfig, RegistryError};
use crate::framing::SchemaRef;

/// How long an unknown schema is not asked for again.
const UNKNOWN_FOR: Duration = Duration::from_secs(60);
/// How many unknown schemas are remembered at most; whoever sends more made-up ids than this costs
/// calls, not memory.
const UNKNOWN_AT_MOST: usize = 10_000;

/// A client of a schema registry; cheap to clone, clones share what they know.
///
/// A schema and an id, once known, never change and are kept for good. That a schema is unknown is
/// believed for 60 s. What may pass (no answer, an overloaded registry) is never remembered.
#[derive(Clone)]
pub struct RegistryClient {
    inner: Arc<Inner>,
}

struct Inner {
    http: Http,
    clock: Box<dyn Fn() -> Instant + Send + Sync>,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    schemas: HashMap<SchemaRef, Arc<str>>,
    /// Until when each is believed to be unknown.
    unknown: HashMap<SchemaRef, Instant>,
    /// Ids by subject and schema.
    ids: HashMap<(String, String), u32>,
}

impl RegistryClient {
    /// A client of this registry; asks nothing yet.
    #[must_use]
    pub fn new(config: &RegistryConfig) -> Self {
        Self::with_clock(config, Instant::now)
    }

    pub(crate) fn with_clock(
        config: &RegistryConfig,
        clock: impl Fn() -> Instant + Send + Sync + 'static,
    ) -> Self {
        Self::over(Http::new(config), clock)
    }

    /// A client of a registry within this process: it asks `answers`, by the path of each request,
    /// for the status and the body that a registry would give. For tests of what a registry can say.
    #[must_use]
    pub fn within(answers: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::over(Http::Within(Box::new(answers)), Instant::now)
    }

    fn over(http: Http, clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        let memory = Mutex::default();
        Self { inner: Arc::new(Inner { http, clock: Box::new(clock), memory }) }
    }

    /// The Avro schema of this id, as text.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`] where there is none, or it is of another kind than Avro or refers
    /// to other schemas; the others as they say.
    pub fn schema(&self, id: u32) -> Result<Arc<str>, RegistryError> {
        self.schema_of(SchemaRef::Id(id))
    }

    /// The id of this schema under a subject that holds it.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`] where the subject does not hold it.
    pub fn lookup(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        self.id(subject, schema, &format!("/subjects/{}", encoded(subject)))
    }

    /// Registers a schema under a subject, unless it is there, and gives its id.
    ///
    /// # Errors
    /// [`RegistryError::Refused`] where it is not compatible with what the subject holds.
    pub fn register(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        self.id(subject, schema, &format!("/subjects/{}/versions", encoded(subject)))
    }

    /// The compatibility that a subject is held to; `None` where it follows the registry's own.
    ///
    /// # Errors
    /// As [`RegistryError`] says.
    pub fn compatibility(&self, subject: &str) -> Result<Option<String>, RegistryError> {
        let path = format!("/config/{}", encoded(subject));
        match self.inner.http.call(&path, &Call::Get) {
            Ok(answer) => {
                let level = answer["compatibilityLevel"].as_str().ok_or_else(|| not_sensible(&path))?;
                Ok(Some(level.to_owned()))
            }
            Err(RegistryError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Holds a subject to this compatibility: `FULL_TRANSITIVE`.
    ///
    /// # Errors
    /// As [`RegistryError`] says.
    pub fn set_compatibility(&self, subject: &str, level: &str) -> Result<(), RegistryError> {
        let path = format!("/config/{}", encoded(subject));
        self.inner.http.call(&path, &Call::Put(&json!({"compatibility": level}))).map(|_| ())
    }

    /// The schema of an id or guid.
    pub(crate) fn schema_of(&self, schema: SchemaRef) -> Result<Arc<str>, RegistryError> {
        let now = (self.inner.clock)();
        {
            let memory = self.memory();
            if let Some(text) = memory.schemas.get(&schema) {
                return Ok(Arc::clone(text));
            }
            if memory.unknown.get(&schema).is_some_and(|until| now < *until) {
                return Err(RegistryError::NotFound(format!(
                    "{schema} was not found within the last minute"
                )));
            }
        }
        // Nothing is locked while the registry is asked; two who ask at once get the same answer.
        let answer = self.fetch(schema);
        let mut memory = self.memory();
        match &answer {
            Ok(text) => {
                memory.unknown.remove(&schema);
                memory.schemas.insert(schema, Arc::clone(text));
            }
            Err(RegistryError::NotFound(_)) => memory.remember_unknown(schema, now),
            Err(_) => {}
        }
        answer
    }

    fn fetch(&self, schema: SchemaRef) -> Result<Arc<str>, RegistryError> {
        let path = match schema {
            SchemaRef::Id(id) => format!("/schemas/ids/{id}"),
            SchemaRef::Guid(guid) => format!("/schemas/guids/{guid}"),
            SchemaRef::Fingerprint(_) => {
                return Err(RegistryError::NotFound(format!("{schema}: a registry knows no fingerprints")));
            }
        };
        let answer = self.inner.http.call(&path, &Call::Get)?;
        // Absent means Avro.
        if answer["schemaType"].as_str().is_some_and(|kind| kind != "AVRO") {
            return Err(RegistryError::NotFound(format!("{schema} is of another kind than avro")));
        }
        if answer["references"].as_array().is_some_and(|references| !references.is_empty()) {
            return Err(RegistryError::NotFound(format!("{schema} refers to other schemas")));
        }
        answer["schema"].as_str().map(Arc::from).ok_or_else(|| not_sensible(&path))
    }

    fn id(&self, subject: &str, schema: &str, path: &str) -> Result<u32, RegistryError> {
        let key = (subject.to_owned(), schema.to_owned());
        if let Some(id) = self.memory().ids.get(&key) {
            return Ok(*id);
        }
        let answer = self.inner.http.call(path, &Call::Post(&json!({"schema": schema})))?;
        let id = id_in(&answer).ok_or_else(|| not_sensible(path))?;
        self.memory().ids.insert(key, id);
        Ok(id)
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        // Each change of the memory is one insert: a panic elsewhere cannot leave it half done.
        self.inner.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn remember_unknown(&mut self, schema: SchemaRef, now: Instant) {
        if self.unknown.len() >= UNKNOWN_AT_MOST {
            self.unknown.retain(|_, until| now < *until);
            if self.unknown.len() >= UNKNOWN_AT_MOST {
                self.unknown.clear();
            }
        }
        self.unknown.insert(schema, now + UNKNOWN_FOR);
    }
}

impl fmt::Debug for RegistryClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegistryClient")
    }
}

fn id_in(answer: &Value) -> Option<u32> {
    answer["id"].as_u64().and_then(|id| u32::try_from(id).ok())
}

fn not_sensible(path: &str) -> RegistryError {
    RegistryError::Unavailable(format!("{path}: the answer lacks what was asked for"))
}

/// A subject as part of a path.
fn encoded(subject: &str) -> String {
    let mut path = String::with_capacity(subject.len());
    for byte in subject.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}
