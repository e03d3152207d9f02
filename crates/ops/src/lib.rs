//! What operators see of a running process: its metrics, whether it lives and is ready, and its log. It knows neither Kafka
//! nor what is counted: every crate registers its own metrics in the registry that is served here, and tells its worker's
//! pulse what it does.

mod build_info;
mod health;
mod logging;
mod pulse;
mod server;

pub use build_info::BuildInfo;
pub use health::{Health, Limits, Trouble};
pub use logging::{LogFormat, LoggingError, init_logging};
pub use pulse::{Backlog, Phase, Pulse};
pub use server::{Server, ServerError};
