//! The end of topics, so that a trail can begin anew on the same broker.

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::Consumer;

use crate::kafka::{ANSWER, TestKafka, block_on};
use crate::wait::wait_until;

impl TestKafka {
    /// Deletes topics with all their records; waits until the broker knows none of them any more, so that they can be made
    /// anew at once. Offsets that groups committed for them go, too; so delete a group first where both shall go.
    ///
    /// # Panics
    /// When one cannot be deleted, or is still there after half a minute.
    pub fn delete_topics(&self, names: &[&str]) {
        let admin: AdminClient<DefaultClientContext> =
            self.client().create().expect("an admin client can be made");
        let options = AdminOptions::new().operation_timeout(Some(ANSWER)).request_timeout(Some(ANSWER));
        let deleted =
            block_on(admin.delete_topics(names, &options)).expect("the broker answers about topics");
        for result in deleted {
            result.unwrap_or_else(|(topic, code)| panic!("topic {topic} could not be deleted: {code}"));
        }
        let consumer = self.consumer(&[]);
        wait_until(ANSWER, &format!("the end of topics {names:?}"), || {
            let metadata = consumer.fetch_metadata(None, ANSWER).expect("the broker answers about topics");
            !metadata.topics().iter().any(|topic| names.contains(&topic.name()))
        });
    }
}
