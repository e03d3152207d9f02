//! What happens where there can be no broker: a test is skipped aloud, and fails where `CI` is set.
#![allow(clippy::unwrap_used, reason = "a failing test says where")]

use std::process::{Command, Output};

/// Not a test of its own: the others run it in a process without Java.
#[test]
#[ignore = "run by the other tests of this file"]
fn needs_kafka() {
    if testkit::kafka_or_skip().is_some() {
        panic!("there is a broker");
    }
}

fn run(envs: &[(&str, &str)]) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "needs_kafka"])
        .env_remove("CI")
        .env_remove("KAFKA_BOOTSTRAP_SERVERS")
        .env_remove("TESTKIT_KAFKA")
        .envs(envs.iter().copied())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const NO_JAVA: (&str, &str) = ("JAVA_HOME", "/nonexistent");

#[test]
fn without_java_it_skips_aloud() {
    let output = run(&[NO_JAVA]);
    assert!(output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("SKIPPED: needs_kafka needs Kafka: "), "{said}");
    assert!(said.contains("Java 17 or newer"), "{said}");
}

#[test]
fn without_java_it_fails_under_ci() {
    let output = run(&[NO_JAVA, ("CI", "true")]);
    assert!(!output.status.success());
    let said = text(&output.stdout);
    assert!(said.contains("this test needs Kafka, and CI is set"), "{said}");
}

#[test]
fn switched_off_it_skips_under_ci_too() {
    let output = run(&[("TESTKIT_KAFKA", "off"), ("CI", "true")]);
    assert!(output.status.success());
    assert!(text(&output.stderr).contains("SKIPPED: needs_kafka needs Kafka: TESTKIT_KAFKA=off"));
}
