//! One call of the registry's REST API: a request, an answer as JSON, an error by its kind.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use ureq::Agent;

use super::{RegistryConfig, RegistryError};

const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// What to do with a path.
pub(super) enum Call<'c> {
    Get,
    Post(&'c Value),
    Put(&'c Value),
}

/// Answers by path, without a network: status and body.
pub(super) type Answers = dyn Fn(&str) -> (u16, String) + Send + Sync;

/// Speaks with one registry.
pub(super) enum Http {
    Network(Network),
    Within(Box<Answers>),
}

/// One registry over HTTP.
pub(super) struct Network {
    agent: Agent,
    base: String,
    authorization: Option<String>,
}

impl Http {
    pub(super) fn new(config: &RegistryConfig) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(config.timeout))
            // The registry's own error codes are in the body of an error's answer.
            .http_status_as_error(false)
            .build()
            .new_agent();
        let authorization = config
            .credentials
            .as_ref()
            .map(|known| format!("Basic {}", STANDARD.encode(format!("{}:{}", known.user, known.password))));
        let base = config.url.trim_end_matches('/').to_owned();
        Self::Network(Network { agent, base, authorization })
    }

    /// # Errors
    /// By status: 404 is `NotFound`; 408, 429 and 5xx are `Unavailable`, as is no answer at all;
    /// everything else is `Refused`.
    pub(super) fn call(&self, path: &str, call: &Call<'_>) -> Result<Value, RegistryError> {
        let unavailable = |problem: String| RegistryError::Unavailable(format!("{path}: {problem}"));
        let (status, body) = match self {
            Self::Network(network) => {
                network.ask(path, call).map_err(|error| unavailable(error.to_string()))?
            }
            Self::Within(answers) => answers(path),
        };
        let answer: Result<Value, _> = serde_json::from_str(&body);
        match (status, answer) {
            (200..=299, Ok(answer)) => Ok(answer),
            (200..=299, Err(_)) => Err(unavailable("the answer is no JSON".into())),
            (_, answer) => Err(failed(path, status, answer.ok().as_ref())),
        }
    }
}

impl Network {
    /// Status and body of the answer, whatever the status says.
    fn ask(&self, path: &str, call: &Call<'_>) -> Result<(u16, String), ureq::Error> {
        let mut response = self.send(&format!("{}{path}", self.base), call)?;
        let status = response.status().as_u16();
        Ok((status, response.body_mut().read_to_string()?))
    }

    fn send(&self, url: &str, call: &Call<'_>) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let (request, body) = match call {
            Call::Get => {
                let mut request = self.agent.get(url).header("accept", CONTENT_TYPE);
                if let Some(authorization) = &self.authorization {
                    request = request.header("authorization", authorization);
                }
                return request.call();
            }
            Call::Post(body) => (self.agent.post(url), body),
            Call::Put(body) => (self.agent.put(url), body),
        };
        let mut request = request.header("accept", CONTENT_TYPE).content_type(CONTENT_TYPE);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        request.send(body.to_string())
    }
}

fn failed(path: &str, status: u16, answer: Option<&Value>) -> RegistryError {
    let code = answer.and_then(|answer| answer["error_code"].as_i64());
    let message = answer.and_then(|answer| answer["message"].as_str()).unwrap_or("no message");
    let shown = match code {
        Some(code) => format!("{path}: status {status}, code {code}: {message}"),
        None => format!("{path}: status {status}: {message}"),
    };
    match (status, code) {
        // A proxy in between, or a path that is not the registry's, also says 404; only the
        // registry's own code says that it looked and found nothing.
        (404, Some(40401..=40499)) => RegistryError::NotFound(shown),
        (404 | 408 | 429 | 500..=599, _) => RegistryError::Unavailable(shown),
        _ => RegistryError::Refused(shown),
    }
}
