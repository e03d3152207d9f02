//! The codec: which framing our own records get, and what all encoders and decoders share.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use apache_avro::Schema;

use crate::framing::SchemaRef;
use crate::reader::SchemaReader;
use crate::{DecodeError, Decoder, Encoder, RegistryClient, RegistryError, schemas};

/// Makes encoders and decoders; cheap to clone.
#[derive(Clone)]
pub struct Codec {
    shared: Arc<Shared>,
}

/// What encoders and decoders share.
pub(crate) struct Shared {
    /// `Some` makes our own records Confluent's, and lets those of others be read.
    pub(crate) registry: Option<RegistryClient>,
    /// Readers made of the registry's schemas, or why one cannot be made; neither changes.
    readers: RwLock<HashMap<SchemaRef, Result<Arc<SchemaReader>, String>>>,
}

impl Codec {
    /// Writes Avro's single-object encoding, which needs no registry.
    #[must_use]
    pub fn single_object() -> Self {
        Self::new(None)
    }

    /// Writes Confluent's wire format, with the ids that the registry has for our schemas under
    /// `<topic>-value`.
    #[must_use]
    pub fn with_registry(registry: RegistryClient) -> Self {
        Self::new(Some(registry))
    }

    fn new(registry: Option<RegistryClient>) -> Self {
        Self { shared: Arc::new(Shared { registry, readers: RwLock::default() }) }
    }

    /// An encoder, for one stage or one publisher.
    #[must_use]
    pub fn encoder(&self) -> Encoder {
        Encoder::new(Arc::clone(&self.shared))
    }

    /// A decoder.
    #[must_use]
    pub fn decoder(&self) -> Decoder {
        Decoder::new(Arc::clone(&self.shared))
    }
}

impl std::fmt::Debug for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.shared.registry.is_some() { "Codec(confluent)" } else { "Codec(single object)" })
    }
}

impl Shared {
    /// A reader of values that name this schema.
    pub(crate) fn reader(&self, schema: SchemaRef) -> Result<Arc<SchemaReader>, DecodeError> {
        if let SchemaRef::Fingerprint(fingerprint) = schema {
            return match schemas::by_fingerprint(fingerprint) {
                Some(known) => Ok(Arc::clone(&known.reader)),
                None => Err(DecodeError::UnknownSchema(format!("{schema} is none of ours"))),
            };
        }
        let known = self.readers.read().unwrap_or_else(PoisonError::into_inner).get(&schema).cloned();
        let made = match known {
            Some(known) => known,
            None => {
                let made = compile(&self.fetch(schema)?);
                let mut readers = self.readers.write().unwrap_or_else(PoisonError::into_inner);
                readers.entry(schema).or_insert(made).clone()
            }
        };
        made.map_err(|problem| DecodeError::UnknownSchema(format!("{schema} cannot be used: {problem}")))
    }

    fn fetch(&self, schema: SchemaRef) -> Result<Arc<str>, DecodeError> {
        let Some(registry) = &self.registry else {
            return Err(DecodeError::UnknownSchema(format!("{schema}, and no schema registry is set")));
        };
        registry.schema_of(schema).map_err(|error| match error {
            RegistryError::NotFound(problem) => DecodeError::UnknownSchema(problem),
            // Refused to read a schema: missing rights, which somebody mends; the value is not at fault.
            error @ (RegistryError::Unavailable(_) | RegistryError::Refused(_)) => {
                DecodeError::Unavailable(error.to_string())
            }
        })
    }
}

fn compile(text: &str) -> Result<Arc<SchemaReader>, String> {
    let schema = Schema::parse_str(text).map_err(|_| "it is no avro schema".to_owned())?;
    schemas::guard(&schema)?;
    SchemaReader::new(schema).map(Arc::new).map_err(|_| "it refers to another schema".to_owned())
}
