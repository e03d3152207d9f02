//! Configuration from everywhere it comes from: a file, the environment, flags and properties.

use lms_audit::config::{Config, Layers};

/// Blocks with `---` between them: the file, then lines `NAME=value` for the environment, `part.key=value` for `--set`, and
/// `key=value` for `-X`. What fits is shown, and what is shown reads back as the same, unless it held a secret.
pub(crate) fn body(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut parts = text.split("\n---\n");
    let mut part = || parts.next().unwrap_or_default();
    let layers = Layers {
        file: Some(("audit.toml".into(), part().to_owned())),
        env: pairs(part()).collect(),
        flags: pairs(part()).map(|(name, value)| ("--set".to_owned(), name, value)).collect(),
        properties: pairs(part()).collect(),
    };
    let settings = match layers.clone().settle() {
        Ok(settings) => settings,
        Err(misuse) => return assert!(!misuse.0.is_empty()),
    };
    assert_eq!(layers.settle().as_ref(), Ok(&settings), "read twice, it is something else");
    let shown = settings.to_toml();
    drop(settings.to_json());
    if !shown.contains("(hidden)") {
        let again = toml::from_str::<Config>(&shown);
        let again = again.unwrap_or_else(|error| panic!("what is shown cannot be read: {error}\n{shown}"));
        assert_eq!(again, settings.config, "what is shown is something else");
    }
}

fn pairs(lines: &str) -> impl Iterator<Item = (String, String)> {
    lines
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}
