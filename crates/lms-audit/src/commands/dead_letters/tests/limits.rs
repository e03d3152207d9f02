//! Many dead letters, and large ones: a limit that is got beyond, and memory that they cannot take.

use std::fmt::Write as _;

use super::*;

/// What is kept of a text, and an ellipsis.
const KEPT: usize = 513;

/// An action whose name nobody knows, of this id.
fn unknown(id: &str) -> String {
    ACTIONS[1].replace("a-2", id)
}

/// A text of more characters than a source may write, of two bytes each.
fn long(end: &str) -> String {
    let mut text = "\u{e9}".repeat(600);
    write!(text, "{end}").expect("memory takes all");
    text
}

#[test]
fn a_limit_counts_what_is_left_so_that_the_next_run_gets_further() {
    let unknown: Vec<_> = ["1", "2", "3"].map(unknown).into();
    // One that is refused lies before all others, and one of the same identity behind the first.
    let actions = [ACTIONS[5], &unknown[0], &unknown[0], &unknown[1], &unknown[2]];
    let log = mended_trail(&actions);
    for so_many in 1..=3 {
        let (dry, _) = replay(&log, "--all --limit 1 --dry-run").expect("runs");
        assert_eq!(dry.iter().filter(|(_, verdict)| verdict == "would be replayed").count(), 1, "{dry:?}");
        let (rows, verdict) = replay(&log, "--all --limit 1 --yes").expect("runs");
        assert_eq!((marked(&log).len(), verdict), (so_many, Verdict::Differs), "{rows:?}");
    }
    let of: Vec<_> = replayed(&log).into_iter().map(|(_, value)| value["id"].clone()).collect();
    assert!(of.contains(&"1".into()) && of.len() == 3, "{of:?}");
}

#[test]
fn a_refused_one_beyond_the_limit_is_counted_and_not_kept() {
    let log = mended_trail(&[ACTIONS[5], ACTIONS[5], ACTIONS[1]]);
    let (rows, verdict) = replay(&log, "--all --limit 0 --dry-run").expect("runs");
    assert_eq!((rows.len(), verdict), (0, Verdict::Differs), "two are refused: {rows:?}");
    let (rows, verdict) = replay(&log, "--all --limit 1 --yes").expect("runs");
    assert_eq!((rows.len(), verdict), (2, Verdict::Differs), "{rows:?}");
}

#[test]
fn of_large_texts_a_part_is_kept_and_the_whole_counts() {
    let [one, other] = [long("1"), long("2")];
    let actions =
        [unknown(&one), unknown(&other), unknown("x").replace("web", &one).replace("teleported", &one)];
    let log = testing::trail(&actions.each_ref().map(String::as_str));
    let rows = |arguments: &str| {
        let text = shown(&log, Format::Jsonl, arguments);
        let row = |line: &str| serde_json::from_str::<Value>(line).expect("JSON");
        text.lines().map(row).collect::<Vec<_>>()
    };
    let characters = |value: &Value| value.as_str().expect("a text").chars().count();
    let all = rows("list");
    assert_eq!([0, 1].map(|number: usize| characters(&all[number]["id"])), [KEPT; 2]);
    assert_eq!(["source", "action"].map(|name| characters(&all[2][name])), [KEPT; 2]);
    let by_source = rows("list --by source");
    assert_eq!(by_source.iter().map(|row| characters(&row["of"])).max(), Some(KEPT));
    // Whoever asks for the whole id gets that one alone.
    let chosen = rows(&format!("list --id {other}"));
    assert_eq!((chosen.len(), &chosen[0]["letter"]), (1, &all[1]["letter"]));
    let kept: String = other.chars().take(KEPT - 1).collect();
    assert!(rows(&format!("list --id {kept}")).is_empty(), "a part is no id");

    let (planned, _) = replay(&log, "--all --again --yes").expect("runs");
    assert!(planned.iter().all(|(_, verdict)| verdict == "replayed"), "they are not the same: {planned:?}");
    let again = replayed(&log);
    assert_eq!(
        [0, 1].map(|number: usize| &again[number].1["id"]),
        [&Value::from(one.as_str()), &other.into()]
    );
    let ids = records(&log, Topic::DeadLetters)
        .iter()
        .filter_map(|record| header(record, marker::ID))
        .collect::<Vec<_>>();
    assert_eq!(ids.iter().map(|id| id.chars().count()).max(), Some(KEPT), "{ids:?}");

    replay(&log, &format!("--id {one} --again --new-id {{id}}-corrected --yes")).expect("runs");
    assert_eq!(replayed(&log)[3].1["id"], Value::from(format!("{one}-corrected")), "of the whole id");
}
