//! Against a broker that asks for SASL over TLS: the whole way, with the password from a file.

use std::time::{Duration, Instant};

use serde_json::Value;
use tests::trail::{Site, judge};

#[test]
fn the_whole_way_over_sasl_and_tls() {
    let Some(site) = Site::secure() else { return };
    let environment = site.kafka.environment();
    let set = |name: &str| environment.iter().any(|(key, _)| key == name);
    assert!(
        set("LMSAUDIT_KAFKA_SASL_PASSWORD_FILE") && set("LMSAUDIT_KAFKA_SSL_CA_LOCATION"),
        "{environment:?}"
    );
    assert!(
        !environment.iter().any(|(key, _)| key.ends_with("SASL_PASSWORD")),
        "no password in the environment"
    );

    let mut running = site.run("one", &[]);
    site.done(&["generate", "-n", "400", "--seed", "61", "--publish"]);
    site.await_caught_up(&mut [&mut running]);
    let account = judge(&site);
    assert!(account.recorded > 300, "{account:?}");
    let tenants: Vec<_> = site.actions().iter().map(testkit::Taken::key_text).collect();
    let tenant = tenants.iter().find(|tenant| !tenant.is_empty()).expect("most have a key");
    let trail = site.done(&["trail", "--tenant", tenant, "-o", "jsonl"]);
    let first: Value = serde_json::from_str(trail.out.lines().next().expect("an event")).expect("JSON");
    assert_eq!(first["tenant"], tenant.as_str(), "{first}");
}

#[test]
fn a_wrong_password_is_told_at_once_as_what_it_is() {
    let Some(site) = Site::secure() else { return };
    for command in [&["topics", "verify"][..], &["run", "--instance", "one"], &["trail", "--tenant", "acme"]]
    {
        let mut args = command.to_vec();
        args.extend(["--set", "kafka.sasl_username=nobody"]);
        let asked = Instant::now();
        let done = site.end_of(&args);
        assert_eq!(done.status.code(), Some(1), "{command:?}: {}", done.err);
        assert!(done.err.contains("invalid credentials"), "{command:?}: {}", done.err);
        assert!(asked.elapsed() < Duration::from_secs(10), "{command:?} took {:?}", asked.elapsed());
    }
}
