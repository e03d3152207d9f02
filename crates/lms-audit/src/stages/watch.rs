//! Checks the topics before the stages start, and goes on checking while they run.

use std::time::Duration;

use runtime::{Admin, Stop};

use super::OldestState;
use crate::commands::topics::look;
use crate::config::Config;
use crate::topics::Weight;

/// How often the topics are looked at again: a partition count that changes moves tenants.
const EVERY: Duration = Duration::from_secs(60);

/// When a difference is looked at again before it counts: brokers are asked in turn, and one catches up within seconds.
const AGAIN: Duration = Duration::from_secs(10);

/// Checks that every topic is as the stages need it; says what is merely less than planned, and takes
/// note of how old state on disk may be.
///
/// # Errors
/// Every difference that forbids running, a line each, with what to do.
pub fn check_topics(
    admin: &mut impl Admin,
    config: &Config,
    oldest_state: &OldestState,
) -> anyhow::Result<()> {
    let (topics, findings) = look(config, admin)?;
    oldest_state.learn(&topics);
    let mut wrong = Vec::new();
    for finding in findings {
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
pub fn watch_topics(
    admin: &mut impl Admin,
    config: &Config,
    oldest_state: &OldestState,
    stop: &Stop,
) -> anyhow::Result<()> {
    while !stop.wait(EVERY) {
        // Twice: a broker that just started may not know of every topic yet.
        if check_topics(admin, config, oldest_state).is_ok() || stop.wait(AGAIN) {
            continue;
        }
        let Err(error) = check_topics(admin, config, oldest_state) else { continue };
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
