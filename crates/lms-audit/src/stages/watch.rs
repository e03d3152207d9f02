//! Checks the topics before the stages start, and goes on checking while they run.

use std::time::Duration;

use runtime::{Admin, Stop};

use crate::commands::topics::differences;
use crate::config::Config;
use crate::topics::Weight;

/// How often the topics are looked at again: a partition count that changes moves tenants.
const EVERY: Duration = Duration::from_secs(60);

/// Checks that every topic is as the stages need it; says what is merely less than planned.
///
/// # Errors
/// Every difference that forbids running, a line each, with what to do.
pub fn check_topics(admin: &mut impl Admin, config: &Config) -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for finding in differences(config, admin)? {
        match finding.weight {
            Weight::Error => wrong.push(finding.to_string()),
            Weight::Warning => tracing::warn!("{finding}"),
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    anyhow::bail!("the topics are not as the stages need them:\n  {}", wrong.join("\n  "))
}

/// Checks the topics until it is told to stop; a difference that forbids running stops everything.
///
/// # Errors
/// That difference. A broker that does not answer is asked again.
pub fn watch_topics(admin: &mut impl Admin, config: &Config, stop: &Stop) -> anyhow::Result<()> {
    while !stop.wait(EVERY) {
        let Err(error) = check_topics(admin, config) else { continue };
        if error.chain().any(|cause| cause.is::<runtime::BrokerError>()) {
            tracing::warn!(
                "the topics could not be checked, trying again in {} s: {error:#}",
                EVERY.as_secs()
            );
            continue;
        }
        stop.set();
        return Err(error);
    }
    Ok(())
}
