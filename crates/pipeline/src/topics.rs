//! How the stages of the trail number its topics: one list for all, in the catalog's order.

use catalog::Topic;
use stage::TopicIndex;

/// The number a topic has in every stage of the trail.
#[must_use]
pub fn topic_index(topic: Topic) -> TopicIndex {
    TopicIndex::new(u16::try_from(topic.index()).expect("there are 42 topics"))
}

/// The names of all topics, in the order of their numbers.
pub(crate) fn topic_names() -> Vec<String> {
    Topic::all().map(Topic::name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topics_number_finds_its_name() {
        let names = topic_names();
        assert_eq!(names.len(), Topic::COUNT);
        for topic in Topic::all() {
            assert_eq!(names[topic_index(topic).index()], topic.name());
        }
    }
}
