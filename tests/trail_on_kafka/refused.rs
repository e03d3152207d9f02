//! Topics that are not as the stages need them: `run` ends at once, names each and says what to do.

use tests::trail::Site;

#[test]
fn run_refuses_topics_that_would_break_the_trail() {
    let Some(site) = Site::bare() else { return };
    let stamped = [("message.timestamp.type", "LogAppendTime"), ("max.message.bytes", "1114112")];
    let roomy = [("max.message.bytes", "1114112")];
    site.kafka.create_topic("lms.audit.events.v1", 4, &roomy);
    site.kafka.create_topic("lms.actions.v1", 3, &roomy);
    site.kafka.create_topic("lms.audit.receipts.v1", 3, &stamped);
    let compacted = [("cleanup.policy", "compact"), roomy[0]];
    site.kafka.create_topic("lms.audit.dead-letters.v1", 3, &compacted);
    site.kafka.create_topic("lms.audit.reports.skill.register.v1", 3, &roomy);
    let apply = "run `lms-audit topics apply`";
    let said = [
        ("lms.audit.events.v1: partitions is 4, wanted 3", "a partition count is never changed"),
        ("lms.actions.v1: message.timestamp.type is CreateTime, wanted LogAppendTime", apply),
        ("lms.audit.receipts.v1: message.timestamp.type is LogAppendTime, wanted CreateTime", apply),
        ("lms.audit.dead-letters.v1: cleanup.policy is compact, wanted delete", apply),
        ("lms.audit.reports.skill.register.v1: cleanup.policy is delete, wanted compact", apply),
        ("lms.audit.ledger.v1: it is missing, wanted there", apply),
    ];
    let done = site.end_of(&["run", "--instance", "one"]);
    assert_eq!(done.status.code(), Some(1), "{}", done.err);
    for (what, remedy) in said {
        let line = done.err.lines().find(|line| line.contains(what));
        let line = line.unwrap_or_else(|| panic!("{what:?} is not in\n{}", done.err));
        assert!(line.contains(remedy), "{line}");
    }
    assert!(!done.err.contains("partitions assigned"), "no worker joins a group");

    // What can be mended is mended by the command that the message names; the count is not.
    let apply = site.end_of(&["topics", "apply"]);
    assert_ne!(apply.status.code(), Some(0), "{}", apply.out);
    let done = site.end_of(&["run", "--instance", "one"]);
    assert_eq!(done.status.code(), Some(1), "{}", done.err);
    assert!(done.err.contains("lms.audit.events.v1: partitions is 4, wanted 3"), "{}", done.err);
}

#[test]
fn run_refuses_a_trail_of_another_partition_count() {
    let Some(site) = Site::fresh() else { return };
    let done = site.end_of(&["run", "--instance", "one", "--set", "topics.partitions=5"]);
    assert_eq!(done.status.code(), Some(1), "{}", done.err);
    let line = "topic lms.actions.v1: partitions is 3, wanted 5: a partition count is never changed: set topics.partitions = 3";
    assert!(done.err.contains(line), "{}", done.err);
}
