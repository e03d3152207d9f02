//! Whether every version of a schema can be read by every other: the trail is kept for years, and
//! readers of all ages meet values of all ages.

use apache_avro::Schema;
use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};

use super::{FILES, SchemaFile};

/// What [`check`] looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many schemas.
    pub schemas: usize,
    /// How many versions of them.
    pub versions: usize,
    /// How many pairs of reader and writer version were tried.
    pub pairs: usize,
}

/// A version that cannot read values of another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: version {reader} cannot read version {writer}: {problem}")]
pub struct Incompatible {
    /// The schema's name.
    pub name: String,
    /// The reading version.
    pub reader: u32,
    /// The writing version.
    pub writer: u32,
    /// Why not.
    pub problem: String,
}

/// Checks all versions of all schemas: of an action's every later version must read every earlier
/// one, of the others every version every other.
///
/// # Errors
/// Every pair that does not hold.
pub fn check() -> Result<Report, Vec<Incompatible>> {
    check_files(FILES)
}

fn check_files(files: &[SchemaFile]) -> Result<Report, Vec<Incompatible>> {
    let mut problems = Vec::new();
    let mut report = Report { schemas: 0, versions: files.len(), pairs: 0 };
    for of_one in files.chunk_by(|a, b| a.name == b.name) {
        report.schemas += 1;
        for writer in of_one {
            for reader in of_one {
                let backward = reader.version > writer.version;
                let forward = reader.version < writer.version && reader.name != "action";
                if backward || forward {
                    report.pairs += 1;
                    problems.extend(can_read(reader, writer).err());
                }
            }
        }
    }
    if problems.is_empty() { Ok(report) } else { Err(problems) }
}

fn can_read(reader: &SchemaFile, writer: &SchemaFile) -> Result<(), Incompatible> {
    let parse = |file: &SchemaFile| Schema::parse_str(file.text).map_err(|error| error.to_string());
    let problem = match (parse(writer), parse(reader)) {
        (Ok(writer), Ok(reader)) => match SchemaCompatibility::can_read(&writer, &reader) {
            Ok(Compatibility::Full) => return Ok(()),
            Ok(Compatibility::Partial) => "only some values can be read".into(),
            Err(error) => error.to_string(),
        },
        (Err(error), _) | (_, Err(error)) => error,
    };
    Err(Incompatible { name: reader.name.into(), reader: reader.version, writer: writer.version, problem })
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}"#;

    fn pair(name: &'static str, second: &'static str) -> Result<Report, Vec<(u32, u32)>> {
        let files =
            [SchemaFile { name, version: 1, text: V1 }, SchemaFile { name, version: 2, text: second }];
        check_files(&files).map_err(|all| all.iter().map(|one| (one.reader, one.writer)).collect())
    }

    #[test]
    fn the_tree_holds() {
        let report = check().expect("compatible");
        assert_eq!((report.schemas, report.versions), (8, FILES.len()));
    }

    #[test]
    fn versions_that_do_not_read_each_other_are_found() {
        let with_default = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"string"},{"name":"b","type":["null","int"],"default":null}]}"#;
        let without = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"string"},{"name":"b","type":"int"}]}"#;
        let removed = r#"{"type":"record","name":"R","fields":[{"name":"b","type":"int","default":0}]}"#;
        let retyped = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#;
        let widened = r#"{"type":"record","name":"R","fields":[{"name":"a","type":["null","string"]}]}"#;
        for (second, expected) in [
            (with_default, vec![]),
            (without, vec![(2, 1)]),
            (removed, vec![(1, 2)]),
            (retyped, vec![(2, 1), (1, 2)]),
            (widened, vec![(1, 2)]),
        ] {
            let found = pair("audit-event", second).err().unwrap_or_default();
            assert_eq!(found, expected, "{second}");
        }
        assert!(pair("action", removed).is_ok(), "readers of actions need only look back");
        assert_eq!(pair("audit-event", with_default).map(|report| report.pairs), Ok(2));
    }
}
