//! Counts by name, in bounded memory: a file can hold any number of names of any length.

use std::collections::HashMap;

/// How many distinct names are kept; the rest is counted together.
const KEPT: usize = 10_000;
/// How many characters of a name are kept.
const LENGTH: usize = 200;
/// Under which name the rest is counted.
pub(crate) const OTHERS: &str = "(others)";

/// Something counted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names<T = u64> {
    by_name: HashMap<String, T>,
}

impl<T: Default> Names<T> {
    /// What is counted under a name; control characters are shown escaped.
    pub(crate) fn of(&mut self, name: &str) -> &mut T {
        let shown: String = name.chars().take(LENGTH).flat_map(printable).collect();
        let known = self.by_name.contains_key(&shown);
        let key = if known || self.by_name.len() < KEPT { shown } else { OTHERS.into() };
        self.by_name.entry(key).or_default()
    }

    /// Every name with what was counted, in the order of the names.
    pub fn sorted(&self) -> Vec<(&str, &T)> {
        let mut sorted: Vec<_> = self.by_name.iter().map(|(name, count)| (name.as_str(), count)).collect();
        sorted.sort_by_key(|(name, _)| *name);
        sorted
    }

    /// How many distinct names were kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}

fn printable(c: char) -> impl Iterator<Item = char> {
    let escaped = c.is_control().then(|| c.escape_default());
    let plain = escaped.is_none().then_some(c);
    plain.into_iter().chain(escaped.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_in_number_and_length() {
        let mut names: Names = Names::default();
        for number in 0..KEPT + 50 {
            *names.of(&number.to_string()) += 1;
        }
        *names.of("3") += 1;
        *names.of(&"x".repeat(5_000)) += 1;
        assert_eq!(names.len(), KEPT + 1);
        assert_eq!(*names.of("3"), 2);
        assert_eq!(*names.of(OTHERS), 51);
        let longest = names.sorted().iter().map(|(name, _)| name.len()).max();
        assert!(longest.expect("there are names") <= LENGTH);
    }

    #[test]
    fn a_name_cannot_steer_a_terminal() {
        let mut names: Names = Names::default();
        *names.of("a\u{1b}[2J") += 1;
        assert_eq!(names.sorted(), [("a\\u{1b}[2J", &1)]);
    }
}
