//! Actions: which form a line has, whose tenant it names, and what is no action.

use codec::Codec;

use super::*;

fn read(line: &str) -> Line {
    parse(line.as_bytes(), &Codec::single_object().decoder())
}

#[test]
fn the_tenant_and_form_are_told() {
    let tenant = |name: &str| TenantId::try_from(name).ok();
    for (line, expected, form) in [
        (r#"{"tenant": "acme", "id": "a-1"}"#, tenant("acme"), Form::Plain),
        (r#" {"id": "a-1"}"#, None, Form::Plain),
        (r#"{"tenant": "no/tenant"}"#, None, Form::Plain),
        (r#"{"tenant": "acme", "specversion": null}"#, tenant("acme"), Form::Plain),
        (
            r#"{"specversion": "1.0", "id": "a-1", "source": "s", "type": "course.started", "tenant": "acme", "data": {}}"#,
            tenant("acme"),
            Form::CloudEvent,
        ),
    ] {
        assert_eq!(read(line), Line::Action(Passed { tenant: expected, form }), "{line}");
    }
}

#[test]
fn what_is_no_json_object_is_unreadable() {
    for line in ["[]", "\u{0}\u{0}", "{\"id\": ", "{} {}", "{\"id\": 1, \"id\": 2}", "text"] {
        assert!(matches!(read(line), Line::Unreadable(_)), "{line}");
    }
}
