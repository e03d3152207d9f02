//! The port for making and describing topics.

use std::collections::BTreeMap;

use stage::Partition;

use crate::error::BrokerError;

/// A topic as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPlan {
    /// Its name.
    pub name: String,
    /// How many partitions.
    pub partitions: u32,
    /// How many replicas of each.
    pub replication: u16,
    /// Topic configuration, by Kafka's names.
    pub config: BTreeMap<String, String>,
}

/// A topic as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicState {
    /// Its name.
    pub name: String,
    /// How many partitions.
    pub partitions: u32,
    /// How many replicas the first partition has.
    pub replication: u16,
    /// Every topic configuration in force, defaults included, by Kafka's names.
    pub config: BTreeMap<String, String>,
}

/// Tells who is a member of a group.
pub trait Groups: Send {
    /// The members of a group, each by what names it for people; none where there is no such group. A
    /// static member counts until its session has timed out (KIP-345).
    ///
    /// # Errors
    /// [`BrokerError`] when no broker answers or one refuses.
    fn members(&mut self, group: &str) -> Result<Vec<String>, BrokerError>;
}

/// How a group has shared out a topic among its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Whether nobody is joining or leaving.
    pub at_rest: bool,
    /// The client ids of its members, in alphabetical order.
    pub members: Vec<String>,
    /// Partitions that were given to no member, in their order.
    pub unowned: Vec<Partition>,
}

/// Tells how groups have shared out topics.
pub trait Shares: Send {
    /// How this group has shared out this topic.
    ///
    /// # Errors
    /// [`BrokerError`] when no broker answers or one refuses.
    fn share(&mut self, group: &str, topic: &str) -> Result<Share, BrokerError>;
}

/// Makes and describes topics.
pub trait Admin: Send {
    /// The topics of these names, in their order; `None` for one that is not there.
    ///
    /// # Errors
    /// [`BrokerError`] when no broker answers or one refuses.
    fn topics(&mut self, names: &[String]) -> Result<Vec<Option<TopicState>>, BrokerError>;

    /// Makes topics; one that is there already is left as it is.
    ///
    /// # Errors
    /// [`BrokerError`] naming the topic that was refused and why.
    fn create(&mut self, plans: &[TopicPlan]) -> Result<(), BrokerError>;

    /// Sets these configuration entries of a topic and leaves all others (KIP-339).
    ///
    /// # Errors
    /// [`BrokerError`] when it was refused.
    fn set(&mut self, topic: &str, entries: &BTreeMap<String, String>) -> Result<(), BrokerError>;
}
