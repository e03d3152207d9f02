//! The records as they stand in Avro: borrowed structs to write, owned ones to read. Fields are in
//! the schema's order, which the writer would otherwise have to restore record by record. Fields
//! that a schema has a default for are read with it.

/// A record to write. It is written as a tuple: the library then takes the fields in their order
/// instead of looking each up by its name, which took a third of the time. That the order is the
/// schema's is tested below.
macro_rules! record {
    ($(#[$doc:meta])* $visibility:vis struct $name:ident<$life:lifetime> { $($field:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        $visibility struct $name<$life> {
            $($field: $type,)+
        }

        impl $name<'_> {
            /// The fields, in order.
            pub(super) const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];
        }

        impl serde::Serialize for $name<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeTuple as _;
                let mut tuple = serializer.serialize_tuple(Self::FIELDS.len())?;
                $(tuple.serialize_element(&self.$field)?;)+
                tuple.end()
            }
        }
    };
}

mod action;
mod event;
mod facts;
mod ledger;
mod names;
mod receipt;
mod register;
mod report;
mod sequence;
mod setting;
mod value;

pub(crate) use action::ActionOut;
pub(crate) use event::{EventIn, EventOut};
pub(crate) use ledger::{LedgerIn, LedgerOut};
pub(crate) use receipt::{ReceiptIn, ReceiptOut};
pub(crate) use register::{RegisterIn, RegisterOut};
pub(crate) use report::{ActivityIn, ActivityOut, ActorsIn, ActorsOut};
pub(crate) use setting::{SettingIn, SettingOut};

/// An owned record that becomes one of the domain.
pub(crate) trait Incoming: serde::de::DeserializeOwned {
    /// The domain's record.
    type Domain;

    /// # Errors
    /// What is wrong, by field, without the content.
    fn into_domain(self) -> Result<Self::Domain, String>;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;

    /// Gathers the fields of every record of a schema, in order.
    fn records(schema: &Value, found: &mut BTreeMap<String, Vec<String>>) {
        match schema {
            Value::Array(variants) => variants.iter().for_each(|variant| records(variant, found)),
            Value::Object(object) => {
                if let (Some(name), Some(fields)) = (schema["name"].as_str(), object.get("fields")) {
                    let fields = fields.as_array().expect("a list");
                    let names = fields.iter().map(|field| field["name"].as_str().expect("named").to_owned());
                    found.insert(name.to_owned(), names.collect());
                    fields.iter().for_each(|field| records(&field["type"], found));
                }
                for inner in ["type", "items", "values"] {
                    object.get(inner).into_iter().for_each(|inner| records(inner, found));
                }
            }
            _ => {}
        }
    }

    #[test]
    fn fields_are_in_the_order_of_the_schema() {
        let mut found = BTreeMap::new();
        for topic in catalog::Topic::all() {
            if let Some(file) = crate::schemas::of(topic) {
                records(&serde_json::from_str(file.text).expect("JSON"), &mut found);
            }
        }
        let ours = [
            ("Action", ActionOut::FIELDS),
            ("AuditEvent", EventOut::FIELDS),
            ("Provenance", event::ProvenanceOut::FIELDS),
            ("Actor", facts::ActorOut::FIELDS),
            ("User", facts::UserOut::FIELDS),
            ("Object", facts::ObjectOut::FIELDS),
            ("Change", facts::ChangeOut::FIELDS),
            ("Origin", facts::OriginOut::FIELDS),
            ("ActorRef", facts::RefOut::FIELDS),
            ("OrderKey", facts::OrderOut::FIELDS),
            ("Receipt", ReceiptOut::FIELDS),
            ("ReceivedAction", receipt::ReceivedOut::FIELDS),
            ("Reroute", receipt::RerouteOut::FIELDS),
            ("ExpiredRange", receipt::RangeOut::FIELDS),
            ("ActivityRow", ActivityOut::FIELDS),
            ("ActorsRow", ActorsOut::FIELDS),
            ("RegisterRow", RegisterOut::FIELDS),
            ("ObjectRef", register::ObjectRefOut::FIELDS),
            ("LedgerRecord", LedgerOut::FIELDS),
            ("AccountRow", ledger::AccountOut::FIELDS),
            ("Coverage", ledger::CoverageOut::FIELDS),
            ("SequenceRow", sequence::SequenceOut::FIELDS),
            ("SequenceRange", sequence::RangeOut::FIELDS),
            ("SettingRow", SettingOut::FIELDS),
        ];
        assert_eq!(ours.len(), found.len(), "every record is checked");
        for (name, fields) in ours {
            assert_eq!(found[name], fields, "{name}");
        }
    }
}
