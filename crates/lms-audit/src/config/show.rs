//! The configuration in force as a commented file that can be read back, without any secret.

use std::fmt::Write as _;

use serde_json::json;
use toml::Value;

use super::{Config, Settings};

/// What stands for a secret.
const HIDDEN: &str = "(hidden)";

impl Settings {
    /// As TOML: every key with what it means, its value and where that comes from.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        for (place, part) in Config::PARTS.iter().enumerate() {
            if place > 0 {
                out.push('\n');
            }
            comment(&mut out, part.doc);
            line(&mut out, &format!("[{}]", part.name));
            for key in part.keys {
                comment(&mut out, key.doc);
                let shown = match self.value(part.name, key.name) {
                    Some(value) => format!("{} = {value} # {}", key.name, self.origin(part.name, key.name)),
                    None => format!("# {} is not set", key.name),
                };
                line(&mut out, &shown);
            }
        }
        out
    }

    /// As JSON: `{part: {key: {value, source}}}`; a key that is not set has the value null.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let mut parts = serde_json::Map::new();
        for part in Config::PARTS {
            let key = |name: &str| {
                let value = self.value(part.name, name);
                json!({"value": value, "source": self.origin(part.name, name).to_string()})
            };
            let keys = part.keys.iter().map(|one| (one.name.to_string(), key(one.name)));
            parts.insert(part.name.into(), keys.collect());
        }
        parts.into()
    }

    fn value(&self, part: &str, key: &str) -> Option<Value> {
        let all = Value::try_from(&self.config).expect("every key's type is one of TOML's");
        let mut value = all.get(part)?.get(key)?.clone();
        hide(&mut value);
        Some(value)
    }
}

/// Hides what is secret in a value: properties of telling names, and passwords in addresses.
fn hide(value: &mut Value) {
    match value {
        Value::Table(table) => {
            for (name, value) in table.iter_mut() {
                if is_secret(name) {
                    *value = Value::String(HIDDEN.into());
                } else {
                    hide(value);
                }
            }
        }
        Value::String(text) => {
            if let Some((scheme, rest)) = text.split_once("://")
                && let Some((_, host)) = rest.split_once('@')
            {
                *text = format!("{scheme}://{HIDDEN}@{host}");
            }
        }
        _ => {}
    }
}

/// Whether a librdkafka property holds a secret: passwords, keys as text, OAuth secrets, JAAS lines.
fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    ["password", "secret", ".pem", "jaas", "token", "oauthbearer.config"]
        .iter()
        .any(|part| name.contains(part))
}

fn comment(out: &mut String, doc: &[&str]) {
    for text in doc {
        line(out, &format!("# {}", text.trim()));
    }
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a String takes all");
}
