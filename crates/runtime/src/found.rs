//! Looks up in the topics what decides where a stage starts; [`crate::start`] decides.

use std::time::{Duration, Instant};

use stage::{Millis, Offset, Partition, StageError, StageSpec, TopicIndex};

use crate::error::{BrokerError, Cause, Remedy};
use crate::failure::Failure;
use crate::ids::Ids;
use crate::port::{Extent, Log, Reader, Reading, Slice};
use crate::start::{Found, Start, decide};
use crate::task::Task;

/// How long a first record is waited for: aborted ones are passed over.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the stage starts: at what the coverage that was restored, the group and the topics say together.
pub(crate) fn start<L: Log>(
    log: &mut L,
    spec: &StageSpec,
    ids: &Ids,
    partition: Partition,
    task: &Task,
    committed: Option<Offset>,
    extent: Extent,
) -> Result<Start, Failure> {
    let coverage = task.stage.coverage();
    let written = match coverage {
        Some(_) => None,
        None => first_written(log, spec, partition)?,
    };
    let found = Found {
        coverage,
        committed,
        extent,
        cluster_id: &ids.cluster,
        topic_id: &ids.input,
        written: written.as_deref(),
    };
    decide(&found).map_err(|message| Failure::Stage {
        error: StageError::Stop(message),
        place: format!("{} cannot start in {} partition {partition}", spec.name, spec.topic(spec.input)),
    })
}

/// An output topic that holds a committed record in this partition. The ledger and the input are
/// left out: other stages write there, too. What is still undecided is nobody's who could yet commit:
/// asking for the group's offsets waited out a transaction that holds some, and one that holds none
/// is of an earlier generation.
fn first_written<L: Log>(
    log: &mut L,
    spec: &StageSpec,
    partition: Partition,
) -> Result<Option<String>, BrokerError> {
    let own = |topic: &&TopicIndex| **topic != spec.input && **topic != spec.ledger;
    for topic in spec.outputs.iter().filter(own) {
        let name = spec.topic(*topic);
        let extent = log.extent(name, partition)?;
        if first_time(log, name, partition, extent.start, extent.stable)?.is_some() {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

/// The timestamp of the first committed record in `from..until`.
pub(crate) fn first_time<L: Log>(
    log: &mut L,
    topic: &str,
    partition: Partition,
    from: Offset,
    until: Offset,
) -> Result<Option<Millis>, BrokerError> {
    if from >= until {
        return Ok(None);
    }
    let mut reader = log.open(vec![Slice { topic: topic.to_owned(), partition, from, until }])?;
    let mut first = None;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let reading = reader.read(Duration::from_millis(200), &mut |_, record| {
            first.get_or_insert(record.timestamp);
        })?;
        if first.is_some() || reading == Reading::Done {
            return Ok(first);
        }
        if Instant::now() >= deadline {
            return Err(BrokerError {
                remedy: Remedy::Retry,
                cause: Cause::Transport,
                attempt: format!("looking at {topic} partition {partition}"),
                detail: format!("nothing came from offset {from} to {until} within {} s", PATIENCE.as_secs()),
            });
        }
    }
}
