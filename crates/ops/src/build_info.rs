//! Which build is running, as a metric: a gauge that is always 1, so that its labels can be joined to any other series.

use prometheus::{IntGauge, Opts, Registry};

/// The labels of `lmsaudit_build_info`.
#[derive(Clone, Copy, Debug)]
pub struct BuildInfo<'a> {
    /// The product's version.
    pub version: &'a str,
    /// The revision of its source, `unknown` where it was built outside version control.
    pub revision: &'a str,
    /// The version of librdkafka that is linked in.
    pub librdkafka: &'a str,
}

impl BuildInfo<'_> {
    /// Adds the metric to a registry.
    ///
    /// # Errors
    /// When the registry has it already.
    pub fn register(self, registry: &Registry) -> prometheus::Result<()> {
        let opts = Opts::new("lmsaudit_build_info", "Which build is running; always 1.")
            .const_label("version", self.version)
            .const_label("revision", self.revision)
            .const_label("librdkafka", self.librdkafka);
        let gauge = IntGauge::with_opts(opts)?;
        gauge.set(1);
        registry.register(Box::new(gauge))
    }
}
