//! The other parts of the configuration: topics, stages, operations, registry, log.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Span;
use super::part::part;

part! {
    /// The 42 topics, as `topics apply` makes them and `topics verify` wants them.
    Topics = "topics" {
        /// Partitions of every topic. Fixed for the trail's life.
        partitions: u32 = 12,
        /// Copies of each partition.
        replication_factor: u16 = 3,
        /// How many copies must have a record before it counts as written.
        min_insync_replicas: u16 = 2,
        /// Days that actions are kept. Shorter than normalizer.dedup_window.
        actions_retention_days: u32 = 14,
        /// Days that audit events are kept. At least normalizer.dedup_window, what actions are kept, and
        /// an hour.
        events_retention_days: u32 = 400,
        /// Days that receipts are kept. At least normalizer.dedup_window, what actions are kept, and
        /// an hour.
        receipts_retention_days: u32 = 400,
        /// Days that dead letters are kept. Shorter than normalizer.dedup_window.
        dead_letters_retention_days: u32 = 30,
        /// Days that rows of the activity and actors views are kept.
        reports_retention_days: u32 = 430,
        /// Days that rows of the ledger are kept.
        ledger_retention_days: u32 = 430,
        /// More configuration for every topic, by Kafka's names: { "segment.index.bytes" = "1048576" }.
        /// What the plan sets itself cannot be set here.
        extra: BTreeMap<String, String> = BTreeMap::new(),
    }
}

part! {
    /// The stage that turns actions into audit events.
    Normalizer = "normalizer" {
        /// The greatest value of an action, in bytes. Larger ones become dead letters.
        max_value_bytes: u32 = 1_048_576,
        /// How far apart two deliveries of one action may lie and still be told to be one.
        dedup_window: Span = Span::from_days(35),
        /// Whether to stop where more than 50 of the last 1,000 actions of a partition are unknown to
        /// the catalog or the schema registry, instead of making dead letters of all that follow.
        /// `run --accept-dead-letters` goes on.
        stop_on_dead_letters: bool = false,
        /// How long to gather before a commit.
        commit_interval: Span = Span::from_millis(100),
        /// Workers of this process, each a thread. More than partitions have nothing to do.
        workers: u32 = 1,
    }
}

part! {
    /// The stage that keeps the reports.
    Aggregator = "aggregator" {
        /// How long to gather before a commit.
        commit_interval: Span = Span::from_secs(1),
        /// Workers of this process, each a thread. More than partitions have nothing to do.
        workers: u32 = 1,
    }
}

part! {
    /// What the stages hold of their partitions: in memory, or on disk so that a restart reads only what
    /// is new.
    State = "state" {
        /// A folder for this process alone. Whatever it holds can be removed while no process runs: it is
        /// rebuilt from the topics. Without it state is held in memory.
        dir: Option<PathBuf> = None,
        /// Megabytes that state on disk may take in memory, for all partitions of the process.
        memory_mb: u32 = 128,
        /// Partitions of one worker that are restored at the same time.
        restores: u32 = 4,
    }
}

part! {
    /// Metrics and health, over HTTP.
    Ops = "ops" {
        /// Where to listen.
        listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)),
    }
}

part! {
    /// The schema registry. Without one, records carry Avro's single-object encoding.
    SchemaRegistry = "schema_registry" {
        /// Its address, http://registry:8081.
        url: Option<String> = None,
        /// The user to sign in as.
        username: Option<String> = None,
        /// A file that holds the password of that user.
        password_file: Option<PathBuf> = None,
    }
}

part! {
    /// What the process says of itself, on stderr.
    Log = "log" {
        /// text, json, or auto: text on a terminal, else json.
        format: LogFormat = LogFormat::Auto,
        /// error, warn, info, debug or trace; or directives such as info,runtime=debug.
        level: String = "info".into(),
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people on a terminal, else for machines.
    Auto,
    /// For people.
    Text,
    /// For machines, one object a line.
    Json,
}
