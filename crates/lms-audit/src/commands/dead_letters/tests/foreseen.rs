//! What would become a dead letter again is refused, and why, unless that is asked for.

use super::*;

#[test]
fn what_would_become_a_dead_letter_again_is_refused_unless_asked() {
    let refused = |log: &EmbeddedLog, arguments: &str, why: &str| {
        for how in ["--dry-run", "--yes"] {
            let (rows, verdict) = replay(log, &format!("{arguments} {how}")).expect("runs");
            let says = format!("refused it would become a dead letter again: {why}");
            assert!(rows[0].1.starts_with(&says), "{arguments}: {rows:?}");
            assert!(rows[0].1.ends_with("; --again publishes it all the same)"), "{arguments}: {rows:?}");
            assert_eq!((rows.len(), verdict), (1, Verdict::Differs), "{arguments}");
        }
        assert_eq!((replayed(log), marked(log)), (vec![], vec![]), "{arguments}");
    };
    let known = mended_trail(&ACTIONS[1..2]);
    refused(&known, "--all --mend occurred_at=nonsense", "invalid_field: occurred_at: ");
    refused(&known, "--all --mend occurred_at=2999-01-01T00:00:00Z", "timestamp_in_future: ");
    refused(&known, "--all --mend object:={\"kind\":\"teapot\",\"id\":\"t\"}", "invalid_field: object");
    let (rows, _) = replay(&known, "--all --dry-run").expect("runs");
    assert_eq!(rows[0].1, "would be replayed");

    let unknown = testing::trail(&ACTIONS[1..2]);
    refused(&unknown, "--all", "unknown_action: action: the catalog has none of this name");
    replay(&unknown, "--all --again --yes").expect("runs");
    assert_eq!(marked(&unknown).len(), 1);
}

#[test]
fn of_a_value_over_the_limit_it_is_foreseen_too() {
    let log = mended_trail(&ACTIONS[1..2]);
    let command = parse("replay --all --mend correlation_id=0123456789 --dry-run").expect("parses");
    let mut config = Config::default();
    config.normalizer.max_value_bytes = 64;
    let mut out = Vec::new();
    let mut shell = Shell::new(config, Format::Jsonl, &mut out);
    run(&command, &mut shell, &log, &decoder()).expect("runs");
    drop(shell);
    let text = String::from_utf8(out).expect("UTF-8");
    assert!(
        text.contains("a dead letter again: oversized: the value has ") && text.contains("of 64"),
        "{text}"
    );
}
