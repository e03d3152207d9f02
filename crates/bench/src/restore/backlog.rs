//! `backlog`: actions that wait on a broker before any stage has ever run, worked off by both stages at the same time.

use std::time::Instant;

use anyhow::Result;

use super::figure::Figure;
use super::running::Running;
use super::{PEAK_MIB, Sizes, folder, text};
use crate::on_kafka::StageName;
use crate::on_kafka::site::{Setup, Site};

/// Starts a broker and measures.
pub(crate) fn measure(sizes: Sizes) -> Result<Vec<Figure>> {
    let setup = Setup { partitions: sizes.partitions, interval: "1s".into(), pinned: false };
    measure_on(&Site::start(&setup)?, sizes)
}

/// The same on a site that is there.
pub(crate) fn measure_on(site: &Site, sizes: Sizes) -> Result<Vec<Figure>> {
    // People and courses in proportion, so that rows are many as well.
    let learners = (sizes.rows / 10).max(500).to_string();
    site.publish(sizes.rows, 1, &["--learners", &learners, "--courses", "1000"])?;
    let (normalizing, aggregating) = (folder()?, folder()?);
    let memory = sizes.memory_mb.to_string();
    let start = |stage: StageName, dir: &tempfile::TempDir| {
        let settings =
            [("LMSAUDIT_STATE_MEMORY_MB", memory.as_str()), ("LMSAUDIT_STATE_DIR", text(dir.path())?)];
        Running::new(stage, site.run_with(stage, &settings))
    };
    let began = Instant::now();
    let mut normalizer = start(StageName::Normalizer, &normalizing)?;
    let mut aggregator = start(StageName::Aggregator, &aggregating)?;
    let ended = normalizer.until("all actions", |m| Ok(m.settled(StageName::Normalizer)? >= sizes.rows))?;
    let normalized = began.elapsed().as_secs_f64();
    let events = ended.actions("recorded")?;
    let folded = aggregator.until("all events", |m| Ok(m.settled(StageName::Aggregator)? >= events))?;
    let aggregated = began.elapsed().as_secs_f64();
    let figures = vec![
        Figure::told("actions that waited", sizes.rows as f64),
        Figure::told("entries of the dedup table", ended.rows("dedup")? as f64),
        Figure::told("register rows", folded.rows("register")? as f64),
        Figure::told("seconds until all were normalized", normalized),
        Figure::told("seconds until all were aggregated", aggregated),
        Figure::at_most(PEAK_MIB, "peak memory of the normalizer, MiB", normalizer.peak_mib()?),
        Figure::at_most(PEAK_MIB, "peak memory of the aggregator, MiB", aggregator.peak_mib()?),
    ];
    normalizer.end()?;
    aggregator.end()?;
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_is_worked_off() {
        let sizes = Sizes { rows: 3000, partitions: 2, memory_mb: 16 };
        let Some(site) = super::super::testing::site(sizes) else { return };
        let figures = measure_on(&site, sizes).expect("it can be measured");
        let value = |name: &str| figures.iter().find(|f| f.name.starts_with(name)).expect(name).value;
        assert!(value("register rows") > 1000.0, "{figures:?}");
        assert!(value("entries of the dedup table") > 2000.0, "{figures:?}");
        assert!(figures.iter().all(Figure::holds), "{figures:?}");
    }
}
