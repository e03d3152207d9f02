//! An action as facts, and the ways to write it down that all say the same.

use catalog::Entry;
use jiff::Timestamp;
use serde_json::Value;

/// An action before it is written.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) source: &'static str,
    pub(crate) entry: &'static Entry,
    /// Microseconds since the epoch.
    pub(crate) at: i64,
    pub(crate) tenant: String,
    pub(crate) object: Option<Thing>,
    pub(crate) within: Vec<Thing>,
    /// Other fields beyond the envelope, each with its JSON.
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) attributes: Vec<(&'static str, String)>,
}

/// A thing of the platform.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Thing {
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) title: Option<&'static str>,
}

impl Thing {
    pub(crate) fn json(&self) -> String {
        let mut fields = vec![("kind", text(self.kind)), ("id", text(&self.id))];
        fields.extend(self.title.map(|title| ("title", text(title))));
        object(&fields)
    }
}

/// A record's value and headers.
pub(crate) type Written = (Vec<u8>, Vec<(String, Vec<u8>)>);

/// How to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    Structured,
    Binary,
    /// Plain, but nothing stands where or as [`Form::Plain`] has it.
    Rewritten,
}

impl Draft {
    pub(crate) fn write(&self, form: Form) -> Written {
        let content_type = |value: &str| ("content-type".to_string(), value.as_bytes().to_vec());
        match form {
            Form::Plain => (object(&self.fields()).into_bytes(), Vec::new()),
            Form::Rewritten => (object(&self.rewritten()).into_bytes(), Vec::new()),
            Form::Structured => {
                let mut fields = vec![("specversion", text("1.0"))];
                fields.extend(self.cloud().into_iter().map(|(name, value)| (name, text(&value))));
                fields.push(("datacontenttype", text("application/json")));
                fields.push(("data", object(&self.data())));
                (object(&fields).into_bytes(), vec![content_type("application/cloudevents+json")])
            }
            Form::Binary => {
                let mut headers = vec![("ce_specversion".to_string(), b"1.0".to_vec())];
                let named = |(name, value): (&str, String)| (format!("ce_{name}"), value.into_bytes());
                headers.extend(self.cloud().into_iter().map(named));
                headers.push(content_type("application/json"));
                (object(&self.data()).into_bytes(), headers)
            }
        }
    }

    /// Every field of the plain form, in its order.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("id", text(&self.id)),
            ("source", text(self.source)),
            ("action", text(self.entry.action)),
            ("occurred_at", text(&rfc3339(self.at))),
            ("tenant", text(&self.tenant)),
        ];
        fields.extend(self.data());
        fields
    }

    fn rewritten(&self) -> Vec<(&'static str, String)> {
        let mut fields = self.fields();
        for (name, value) in &mut fields {
            match *name {
                // Epoch milliseconds say the same only where nothing is finer.
                "occurred_at" if self.at % 1000 == 0 => *value = (self.at / 1000).to_string(),
                "attributes" => {
                    let turned: Vec<_> = self.attributes.iter().rev().map(|(k, v)| (*k, text(v))).collect();
                    *value = object(&turned);
                }
                _ => {}
            }
        }
        fields.retain(|(name, _)| !matches!(*name, "origin" | "correlation_id" | "sequence"));
        fields.push(("origin", object(&[("channel", text("resend"))])));
        fields.push(("correlation_id", text("resend")));
        fields.reverse();
        fields
    }

    /// The CloudEvents attributes that carry the envelope.
    fn cloud(&self) -> [(&'static str, String); 5] {
        [
            ("id", self.id.clone()),
            ("source", self.source.into()),
            ("type", self.entry.action.into()),
            ("time", rfc3339(self.at)),
            ("tenant", self.tenant.clone()),
        ]
    }

    /// What is not the envelope.
    fn data(&self) -> Vec<(&'static str, String)> {
        let mut data = self.facts.clone();
        data.extend(self.object.as_ref().map(|object| ("object", object.json())));
        if !self.within.is_empty() {
            let things: Vec<_> = self.within.iter().map(Thing::json).collect();
            data.push(("within", array(&things)));
        }
        if !self.attributes.is_empty() {
            let pairs: Vec<_> = self.attributes.iter().map(|(name, value)| (*name, text(value))).collect();
            data.push(("attributes", object(&pairs)));
        }
        data
    }
}

/// A JSON string.
pub(crate) fn text(value: &str) -> String {
    Value::from(value).to_string()
}

/// A JSON object whose fields stand in this order, whatever a library's map would make of it.
pub(crate) fn object(fields: &[(&str, String)]) -> String {
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{}:{value}", text(name))).collect();
    format!("{{{}}}", fields.join(","))
}

/// A JSON array.
pub(crate) fn array(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}

/// A time of an action, which lies far within the calendar.
pub(crate) fn rfc3339(micros: i64) -> String {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX).to_string()
}
