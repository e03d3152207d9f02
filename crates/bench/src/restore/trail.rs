//! `restart` and `topics`: a trail with so many register rows on a broker; its aggregator killed and started again, with
//! its disk and without.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::figure::Figure;
use super::running::Running;
use super::{PEAK_MIB, RESTART_SECONDS, ROWS_PER_CORE, Sizes, folder, text};
use crate::on_kafka::StageName;
use crate::on_kafka::metrics::Metrics;
use crate::on_kafka::site::{Setup, Site};

/// How often the aggregator is killed.
const KILLS: u32 = 3;
/// Register rows that the aggregator makes between two kills.
const BETWEEN: u64 = 1000;

/// A trail whose audit events are there.
pub(crate) struct Trail {
    site: Site,
    sizes: Sizes,
    state: TempDir,
}

impl Trail {
    /// Starts a broker; has the normalizer make so many audit events that so many register rows come of them, and more.
    pub(crate) fn start(sizes: Sizes) -> Result<Self> {
        let setup = Setup { partitions: sizes.partitions, interval: "1s".into(), pinned: false };
        Self::on(Site::start(&setup)?, sizes)
    }

    /// The same on a site that is there.
    pub(crate) fn on(site: Site, sizes: Sizes) -> Result<Self> {
        let actions = sizes.rows + sizes.rows / 2 + 20_000;
        // Learners without number: nearly every action is about a subject of its own.
        let learners = sizes.rows.to_string();
        site.publish(actions, 1, &["--learners", &learners, "--courses", "1000"])?;
        let mut normalizer = Running::new(StageName::Normalizer, site.run(StageName::Normalizer))?;
        normalizer.until("all actions", |m| Ok(m.settled(StageName::Normalizer)? >= actions))?;
        normalizer.end()?;
        Ok(Self { site, sizes, state: folder()? })
    }

    /// Kills and restarts the aggregator, its state on disk; then has it work off what is left.
    pub(crate) fn restart(self) -> Result<(Self, Vec<Figure>)> {
        let mut aggregator = self.aggregator(Some(&self.state))?;
        let (mut rows, mut seconds, mut again, mut peak) = (self.sizes.rows, Vec::new(), 0, 0.0_f64);
        for _ in 0..KILLS {
            let held = aggregator.until("register rows", |m| Ok(m.rows("register")? >= rows))?;
            peak = peak.max(aggregator.peak_mib()?);
            aggregator.kill();
            let began = Instant::now();
            aggregator = self.aggregator(Some(&self.state))?;
            let restored = aggregator.await_restored(self.sizes.partitions)?;
            let settled = |m: &Metrics| m.settled(StageName::Aggregator);
            let before = settled(&aggregator.metrics()?)?;
            aggregator.until("the next commit", |m| Ok(settled(m)? > before))?;
            seconds.push(began.elapsed().as_secs_f64());
            ensure!(
                restored.from_disk == restored.partitions,
                "the state on disk was not used: {restored:?}"
            );
            again = again.max(restored.records);
            rows = held.rows("register")? + BETWEEN;
        }
        let held = aggregator.until("all partitions", |m| Ok(m.rows("register")? >= self.sizes.rows))?;
        let slowest = seconds.iter().copied().fold(0.0, f64::max);
        let figures = vec![
            Figure::at_least(self.sizes.rows as f64, "register rows on disk", held.rows("register")? as f64),
            Figure::told("records read from the topics after a restart, at most", again as f64),
            Figure::at_most(
                RESTART_SECONDS,
                format!("seconds from a restart until all is at work again, slowest of {KILLS}"),
                slowest,
            ),
            Figure::at_most(PEAK_MIB, "peak memory of the aggregator, MiB", peak.max(aggregator.peak_mib()?)),
        ];
        // What is restored from now on is all there is to do.
        aggregator.await_idle(self.sizes.partitions)?;
        aggregator.end()?;
        Ok((self, figures))
    }

    /// Restores all of the aggregator's state, and the normalizer's, from the topics.
    pub(crate) fn topics(&self) -> Result<Vec<Figure>> {
        let mut figures = Vec::new();
        for stage in [StageName::Aggregator, StageName::Normalizer] {
            for disk in [None, Some(folder()?)] {
                figures.extend(self.restore(stage, disk.as_ref())?);
            }
        }
        Ok(figures)
    }

    fn restore(&self, stage: StageName, disk: Option<&TempDir>) -> Result<Vec<Figure>> {
        let mut running = self.stage(stage, disk)?;
        let restored = running.await_restored(self.sizes.partitions)?;
        let (cpu, peak) = (running.cpu()?, running.peak_mib()?);
        running.kill();
        ensure!(restored.from_disk == 0, "state was found on an empty disk: {restored:?}");
        let (name, whither) = (stage.name(), if disk.is_some() { "onto disk" } else { "into memory" });
        let rate = restored.records as f64 / cpu;
        let what = format!("{name} {whither}, rows per second and core");
        let mut figures = vec![Figure::told(format!("{name} {whither}, rows"), restored.records as f64)];
        figures.push(match stage {
            StageName::Aggregator => Figure::at_least(ROWS_PER_CORE, what, rate),
            StageName::Normalizer => Figure::told(what, rate),
        });
        let what = format!("{name} {whither}, peak memory, MiB");
        figures.push(match disk {
            Some(_) => Figure::at_most(PEAK_MIB, what, peak),
            None => Figure::told(what, peak),
        });
        Ok(figures)
    }

    fn aggregator(&self, state: Option<&TempDir>) -> Result<Running> {
        self.stage(StageName::Aggregator, state)
    }

    fn stage(&self, stage: StageName, state: Option<&TempDir>) -> Result<Running> {
        let memory = self.sizes.memory_mb.to_string();
        let mut settings = vec![("LMSAUDIT_STATE_MEMORY_MB", memory.as_str())];
        let dir = state.map(|dir| text(dir.path())).transpose().context("state.dir")?;
        settings.extend(dir.map(|dir| ("LMSAUDIT_STATE_DIR", dir)));
        Running::new(stage, self.site.run_with(stage, &settings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bounds are those of a release build on a machine that does nothing else: here it counts that all is measured.
    #[test]
    fn a_trail_is_restarted_and_restored() {
        let sizes = Sizes { rows: 2000, partitions: 2, memory_mb: 16 };
        let Some(site) = super::super::testing::site(sizes) else { return };
        let (trail, restarted) = Trail::on(site, sizes).and_then(Trail::restart).expect("it can be measured");
        let restored = trail.topics().expect("it can be measured");
        let value = |found: &[Figure], name: &str| {
            found.iter().find(|figure| figure.name.starts_with(name)).expect(name).value
        };
        assert!(value(&restarted, "register rows on disk") >= 2000.0, "{restarted:?}");
        assert!(value(&restarted, "seconds from a restart") > 0.0, "{restarted:?}");
        for stage in [
            "aggregator into memory",
            "aggregator onto disk",
            "normalizer into memory",
            "normalizer onto disk",
        ] {
            assert!(value(&restored, &format!("{stage}, rows")) >= 2000.0, "{restored:?}");
            assert!(value(&restored, &format!("{stage}, rows per second and core")) > 0.0, "{restored:?}");
        }
    }
}
