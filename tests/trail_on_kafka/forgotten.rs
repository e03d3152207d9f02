//! State older than what the topics remember: a person was purged while it lay aside, and Kafka has dropped the row and its
//! tombstone since. Whether the state is set aside for its age or used, that person does not come back.

use std::collections::BTreeMap;
use std::time::Duration;

use catalog::{Category, Topic, View};
use runtime::Admin as _;
use runtime::kafka::{Kafka, Settings};
use serde_json::{Value, json};
use stage::store::Table;
use testkit::{Isolation, Product, Raw, Signal, wait_until};
use tests::trail::{LONG, PARTITIONS, Site, action, actions_topic, in_partition, judge, now_millis};

use crate::kept::{Kept, restored, set_aside};

const TOPIC: Topic = Topic::Report(Category::CourseAndTrainingPlan, View::Register);
const EACH: usize = PARTITIONS as usize;
/// The partition that all of it happens in.
const HOME: u32 = 1;
/// How long the topics keep tombstones as planned.
const PLANNED: &str = "2419200000";
/// Kafka looks for what to compact every 15 seconds, and must come round three times.
const COMPACTION: Duration = Duration::from_secs(400);

struct Trail {
    site: Site,
    normalizer: Product,
    tenant: String,
    sent: u32,
}

impl Trail {
    /// Sends an action of this learner, some seconds ago.
    fn send(&mut self, learner: &str, what: &str, seconds: i64) {
        self.sent += 1;
        let object =
            if what.starts_with("course.") { json!({"kind": "course", "id": "c-1"}) } else { Value::Null };
        let more = json!({
            "action": what, "user": {"id": learner}, "object": object,
            "occurred_at": now_millis() - seconds * 1000,
        });
        let value = action(&self.tenant, &format!("a-{}", self.sent), more);
        self.site.send([Raw::to(&actions_topic()).key(self.tenant.as_str()).value(value)]);
    }

    fn aggregator(&self, folder: &Kept) -> Product {
        folder.run(&self.site, "a", &["--stage", "aggregator", "--leave"], EACH)
    }

    #[track_caller]
    fn catch_up(&mut self, aggregator: &mut Product) {
        self.site.await_caught_up(&mut [&mut self.normalizer, aggregator]);
    }

    /// The register row of this learner.
    fn key(&self, learner: &str) -> String {
        format!("{}/progress/{learner}/course/c-1", self.tenant)
    }

    /// Whether anything of a key lies in the log, whoever may see it.
    fn lies_in_the_log(&self, key: &str) -> bool {
        let records = self.site.kafka.read_as(&TOPIC.name(), Isolation::Uncommitted);
        records.iter().any(|record| record.key_text() == key)
    }

    fn set(&self, entries: &[(&str, &str)]) {
        let settings = Settings::new(self.site.kafka.bootstrap(), BTreeMap::new()).expect("nothing reserved");
        let mut admin = Kafka::new(settings).admin().expect("an admin client can be made");
        let entries = entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        admin.set(&TOPIC.name(), &entries.collect()).expect("a topic of ours can be configured");
    }
}

/// Ends a process and gives back what it said.
fn end(mut process: Product) -> String {
    process.signal(Signal::Term);
    assert!(process.wait(LONG).success(), "{}", process.stderr());
    process.stderr()
}

fn keys(folder: &Kept) -> Vec<String> {
    let number = Topic::all().position(|topic| topic == TOPIC).expect("one of all");
    folder.keys("aggregator", HOME, Table::new(u16::try_from(number).expect("few topics")))
}

#[test]
fn a_person_who_was_purged_does_not_come_back_with_old_state() {
    let Some(site) = Site::fresh() else { return };
    let normalizer = site.run("n", &["--stage", "normalizer"]);
    let mut trail = Trail { site, normalizer, tenant: in_partition("purged", HOME), sent: 0 };
    let folder = Kept::new();
    let mut aggregator = trail.aggregator(&folder);
    trail.send("u-1", "course.completed", 600);
    trail.send("u-2", "course.completed", 600);
    trail.catch_up(&mut aggregator);
    end(aggregator);
    let (gone, stays) = (trail.key("u-1"), trail.key("u-2"));
    assert_eq!(keys(&folder), [gone.clone(), stays.clone()]);

    let elsewhere = Kept::new();
    let mut aggregator = trail.aggregator(&elsewhere);
    trail.set(&[
        ("delete.retention.ms", "100"),
        ("segment.ms", "100"),
        ("min.cleanable.dirty.ratio", "0.001"),
    ]);
    trail.send("u-1", "learner.purged", 300);
    trail.catch_up(&mut aggregator);
    assert!(trail.lies_in_the_log(&gone), "the tombstone at least");
    wait_until(COMPACTION, "compaction of the person's row and of its tombstone", || {
        trail.send("u-2", "course.completed", 60);
        trail.catch_up(&mut aggregator);
        !trail.lies_in_the_log(&gone)
    });
    end(aggregator);

    // The topic keeps tombstones shorter than planned, and the state is older than half of that.
    let old = folder.copy();
    let log = end(trail.aggregator(&old));
    rebuilt(&log, "over 0 seconds: rows removed since may be forgotten by the topics already");
    assert_eq!(keys(&old), [stays.as_str()]);

    // As planned again; so the state is old only where its head says so.
    trail.set(&[("delete.retention.ms", PLANNED)]);
    let old = folder.copy();
    for partition in 0..PARTITIONS {
        let age = 15 * 24 * 3_600_000;
        old.edit("aggregator", partition, |head| head["at"] = (now_millis() - age).into());
    }
    let log = end(trail.aggregator(&old));
    rebuilt(&log, "it is 360 hours old, over 336 hours: ");
    assert_eq!(keys(&old), [stays.as_str()]);

    // Nothing tells now what the topic has forgotten but the purge itself.
    let log = end(trail.aggregator(&folder));
    assert_eq!(set_aside(&log), []);
    assert!(restored(&log).iter().all(|one| one.from == "disk and topics"), "{log}");
    assert_eq!(keys(&folder), [stays]);
    let mut aggregator = trail.aggregator(&folder);
    assert!(!trail.lies_in_the_log(&gone), "and nothing of it was written");
    trail.send("u-1", "course.completed", 5);
    trail.catch_up(&mut aggregator);
    let account = judge(&trail.site);
    assert_eq!(account.recorded, trail.sent as usize, "{account:?}");
}

/// Fails unless every partition was set aside for this reason, and rebuilt.
#[track_caller]
fn rebuilt(log: &str, why: &str) {
    let aside = set_aside(log);
    assert!(aside.len() == EACH && aside.iter().all(|(_, said)| said.contains(why)), "{aside:?}, not {why}");
    assert!(restored(log).iter().all(|one| one.from == "topics"), "{log}");
}
