//! The rows of the views `activity` and `actors` in Avro.

use std::collections::BTreeMap;

use catalog::{ActivityRow, ActorsRow, Micros, Window};
use serde::Deserialize;
use serde_bytes::{ByteBuf, Bytes};

use super::Incoming;
use super::facts::{RefIn, RefOut};
use super::names;
use super::value::tenant;

record! {
    pub(crate) struct ActivityOut<'b> {
        tenant: &'b str,
        catalog: Option<&'b str>,
        event_type: &'static str,
        window: &'static str,
        start: i64,
        count: i64,
        by_action: &'b BTreeMap<String, i64>,
        first_at: i64,
        last_at: i64,
        distinct_users: f64,
        users_sketch: &'b Bytes,
        restarted: bool,
        received_at: i64,
    }
}

impl<'b> ActivityOut<'b> {
    pub(crate) fn of(row: &'b ActivityRow) -> Self {
        Self {
            tenant: row.tenant.as_str(),
            catalog: row.catalog.as_deref(),
            event_type: row.event_type,
            window: row.window.name(),
            start: row.start.get(),
            count: row.count,
            by_action: &row.by_action,
            first_at: row.first_at.get(),
            last_at: row.last_at.get(),
            distinct_users: row.distinct_users,
            users_sketch: Bytes::new(&row.users_sketch),
            restarted: row.restarted,
            received_at: row.received_at.get(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename = "ActivityRow")]
pub(crate) struct ActivityIn {
    tenant: String,
    #[serde(default)]
    catalog: Option<String>,
    event_type: String,
    window: String,
    start: i64,
    count: i64,
    by_action: BTreeMap<String, i64>,
    first_at: i64,
    last_at: i64,
    distinct_users: f64,
    users_sketch: ByteBuf,
    #[serde(default)]
    restarted: bool,
    received_at: i64,
}

impl Incoming for ActivityIn {
    type Domain = ActivityRow;

    fn into_domain(self) -> Result<ActivityRow, String> {
        let window = Window::ALL.into_iter().find(|window| window.name() == self.window);
        Ok(ActivityRow {
            tenant: tenant(&self.tenant)?,
            catalog: self.catalog,
            event_type: names::event_type(&self.event_type)?,
            window: window.ok_or("window is neither hour nor day")?,
            start: Micros::new(self.start),
            count: self.count,
            by_action: self.by_action,
            first_at: Micros::new(self.first_at),
            last_at: Micros::new(self.last_at),
            distinct_users: self.distinct_users,
            users_sketch: self.users_sketch.into_vec(),
            restarted: self.restarted,
            received_at: Micros::new(self.received_at),
        })
    }
}

record! {
    pub(crate) struct ActorsOut<'b> {
        tenant: &'b str,
        actor: RefOut<'b>,
        day: i64,
        count: i64,
        by_event_type: &'b BTreeMap<String, i64>,
        first_at: i64,
        last_at: i64,
        restarted: bool,
        received_at: i64,
    }
}

impl<'b> ActorsOut<'b> {
    pub(crate) fn of(row: &'b ActorsRow) -> Self {
        Self {
            tenant: row.tenant.as_str(),
            actor: RefOut::of(&row.actor),
            day: row.day.get(),
            count: row.count,
            by_event_type: &row.by_event_type,
            first_at: row.first_at.get(),
            last_at: row.last_at.get(),
            restarted: row.restarted,
            received_at: row.received_at.get(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename = "ActorsRow")]
pub(crate) struct ActorsIn {
    tenant: String,
    actor: RefIn,
    day: i64,
    count: i64,
    by_event_type: BTreeMap<String, i64>,
    first_at: i64,
    last_at: i64,
    #[serde(default)]
    restarted: bool,
    received_at: i64,
}

impl Incoming for ActorsIn {
    type Domain = ActorsRow;

    fn into_domain(self) -> Result<ActorsRow, String> {
        Ok(ActorsRow {
            tenant: tenant(&self.tenant)?,
            actor: self.actor.into(),
            day: Micros::new(self.day),
            count: self.count,
            by_event_type: self.by_event_type,
            first_at: Micros::new(self.first_at),
            last_at: Micros::new(self.last_at),
            restarted: self.restarted,
            received_at: Micros::new(self.received_at),
        })
    }
}
