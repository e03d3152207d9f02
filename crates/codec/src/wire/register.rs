//! The rows of the view `register` in Avro.

use std::collections::BTreeMap;

use catalog::{Micros, OrderKey, RegisterRow};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::Incoming;
use super::facts::{OrderIn, OrderOut, RefIn, RefOut};
use super::names;
use super::value::tenant;

record! {
    pub(crate) struct RegisterOut<'b> {
        tenant: &'b str,
        kind: &'static str,
        user: Option<&'b str>,
        objects: ObjectRefsOut<'b>,
        status: Option<&'static str>,
        since: Option<i64>,
        by: Option<RefOut<'b>>,
        catalog: Option<&'b str>,
        by_event_type: &'b BTreeMap<String, i64>,
        first: OrderOut<'b>,
        last: OrderOut<'b>,
        status_set: Option<OrderOut<'b>>,
        catalog_set: Option<OrderOut<'b>>,
        received_at: i64,
    }
}

struct ObjectRefsOut<'b>(&'b [(String, String)]);

record! {
    pub(super) struct ObjectRefOut<'b> {
        kind: &'b str,
        id: &'b str,
    }
}

impl Serialize for ObjectRefsOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(kind, id)| ObjectRefOut { kind, id }))
    }
}

impl<'b> RegisterOut<'b> {
    pub(crate) fn of(row: &'b RegisterRow) -> Self {
        Self {
            tenant: row.tenant.as_str(),
            kind: row.kind,
            user: row.user.as_deref(),
            objects: ObjectRefsOut(&row.objects),
            status: row.status,
            since: row.since.map(Micros::get),
            by: row.by.as_ref().map(RefOut::of),
            catalog: row.catalog.as_deref(),
            by_event_type: &row.by_event_type,
            first: OrderOut::of(&row.first),
            last: OrderOut::of(&row.last),
            status_set: row.status_set.as_ref().map(OrderOut::of),
            catalog_set: row.catalog_set.as_ref().map(OrderOut::of),
            received_at: row.received_at.get(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename = "RegisterRow")]
pub(crate) struct RegisterIn {
    tenant: String,
    kind: String,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    objects: Vec<ObjectRefIn>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    since: Option<i64>,
    #[serde(default)]
    by: Option<RefIn>,
    #[serde(default)]
    catalog: Option<String>,
    by_event_type: BTreeMap<String, i64>,
    first: OrderIn,
    last: OrderIn,
    #[serde(default)]
    status_set: Option<OrderIn>,
    #[serde(default)]
    catalog_set: Option<OrderIn>,
    received_at: i64,
}

#[derive(Deserialize)]
#[serde(rename = "ObjectRef")]
struct ObjectRefIn {
    kind: String,
    id: String,
}

impl Incoming for RegisterIn {
    type Domain = RegisterRow;

    fn into_domain(self) -> Result<RegisterRow, String> {
        let status = self.status.map(|status| names::status(&status));
        Ok(RegisterRow {
            tenant: tenant(&self.tenant)?,
            kind: names::subject(&self.kind)?,
            user: self.user,
            objects: self.objects.into_iter().map(|object| (object.kind, object.id)).collect(),
            status: status.transpose()?,
            since: self.since.map(Micros::new),
            by: self.by.map(Into::into),
            catalog: self.catalog,
            by_event_type: self.by_event_type,
            first: self.first.try_into()?,
            last: self.last.try_into()?,
            status_set: self.status_set.map(OrderKey::try_from).transpose()?,
            catalog_set: self.catalog_set.map(OrderKey::try_from).transpose()?,
            received_at: Micros::new(self.received_at),
        })
    }
}
