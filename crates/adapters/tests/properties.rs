//! What holds for any input: nothing panics, and feeding twice or cut otherwise adds nothing.

mod common;

use std::collections::BTreeSet;
use std::fs;

use adapters::{Event, Format, Line};
use common::{FIXTURES, adapter, feed_bytes, fixture};
use proptest::prelude::*;

fn lines(file: &str) -> Vec<Vec<u8>> {
    let bytes = fs::read(fixture(file)).expect("the fixture is there");
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn ids(line: &Line) -> Vec<String> {
    let of = |event: &Event| match event {
        Event::Mapped { actions, .. } => actions.iter().map(|action| action.id.to_string()).collect(),
        Event::Unmapped(_) => Vec::new(),
    };
    match line {
        Line::Events { events, .. } => events.iter().flat_map(of).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn feeding_twice_adds_no_new_action() {
    for (format, file) in FIXTURES {
        let once = lines(file).concat();
        let twice = [once.clone(), once.clone()].concat();
        let (_, first) = feed_bytes(&adapter(format), file, &once);
        let (_, second) = feed_bytes(&adapter(format), "another name", &twice);
        assert_eq!(second.len(), 2 * first.len(), "{format}");
        let distinct = |published: Vec<_>| -> BTreeSet<_> { published.into_iter().collect() };
        assert_eq!(distinct(first), distinct(second), "{format}");
    }
}

/// Equal ids must mean equal actions, or the copy would end as a conflicting duplicate.
#[test]
fn equal_ids_are_equal_actions() {
    for (format, file) in FIXTURES {
        let adapter = adapter(format);
        let mut seen = std::collections::BTreeMap::new();
        for line in lines(file) {
            let Line::Events { events, .. } = adapter.parse(&line) else { continue };
            for event in events {
                let Event::Mapped { actions, .. } = event else { continue };
                for action in actions {
                    let old = seen.insert(action.id.clone(), action.clone());
                    assert!(old.is_none_or(|old| old == action), "{format}: {action:?}");
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn a_file_cut_otherwise_gives_the_same_actions(cuts in prop::collection::vec(0_usize..16, 0..6)) {
        for (format, file) in FIXTURES {
            let lines = lines(file);
            let adapter = adapter(format);
            let (_, whole) = feed_bytes(&adapter, file, &lines.concat());
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (lines.len() + 1)).collect();
            cuts.extend([0, lines.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|cut| lines[cut[0]..cut[1]].concat());
            let cut: Vec<_> = pieces.flat_map(|piece| feed_bytes(&adapter, "piece", &piece).1).collect();
            prop_assert_eq!(whole, cut);
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for format in Format::ALL {
            let _any = adapter(format).parse(&bytes);
        }
    }

    #[test]
    fn damaged_lines_are_read_without_panic(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        with in prop::collection::vec(any::<u8>(), 0..4),
        cut in 0_usize..4,
    ) {
        for (format, file) in FIXTURES {
            let lines = lines(file);
            let mut line = lines[which.index(lines.len())].clone();
            let start = at.index(line.len() + 1);
            let end = (start + cut).min(line.len());
            line.splice(start..end, with.iter().copied());
            let _any = adapter(format).parse(&line);
        }
    }

    #[test]
    fn the_order_of_names_in_json_does_not_matter(seed in any::<u64>()) {
        for (format, file) in FIXTURES {
            let adapter = adapter(format);
            for line in lines(file) {
                let start = line.iter().position(|byte| *byte == b'{').unwrap_or_default();
                let Ok(value) = serde_json::from_slice::<serde_json::Value>(&line[start..]) else { continue };
                let turned = shuffled(&value, seed);
                prop_assert_eq!(ids(&adapter.parse(&line)), ids(&adapter.parse(turned.as_bytes())));
            }
        }
    }
}

/// The same JSON with the names of each object in another order.
fn shuffled(value: &serde_json::Value, seed: u64) -> String {
    match value {
        serde_json::Value::Object(fields) => {
            let mut pairs: Vec<_> = fields
                .iter()
                .map(|(name, value)| {
                    format!("{}: {}", serde_json::Value::from(name.as_str()), shuffled(value, seed))
                })
                .collect();
            pairs.sort_by_key(|pair| {
                pair.bytes().fold(seed, |sum, byte| sum.rotate_left(7) ^ u64::from(byte))
            });
            format!("{{{}}}", pairs.join(", "))
        }
        serde_json::Value::Array(values) => {
            let values: Vec<_> = values.iter().map(|value| shuffled(value, seed)).collect();
            format!("[{}]", values.join(", "))
        }
        other => other.to_string(),
    }
}
