//! The formats that can be fed, and the adapter of each with its settings.

use std::fmt;

use catalog::TenantId;
use codec::{Codec, Decoder};

use crate::line::Line;
use crate::mapping::apply::Trail;
use crate::{Mapping, action, learn365, moodle, openedx};

/// What the lines of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Actions in JSON, plain or as CloudEvents.
    Action,
    /// Open edX tracking logs or event bus rows.
    Openedx,
    /// Rows of Moodle's standard log.
    Moodle,
    /// Webhook bodies of Learn365.
    Learn365,
}

/// What an adapter must be told.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Whose trail the actions go to. Needed by every format but `action`, whose lines name it.
    pub tenant: Option<TenantId>,
    /// The `source` of the actions, 1 to 512 characters; the format's name by default.
    pub source: Option<String>,
    /// The mapping; the built-in one by default.
    pub mapping: Option<Mapping>,
    /// The trigger by which webhooks came, where the lines do not tell (`learn365`).
    pub trigger: Option<String>,
    /// The id of the main admin, whom cron poses as (`moodle`); `2` by default.
    pub main_admin: Option<String>,
}

/// Why an adapter cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The lines of the format do not name a tenant.
    #[error("format {0} needs a tenant, since its lines name none")]
    NoTenant(Format),
    /// The source is empty or too long.
    #[error("a source has 1 to 512 characters, not {0}")]
    Source(usize),
    /// The setting means nothing to the format.
    #[error("format {0} takes no {1}")]
    NotTaken(Format, &'static str),
}

/// Reads the lines of one format.
pub struct Adapter {
    format: Format,
    reader: Reader,
}

enum Reader {
    Action(Box<Decoder>),
    Openedx(Trail),
    Moodle(Trail, String),
    Learn365(Trail, Option<String>),
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 4] = [Self::Action, Self::Openedx, Self::Moodle, Self::Learn365];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Openedx => "openedx",
            Self::Moodle => "moodle",
            Self::Learn365 => "learn365",
        }
    }

    /// The format of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The built-in mapping; none for actions, which need none.
    ///
    /// # Panics
    /// Never: a test reads all of them.
    #[must_use]
    pub fn mapping(self) -> Option<Mapping> {
        let text = match self {
            Self::Action => return None,
            Self::Openedx => include_str!("../mappings/openedx.tsv"),
            Self::Moodle => include_str!("../mappings/moodle.tsv"),
            Self::Learn365 => include_str!("../mappings/learn365.tsv"),
        };
        let file = format!("{}.tsv", self.name());
        Some(Mapping::parse(&file, text).expect("the built-in mappings are tested"))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Adapter {
    /// The adapter of a format.
    ///
    /// # Errors
    /// [`SettingsError`] where a setting is missing, wrong, or means nothing to the format.
    pub fn new(format: Format, settings: Settings) -> Result<Self, SettingsError> {
        let Settings { tenant, source, mapping, trigger, main_admin } = settings;
        let not_taken = [
            (source.is_some() && format == Format::Action, "source"),
            (mapping.is_some() && format == Format::Action, "mapping"),
            (trigger.is_some() && format != Format::Learn365, "trigger"),
            (main_admin.is_some() && format != Format::Moodle, "main admin"),
        ];
        if let Some((_, what)) = not_taken.into_iter().find(|(given, _)| *given) {
            return Err(SettingsError::NotTaken(format, what));
        }
        let Some(mapping) = mapping.or_else(|| format.mapping()) else {
            let decoder = Codec::single_object().decoder();
            return Ok(Self { format, reader: Reader::Action(Box::new(decoder)) });
        };
        let source = source.unwrap_or_else(|| format.name().into());
        let length = source.chars().count();
        if !(1..=512).contains(&length) {
            return Err(SettingsError::Source(length));
        }
        let tenant = tenant.ok_or(SettingsError::NoTenant(format))?;
        let trail = Trail { tenant, source, mapping };
        let reader = match format {
            Format::Moodle => Reader::Moodle(trail, main_admin.unwrap_or_else(|| "2".into())),
            Format::Learn365 => Reader::Learn365(trail, trigger.filter(|trigger| !trigger.is_empty())),
            Format::Openedx | Format::Action => Reader::Openedx(trail),
        };
        Ok(Self { format, reader })
    }

    /// The format it reads.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Reads one line, given without its line ending. Pure: the same line gives the same actions.
    #[must_use]
    pub fn parse(&self, line: &[u8]) -> Line {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Line::Blank;
        }
        match &self.reader {
            Reader::Action(decoder) => action::parse(line, decoder),
            Reader::Openedx(trail) => openedx::parse(line, trail),
            Reader::Moodle(trail, main_admin) => moodle::parse(line, trail, main_admin),
            Reader::Learn365(trail, trigger) => learn365::parse(line, trail, trigger.as_deref()),
        }
    }
}
