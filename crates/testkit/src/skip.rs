//! Whether there can be a broker here. Where there cannot, tests that need one say so on the terminal and pass, so that the
//! project builds without Java; with `CI` set they fail, so that nobody takes a skipped test for a passed one.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use crate::broker::{Founding, Security};
use crate::kafka::TestKafka;

/// The broker of this test process, started at the first call: `KAFKA_BOOTSTRAP_SERVERS` where that is set, else one of its own.
/// None where there cannot be one, which has then been said aloud.
///
/// # Panics
/// Where there cannot be one and `CI` is set; where it does not start.
pub fn kafka_or_skip() -> Option<&'static TestKafka> {
    static SHARED: OnceLock<TestKafka> = OnceLock::new();
    if switched_off() {
        return None;
    }
    if let Ok(servers) = std::env::var("KAFKA_BOOTSTRAP_SERVERS") {
        return Some(SHARED.get_or_init(|| TestKafka::existing(&servers)));
    }
    can_start().then(|| SHARED.get_or_init(|| one(Security::Plaintext, None)))
}

/// A broker for this test alone, up in about two seconds; for tests that need the product's own topic names, or that kill it.
///
/// # Panics
/// As [`kafka_or_skip`].
pub fn fresh_kafka_or_skip() -> Option<TestKafka> {
    may_start().then(|| one(Security::Plaintext, None))
}

/// The same with SASL_SSL, SCRAM-SHA-512 and ACLs; [`TestKafka::properties`] says how to connect.
///
/// # Panics
/// As [`kafka_or_skip`].
pub fn secure_kafka_or_skip() -> Option<TestKafka> {
    may_start().then(|| one(Security::SaslSsl, None))
}

/// A broker of its own with so much heap (`1g`), for measurements: these are asked for by name, so nothing is skipped.
///
/// # Errors
/// Why there can be no broker here.
///
/// # Panics
/// Where it does not start.
pub fn kafka_with_heap(heap: &str) -> Result<TestKafka, String> {
    jars()?;
    Ok(one(Security::Plaintext, Some(heap)))
}

/// Whether a broker can be started and is wanted; where not, it has been said aloud.
pub(crate) fn may_start() -> bool {
    !switched_off() && can_start()
}

fn one(security: Security, heap: Option<&str>) -> TestKafka {
    TestKafka::start(Founding { nodes: 1, proxied: false, heap: heap.map(str::to_owned), security })
}

pub(crate) fn kafka_script() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/kafka/kafka"))
        .canonicalize()
        .expect("the broker's script is part of the checkout")
}

/// `TESTKIT_KAFKA=off` is a wish, so it holds with `CI` too: it makes the quick check quick.
fn switched_off() -> bool {
    let off = std::env::var("TESTKIT_KAFKA").is_ok_and(|value| value == "off");
    if off {
        say_skipped("TESTKIT_KAFKA=off");
    }
    off
}

fn can_start() -> bool {
    static JARS: OnceLock<Result<(), String>> = OnceLock::new();
    match JARS.get_or_init(jars) {
        Ok(()) => true,
        Err(why) if std::env::var_os("CI").is_some() => panic!("this test needs Kafka, and CI is set: {why}"),
        Err(why) => {
            say_skipped(why);
            false
        }
    }
}

/// Installs nothing on anybody's machine behind the back of `cargo test`: `make kafka-jars` does, where it may.
fn jars() -> Result<(), String> {
    let output = Command::new(kafka_script())
        .arg("jars")
        .env("SETUP_INSTALL", "never")
        .output()
        .map_err(|error| format!("the broker's script cannot be started: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim_end().to_owned())
    }
}

/// Past the test harness, which would keep what a passing test prints by macro to itself.
fn say_skipped(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let _ = writeln!(std::io::stderr().lock(), "SKIPPED: {test} needs Kafka: {why}");
}
