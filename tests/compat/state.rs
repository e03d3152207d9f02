//! A dump of state on disk: JSON lines, the first with its format, then every file of the folder, base64 with the zeros at its
//! end left out, and its length.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use stage::Partition;
use stage::store::{Store, StoreError};
use state::{Folder, Memory};
use tempfile::TempDir;

/// The file of a version's folder that holds its state.
pub(crate) const FILE: &str = "state.jsonl";

type Stored = (String, u64, Vec<u8>);

/// A folder of state.
pub(crate) struct State {
    /// The format it was written in.
    pub(crate) format: u32,
    /// Path within the folder, length, and bytes without the zeros at the end.
    files: Vec<Stored>,
}

/// A folder that is removed with this value.
pub(crate) struct Unpacked {
    folder: Folder,
    place: Arc<TempDir>,
}

impl State {
    /// Reads a dump.
    ///
    /// # Errors
    /// Which file and line is not as it must be.
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let mut lines = text.lines().map(serde_json::from_str::<Value>);
        let wrong = |line: usize| format!("{}, line {line}: it is no file of a state", file.display());
        let head = lines.next().and_then(Result::ok).ok_or_else(|| wrong(1))?;
        let format =
            head["format"].as_u64().and_then(|format| u32::try_from(format).ok()).ok_or_else(|| wrong(1))?;
        let files = lines
            .enumerate()
            .map(|(at, line)| line.ok().as_ref().and_then(unpacked).ok_or_else(|| wrong(at + 2)));
        Ok(Self { format, files: files.collect::<Result<_, _>>()? })
    }

    /// The state in a folder that nobody holds, in the present format.
    pub(crate) fn of(folder: &Path) -> Self {
        let mut files = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(inner) = folders.pop() {
            for entry in std::fs::read_dir(inner).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(folder).expect("it lies within").display().to_string();
                    let mut bytes = std::fs::read(&path).expect("it can be read");
                    let length = bytes.len() as u64;
                    bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
                    files.push((name, length, bytes));
                }
            }
        }
        files.retain(|(name, ..)| name != "lock");
        files.sort();
        Self { format: state::FORMAT, files }
    }

    /// The dump as it is kept.
    pub(crate) fn to_lines(&self) -> String {
        let file = |(name, length, bytes): &Stored| json!({"file": name, "length": length, "bytes": STANDARD.encode(bytes)});
        let head = json!({"format": self.format});
        [head].into_iter().chain(self.files.iter().map(file)).map(|line| format!("{line}\n")).collect()
    }

    /// The state in a folder of its own.
    pub(crate) fn unpack(&self) -> Unpacked {
        let place = tempfile::tempdir().expect("a folder");
        for (name, length, bytes) in &self.files {
            let path = place.path().join(name);
            std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("it can be made");
            // A journal is long before it is full: what is left out stays a hole.
            let file = File::create(path).and_then(|mut file| file.write_all(bytes).map(|()| file));
            file.and_then(|file| file.set_len(*length)).expect("it can be written");
        }
        Unpacked::hold(place)
    }
}

impl Unpacked {
    /// Holds a folder.
    pub(crate) fn hold(place: TempDir) -> Self {
        let folder =
            Folder::hold(place.path(), Memory { bytes: 8 << 20, stores: 4 }).expect("nobody else holds it");
        Self { folder, place: Arc::new(place) }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> PathBuf {
        self.place.path().to_owned()
    }

    /// What opens its stores; the folder stays as long as that does.
    pub(crate) fn open(
        &self,
    ) -> impl Fn(&'static str, Partition) -> Result<Box<dyn Store>, StoreError> + Clone + Send + Sync + 'static
    {
        let (folder, place) = (self.folder.clone(), Arc::clone(&self.place));
        move |stage, partition| {
            let _until_then = &place;
            folder.open(stage, partition).map(|store| Box::new(store) as Box<dyn Store>)
        }
    }
}

fn unpacked(line: &Value) -> Option<Stored> {
    let bytes = STANDARD.decode(line["bytes"].as_str()?).ok()?;
    Some((line["file"].as_str()?.to_owned(), line["length"].as_u64()?, bytes))
}
