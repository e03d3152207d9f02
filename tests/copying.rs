//! A stage that copies its input, with its coverage as text: the loop without the trail.

use stage::{
    Changelog, Coverage, Header, Mark, Millis, Offset, Outcome, Output, Partition, ReadFrom, Record,
    RestorePoint, Sink, Stage, StageError, StageFactory, StageSpec, TopicIndex,
};

const INPUT: TopicIndex = TopicIndex::new(0);
const COPY: TopicIndex = TopicIndex::new(1);
const LEDGER: TopicIndex = TopicIndex::new(2);

/// Makes stages that copy `in` to `copy` and keep their coverage in `ledger`.
pub struct Copying {
    spec: StageSpec,
}

impl Default for Copying {
    fn default() -> Self {
        let spec = StageSpec {
            name: "copying",
            topics: ["in", "copy", "ledger"].map(str::to_owned).into(),
            input: INPUT,
            ledger: LEDGER,
            outputs: vec![COPY, LEDGER],
            classes: vec!["copied"],
            skips: Vec::new(),
            rejects: Vec::new(),
        };
        Self { spec }
    }
}

impl StageFactory for Copying {
    fn spec(&self) -> &StageSpec {
        &self.spec
    }

    fn create(&self, partition: Partition) -> Result<Box<dyn Stage>, StageError> {
        Ok(Box::new(Copy { partition, coverage: None, restored: 0, copied: 0, committed: 0 }))
    }
}

struct Copy {
    partition: Partition,
    coverage: Option<Coverage>,
    /// Records found in `copy` by the restore, those copied since, and those as of the last commit.
    restored: u64,
    copied: u64,
    committed: u64,
}

impl Copy {
    fn send(
        &self,
        topic: TopicIndex,
        timestamp: Millis,
        key: Option<&[u8]>,
        value: &[u8],
        sink: &mut dyn Sink,
    ) {
        let count = self.copied.to_string();
        let headers = [Header::new("count", Some(count.as_bytes()))];
        sink.send(&Output {
            topic,
            partition: self.partition,
            timestamp,
            key,
            value: Some(value),
            headers: &headers,
        });
    }
}

impl Stage for Copy {
    fn process(&mut self, record: &Record<'_>, sink: &mut dyn Sink) -> Result<Outcome, StageError> {
        self.copied += 1;
        self.send(COPY, record.timestamp, record.key, record.value.unwrap_or(b""), sink);
        Ok(Outcome::Emit { class: "copied", occurred_at: record.timestamp })
    }

    fn flush(&mut self, _: &mut dyn Sink) -> Result<(), StageError> {
        Ok(())
    }

    fn cover(&mut self, coverage: &Coverage, now: Millis, sink: &mut dyn Sink) -> Result<(), StageError> {
        let text = format!("{} {} {}", coverage.next, coverage.cluster_id, coverage.topic_id);
        self.send(LEDGER, now, Some(b"~coverage"), text.as_bytes(), sink);
        Ok(())
    }

    fn expire(
        &mut self,
        from: Offset,
        until: Offset,
        now: Millis,
        sink: &mut dyn Sink,
    ) -> Result<(), StageError> {
        self.send(COPY, now, Some(b"~expired"), format!("{from}..{until}").as_bytes(), sink);
        Ok(())
    }

    fn commit(&mut self, _: &Mark) -> Result<(), StageError> {
        self.committed = self.copied;
        Ok(())
    }

    fn restored(&mut self, _: &Mark) -> Result<(), StageError> {
        Ok(())
    }

    fn mark(&self) -> Option<&Mark> {
        None
    }

    fn reset(&mut self, why: &str) -> Result<(), StageError> {
        Err(StageError::Stop(format!("state without a mark is not reset: {why}")))
    }

    fn rollback(&mut self) {
        self.copied = self.committed;
    }

    fn restore(&mut self, topic: TopicIndex, record: &Record<'_>) -> Result<(), StageError> {
        if topic == COPY {
            self.restored += 1;
            self.copied = self.restored;
            self.committed = self.restored;
            return Ok(());
        }
        let text = String::from_utf8_lossy(record.value.unwrap_or(b"")).into_owned();
        let parts: Vec<_> = text.split(' ').collect();
        let [next, cluster, topic] = parts.as_slice() else {
            return Err(StageError::Stop(format!("coverage reads {text:?}")));
        };
        let next = next.parse().map_err(|_| StageError::Stop(format!("coverage reads {text:?}")))?;
        self.coverage = Some(Coverage {
            next: Offset::new(next),
            last_read: None,
            cluster_id: (*cluster).to_owned(),
            topic_id: (*topic).to_owned(),
            expired: 0,
        });
        Ok(())
    }

    fn coverage(&self) -> Option<&Coverage> {
        self.coverage.as_ref()
    }

    fn changelogs(&self, _: RestorePoint) -> Vec<Changelog> {
        vec![Changelog { topic: COPY, from: ReadFrom::Start }]
    }

    fn rows(&self) -> Vec<(stage::Label, u64)> {
        vec![("copied", self.committed)]
    }
}
