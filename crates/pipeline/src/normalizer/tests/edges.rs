//! Times and numbers at the edge of what can be held: what becomes of each. The oracle is tested by the same cases.

use stage::Outcome;

use super::log::record;
use super::world::{Kept, home, process, stage_of};

#[test]
fn times_and_numbers_that_are_hard_to_hold() {
    for (fields, expected) in [
        (r#""occurred_at":"9999-12-30T21:59:59Z""#, Some("timestamp_in_future")),
        (r#""occurred_at":"9999-12-30T22:00:00Z""#, Some("timestamp_in_future")),
        (r#""occurred_at":"9999-12-31T23:59:59.999999-23:59""#, Some("timestamp_in_future")),
        (r#""occurred_at":253402300800000"#, Some("timestamp_in_future")),
        (r#""occurred_at":"9999-12-32T00:00:00Z""#, Some("invalid_field")),
        (r#""occurred_at":"0000-01-01T00:00:00+23:59""#, Some("invalid_field")),
        (r#""occurred_at":1e400"#, Some("invalid_field")),
        (r#""sequence":0"#, None),
        (r#""sequence":-9223372036854775808"#, None),
        (r#""sequence":-0"#, Some("invalid_field")),
        (r#""sequence":0.0"#, Some("invalid_field")),
        (r#""sequence":1e400"#, Some("invalid_field")),
        (r#""reason":1e400"#, Some("invalid_field")),
        (r#""reason":[{"a":-1e400}]"#, Some("invalid_field")),
        (r#""attributes":{"a":1e400}"#, Some("invalid_field")),
        (r#""changes":[{"field":"f","before":1e400}]"#, None),
        (r#""other":[1e400]"#, None),
        (r#""reason":1e400,"reason":"r""#, Some("malformed")),
    ] {
        let time = if fields.contains("occurred_at") { "" } else { r#""occurred_at":1793610843000,"# };
        let json = format!(
            r#"{{"tenant":"acme","id":"a-1","source":"lms.web","action":"course.updated",{time}{fields},
            "actor":{{"kind":"system"}},"object":{{"kind":"course","id":"o-1"}}}}"#
        );
        let outcome =
            process(stage_of(home()).as_mut(), &record(Some(json.into_bytes())), &mut Kept::default());
        match (&outcome, expected) {
            (Outcome::Emit { .. }, None) => {}
            (Outcome::Reject(reason), Some(expected)) => assert_eq!(*reason, expected, "{fields}"),
            _ => panic!("{fields}: {outcome:?}, not {expected:?}"),
        }
    }
}
