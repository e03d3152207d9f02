//! What operators see of a running process: every series that an alert rests on is there, their number does not grow with
//! tenants, users or courses, and probes tell the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use testkit::{Product, wait_until};
use tests::trail::{LONG, PARTITIONS, Site, action, actions_topic, generated, raw};

#[test]
fn metrics_are_all_there_and_bounded_and_probes_answer() {
    let Some(site) = Site::fresh() else { return };
    let mut running = site.run("one", &[]);
    let address = address(&running);
    assert_eq!(get(&address, "/livez").0, 200);
    wait_until(LONG, "readiness", || get(&address, "/readyz").0 == 200);
    site.send(generated(600, 51).map(raw));
    site.await_caught_up(&mut [&mut running]);
    let before = series(&get(&address, "/metrics").1);

    let names: BTreeSet<_> = before.keys().map(|series| series.split('{').next().expect("a name")).collect();
    for name in names_in_rules() {
        assert!(names.contains(name.as_str()), "a rule rests on {name}, which is not exported");
    }
    let listed = names_listed();
    for name in names.iter().filter(|name| name.starts_with("lmsaudit_")) {
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        assert!(
            listed.contains(*name) || family.is_some_and(|one| listed.contains(one)),
            "{name} is not listed"
        );
    }

    // Tenants, users, courses, catalogs and sources that were never seen before.
    let new = |number: usize| {
        let more = serde_json::json!({
            "source": format!("source-{number}"), "user": {"id": format!("u-{number}")},
            "object": {"kind": "course", "id": format!("c-{number}")},
            "within": [{"kind": "catalog", "id": format!("k-{number}")}],
        });
        let tenant = format!("tenant-{number}");
        let value = action(&tenant, &format!("a-{number}"), more);
        testkit::Raw::to(&actions_topic()).key(tenant).value(value)
    };
    site.send((0..500).map(new));
    site.await_caught_up(&mut [&mut running]);
    let recorded = r#"lmsaudit_actions_total{outcome="recorded"}"#;
    wait_until(LONG, "500 more to be counted", || {
        series(&get(&address, "/metrics").1)[recorded] >= before[recorded] + 500.0
    });
    let after = series(&get(&address, "/metrics").1);
    let new: Vec<_> = after.keys().filter(|series| !before.contains_key(*series)).collect();
    assert!(new.is_empty(), "{} series are new: {new:?}", new.len());
    assert!(after.len() < 2000, "{} series", after.len());

    for stage in ["normalizer", "aggregator"] {
        let value = |name: &str| after[&format!("lmsaudit_{name}{{stage=\"{stage}\"}}")];
        assert_eq!(value("assigned_partitions"), f64::from(PARTITIONS), "{stage}");
        assert_eq!(value("unaccounted_records"), 0.0, "{stage}");
        assert!(value("last_commit_timestamp_seconds") > 1.7e9, "{stage}");
    }
    assert_eq!(get(&address, "/livez"), (200, "ok\n".into()));
    assert_eq!(get(&address, "/readyz"), (200, "ok\n".into()));
    assert_eq!(get(&address, "/secrets").0, 404);
}

/// Where the process says that it listens.
pub(super) fn address(running: &Product) -> String {
    let log = running.stderr();
    let line = log.lines().find(|line| line.contains("metrics and health are served")).expect("it is logged");
    let (_, address) = line.split_once("address=").expect("with its address");
    address.split_whitespace().next().expect("an address").to_owned()
}

/// Status and body of a plain HTTP request.
fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the endpoint listens");
    stream.set_read_timeout(Some(LONG)).expect("a timeout can be set");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
        .expect("it takes requests");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers in text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
    (status, body.to_owned())
}

/// Every series and its value.
fn series(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let pairs = lines.map(|line| line.rsplit_once(' ').expect("a series and a value"));
    pairs.map(|(series, value)| (series.to_owned(), value.parse().expect("a number"))).collect()
}

fn deploy() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/prometheus")
}

/// Names of our series in the alerting and recording rules, but for those that a rule records itself.
fn names_in_rules() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in std::fs::read_dir(deploy().join("rules")).expect("there are rules") {
        let text = std::fs::read_to_string(file.expect("an entry").path()).expect("rules are text");
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
        let ours = words.filter(|word| word.starts_with("lmsaudit_") && !word.contains(':'));
        names.extend(ours.map(str::to_owned));
    }
    assert!(names.len() > 8, "{names:?}");
    names
}

/// Names of the metrics that the product says it exports.
fn names_listed() -> BTreeSet<String> {
    let text = std::fs::read_to_string(deploy().join("metrics.txt")).expect("the list is text");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}
