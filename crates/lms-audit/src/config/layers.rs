//! Reads the configuration layer by layer and remembers where each value comes from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::Config;
use crate::verdict::Misuse;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The file.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// A flag of the command line.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Env(name) => write!(f, "env {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// The configuration in force and where each value comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The values.
    pub config: Config,
    origins: BTreeMap<(String, String), Origin>,
}

/// What the configuration is read from.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The file and its text, if there is one.
    pub file: Option<(PathBuf, String)>,
    /// Environment variables; all of them may be handed over.
    pub env: Vec<(String, String)>,
    /// `--set PART.KEY=VALUE` and the flags that stand for one: the flag's text, the name, the value.
    pub flags: Vec<(String, String, String)>,
    /// `-X key=value`: properties for librdkafka.
    pub properties: Vec<(String, String)>,
}

const PREFIX: &str = "LMSAUDIT_";

/// Variables with our prefix that are not the configuration's: `--config`, the scripts that run a
/// local Kafka, the build and the tests read them.
const FAILPOINTS: &str = "LMSAUDIT_FAILPOINTS";
const NOT_OURS: [&str; 8] = [
    "LMSAUDIT_CONFIG",
    "LMSAUDIT_KAFKA_HOME",
    "LMSAUDIT_KAFKA_PORT",
    "LMSAUDIT_KAFKA_CONTROLLER_PORT",
    "LMSAUDIT_KAFKA_HEAP",
    "LMSAUDIT_KAFKA_START_SECONDS",
    "LMSAUDIT_REVISION",
    "LMSAUDIT_SAMPLES",
];

impl Settings {
    /// A configuration that was not read from anywhere.
    #[must_use]
    pub fn of(config: Config) -> Self {
        Self { config, ..Self::default() }
    }

    /// Where the value of a key comes from.
    #[must_use]
    pub fn origin(&self, part: &str, key: &str) -> Origin {
        self.origins.get(&(part.into(), key.into())).cloned().unwrap_or(Origin::Default)
    }
}

impl Layers {
    /// The file to read, as named by `--config` or `LMSAUDIT_CONFIG`.
    ///
    /// # Errors
    /// [`Misuse`] when it cannot be read.
    pub fn read_file(path: Option<&Path>) -> Result<Option<(PathBuf, String)>, Misuse> {
        let Some(path) = path else { return Ok(None) };
        let text = std::fs::read_to_string(path)
            .map_err(|error| Misuse(format!("cannot read configuration {}: {error}", path.display())))?;
        Ok(Some((path.into(), text)))
    }

    /// Lays the layers over each other.
    ///
    /// # Errors
    /// [`Misuse`] for the first value that does not fit, naming file and line, variable or flag.
    pub fn settle(self) -> Result<Settings, Misuse> {
        let mut merged = Merged::default();
        if let Some((path, text)) = self.file {
            merged.file(path, &text)?;
        }
        merged.env(&self.env)?;
        for (flag, name, value) in self.flags {
            let (part, key) = name
                .split_once('.')
                .filter(|(part, key)| is_key(part, key))
                .ok_or_else(|| Misuse(format!("{flag}: there is no {name}; `config show` lists all keys")))?;
            merged.set(part, key, &value, Origin::Flag(flag))?;
        }
        merged.properties(self.properties);
        merged.settings()
    }
}

#[derive(Default)]
struct Merged {
    table: Table,
    origins: BTreeMap<(String, String), Origin>,
}

impl Merged {
    fn file(&mut self, path: PathBuf, text: &str) -> Result<(), Misuse> {
        // Without the line itself, which may hold a secret that stands in the wrong place.
        let wrong = |error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(0, |start| start.chars().count()) + 1;
            Misuse(format!("{}: line {line}, column {column}: {}", path.display(), error.message()))
        };
        // Read into the struct first, for errors that name line and column.
        toml::from_str::<Config>(text).map_err(wrong)?;
        self.table = toml::from_str(text).map_err(wrong)?;
        for (part, keys) in &self.table {
            for (key, _) in keys.as_table().into_iter().flatten() {
                self.origins.insert((part.clone(), key.clone()), Origin::File(path.clone()));
            }
        }
        Ok(())
    }

    fn env(&mut self, env: &[(String, String)]) -> Result<(), Misuse> {
        let names = variables();
        let general = env.iter().filter(|(name, _)| name == "KAFKA_BOOTSTRAP_SERVERS");
        let ours = env.iter().filter(|(name, _)| name.starts_with(PREFIX));
        for (name, value) in general.chain(ours) {
            if NOT_OURS.contains(&name.as_str()) || cfg!(feature = "failpoints") && name == FAILPOINTS {
                continue;
            }
            let Some((part, key)) = names.get(name) else {
                return Err(Misuse(format!(
                    "environment variable {name}: there is no such key; `config show` lists all keys"
                )));
            };
            self.set(part, key, value, Origin::Env(name.clone()))?;
        }
        Ok(())
    }

    /// Sets one key from text: as a string where the key takes one, else as TOML reads it.
    fn set(&mut self, part: &str, key: &str, text: &str, origin: Origin) -> Result<(), Misuse> {
        let literal =
            toml::from_str::<Table>(&format!("value = {text}")).ok().and_then(|mut t| t.remove("value"));
        let mut problem = String::new();
        for value in [Some(Value::String(text.into())), literal].into_iter().flatten() {
            match fits(part, key, &value) {
                Ok(()) => {
                    self.part(part).insert(key.into(), value);
                    self.origins.insert((part.into(), key.into()), origin);
                    return Ok(());
                }
                Err(error) => problem = error,
            }
        }
        Err(Misuse(format!("{origin}: {part}.{key}: {problem}")))
    }

    fn properties(&mut self, properties: Vec<(String, String)>) {
        if properties.is_empty() {
            return;
        }
        let table = self.part("kafka").entry("properties").or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(table) = table {
            table.extend(properties.into_iter().map(|(key, value)| (key, Value::String(value))));
        }
        self.origins.insert(("kafka".into(), "properties".into()), Origin::Flag("-X".into()));
    }

    fn part(&mut self, part: &str) -> &mut Table {
        let entry = self.table.entry(part).or_insert_with(|| Value::Table(Table::new()));
        entry.as_table_mut().expect("a part was read as a table")
    }

    fn settings(self) -> Result<Settings, Misuse> {
        let config =
            Value::Table(self.table).try_into().map_err(|error| Misuse(format!("configuration: {error}")))?;
        let settings = Settings { config, origins: self.origins };
        settings.check()?;
        Ok(settings)
    }
}

/// Whether a value can stand at a key.
fn fits(part: &str, key: &str, value: &Value) -> Result<(), String> {
    let keys = Table::from_iter([(key.to_string(), value.clone())]);
    let table = Table::from_iter([(part.to_string(), Value::Table(keys))]);
    Value::Table(table).try_into::<Config>().map(drop).map_err(|error| error.message().to_string())
}

fn is_key(part: &str, key: &str) -> bool {
    let part = Config::PARTS.iter().find(|one| one.name == part);
    part.is_some_and(|part| part.keys.iter().any(|one| one.name == key))
}

/// Every environment variable and the key it sets.
fn variables() -> BTreeMap<String, (&'static str, &'static str)> {
    let keys = Config::PARTS.iter().flat_map(|part| part.keys.iter().map(|key| (part.name, key.name)));
    let named = keys.map(|(part, key)| (format!("{PREFIX}{part}_{key}").to_uppercase(), (part, key)));
    named.chain([("KAFKA_BOOTSTRAP_SERVERS".into(), ("kafka", "bootstrap_servers"))]).collect()
}
