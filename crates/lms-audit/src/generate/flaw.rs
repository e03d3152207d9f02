//! What can be wrong with an action in itself, at least one for every reason of a dead letter.

use catalog::Reason;

use super::draft::{Draft, Thing, Written, array, object, text};

/// One way to be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// JSON that ends too early.
    Truncated,
    /// Bytes that are no text.
    NotText,
    /// A name that stands twice in one object.
    NameTwice,
    /// Avro by a schema that nobody has.
    UnknownFingerprint,
    /// An action that the catalog does not have.
    UnknownAction,
    /// No actor.
    NoActor,
    /// No tenant.
    NoTenant,
    /// No time.
    NoTime,
    /// No object where the catalog asks for one.
    NoObject,
    /// A time that is none.
    BadTime,
    /// A tenant that is none.
    BadTenant,
    /// An object of a kind that the action is not about.
    WrongKind,
    /// Two courses at once.
    TwoCourses,
    /// Before there were learning platforms.
    TooOld,
    /// Over 24 h ahead.
    Future,
    /// A value over the limit.
    LargeValue,
    /// Headers over the limit.
    LargeHeaders,
}

impl Flaw {
    /// Every flaw.
    pub const ALL: [Flaw; 17] = [
        Self::Truncated,
        Self::NotText,
        Self::NameTwice,
        Self::UnknownFingerprint,
        Self::UnknownAction,
        Self::NoActor,
        Self::NoTenant,
        Self::NoTime,
        Self::NoObject,
        Self::BadTime,
        Self::BadTenant,
        Self::WrongKind,
        Self::TwoCourses,
        Self::TooOld,
        Self::Future,
        Self::LargeValue,
        Self::LargeHeaders,
    ];

    /// Why it becomes a dead letter.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Truncated | Self::NotText | Self::NameTwice => Reason::Malformed,
            Self::UnknownFingerprint => Reason::UnknownSchema,
            Self::UnknownAction => Reason::UnknownAction,
            Self::NoActor | Self::NoTenant | Self::NoTime | Self::NoObject => Reason::MissingField,
            Self::BadTime | Self::BadTenant | Self::WrongKind | Self::TwoCourses | Self::TooOld => {
                Reason::InvalidField
            }
            Self::Future => Reason::TimestampInFuture,
            Self::LargeValue | Self::LargeHeaders => Reason::Oversized,
        }
    }

    /// The action of `draft`, spoilt. The draft names an object, and its action asks for one.
    pub(crate) fn write(self, draft: &Draft, max_value_bytes: usize) -> Written {
        let mut fields = draft.fields();
        let mut headers = Vec::new();
        match self {
            Self::NotText => return (b"\xff\xfe\x00i\x00d".to_vec(), headers),
            Self::UnknownFingerprint => {
                return (b"\xc3\x01\xde\xad\xbe\xef\x00\x00\x00\x01\x02\x02".to_vec(), headers);
            }
            Self::Truncated => {
                let whole = object(&fields);
                return (whole.as_bytes()[..whole.len() - 20].to_vec(), headers);
            }
            Self::NameTwice => fields.push(("id", text(&draft.id))),
            Self::UnknownAction => set(&mut fields, "action", text("course.teleported")),
            Self::NoActor => fields.retain(|(name, _)| *name != "actor"),
            Self::NoTenant => fields.retain(|(name, _)| *name != "tenant"),
            Self::NoTime => set(&mut fields, "occurred_at", "null".into()),
            Self::NoObject => fields.retain(|(name, _)| *name != "object"),
            Self::BadTime => set(&mut fields, "occurred_at", text("yesterday")),
            Self::BadTenant => set(&mut fields, "tenant", text("no tenant")),
            Self::WrongKind => set(&mut fields, "object", thing("teapot", "t-1")),
            Self::TwoCourses => {
                let two = array(&[thing("course", "c-1"), thing("course", "c-2")]);
                set(&mut fields, "within", two);
            }
            Self::TooOld => set(&mut fields, "occurred_at", text("1989-12-31T23:59:59Z")),
            Self::Future => set(&mut fields, "occurred_at", text("2999-01-01T00:00:00Z")),
            Self::LargeValue => {
                let spare = object(&fields).len();
                set(&mut fields, "reason", text(&"x".repeat((max_value_bytes + 64).saturating_sub(spare))));
            }
            Self::LargeHeaders => headers.push(("baggage".into(), vec![b'x'; 33 * 1024])),
        }
        (object(&fields).into_bytes(), headers)
    }
}

fn thing(kind: &'static str, id: &str) -> String {
    Thing { kind, id: id.into(), title: None }.json()
}

fn set(fields: &mut Vec<(&'static str, String)>, name: &'static str, value: String) {
    match fields.iter_mut().find(|(one, _)| *one == name) {
        Some((_, old)) => *old = value,
        None => fields.push((name, value)),
    }
}
