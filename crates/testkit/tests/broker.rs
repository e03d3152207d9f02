//! A broker of our own under every treatment a fault test gives it, and its end when its test process ends.
#![allow(clippy::unwrap_used, reason = "a failing test says where")]

use std::process::{Command, Stdio};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::types::RDKafkaErrorCode as Code;
use testkit::{Raw, fresh_kafka_or_skip, kafka_or_skip, secure_kafka_or_skip, wait_for, wait_until};

const LIMIT: Duration = Duration::from_secs(30);

fn values(kafka: &testkit::TestKafka) -> Vec<String> {
    kafka.read("kept").iter().map(|record| record.value_text()).collect()
}

#[test]
fn killed_and_started_again_it_has_what_it_acknowledged() {
    let Some(kafka) = fresh_kafka_or_skip() else { return };
    kafka.create_topic("kept", 1, &[]);
    kafka.produce([Raw::to("kept").value("before the kill")]);
    kafka.kill();
    kafka.start_again();
    kafka.produce([Raw::to("kept").value("before the stop")]);
    kafka.stop();
    kafka.start_again();
    assert_eq!(values(&kafka), ["before the kill", "before the stop"]);
    assert_eq!(kafka.log().matches("Kafka Server started").count(), 3);
}

#[test]
fn frozen_it_answers_later() {
    let Some(kafka) = fresh_kafka_or_skip() else { return };
    kafka.create_topic("kept", 1, &[]);
    kafka.freeze();
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| kafka.produce([Raw::to("kept").value("late")]));
        // That nothing happens cannot be waited for; a second is a hundred times what a running broker takes.
        std::thread::sleep(Duration::from_secs(1));
        assert!(!sender.is_finished());
        kafka.thaw();
        assert_eq!(sender.join().unwrap()[0].offset, 0);
    });
    assert_eq!(values(&kafka), ["late"]);
}

#[test]
fn sasl_ssl_with_scram_lets_in_who_knows_the_password() {
    let Some(kafka) = secure_kafka_or_skip() else { return };
    assert_eq!(kafka.property("security.protocol"), Some("SASL_SSL"));
    assert_eq!(kafka.property("sasl.mechanism"), Some("SCRAM-SHA-512"));
    let environment: std::collections::BTreeMap<_, _> = kafka.environment().into_iter().collect();
    let password = std::fs::read_to_string(&environment["LMSAUDIT_KAFKA_SASL_PASSWORD_FILE"]).unwrap();
    assert_eq!(Some(password.trim_end()), kafka.property("sasl.password"));
    assert_eq!(environment["LMSAUDIT_KAFKA_BOOTSTRAP_SERVERS"], kafka.bootstrap());
    kafka.create_topic("kept", 1, &[]);
    kafka.produce([Raw::to("kept").value("sealed")]);
    assert_eq!(values(&kafka), ["sealed"]);
    assert_eq!(refusal(&kafka, &[("sasl.password", "wrong")]), Some(Code::Authentication));
    // Known, but with no rights: the broker checks ACLs.
    assert_eq!(refusal(&kafka, &[("sasl.username", "guest")]), Some(Code::GroupAuthorizationFailed));
    assert_eq!(refusal(&kafka, &[("ssl.ca.location", "/etc/hostname")]), None);
}

/// Why a client with these settings is refused; None where it cannot even be made.
fn refusal(kafka: &testkit::TestKafka, settings: &[(&str, &str)]) -> Option<Code> {
    let mut config = kafka.client();
    config.set("group.id", "refused");
    for (key, value) in settings {
        config.set(*key, *value);
    }
    let consumer: BaseConsumer = config.create().ok()?;
    consumer.subscribe(&["kept"]).unwrap();
    let passing = [Code::AllBrokersDown, Code::BrokerTransportFailure];
    wait_for(LIMIT, "the refusal", || {
        let code = consumer.poll(Duration::from_millis(100))?.err()?.rdkafka_error_code()?;
        Some(Some(code).filter(|code| !passing.contains(code))).filter(Option::is_some)
    })
}

/// Not a test of its own: the next one runs it in a process that it then kills.
#[test]
#[ignore = "run by a_killed_test_process_leaves_no_broker"]
fn shared_broker_of_a_process_to_be_killed() {
    let address = kafka_or_skip().map_or("none", |kafka| kafka.bootstrap());
    std::fs::write(std::env::var_os("TESTKIT_TELL").unwrap(), address).unwrap();
    loop {
        std::thread::park();
    }
}

#[test]
fn a_killed_test_process_leaves_no_broker() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("bootstrap");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "shared_broker_of_a_process_to_be_killed"])
        .env("TESTKIT_TELL", &told)
        .env("TMPDIR", folder.path())
        .env_remove("KAFKA_BOOTSTRAP_SERVERS")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let address = wait_for(LIMIT, "the broker's address", || {
        std::fs::read_to_string(&told).ok().filter(|address| !address.is_empty())
    });
    let answers = || std::net::TcpStream::connect(&address).is_ok();
    let folders = || std::fs::read_dir(folder.path()).unwrap().count();
    let alive = (answers(), folders());
    child.kill().unwrap();
    child.wait().unwrap();
    if address == "none" {
        return;
    }
    assert_eq!(alive, (true, 2), "it answers; there are its folder and the address");
    wait_until(LIMIT, "the broker to end", || !answers());
    wait_until(LIMIT, "its folder to go", || folders() == 1);
}

#[test]
fn deleted_topics_can_be_made_anew_at_once() {
    let Some(kafka) = fresh_kafka_or_skip() else { return };
    for value in ["old", "new"] {
        for topic in ["kept", "other"] {
            kafka.create_topic(topic, 1, &[]);
            kafka.produce([Raw::to(topic).value(value)]);
        }
        assert_eq!(values(&kafka), [value]);
        kafka.delete_topics(&["kept", "other"]);
    }
}
