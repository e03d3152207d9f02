//! The metrics of running processes, against the records. A process counts what it committed since it
//! began, so its counters can only be less than what there is: more means that a record is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, bail};
use catalog::Topic;
use ureq::Agent;

use super::findings::{Finding, Findings, What};
use super::totals::{ACTIONS, DEAD_LETTERS, EVENTS, Records};
use crate::verdict::Misuse;

const PATIENCE: Duration = Duration::from_secs(10);
/// More than any `/metrics` of ours has, in bytes.
const LONGEST: u64 = 16 << 20;

/// Samples of some processes, summed up by name and value of their one label beside the stage.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Samples {
    urls: Vec<String>,
    values: BTreeMap<(String, String), u64>,
}

/// Which counter is compared by which label.
const COUNTERS: [(&str, &str); 3] = [(ACTIONS, "outcome"), (DEAD_LETTERS, "reason"), (EVENTS, "category")];

impl Samples {
    /// Asks each process.
    ///
    /// # Errors
    /// [`Misuse`] where one is no http address; when one does not answer, or answers with something else
    /// than metrics of ours.
    pub(super) fn of(urls: &[String]) -> anyhow::Result<Self> {
        let agent = Agent::config_builder().timeout_global(Some(PATIENCE)).build().new_agent();
        let mut all = Self { urls: urls.to_vec(), ..Self::default() };
        for url in urls {
            if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
                return Err(Misuse(format!(
                    "--metrics {url} is no address of metrics: write http://HOST:PORT"
                ))
                .into());
            }
            let url = if url.contains("/metrics") {
                url.clone()
            } else {
                format!("{}/metrics", url.trim_end_matches('/'))
            };
            let ask = || agent.get(&url).call()?.body_mut().with_config().limit(LONGEST).read_to_string();
            all.add(&ask().with_context(|| format!("asking {url}"))?)
                .with_context(|| format!("reading {url}"))?;
        }
        Ok(all)
    }

    /// Names each counter that says more than there is. One that counts records of a topic of which the
    /// first are deleted may well do so, and is not compared.
    pub(super) fn compare(&self, records: &Records, truncated: &BTreeSet<Topic>, findings: &mut Findings) {
        for ((counter, label), counted) in &self.values {
            let records = records.of(counter, label);
            if *counted > records && !truncated.contains(&topic(counter, label)) {
                let (urls, key) = (self.urls.join(" and "), format!("{counter} {label}"));
                let detail = format!("{urls} counted {counted}, but there are {records} records");
                findings.add(Finding::new(What::MetricsDiffer, topic(counter, label), key, detail));
            }
        }
    }

    /// Takes the text of one process.
    fn add(&mut self, text: &str) -> anyhow::Result<()> {
        let mut found = false;
        for line in text.lines() {
            for (counter, label) in COUNTERS {
                let Some(rest) = line.strip_prefix(counter).filter(|rest| rest.starts_with('{')) else {
                    continue;
                };
                let Some((labels, value)) = rest[1..].rsplit_once("} ") else { continue };
                let lead = format!("{label}=\"");
                let Some(name) = labels.split(',').find_map(|one| one.strip_prefix(&lead)?.strip_suffix('"'))
                else {
                    bail!("{counter} has no label {label}");
                };
                let value: f64 = value.parse().with_context(|| format!("{counter} is {value:?}"))?;
                if !(0.0..9e15).contains(&value) {
                    bail!("{counter} is {value}");
                }
                found = true;
                *self.values.entry((counter.to_owned(), name.to_owned())).or_default() += value as u64;
            }
        }
        if !found {
            bail!("there is no {} among its metrics: is it a process of the normalizer?", COUNTERS[0].0);
        }
        Ok(())
    }
}

/// Where the records lie that a counter counts.
fn topic(counter: &str, label: &str) -> Topic {
    match (counter, label) {
        (EVENTS, _) | (_, "recorded") => Topic::Events,
        (DEAD_LETTERS, _) | (_, "dead_lettered") => Topic::DeadLetters,
        _ => Topic::Receipts,
    }
}

#[cfg(test)]
mod tests {
    use super::super::outputs::Became;
    use super::*;

    const TEXT: &str = "# TYPE lmsaudit_actions_total counter\nlmsaudit_actions_total{outcome=\"recorded\"} 3\n\
        lmsaudit_actions_total{outcome=\"duplicate\"} 0\nlmsaudit_dead_letters_total{reason=\"malformed\"} 2\n\
        lmsaudit_actions_totally{outcome=\"recorded\"} 9\n";

    #[test]
    fn only_more_than_there_is_differs() {
        let mut samples = Samples::default();
        samples.add(TEXT).expect("metrics");
        samples.add(TEXT).expect("metrics");
        for (recorded, malformed, expected) in
            [(6, 4, [0, 0]), (7, 9, [0, 0]), (5, 4, [1, 1]), (6, 3, [1, 0])]
        {
            let mut records = Records::default();
            let event = Became::Event { category: catalog::Category::Skill, id: 1 };
            (0..recorded).for_each(|_| records.count(&event));
            (0..malformed).for_each(|_| records.count(&Became::DeadLetter(catalog::Reason::Malformed)));
            let differ = |truncated: &[Topic]| {
                let mut findings = Findings::new(9);
                samples.compare(&records, &truncated.iter().copied().collect(), &mut findings);
                findings.of(What::MetricsDiffer)
            };
            let found = [differ(&[]), differ(&[Topic::DeadLetters])];
            assert_eq!(found, expected, "{recorded} {malformed}");
        }
    }

    #[test]
    fn an_address_without_a_scheme_is_refused() {
        let error = Samples::of(&["127.0.0.1:9464".into()]).expect_err("refused");
        assert!(error.is::<Misuse>() && error.to_string().ends_with("write http://HOST:PORT"), "{error}");
    }

    #[test]
    fn what_is_no_metrics_of_ours_is_refused() {
        for text in [
            "",
            "hello",
            "lmsaudit_actions_total{outcome=\"recorded\"} -1",
            "lmsaudit_actions_total{a=\"b\"} 1",
        ] {
            assert!(Samples::default().add(text).is_err(), "{text}");
        }
    }
}
