//! What was not judged is said, and never said to agree.

use super::super::snapshot::Held;
use super::*;

/// Appends this many actions that no stage has read.
fn append_unread(log: &EmbeddedLog, count: usize) {
    for _ in 0..count {
        let record = LogRecord::new(stage::Millis::new(testing::FIRST_RECEIVED + 60_000), b"any", b"{}");
        log.append(&Topic::Actions.name(), Partition::new(0), record).expect("there");
    }
}

#[test]
fn what_waits_for_the_normalizer_is_counted_and_never_said_to_agree() {
    let log = testing::trail(&ACTIONS);
    append_unread(&log, 3);
    for (arguments, actions, waiting) in [
        ("", 7, 3),
        ("--offsets 0:5..9", 2, 2),
        ("--offsets 0:2..7", 5, 0),
        ("--since 2026-11-02T10:00:05Z", 2, 3),
        ("--until 2026-11-02T10:00:05Z", 5, 0),
    ] {
        let (rows, verdict) = reconciled(&log, arguments).expect("it can be read");
        let account = [&rows[0]["actions"], &rows[0]["waiting"], &rows[0]["covered_until"]];
        assert_eq!(account, [actions, waiting, 7], "{arguments}");
        assert_eq!(verdict, Verdict::Fine);
    }
    let none = testing::trail(&[]);
    append_unread(&none, 2);
    let from_0 = "nothing was judged: 2 actions wait for the normalizer, from offset 0 of partition 0 on";
    let from_7 = from_0.replace("offset 0", "offset 7");
    for (log, arguments, says) in [
        (&none, "", from_0),
        (&log, "--offsets 0:8..10", &from_7),
        (
            &log,
            "--since 2026-11-02T10:00:07Z --until 2026-11-02T10:02:00Z",
            &from_7.replace("2 act", "3 act"),
        ),
    ] {
        let error = reconciled(log, arguments).expect_err(arguments).to_string();
        assert!(error.starts_with(says), "{arguments}: {error}");
    }
}

#[test]
fn offsets_that_are_not_there_are_refused_and_said_where_others_are() {
    let mut log = testing::trail(&ACTIONS);
    let held = |start, end| Held { start: stage::Offset::new(start), end: stage::Offset::new(end) };
    let beyond = |text: &str, held| {
        let asked = Asked { offsets: vec![text.parse().expect(text)], ..Asked::default() };
        asked.beyond(Partition::new(0), held)
    };
    for text in ["0:2..7", "0:..7", "0:2..", "1:90..99"] {
        assert_eq!(beyond(text, held(0, 7)), Ok(None), "{text}");
    }
    for (text, held) in [("0:2..9", held(0, 7)), ("0:1..5", held(2, 7))] {
        let said = beyond(text, held).expect("some is there").expect(text);
        assert!(said.contains("and ends at 7: nothing beyond was judged"), "{said}");
    }
    assert!(beyond("0:1..2", held(2, 7)).is_err());
    let command = parse("--offsets 0:7..9").expect("parses");
    let mut shell = Shell::new(Config::default(), Format::Jsonl, Vec::new());
    let error = run(&command, &mut shell, &mut log, &Codec::single_object().decoder()).expect_err("refused");
    assert!(error.is::<Misuse>() && error.to_string().contains("ends at 7"), "{error}");
}
