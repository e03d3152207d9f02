//! Reports rebuilt where the first events are gone: what is refused, what says so, and what is finished.

use super::*;

/// Takes the first event from the events topic, as retention does.
fn lose_the_first_event(log: &EmbeddedLog) {
    let events = log.dump(&Topic::Events.name(), P).expect("there");
    log.truncate(&Topic::Events.name(), P, events[1].0).expect("there");
}

#[test]
fn where_events_are_gone_registers_are_refused_and_windows_say_so() {
    let log = trail(&ACTIONS);
    lose_the_first_event(&log);
    let before = rows(&log);
    let error = rebuild(&log, "certificate --yes").expect_err("refused");
    assert!(error.is::<crate::verdict::Misuse>(), "{error}");
    assert!(error.to_string().contains("begins at offset") && rows(&log) == before, "{error}");
    assert!(rebuild(&log, "certificate --dry-run").is_err());

    let text = rebuild(&log, "certificate --view activity --view actors --yes").expect("runs");
    let numbers = |view: &str| {
        let line = text.lines().find(|line| line.contains(view)).expect("a line");
        line.split(',').skip(1).map(|number| number.parse().expect("a number")).collect::<Vec<u64>>()
    };
    let [before_, after, _, added, lost, incomplete] = numbers("activity")[..] else { panic!("{text}") };
    assert_eq!((before_ - lost + added, incomplete), (after, after), "{text}");
    assert!(lost > 0, "the first event was the only one of its windows: {text}");
    let decoder = codec().decoder();
    let (now, _) = rows(&log);
    let activity = Topic::Report(Category::Certificate, View::Activity).name();
    for (_, (_, value)) in now.iter().filter(|((topic, _), _)| *topic == activity) {
        assert!(decoder.activity(value).expect("a row").restarted);
    }
    let register = Topic::Report(Category::Certificate, View::Register).name();
    let of = |all: &Rows| all.0.iter().filter(|((topic, _), _)| *topic == register).count();
    assert_eq!(of(&rows(&log)), of(&before), "registers are as they were");
}

#[test]
fn registers_that_are_half_rebuilt_are_finished_from_what_is_left_where_that_is_accepted() {
    let log = trail(&ACTIONS);
    leave_mark(&log, (Category::Skill, View::Register));
    lose_the_first_event(&log);
    let before = rows(&log);
    for arguments in ["certificate --yes --accept-lost-events", "--yes --accept-lost-events"] {
        let error = rebuild(&log, arguments).expect_err("the rebuild of others was not begun");
        assert!(error.is::<crate::verdict::Misuse>() && rows(&log) == before, "{arguments}: {error}");
    }

    leave_mark(&log, (Category::Certificate, View::Register));
    let error = rebuild(&log, "certificate --yes").expect_err("refused").to_string();
    assert!(
        error.contains("`lms-audit reports rebuild certificate --view register --accept-lost"),
        "{error}"
    );
    assert_eq!(rows(&log).0, before.0, "nothing was removed");
    rebuild(&log, "certificate --dry-run --accept-lost-events").expect("a dry run says as much");
    let text = rebuild(&log, "certificate --yes --accept-lost-events").expect("runs");
    let register = Topic::Report(Category::Certificate, View::Register).name();
    assert!(text.contains(&format!("{register},2,1,0,0,1,0\n")), "one had that event alone: {text}");
    assert_eq!(rows(&log).1, ["~coverage/rebuild.skill.register/0"], "it is finished");
    rebuild(&log, "skill --yes --accept-lost-events").expect("runs");
    assert_eq!(rows(&log).1, Vec::<String>::new());
}
