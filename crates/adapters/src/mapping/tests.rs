//! The mapping engine: precedence, overrides, refusals, and what the built-in tables must hold.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::Format;
use crate::line::Event;
use apply::{Foreign, Trail};

const HEADER: &str =
    "foreign_event\taction\tactor\tuser\tobject\twithin\toccurred_at\tid_from\tattributes\tnotes";

fn table(rows: &[&str]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

fn row(event: &str, action: &str) -> String {
    format!("{event}\t{action}\t=unknown\tu\tcourse=c\t-\tt\tid\t-\t-")
}

fn trail(mapping: Mapping) -> Trail {
    Trail { tenant: catalog::TenantId::try_from("acme").expect("valid"), source: "test".into(), mapping }
}

fn actions_of(mapping: Mapping, name: &str, root: &serde_json::Value) -> Vec<String> {
    match trail(mapping).event(&Foreign::new(name, root, codec::parse_rfc3339)) {
        Event::Unmapped(_) => Vec::new(),
        Event::Mapped { actions, missing, .. } => {
            assert_eq!(missing, [], "{name}");
            actions.into_iter().map(|action| action.entry.action.to_owned()).collect()
        }
    }
}

#[test]
fn rows_with_conditions_go_before_bare_ones_and_those_before_patterns() {
    let text = table(&[
        &row("x*", "course.started"),
        &row("x1", "course.completed"),
        &row("x1[k=a]", "course.enrolled"),
        &row("*", "course.reset"),
        "x2\t-\t-\t-\t-\t-\t-\t-\t-\t-",
    ]);
    let mapping = Mapping::parse("t.tsv", &text).expect("valid");
    for (name, k, expected) in [
        ("x1", "a", Some("course.enrolled")),
        ("x1", "b", Some("course.completed")),
        ("x2", "a", None),
        ("x3", "a", Some("course.started")),
        ("y", "a", Some("course.reset")),
    ] {
        let root = json!({"k": k, "u": 1, "c": 2, "t": "2026-11-02T09:14:03Z", "id": 3});
        assert_eq!(actions_of(mapping.clone(), name, &root), Vec::from_iter(expected), "{name} {k}");
    }
}

#[test]
fn an_operators_rows_replace_or_go_first() {
    let base =
        table(&[&row("a", "course.started"), &row("p.*", "course.started"), "*\t-\t-\t-\t-\t-\t-\t-\t-\t-"]);
    let over = table(&[
        &row("a", "course.completed"),
        &row("p.x*", "course.reset"),
        &row("q*[k=@mine]", "course.enrolled"),
    ]);
    let lists = Lists::from([("mine".to_owned(), BTreeSet::from(["7".to_owned()]))]);
    let mapping = Mapping::parse("base.tsv", &base).expect("valid");
    let mapping = mapping.with_overrides("own.tsv", &over, lists).expect("valid");
    assert_eq!(mapping.size(), (4, 1));
    for (name, expected) in [
        ("a", Some("course.completed")),
        ("p.x1", Some("course.reset")),
        ("p.y", Some("course.started")),
        ("q1", Some("course.enrolled")),
        ("z", None),
    ] {
        let root = json!({"k": 7, "u": 1, "c": 2, "t": "2026-11-02T09:14:03Z", "id": 3});
        assert_eq!(actions_of(mapping.clone(), name, &root), Vec::from_iter(expected), "{name}");
    }
}

#[test]
fn errors_name_file_line_and_column() {
    for (line, column, part) in [
        ("x\tcourse.flown\t=unknown\tu\tcourse=c\t-\tt\tid\t-\t-", "action", "course.flown"),
        ("x[k\tcourse.started\t=unknown\tu\tcourse=c\t-\tt\tid\t-\t-", "foreign_event", "]"),
        ("x\tcourse.started\tu\tu\tcourse=c\t-\tt\tid\t-\t-", "actor", "end in A"),
        ("x\tcourse.started\t=user\tu\tcourse=c\t-\tt\tid\t-\t-", "actor", "user"),
        ("x\tcourse.started\t=unknown\t-\tcourse=c\t-\tt\tid\t-\t-", "user", "needs a user"),
        ("x\tcourse.started\t=unknown\t=me\tcourse=c\t-\tt\tid\t-\t-", "user", "never made up"),
        ("x\tcourse.started\t=unknown\tu\t-\t-\tt\tid\t-\t-", "object", "needs an object"),
        ("x\tcourse.started\t=unknown\tu\tquiz=c\t-\tt\tid\t-\t-", "object", "no quiz"),
        ("x\tcertificate.expired\t=unknown\tu\tcertificate=c\tcatalog=k\tt\tid\t-\t-", "within", "course or"),
        ("x\tcourse.started\t=unknown\tu\tcourse=c\tcatalog=k; catalog=l\tt\tid\t-\t-", "within", "twice"),
        ("x\tcourse.started\t=unknown\tu\tcourse=c\t-\t-\tid\t-\t-", "occurred_at", "path"),
        ("x\tcourse.started\t=unknown\tu\tcourse=c\t-\tt\tA\t-\t-", "id_from", "no part of an id"),
        ("x\tlms_admin.assigned\t=unknown\teach a not in b\t-\t-\tt\tid\t-\t-", "id_from", "one id"),
        ("x\tcourse.started\t=unknown\tu\tcourse=c\t-\tt\tid\tA b=c\t-", "attributes", "A b"),
        ("x\t-\t-\tu\t-\t-\t-\t-\t-\t-", "user", "without an action"),
        ("x\t-", "(all)", "2 cells"),
        ("first\t-\t-\t-\t-\t-\t-\t-\t-\t-", "foreign_event", "twice"),
    ] {
        let text = table(&["# a remark", "first\t-\t-\t-\t-\t-\t-\t-\t-\t-", "", line]);
        let error = Mapping::parse("own.tsv", &text).expect_err(line);
        assert_eq!(
            (error.file.as_str(), error.line, error.column.as_str()),
            ("own.tsv", 5, column),
            "{error}"
        );
        assert!(error.problem.contains(part), "{error}");
    }
    let error = Mapping::parse("own.tsv", "foreign_event\tactoin\n").expect_err("misspelt");
    assert_eq!(error.to_string(), "mapping own.tsv, line 1, column actoin: there is no such column");
    assert!(Mapping::parse("own.tsv", "foreign_event\n").is_err());
    assert!(Mapping::parse("own.tsv", "").is_err());
}

#[test]
fn columns_can_be_left_out_and_stand_in_any_order() {
    let text = "action\tforeign_event\n-\tx\n";
    assert_eq!(Mapping::parse("own.tsv", text).expect("valid").size(), (0, 1));
}

/// Reading a row checks it against the catalog: the action is there, user, object and within suffice.
#[test]
fn every_built_in_row_is_read_and_fits_the_catalog() {
    for (format, size) in
        [(Format::Openedx, (25, 125)), (Format::Moodle, (30, 106)), (Format::Learn365, (18, 14))]
    {
        let mapping = format.mapping().expect("it has a mapping");
        assert_eq!(mapping.size(), size, "{format}");
        for rule in mapping.rows.iter().filter_map(|row| row.rule.as_ref()) {
            let entry = rule.entry;
            assert_eq!(catalog::catalog().action(entry.action), Some(entry));
            assert!(rule.user.is_some() || entry.user == catalog::Need::Optional, "{}", entry.action);
            let kind = rule.object.as_ref().map(|(kind, _)| kind.as_str());
            assert!(
                entry.object.is_empty() || entry.object.iter().any(|own| Some(*own) == kind),
                "{}",
                entry.action
            );
            let within: Vec<_> = rule.within.iter().map(|(kind, _)| kind.as_str()).collect();
            assert!(
                entry.within.is_empty() || entry.within.iter().any(|kind| within.contains(kind)),
                "{}",
                entry.action
            );
        }
    }
}

/// Counted from the facts about the three platforms, not from the tables.
#[test]
fn the_built_in_rows_feed_these_actions() {
    let formats = Format::ALL.into_iter().filter_map(Format::mapping);
    let actions: BTreeSet<_> = formats
        .flat_map(|mapping| mapping.rows)
        .filter_map(|row| row.rule.map(|rule| rule.entry.action))
        .collect();
    assert_eq!(actions.len(), 38, "{actions:?}");
}

#[test]
fn the_parts_of_an_id_cannot_run_into_each_other() {
    let text = table(&["x\tcourse.started\t=unknown\tu\tcourse=c\t-\tt\ta; b\t-\t-"]);
    let id = |a: serde_json::Value, b: serde_json::Value| {
        let root = json!({"a": a, "b": b, "u": 1, "c": 2, "t": "2026-11-02T09:14:03Z"});
        let mapping = Mapping::parse("t.tsv", &text).expect("valid");
        match trail(mapping).event(&Foreign::new("x", &root, codec::parse_rfc3339)) {
            Event::Mapped { actions, .. } => actions[0].id.to_string(),
            Event::Unmapped(name) => panic!("{name} is mapped"),
        }
    };
    assert_ne!(id(json!("ab"), json!("c")), id(json!("a"), json!("bc")));
    assert_eq!(id(json!(6), json!({"x": 1, "y": [2.0]})), id(json!("6"), json!({"y": [2], "x": 1})));
    // Worked with Python: sha256(b"\0\0\0\x01" b"6" b"\0\0\0\x02" b"xy").
    assert_eq!(id(json!(6), json!("xy")), "b92f0c6f89269ff2d2114b97a614a51e8e7245353ea39b0515c72f0d46dd3e06");
}
