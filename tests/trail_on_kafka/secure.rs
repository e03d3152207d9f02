//! Against a broker that asks for SASL over TLS: the whole way, with the password from a file.

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
