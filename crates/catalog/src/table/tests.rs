//! The catalog's counts, and that every row makes sense beyond its grammar.

use std::collections::HashSet;

use super::*;

fn count_source(source: NameSource) -> usize {
    catalog()
        .entries()
        .iter()
        .filter(|entry| entry.name_source == source)
        .map(|entry| entry.event_type)
        .collect::<HashSet<_>>()
        .len()
}

#[test]
fn twelve_categories_97_event_types_114_actions() {
    let entries = catalog().entries();
    let categories: HashSet<_> = entries.iter().map(|entry| entry.category).collect();
    let event_types: HashSet<_> = entries.iter().map(|entry| entry.event_type).collect();
    assert_eq!((categories.len(), event_types.len(), entries.len()), (12, 97, 114));
}

#[test]
fn an_event_type_lies_in_one_category() {
    let pairs: HashSet<_> =
        catalog().entries().iter().map(|entry| (entry.event_type, entry.category)).collect();
    assert_eq!(pairs.len(), 97);
}

#[test]
fn ten_names_come_from_another_edition_five_are_proposed_one_corrects_a_misprint() {
    let counts = [NameSource::OtherEdition, NameSource::Proposed, NameSource::Corrected].map(count_source);
    assert_eq!(counts, [10, 5, 1]);
}

#[test]
fn a_subject_is_made_only_of_what_the_action_must_have() {
    for entry in catalog().entries() {
        for part in &entry.register.parts {
            let there = match part {
                Part::User => entry.user == Need::Required,
                Part::Object => !entry.object.is_empty(),
                Part::Within(kind) => entry.within.contains(kind),
            };
            assert!(there, "{}: {part:?}", entry.action);
        }
        assert!(!entry.register.parts.is_empty(), "{}", entry.action);
    }
}

#[test]
fn a_learners_subjects_begin_with_the_user() {
    for entry in catalog().entries().iter().filter(|entry| entry.register.parts.contains(&Part::User)) {
        assert_eq!(entry.register.parts[0], Part::User, "{}: else a purge cannot find the row", entry.action);
    }
}

#[test]
fn a_kind_of_subject_has_one_home_and_one_make() {
    for one in catalog().entries() {
        for other in catalog().entries() {
            if one.register.kind == other.register.kind && one.register.home == other.register.home {
                assert_eq!(
                    one.register.parts.len(),
                    other.register.parts.len(),
                    "{} and {}",
                    one.action,
                    other.action
                );
            }
        }
    }
}

#[test]
fn what_does_not_fit_the_grammar_is_named_with_its_line() {
    const GOOD: &str = "catalog\tCatalog events\tX\tx.y\tX was done.\tarticle\tx\t-\t-\tx(object)\tactive";
    for (column, bad, problem) in [
        (0, "katalog", "no category katalog"),
        (3, "xy", "\"xy\" has no dot"),
        (4, " ", "activity is empty"),
        (5, "rumour", "no name source rumour"),
        (7, "maybe", "user is maybe, not required or -"),
        (8, "A|b", "\"A\" is not of a-z and _"),
        (9, "x[object]", "\"x[object]\" is not kind(part,…)"),
        (9, "nowhere:x(object)", "no category nowhere"),
        (9, "x(within)", "\"within\" is neither user, object nor within.<kind>"),
        (10, "", "\"\" is not of a-z and _"),
    ] {
        let mut columns: Vec<_> = GOOD.split('\t').collect();
        columns[column] = bad;
        let data = format!("{HEADER}\n{GOOD}\n{}", columns.join("\t"));
        let error = Catalog::parse(data.leak()).expect_err(bad);
        assert_eq!((error.line, error.problem.as_str()), (3, problem));
    }
    let twice = format!("{HEADER}\n{GOOD}\n{GOOD}");
    assert_eq!(Catalog::parse(twice.leak()).expect_err("twice").problem, "x.y stands twice");
}
