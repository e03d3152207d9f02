//! What a running stage says of its progress at `/metrics`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::StageName;

const ANSWER: Duration = Duration::from_secs(10);
/// The log line that names the address, and where in it the address stands.
pub(super) const SERVED: &str = "metrics and health are served";
const ADDRESS: &str = r#""address":""#;

/// One scrape, in Prometheus' text format.
pub(crate) struct Metrics(String);

impl Metrics {
    /// Asks for it. HTTP/1.0, so that the answer comes in one piece and ends with the connection.
    pub(crate) fn scrape(address: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect_timeout(&address, ANSWER)?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("the answer is no HTTP")?;
        let status = head.lines().next().unwrap_or_default();
        ensure!(status.contains(" 200 "), "the answer is {status:?}");
        Ok(Self(body.to_owned()))
    }

    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self(String::new())
    }

    /// How many input records a stage has done with in committed transactions; a re-routed action is counted where
    /// it arrives.
    pub(crate) fn settled(&self, stage: StageName) -> Result<u64> {
        match stage {
            // Not those consumed less those re-routed: of two counters, one is always counted first.
            StageName::Normalizer => {
                self.sum("lmsaudit_actions_total", |labels| !labels.contains(r#"outcome="rerouted""#))
            }
            StageName::Aggregator => {
                self.sum("lmsaudit_records_consumed_total", |labels| labels.contains(r#"stage="aggregator""#))
            }
        }
    }

    /// How many actions the normalizer has brought to an outcome of this name.
    pub(crate) fn actions(&self, outcome: &str) -> Result<u64> {
        let label = format!(r#"outcome="{outcome}""#);
        self.sum("lmsaudit_actions_total", |labels| labels.contains(&label))
    }

    /// How many rows the stages hold of a view or table.
    pub(crate) fn rows(&self, view: &str) -> Result<u64> {
        let label = format!(r#"view="{view}""#);
        self.sum("lmsaudit_state_rows", |labels| labels.contains(&label))
    }

    /// How many input records are known to wait, where it is known of so many partitions.
    pub(crate) fn lag(&self, partitions: u32) -> Result<Option<u64>> {
        let name = "lmsaudit_consumer_lag_records{";
        let known = self.0.lines().filter(|line| line.starts_with(name)).count();
        if known < partitions as usize {
            return Ok(None);
        }
        self.sum("lmsaudit_consumer_lag_records", |_| true).map(Some)
    }

    /// The sum over one counter's series with such labels; none of them is 0, as before a stage's start.
    fn sum(&self, name: &str, wanted: impl Fn(&str) -> bool) -> Result<u64> {
        let series = |line| -> Option<(&str, &str)> {
            let line: &str = line;
            line.strip_prefix(name)?.strip_prefix('{')?.split_once("} ")
        };
        let chosen = self.0.lines().filter_map(series).filter(|(labels, _)| wanted(labels));
        chosen.map(|(_, value)| value.parse::<u64>().with_context(|| format!("{name} is {value:?}"))).sum()
    }
}

/// The address that a stage's log names, once it does.
pub(crate) fn address(log: &str) -> Option<SocketAddr> {
    let line = log.lines().find(|line| line.contains(SERVED))?;
    line.split_once(ADDRESS)?.1.split('"').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# HELP lmsaudit_actions_total Actions, by what became of them.
# TYPE lmsaudit_actions_total counter
lmsaudit_actions_total{outcome="recorded"} 90
lmsaudit_actions_total{outcome="duplicate"} 7
lmsaudit_actions_total{outcome="rerouted"} 5
lmsaudit_actions_total_other{outcome="recorded"} 1000
lmsaudit_records_consumed_total{stage="aggregator",topic="lms.audit.events.v1"} 80
lmsaudit_records_consumed_total{stage="normalizer",topic="lms.actions.v1"} 102
lmsaudit_state_rows{view="register"} 7
lmsaudit_consumer_lag_records{partition="0",stage="aggregator",topic="lms.audit.events.v1"} 3
lmsaudit_consumer_lag_records{partition="1",stage="aggregator",topic="lms.audit.events.v1"} 2
"#;

    #[test]
    fn progress_is_read_from_the_counters() {
        let metrics = Metrics(TEXT.into());
        assert_eq!(metrics.settled(StageName::Normalizer).expect("numbers"), 97);
        assert_eq!(metrics.settled(StageName::Aggregator).expect("numbers"), 80);
        assert_eq!(metrics.actions("rerouted").expect("numbers"), 5);
        assert_eq!(metrics.rows("register").expect("numbers"), 7);
        assert_eq!([2, 3].map(|count| metrics.lag(count).expect("numbers")), [Some(5), None]);
        assert_eq!(Metrics::none().settled(StageName::Normalizer).expect("none"), 0);
        let broken = Metrics(r#"lmsaudit_actions_total{outcome="recorded"} many"#.into());
        assert!(broken.settled(StageName::Normalizer).is_err());
    }

    #[test]
    fn the_log_names_the_address() {
        let line = r#"{"level":"INFO","message":"metrics and health are served","address":"127.0.0.1:9464"}"#;
        let log = format!("{{\"message\":\"first\",\"address\":\"x\"}}\n{line}\n");
        assert_eq!(address(&log), Some(SocketAddr::from(([127, 0, 0, 1], 9464))));
        assert_eq!(address("{\"message\":\"first\"}\n"), None);
    }

    #[test]
    fn a_scrape_reads_the_body_of_a_good_answer_alone() {
        for (answer, expected) in
            [("HTTP/1.0 200 OK\r\nA: b\r\n\r\nx 1\n", Some("x 1\n")), ("HTTP/1.0 503 No\r\n\r\n", None)]
        {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            let address = listener.local_addr().expect("bound");
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().expect("a client");
                let mut request = [0; 25];
                stream.read_exact(&mut request).expect("a request");
                stream.write_all(answer.as_bytes()).expect("it reads");
            });
            assert_eq!(Metrics::scrape(address).ok().map(|metrics| metrics.0).as_deref(), expected);
            server.join().expect("the server ends");
        }
    }
}
