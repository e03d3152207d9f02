//! Precedence, rejection and what `config show` says.

use super::*;

fn layers(file: &str, env: &[(&str, &str)], flags: &[(&str, &str)]) -> Layers {
    Layers {
        file: (!file.is_empty()).then(|| ("audit.toml".into(), file.into())),
        env: env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        flags: flags.iter().map(|(name, v)| ("--set".into(), name.to_string(), v.to_string())).collect(),
        properties: Vec::new(),
    }
}

fn settle(layers: Layers) -> Settings {
    layers.settle().expect("fits")
}

#[test]
fn flags_win_over_the_environment_the_environment_over_the_file_the_file_over_defaults() {
    const FILE: &str = "[kafka]\nbootstrap_servers = \"file:1\"\n";
    const OURS: (&str, &str) = ("LMSAUDIT_KAFKA_BOOTSTRAP_SERVERS", "ours:1");
    const GENERAL: (&str, &str) = ("KAFKA_BOOTSTRAP_SERVERS", "general:1");
    const FLAG: (&str, &str) = ("kafka.bootstrap_servers", "flag:1");
    for (layers, expected, source) in [
        (layers("", &[], &[]), "127.0.0.1:9092", "default"),
        (layers(FILE, &[], &[]), "file:1", "file audit.toml"),
        (layers(FILE, &[GENERAL], &[]), "general:1", "env KAFKA_BOOTSTRAP_SERVERS"),
        (layers(FILE, &[OURS, GENERAL], &[]), "ours:1", "env LMSAUDIT_KAFKA_BOOTSTRAP_SERVERS"),
        (layers(FILE, &[GENERAL, OURS], &[FLAG]), "flag:1", "flag --set"),
    ] {
        let settings = settle(layers);
        assert_eq!(settings.config.kafka.bootstrap_servers, expected);
        assert_eq!(settings.origin("kafka", "bootstrap_servers").to_string(), source);
    }
}

#[test]
fn values_of_every_type_come_from_the_environment() {
    let env = [
        ("LMSAUDIT_TOPICS_PARTITIONS", "3"),
        ("LMSAUDIT_NORMALIZER_COMMIT_INTERVAL", "250ms"),
        ("LMSAUDIT_OPS_LISTEN", "0.0.0.0:1234"),
        ("LMSAUDIT_LOG_FORMAT", "json"),
        ("LMSAUDIT_KAFKA_SASL_USERNAME", "12345"),
        ("LMSAUDIT_TOPICS_EXTRA", "{ \"segment.index.bytes\" = \"1048576\" }"),
        ("LMSAUDIT_KAFKA_PORT", "9092"),
        ("LMSAUDIT_CONFIG", "audit.toml"),
        ("LMSAUDIT_SAMPLES", "/samples"),
        ("PATH", "/bin"),
    ];
    let config = settle(layers("", &env, &[])).config;
    assert_eq!(config.topics.partitions, 3);
    assert_eq!(config.normalizer.commit_interval, Span::from_millis(250));
    assert_eq!(config.ops.listen.port(), 1234);
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.kafka.sasl_username.as_deref(), Some("12345"));
    assert_eq!(config.topics.extra["segment.index.bytes"], "1048576");
}

#[test]
fn a_secret_in_the_wrong_place_is_not_shown() {
    let wrong = layers("[kafka]\nsasl_password = \"hunter2\"\n", &[], &[]);
    let error = wrong.settle().expect_err("the key wants a file").to_string();
    assert!(error.contains("audit.toml: line 2, column 1: ") && error.contains("sasl_password"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn what_does_not_fit_is_refused_and_the_message_says_where() {
    for (layers, parts) in [
        (layers("[kafka]\nbotstrap = 1\n", &[], &[]), &["audit.toml", "line 2", "botstrap"][..]),
        (layers("[kakfa]\n", &[], &[]), &["audit.toml", "line 1", "kakfa"]),
        (layers("[topics]\npartitions = \"x\"\n", &[], &[]), &["audit.toml", "line 2"]),
        (layers("[normalizer]\ndedup_window = \"5 weeks\"\n", &[], &[]), &["line 2", "5 weeks"]),
        (layers("", &[("LMSAUDIT_KAFKA_BOTSTRAP", "x")], &[]), &["LMSAUDIT_KAFKA_BOTSTRAP"]),
        (layers("", &[("LMSAUDIT_TOPICS_PARTITIONS", "many")], &[]), &["LMSAUDIT_TOPICS_PARTITIONS"]),
        (layers("", &[], &[("topics.partitons", "3")]), &["--set", "topics.partitons"]),
        (layers("", &[], &[("topics.partitions", "-3")]), &["--set", "topics.partitions"]),
        (layers("", &[], &[("topics.partitions", "0")]), &["flag --set: topics.partitions: a topic has"]),
        (layers("[kafka]\ninstance = \"\"\n", &[], &[]), &["file audit.toml: kafka.instance: \"\""]),
        (layers("", &[("LMSAUDIT_KAFKA_INSTANCE", "a b")], &[]), &["env LMSAUDIT_KAFKA_INSTANCE", "\"a b\""]),
    ] {
        let message = layers.clone().settle().expect_err("does not fit").to_string();
        for part in parts {
            assert!(message.contains(part), "{message:?} does not say {part:?}");
        }
    }
}

#[test]
fn a_shown_configuration_reads_back_as_the_same() {
    let file = "[kafka]\nsasl_username = \"kim\"\n[topics]\nextra = { \"a.b\" = \"1\" }\n";
    let settings = settle(layers(file, &[("LMSAUDIT_LOG_LEVEL", "debug")], &[]));
    let shown = settings.to_toml();
    assert_eq!(toml::from_str::<Config>(&shown).expect("TOML"), settings.config);
    assert!(shown.contains("level = \"debug\" # env LMSAUDIT_LOG_LEVEL"), "{shown}");
    assert!(shown.contains("sasl_username = \"kim\" # file audit.toml"), "{shown}");
    assert!(shown.contains("partitions = 12 # default"), "{shown}");
    assert!(shown.contains("# sasl_mechanism is not set"), "{shown}");
}

#[test]
fn no_secret_is_shown() {
    let mut layers = layers("[schema_registry]\nurl = \"https://kim:hunter2@registry\"\n", &[], &[]);
    layers.properties = ["sasl.password", "ssl.key.pem", "sasl.oauthbearer.client.secret"]
        .map(|name| (name.to_string(), "hunter2".to_string()))
        .into();
    let settings = settle(layers);
    for shown in [settings.to_toml(), settings.to_json().to_string()] {
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("sasl.password") && shown.contains("registry"), "{shown}");
    }
}

#[test]
fn secrets_are_read_from_files_and_named_keys_win() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("password");
    std::fs::write(&file, "hunter2\n").expect("written");
    let mut kafka = Kafka { sasl_password_file: Some(file.clone()), ..Kafka::default() };
    kafka.properties.insert("sasl.password".into(), "other".into());
    assert_eq!(kafka.properties().expect("read")["sasl.password"], "hunter2");
    std::fs::write(&file, "\n").expect("written");
    let message = kafka.properties().expect_err("empty").to_string();
    assert!(message.contains("kafka.sasl_password_file") && message.contains("is empty"), "{message}");
}

#[test]
fn every_key_is_documented() {
    for part in Config::PARTS {
        assert!(!part.doc.is_empty(), "{}", part.name);
        for key in part.keys {
            assert!(!key.doc.is_empty(), "{}.{}", part.name, key.name);
        }
    }
}
