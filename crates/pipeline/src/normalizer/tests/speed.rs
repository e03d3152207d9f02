//! How fast the whole path is; run by hand, in release:
//! `cargo test --release -p pipeline -- --ignored --nocapture records_per_second`.

use std::time::Instant;

use super::log::{Spec, certificate_expired};
use super::world::{NOW, Owned, home, stage_of};
use stage::{Mark, Output, Sink};

/// Counts bytes and forgets them.
#[derive(Default)]
struct Counting(usize);

impl Sink for Counting {
    fn send(&mut self, output: &Output<'_>) {
        self.0 += output.value.map_or(0, <[u8]>::len);
    }
}

/// Actions as platforms send them: some hundred bytes, most of them new.
fn action(number: usize) -> Owned {
    let base = if number.is_multiple_of(3) { certificate_expired() } else { Spec::default() };
    let rest = format!(
        r#"{},"changes":[{{"field":"title","before":"Safety at work","after":"Safety at work {number}"}}],"origin":{{"ip":"192.0.2.7","user_agent":"Mozilla/5.0 (X11; Linux x86_64)","channel":"web"}},"correlation_id":"c-{number}","sequence":{number}"#,
        base.rest
    );
    let id = if number.is_multiple_of(20) { "again".into() } else { format!("a-{number}") };
    let occurred_at = NOW - 1_000 - number as i64 % 1_000;
    let record = Spec { id, rest, occurred_at, ..base }.record();
    Owned { offset: number as i64, timestamp: NOW + number as i64, partition: home(), ..record }
}

#[test]
#[ignore = "measures time, proves nothing"]
#[allow(clippy::print_stderr, reason = "the measured speed is what it is run for")]
fn records_per_second() {
    const RECORDS: usize = 100_000;
    let log: Vec<_> = (0..RECORDS).map(action).collect();
    let records: Vec<_> = log.iter().map(Owned::record).collect();
    for round in 0..3 {
        let (mut stage, mut sink) = (stage_of(home()), Counting::default());
        let begin = Instant::now();
        for batch in records.chunks(1_000) {
            for record in batch {
                stage.process(record, &mut sink).expect("the codec needs no registry");
            }
            stage.flush(&mut sink).expect("the store is in memory");
            stage.commit(&Mark::unkept()).expect("the store is in memory");
        }
        let seconds = begin.elapsed().as_secs_f64();
        let (micros, rate) = (seconds * 1e6 / RECORDS as f64, RECORDS as f64 / seconds);
        eprintln!("round {round}: {rate:.0} records/s, {micros:.2} us each, {} bytes out", sink.0);
        assert!(sink.0 > 0);
    }
}
