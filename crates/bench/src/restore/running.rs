//! A stage that runs as a process: what its metrics and its log say of it, asked until something is so.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use testkit::Product;

use crate::on_kafka::StageName;
use crate::on_kafka::metrics::Metrics;
use crate::on_kafka::site;
use crate::process::{cpu_seconds, peak_kib};

/// How often a process is asked: each time takes it some CPU, too.
const EVERY: Duration = Duration::from_millis(20);
/// Longer than librdkafka's statistics are apart.
const STATISTICS: Duration = Duration::from_secs(5);
/// How long nothing may change before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(300);

/// A stage that runs.
pub(crate) struct Running {
    stage: StageName,
    process: Product,
    address: SocketAddr,
}

/// What the log says of restores that are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Restored {
    /// Partitions that are restored.
    pub(crate) partitions: u32,
    /// Those of them whose state was on disk.
    pub(crate) from_disk: u32,
    /// Records that were taken from the topics.
    pub(crate) records: u64,
}

impl Running {
    /// A stage that was started a moment ago.
    pub(crate) fn new(stage: StageName, mut process: Product) -> Result<Self> {
        let address = site::await_address(&mut process)?;
        Ok(Self { stage, process, address })
    }

    /// Asks for metrics until they say so; they move when something was committed.
    pub(crate) fn until(&mut self, what: &str, is_so: impl Fn(&Metrics) -> Result<bool>) -> Result<Metrics> {
        let (mut settled, mut moved) = (0, Instant::now());
        loop {
            let asked = Metrics::scrape(self.address);
            let metrics = asked.with_context(|| self.failed("asking for metrics"))?;
            if is_so(&metrics)? {
                return Ok(metrics);
            }
            let now = metrics.settled(self.stage)?;
            if now != settled {
                (settled, moved) = (now, Instant::now());
            }
            ensure!(moved.elapsed() < PATIENCE, self.failed(&format!("waiting for {what}")));
            std::thread::sleep(EVERY);
        }
    }

    /// Waits until nothing of so many partitions is left to process. What is known of that is as old as librdkafka's
    /// last statistics, two seconds: so it must stay so for longer.
    pub(crate) fn await_idle(&mut self, partitions: u32) -> Result<()> {
        let mut idle = Instant::now();
        while idle.elapsed() < STATISTICS {
            self.until("the end of the input", |metrics| Ok(metrics.lag(partitions)? == Some(0)))?;
            if Metrics::scrape(self.address)?.lag(partitions)? != Some(0) {
                idle = Instant::now();
            }
            std::thread::sleep(EVERY);
        }
        Ok(())
    }

    /// Waits until that many partitions are restored.
    pub(crate) fn await_restored(&mut self, partitions: u32) -> Result<Restored> {
        let began = Instant::now();
        loop {
            let restored = restored(&self.process.stderr());
            if restored.partitions >= partitions {
                return Ok(restored);
            }
            ensure!(began.elapsed() < PATIENCE, self.failed("waiting for partitions to be restored"));
            ensure!(self.process.is_running(), self.failed("it ended before it was restored"));
            std::thread::sleep(EVERY);
        }
    }

    /// What its metrics say now.
    pub(crate) fn metrics(&self) -> Result<Metrics> {
        Metrics::scrape(self.address)
    }

    /// CPU time so far, in seconds, user and system.
    pub(crate) fn cpu(&self) -> Result<f64> {
        cpu_seconds(&self.process.id().to_string())
    }

    /// The greatest resident set so far, in MiB.
    pub(crate) fn peak_mib(&self) -> Result<f64> {
        Ok(super::mebibytes(peak_kib(&self.process.id().to_string())?))
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.process.kill();
    }

    /// SIGTERM, and waits for the end.
    pub(crate) fn end(self) -> Result<()> {
        site::end(self.process)
    }

    fn failed(&self, what: &str) -> String {
        format!("{what}: the {} says\n{}", self.stage.name(), self.process.stderr())
    }
}

fn restored(log: &str) -> Restored {
    let mut all = Restored::default();
    for line in log.lines().filter(|line| line.contains("partition restored")) {
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        all.partitions += 1;
        all.from_disk += u32::from(line["from"] == "disk and topics");
        all.records += line["records"].as_u64().unwrap_or(0);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restores_are_read_from_the_log() {
        let line = |from: &str, records: u64| {
            format!(
                r#"{{"level":"INFO","message":"partition restored","from":"{from}","records":{records}}}"#
            )
        };
        let log = [
            r#"{"level":"INFO","message":"restoring","from":"topics","records":9}"#.to_owned(),
            line("topics", 5),
            line("disk and topics", 2),
            r#"{"message":"partition restored","rec"#.to_owned(),
        ];
        assert_eq!(restored(&log.join("\n")), Restored { partitions: 2, from_disk: 1, records: 7 });
    }
}
