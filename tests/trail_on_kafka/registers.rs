//! A platform with whole seconds: what happened within one second is told apart by its sequence, in whatever order it arrives.

use serde_json::{Value, json};
use testkit::Raw;
use tests::trail::{Calm, action, actions_topic, in_partition, now_millis};

#[test]
fn within_one_second_the_platforms_sequence_decides() {
    let Some(calm) = Calm::site() else { return };
    let tenant = in_partition("second", 1);
    let second = now_millis() / 1000 * 1000 - 60_000;
    let role = |user: &str, what: &str, sequence: i64| {
        let more = json!({
            "action": format!("lms_admin.{what}"), "occurred_at": second, "user": {"id": user},
            "object": null, "sequence": sequence, "actor": {"kind": "user", "id": format!("boss-{sequence}")},
        });
        let value = action(&tenant, &format!("{user}-{what}-{sequence}"), more);
        Raw::to(&actions_topic()).key(tenant.as_str()).value(value)
    };
    // Each user: what happened first, then what happened second; sent in that order or the other way round.
    let users = [
        ("in-order-off", ["assigned", "unassigned"], false),
        ("reversed-off", ["assigned", "unassigned"], true),
        ("in-order-on", ["unassigned", "assigned"], false),
        ("reversed-on", ["unassigned", "assigned"], true),
    ];
    for (user, [first, second], reversed) in users {
        let mut both = vec![role(user, first, 9), role(user, second, 10)];
        if reversed {
            both.reverse();
        }
        // One at a time, so that the two are folded in two commits, or in one, as it comes.
        for one in both {
            calm.site.send([one]);
        }
    }
    calm.await_caught_up();
    let args = ["report", "admin-role", "register", "--tenant", &tenant, "-o", "jsonl"];
    let report = calm.site.done(&args);
    let rows: Vec<Value> =
        report.out.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect();
    assert_eq!(rows.len(), users.len(), "{}", report.out);
    for (user, [_, last], _) in users {
        let row = rows.iter().find(|row| row["user"] == user).unwrap_or_else(|| panic!("no row of {user}"));
        assert_eq!(row["status"], last, "{row}");
        assert_eq!(row["by"]["id"], "boss-10", "{row}");
    }
}
