//! What a value must be beyond its type, whatever command reads it.

use super::{Config, Origin, Settings};
use crate::verdict::Misuse;

/// So many characters an instance may have: with stage and worker it is part of a `group.instance.id`,
/// of which Kafka takes 249.
const LONGEST_INSTANCE: usize = 200;

/// A key, as part and name, and what it must be.
type Wrong = ((&'static str, &'static str), String);

impl Config {
    /// Checks what does not depend on the command.
    ///
    /// # Errors
    /// [`Misuse`] for the first value that cannot be, naming its key.
    pub fn check(&self) -> Result<(), Misuse> {
        match self.wrong() {
            Some(((part, key), problem)) => Err(Misuse(format!("{part}.{key}: {problem}"))),
            None => Ok(()),
        }
    }

    fn wrong(&self) -> Option<Wrong> {
        let instance = &self.kafka.instance;
        if !is_instance(instance) {
            let problem = format!(
                "{instance:?} names no process: write letters, digits, '.', '_' and '-', at most {LONGEST_INSTANCE} of them"
            );
            return Some((("kafka", "instance"), problem));
        }
        (self.topics.partitions == 0).then(|| (("topics", "partitions"), "a topic has at least 1".into()))
    }
}

impl Settings {
    /// As [`Config::check`]; the message says where the value comes from, too.
    pub(super) fn check(&self) -> Result<(), Misuse> {
        match self.config.wrong() {
            Some(((part, key), problem)) => {
                let origin: Origin = self.origin(part, key);
                Err(Misuse(format!("{origin}: {part}.{key}: {problem}")))
            }
            None => Ok(()),
        }
    }
}

/// Whether Kafka takes this as a part of a member's and a transaction's id.
fn is_instance(name: &str) -> bool {
    (1..=LONGEST_INSTANCE).contains(&name.len()) && name.chars().all(is_of_instance)
}

/// Whether a character may stand in an instance's name.
pub(super) fn is_of_instance(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_what_kafka_takes() {
        let longest = "x".repeat(LONGEST_INSTANCE);
        for (name, fits) in [
            ("a", true),
            ("audit-1.example_2", true),
            (&longest, true),
            ("", false),
            ("a b", false),
            ("a/b", false),
            ("é", false),
            (&format!("{longest}x"), false),
        ] {
            let mut config = Config::default();
            config.kafka.instance = name.into();
            assert_eq!(config.check().is_ok(), fits, "{name:?}");
        }
    }

    #[test]
    fn the_hosts_own_name_always_fits() {
        assert_eq!(Config::default().check(), Ok(()));
    }
}
