//! The schemas of this build, parsed once, found by content or fingerprint.

use std::sync::{Arc, LazyLock};

use apache_avro::Schema;
use apache_avro::writer::datum::GenericDatumWriter;
use catalog::Content;

use super::fingerprint::fingerprint;
use super::{FILES, SchemaFile, name_of};
use crate::reader::SchemaReader;

/// One version of one schema, ready to write and read by.
pub(crate) struct Compiled {
    pub(crate) file: SchemaFile,
    pub(crate) fingerprint: u64,
    pub(crate) writer: GenericDatumWriter<'static>,
    pub(crate) reader: Arc<SchemaReader>,
}

static COMPILED: LazyLock<Vec<Compiled>> = LazyLock::new(|| FILES.iter().map(compile).collect());

/// The schema that this content is written by now.
///
/// # Panics
/// For dead letters, which have no schema.
pub(crate) fn latest(content: Content) -> &'static Compiled {
    let name = name_of(content).expect("only dead letters have no schema, and nobody encodes those");
    COMPILED.iter().rfind(|one| one.file.name == name).expect("every content has a file")
}

/// The schema of this fingerprint, whatever its version.
pub(crate) fn by_fingerprint(fingerprint: u64) -> Option<&'static Compiled> {
    COMPILED.iter().find(|one| one.fingerprint == fingerprint)
}

fn compile(file: &SchemaFile) -> Compiled {
    // The schema lives as long as the process; so does what borrows from it.
    let schema: &'static Schema =
        Box::leak(Box::new(Schema::parse_str(file.text).expect("the schemas' own tests parse each file")));
    Compiled {
        file: *file,
        fingerprint: fingerprint(schema),
        writer: GenericDatumWriter::builder(schema)
            .human_readable(false)
            .build()
            .expect("a schema that parses refers only to itself"),
        reader: Arc::new(
            SchemaReader::new(schema.clone()).expect("a schema that parses refers only to itself"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_differ_and_find_their_schema() {
        for one in COMPILED.iter() {
            assert_eq!(by_fingerprint(one.fingerprint).expect("found").file, one.file);
        }
        assert!(by_fingerprint(0).is_none());
    }
}
