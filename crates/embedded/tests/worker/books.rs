//! What metrics say was done, and what the log says: after every pass of a worker, failed or not, both
//! must have gone the same way.

use std::collections::BTreeMap;

use embedded::{EmbeddedLog, Step};
use prometheus::{Registry, TextEncoder};
use runtime::{Cause, Failure};
use stage::Partition;

use super::counting::TOPICS;
use super::supervised::{GROUP, PARTITIONS, WAVES};

/// How many records were consumed, and how many were produced to each topic.
pub(crate) type Records = BTreeMap<String, f64>;

/// Every series of a registry and its value.
pub(crate) fn series(registry: &Registry) -> BTreeMap<String, f64> {
    let text = TextEncoder::new().encode_to_string(&registry.gather()).expect("metrics are text");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.map(|line| line.rsplit_once(' ').expect("a series and its value"));
    pairs.map(|(series, value)| (series.to_owned(), value.parse().expect("a number"))).collect()
}

/// Both sides as of a moment.
#[derive(Clone, Debug)]
pub(crate) struct Books {
    log: Records,
    metrics: Records,
    /// Transactions, by how they ended.
    ended: [f64; 3],
    /// How many steps were made of the log so far.
    steps: usize,
}

impl Books {
    pub(crate) fn read(log: &EmbeddedLog, registry: &Registry) -> Self {
        let all = series(registry);
        let value = |name: &str, labels: String| {
            all.get(&format!("lmsaudit_{name}{{{labels}}}")).copied().unwrap_or_default()
        };
        let mut metrics = Records::new();
        let consumed = value("records_consumed_total", r#"stage="counting",topic="input""#.into());
        metrics.insert("consumed".into(), consumed);
        for topic in TOPICS {
            let produced = value("records_produced_total", format!(r#"stage="counting",topic="{topic}""#));
            metrics.insert(topic.into(), produced);
        }
        let ended = ["committed", "aborted", "fenced"]
            .map(|outcome| value("transactions_total", format!(r#"outcome="{outcome}",stage="counting""#)));
        Self { log: in_log(log), metrics, ended, steps: log.steps().len() }
    }

    /// Compares what has changed since then by one pass that ended like this; the books as of now.
    ///
    /// # Errors
    /// What differs.
    pub(crate) fn check(
        &self,
        log: &EmbeddedLog,
        registry: &Registry,
        failure: Option<&Failure>,
    ) -> Result<Self, String> {
        let now = Self::read(log, registry);
        let steps = &log.steps()[self.steps..];
        let asked = steps.contains(&Step::Commit);
        let refused = failure.is_some() && steps.last() == Some(&Step::Begin);
        let begun = steps.contains(&Step::Begin) && !refused;
        let committed = asked && failure.is_none();
        let fenced = failure.is_some_and(|failure| failure.cause() == Cause::Fenced);
        let expected = [committed, begun && !committed && !fenced, fenced].map(|is| f64::from(u8::from(is)));
        let ended = [0, 1, 2].map(|place| now.ended[place] - self.ended[place]);
        if ended != expected {
            return Err(format!(
                "committed, aborted, fenced: {ended:?} and not {expected:?} after {steps:?}"
            ));
        }
        let (in_log, in_metrics) = (change(&self.log, &now.log), change(&self.metrics, &now.metrics));
        // A commit whose outcome nobody told is not counted, whatever became of it.
        let expected = if asked && failure.is_some() { &change(&now.log, &now.log) } else { &in_log };
        if in_metrics != *expected {
            return Err(format!("metrics went by {in_metrics:?} and not {expected:?} after {steps:?}"));
        }
        Ok(now)
    }
}

fn change(before: &Records, now: &Records) -> Records {
    now.iter().map(|(what, count)| (what.clone(), count - before[what])).collect()
}

fn in_log(log: &EmbeddedLog) -> Records {
    let mut records: Records = TOPICS.map(|topic| (topic.to_owned(), 0.0)).into();
    records.insert("consumed".into(), 0.0);
    for partition in (0..PARTITIONS).map(Partition::new) {
        let next = log.group_offset(GROUP, "input", partition);
        for topic in TOPICS {
            for (offset, record) in log.dump(topic, partition).expect("the topic is there") {
                let sent = |(to, key, value): &(u32, &str, &str)| {
                    let (key, value) = (Some(key.as_bytes().to_vec()), Some(value.as_bytes().to_vec()));
                    *to == partition.number() && record.key == key && record.value == value
                };
                // The input has what was sent to it, and what stages moved there.
                if topic != "input" || !WAVES.iter().copied().flatten().any(sent) {
                    *records.entry(topic.to_owned()).or_default() += 1.0;
                }
                if topic == "input" && next.is_some_and(|next| offset < next) {
                    *records.entry("consumed".to_owned()).or_default() += 1.0;
                }
            }
        }
    }
    records
}
