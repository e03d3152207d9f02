//! How long one record takes, by hand: `cargo test -p codec --release --test speed -- --ignored --nocapture`.

#![allow(clippy::print_stdout, reason = "it is there to print")]

mod support;

use std::hint::black_box;
use std::time::Instant;

use codec::{Codec, EventHeaders, action_json};

const ROUNDS: u32 = 200_000;

fn measure(what: &str, mut body: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..5 {
        let begin = Instant::now();
        for _ in 0..ROUNDS / 5 {
            body();
        }
        best = best.min(begin.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS / 5));
    }
    println!("{what:24} {best:7.3} us");
    best
}

#[test]
#[ignore = "a measurement, only of use in a release build"]
fn encoding_and_decoding_keep_their_budgets() {
    let codec = Codec::single_object();
    let (mut encoder, decoder) = (codec.encoder(), codec.decoder());
    let (event, register, ledger) =
        (support::event(), support::register(), support::ledger(support::accounts()[0].clone()));
    let mut out = Vec::new();
    let encode = measure("encode event", || encoder.event(black_box(&event), &mut out).expect("written"));
    let value = out.clone();
    println!("{:24} {:7} bytes", "an event has", value.len());
    measure("decode event", || drop(black_box(decoder.event(black_box(&value)).expect("read"))));
    let category = event.action.entry.category;
    measure("encode register row", || {
        encoder.register(category, black_box(&register), &mut out).expect("written");
    });
    let value = out.clone();
    measure("decode register row", || drop(black_box(decoder.register(black_box(&value)).expect("read"))));
    measure("encode ledger row", || encoder.ledger(black_box(&ledger), &mut out).expect("written"));
    let typical = support::TYPICAL.as_bytes();
    println!("{:24} {:7} bytes", "an action has", typical.len());
    let json =
        measure("decode JSON action", || drop(black_box(decoder.action(Some(black_box(typical)), &[]))));
    encoder.action(&event.action, &mut out).expect("written");
    let value = out.clone();
    measure("decode Avro action", || drop(black_box(decoder.action(Some(black_box(&value)), &[]))));
    measure("write JSON action", || drop(black_box(action_json(black_box(&event.action)))));
    let mut headers = EventHeaders::new();
    measure("event headers", || drop(black_box(headers.of(black_box(&event), None))));
    if !cfg!(debug_assertions) {
        assert!(encode <= 3.0, "twice the budget of 1.5 us");
        assert!(json <= 5.0, "twice the budget of 2.5 us");
    }
}
