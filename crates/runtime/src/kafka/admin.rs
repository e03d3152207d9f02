//! Makes and describes topics.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic, OwnedResourceSpecifier, ResourceSpecifier, TopicReplication,
};
use rdkafka::config::ClientConfig;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::groups::GroupList;
use stage::Partition;

use super::assignment;
use super::native::{Client, Role};
use super::reach::Probe;
use super::{Quiet, Settings, unasked};
use crate::admin::{Admin, Groups, Share, Shares, TopicPlan, TopicState};
use crate::error::{BrokerError, Cause, Remedy};

const PATIENCE: Duration = Duration::from_secs(30);

/// Administers topics on Kafka.
pub struct KafkaAdmin {
    admin: AdminClient<Quiet>,
    probe: Probe,
    client: Arc<Client>,
}

impl KafkaAdmin {
    pub(super) fn open(settings: &Settings) -> Result<Self, BrokerError> {
        let attempt = "opening an admin client";
        let config: ClientConfig = settings.client().into_iter().collect();
        let client =
            Client::new(Role::Producer, &settings.client()).map_err(|e| BrokerError::stop(attempt, e))?;
        Ok(Self {
            admin: config.create_with_context(Quiet).map_err(|e| unasked(attempt, &e))?,
            probe: Probe::new(&client),
            client,
        })
    }

    fn shapes(&self) -> Result<HashMap<String, (u32, u16)>, BrokerError> {
        let attempt = "asking for the cluster's topics";
        let metadata = self.admin.inner().fetch_metadata(None, PATIENCE).map_err(|e| unasked(attempt, &e))?;
        let shape = |topic: &rdkafka::metadata::MetadataTopic| {
            let replicas = topic.partitions().first().map_or(0, |partition| partition.replicas().len());
            (count(topic.partitions().len()), u16::try_from(replicas).unwrap_or(u16::MAX))
        };
        let known = metadata.topics().iter().filter(|topic| topic.error().is_none());
        Ok(known.map(|topic| (topic.name().to_owned(), shape(topic))).collect())
    }

    fn groups(&mut self, group: &str) -> Result<GroupList, BrokerError> {
        self.probe.reach(PATIENCE)?;
        let attempt = format!("asking for the members of group {group}");
        let groups = self.admin.inner().fetch_group_list(Some(group), PATIENCE);
        groups.map_err(|e| unasked(&attempt, &e))
    }

    fn configs(&self, names: &[&str]) -> Result<HashMap<String, BTreeMap<String, String>>, BrokerError> {
        let attempt = "asking for the configuration of topics";
        let wanted: Vec<_> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
        let options = AdminOptions::new().request_timeout(Some(PATIENCE));
        let answers =
            wait(self.admin.describe_configs(&wanted, &options)).map_err(|e| unasked(attempt, &e))?;
        let mut all = HashMap::new();
        for answer in answers {
            let resource = answer.map_err(|code| BrokerError::stop(attempt, code.to_string()))?;
            if let OwnedResourceSpecifier::Topic(name) = &resource.specifier {
                let entries = resource.entries.iter();
                let known = entries.filter_map(|entry| Some((entry.name.clone(), entry.value.clone()?)));
                all.insert(name.clone(), known.collect());
            }
        }
        Ok(all)
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl Admin for KafkaAdmin {
    fn topics(&mut self, names: &[String]) -> Result<Vec<Option<TopicState>>, BrokerError> {
        self.probe.reach(PATIENCE)?;
        let shapes = self.shapes()?;
        let there: Vec<_> =
            names.iter().map(String::as_str).filter(|name| shapes.contains_key(*name)).collect();
        let mut configs = if there.is_empty() { HashMap::new() } else { self.configs(&there)? };
        let state = |name: &String| {
            let (partitions, replication) = *shapes.get(name)?;
            let config = configs.remove(name).unwrap_or_default();
            Some(TopicState { name: name.clone(), partitions, replication, config })
        };
        Ok(names.iter().map(state).collect())
    }

    fn create(&mut self, plans: &[TopicPlan]) -> Result<(), BrokerError> {
        let attempt = "making topics";
        let topic = |plan: &'_ TopicPlan| {
            let partitions = i32::try_from(plan.partitions).unwrap_or(i32::MAX);
            (partitions, i32::from(plan.replication))
        };
        let topics: Vec<_> = plans
            .iter()
            .map(|plan| {
                let (partitions, replication) = topic(plan);
                let new = NewTopic::new(&plan.name, partitions, TopicReplication::Fixed(replication));
                plan.config.iter().fold(new, |new, (name, value)| new.set(name, value))
            })
            .collect();
        let options = AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE));
        let answers = wait(self.admin.create_topics(&topics, &options)).map_err(|e| unasked(attempt, &e))?;
        for answer in answers {
            match answer {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((name, code)) => {
                    return Err(BrokerError::stop(format!("making topic {name}"), code.to_string()));
                }
            }
        }
        Ok(())
    }

    fn set(&mut self, topic: &str, entries: &BTreeMap<String, String>) -> Result<(), BrokerError> {
        let refused = |e| BrokerError::stop(format!("setting the configuration of topic {topic}"), e);
        self.client.set_topic_config(topic, entries, PATIENCE).map_err(refused)
    }
}

impl Groups for KafkaAdmin {
    fn members(&mut self, group: &str) -> Result<Vec<String>, BrokerError> {
        let groups = self.groups(group)?;
        let mut all = Vec::new();
        for one in groups.groups().iter().filter(|one| one.name() == group) {
            let members = one.members();
            // A coordinator that could not tell gives no members either; then there is no state.
            if members.is_empty() && !["Empty", "Dead"].contains(&one.state()) {
                return Err(BrokerError {
                    remedy: Remedy::Retry,
                    cause: Cause::Transport,
                    attempt: format!("asking for the members of group {group}"),
                    detail: format!("its coordinator does not know them now (state {:?})", one.state()),
                });
            }
            all.extend(
                members.iter().map(|member| format!("{} at {}", member.client_id(), member.client_host())),
            );
        }
        Ok(all)
    }
}

impl Shares for KafkaAdmin {
    fn share(&mut self, group: &str, topic: &str) -> Result<Share, BrokerError> {
        let groups = self.groups(group)?;
        let partitions = self.shapes()?.get(topic).map_or(0, |(partitions, _)| *partitions);
        let mut share = Share {
            at_rest: false,
            members: Vec::new(),
            unowned: (0..partitions).map(Partition::new).collect(),
        };
        for one in groups.groups().iter().filter(|one| one.name() == group) {
            share.at_rest = one.state() == "Stable";
            for member in one.members() {
                share.members.push(member.client_id().to_owned());
                // One that cannot be read owns nothing that is known of; then nothing is said to be unowned.
                match assignment::read(member.assignment().unwrap_or_default(), topic) {
                    Some(owned) => share.unowned.retain(|partition| !owned.contains(partition)),
                    None => share.at_rest = false,
                }
            }
        }
        share.members.sort_unstable();
        Ok(share)
    }
}

/// Waits for one of the admin client's futures on this thread: they are woken by its own thread, so
/// no runtime is needed.
fn wait<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
