//! What the generator expects against what the normalizer does, record by record, over bytes.

use std::collections::VecDeque;

use catalog::{Category, Topic};
use codec::Codec;
use pipeline::{NormalizerConfig, NormalizerStages, topic_index};
use stage::{Header, Millis, Offset, Outcome, Output, Partition, Record, Sink, Stage, StageFactory as _};

use super::tests::options;
use super::{Expect, Fate, Generator, Options, Route};

/// One record of the actions topic, and which of those made it is.
struct Logged {
    made: usize,
    key: Option<Vec<u8>>,
    value: Vec<u8>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Takes what is re-routed.
#[derive(Default)]
struct Rerouted(Vec<(Partition, Logged)>, usize);

impl Sink for Rerouted {
    fn send(&mut self, output: &Output<'_>) {
        if output.topic == topic_index(Topic::Actions) {
            let header =
                |header: &Header<'_>| (header.shown_name().into_owned(), header.value.map(<[u8]>::to_vec));
            let logged = Logged {
                made: self.1,
                key: output.key.map(<[u8]>::to_vec),
                value: output.value.expect("an action").to_vec(),
                headers: output.headers.iter().map(header).collect(),
            };
            self.0.push((output.partition, logged));
        }
    }
}

/// The fate and number of re-routes of everything made.
fn run(options: &Options) -> Vec<(Expect, Fate, u32)> {
    let mut config = NormalizerConfig::new(options.partitions, Codec::single_object());
    config.max_value_bytes = options.max_value_bytes;
    let stages = NormalizerStages::new(config);
    let mut partitions: Vec<(Box<dyn Stage>, VecDeque<Logged>, i64)> = options
        .partitions
        .partitions()
        .map(|p| (stages.create(p).expect("memory opens"), VecDeque::new(), 0))
        .collect();
    let mut expects = Vec::new();
    for (made, one) in Generator::new(options.clone()).enumerate() {
        let place = match &one.key {
            Some(key) => options.partitions.partition_of(key).number() as usize,
            None => made % partitions.len(),
        };
        let headers = one.headers.into_iter().map(|(name, value)| (name, Some(value))).collect();
        partitions[place].1.push_back(Logged { made, key: one.key, value: one.value, headers });
        expects.push(one.expect);
    }
    let mut found: Vec<(Option<Fate>, u32)> = vec![(None, 0); expects.len()];
    let mut clock = (options.start.get() + options.span.cast_signed()) / 1000;
    while let Some(place) = partitions.iter().position(|(_, log, _)| !log.is_empty()) {
        let (stage, log, offset) = &mut partitions[place];
        let logged = log.pop_front().expect("not empty");
        clock += 1;
        let mut sink = Rerouted(Vec::new(), logged.made);
        let record = Record {
            partition: Partition::new(u32::try_from(place).expect("small")),
            offset: Offset::new(*offset),
            timestamp: Millis::new(clock),
            key: logged.key.as_deref(),
            value: Some(&logged.value),
            headers: logged.headers.iter().map(|(name, value)| Header::new(name, value.as_deref())).collect(),
        };
        *offset += 1;
        let outcome = stage.process(&record, &mut sink).expect("judged");
        stage.flush(&mut sink).expect("flushed");
        stage.commit(&stage::Mark::unkept()).expect("committed");
        let (fate, reroutes) = &mut found[logged.made];
        match outcome {
            Outcome::Reroute(_) => *reroutes += 1,
            other => assert_eq!(fate.replace(self::fate(other)), None, "judged twice"),
        }
        for (to, logged) in sink.0 {
            partitions[to.number() as usize].1.push_back(logged);
        }
    }
    let both = expects.into_iter().zip(found);
    both.map(|(expect, (fate, reroutes))| (expect, fate.expect("judged"), reroutes)).collect()
}

fn fate(outcome: Outcome) -> Fate {
    match outcome {
        Outcome::Emit { class, .. } => Fate::Recorded(Category::from_name(class).expect("a category")),
        Outcome::Skip("duplicate") => Fate::Duplicate,
        Outcome::Skip("suppressed") => Fate::Suppressed,
        Outcome::Reject(reason) => Fate::DeadLettered(catalog::Reason::from_name(reason).expect("a reason")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_normalizer_does_what_was_expected_of_each() {
    for seed in 1..=5 {
        let options = options(4000, seed);
        let bytes: Vec<_> = Generator::new(options.clone()).map(|made| made.value).collect();
        for (place, (expect, fate, reroutes)) in run(&options).into_iter().enumerate() {
            let text = String::from_utf8_lossy(&bytes[place][..bytes[place].len().min(600)]);
            assert_eq!(fate, expect.fate, "seed {seed}, action {place}: {text}");
            match expect.route {
                Route::Straight => assert_eq!(reroutes, 0, "seed {seed}, action {place}: {text}"),
                Route::Rerouted => assert_eq!(reroutes, 1, "seed {seed}, action {place}: {text}"),
                Route::Keyless => assert!(reroutes <= 1, "seed {seed}, action {place}: {text}"),
            }
        }
    }
}
