//! What every command is handed: configuration, output form, where to write.

use std::io::{self, Write};

use crate::cli::Common;
use crate::config::{Config, Layers, Settings};
use crate::output::Format;
use crate::verdict::Misuse;

/// What a command works with.
pub struct Shell<'a> {
    /// The configuration and where its values come from.
    pub settings: Settings,
    /// The form of what is printed.
    pub format: Format,
    /// Where the command prints.
    pub out: Box<dyn Write + 'a>,
}

impl Shell<'static> {
    /// The shell of this process, configured by file, environment and flags.
    ///
    /// # Errors
    /// [`Misuse`] where the configuration does not fit.
    pub fn of_process(common: &Common) -> Result<Self, Misuse> {
        let settings = layers(common, std::env::vars().collect())?.settle()?;
        let out = Box::new(io::BufWriter::new(io::stdout().lock()));
        Ok(Self { settings, format: common.output, out })
    }
}

impl<'a> Shell<'a> {
    /// A shell with this configuration that prints to `out`.
    pub fn new(config: Config, format: Format, out: impl Write + 'a) -> Self {
        Self { settings: Settings::of(config), format, out: Box::new(out) }
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.settings.config
    }
}

fn layers(common: &Common, env: Vec<(String, String)>) -> Result<Layers, Misuse> {
    let set = common.set.iter().map(|(key, value)| ("--set".into(), key.clone(), value.clone()));
    let own = common
        .bootstrap_servers
        .iter()
        .map(|servers| ("--bootstrap-servers".into(), "kafka.bootstrap_servers".into(), servers.clone()));
    Ok(Layers {
        file: Layers::read_file(common.config.as_deref())?,
        env,
        flags: set.chain(own).collect(),
        properties: common.properties.clone(),
    })
}
