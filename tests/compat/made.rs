//! Makes the dumps of the present version.

use std::path::Path;
use std::process::Command;

use catalog::Topic;
use stage::PartitionCount;

use crate::dump::{Dump, Framing, Kept};
use crate::log::{Lying, Outputs, Phase};
use crate::state::{FILE, State, Unpacked};
use crate::{input, play, registry};

/// Partitions of every topic of a dump.
const PARTITIONS: u32 = 2;

/// The tags of this checkout, a line each, or why nobody knows: without git, or outside of a checkout.
pub(crate) fn tags() -> Result<String, String> {
    let mut git = Command::new("git");
    let asked = git.args(["tag", "--list"]).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let asked = asked.map_err(|error| format!("git: {error}"))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if asked.status.success() { Ok(said(&asked.stdout)) } else { Err(said(&asked.stderr)) }
}

/// The folders of tagged versions that are not among these: every `v*` that is a version has one.
pub(crate) fn without_dump(tags: &str, folders: &[String]) -> Vec<String> {
    let is_version =
        |tag: &&str| tag.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let tags = tags.lines().filter(is_version).map(str::to_owned);
    tags.filter(|tag| !folders.contains(tag)).collect()
}

/// Asks git for its tags; see [`may_write`].
pub(crate) fn refuse_if_tagged(folder: &Path, version: &str) -> Result<(), String> {
    may_write(folder, version, tags().ok().as_deref())
}

/// A dump that is there may be made anew only as long as its version is not tagged: others may have written topics by it.
pub(crate) fn may_write(folder: &Path, version: &str, tags: Option<&str>) -> Result<(), String> {
    if !folder.exists() {
        return Ok(());
    }
    match tags {
        None => Err(format!(
            "{}: git does not say whether {version} is tagged; it stays as it is",
            folder.display()
        )),
        Some(tags) if tags.lines().any(|tag| tag == format!("v{version}")) => {
            Err(format!("{}: {version} is tagged; raise the version first", folder.display()))
        }
        Some(_) => Ok(()),
    }
}

/// Writes all dumps of this version.
pub(crate) fn write(folder: &Path, version: &str) {
    std::fs::create_dir_all(folder).expect("the folder can be made");
    for framing in Framing::ALL {
        let (dump, state) = dump(framing, version);
        std::fs::write(folder.join(framing.file()), dump.to_lines()).expect("the dump can be written");
        if framing == Framing::SingleObject {
            std::fs::write(folder.join(FILE), state.to_lines()).expect("the state can be written");
        }
    }
}

fn dump(framing: Framing, version: &str) -> (Dump, State) {
    let schemas = match framing {
        Framing::SingleObject => Vec::new(),
        Framing::Confluent => registry::present(),
    };
    let mut dump =
        Dump { version: version.to_owned(), framing, partitions: PARTITIONS, schemas, records: Vec::new() };
    let count = PartitionCount::new(PARTITIONS).expect("more than none");
    let codec = dump.codec();
    let actions = input::actions(count, framing, &codec);
    let folder = Unpacked::hold(tempfile::tempdir().expect("a folder"));
    let copy = tempfile::tempdir().expect("a folder");
    for partition in count.partitions() {
        let log: Vec<_> = actions.iter().filter(|one| one.partition == partition.number()).collect();
        // Two thirds lie before the cut.
        let (before, after) = log.split_at(log.len() * 2 / 3);
        let [mut first, mut second] = [Outputs::default(), Outputs::default()];
        let stages = play::kept(codec.clone(), count, folder.open());
        let mut cut = || copy_state(&folder.path(), copy.path(), partition.number());
        play::from_nothing(&stages, before, after, partition, [&mut first, &mut second], &mut cut);
        for (phase, actions, outputs) in [(Phase::Before, before, first), (Phase::After, after, second)] {
            let outputs = play::without_actions(outputs);
            let records = actions.iter().map(|one| (*one).clone()).chain(outputs);
            dump.records.extend(records.map(|record: Lying| Kept { phase, record }));
        }
    }
    assert!(dump.records.iter().any(|kept| kept.record.topic == Topic::Events));
    (dump, State::of(copy.path()))
}

/// Copies the stores of a partition as they lie on disk: what a process that was killed here would leave.
fn copy_state(from: &Path, to: &Path, partition: u32) {
    for stage in ["normalizer", "aggregator"] {
        let inner = Path::new(stage).join(partition.to_string());
        copy_all(&from.join(&inner), &to.join(&inner));
    }
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_all(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("a file can be copied");
        }
    }
}
