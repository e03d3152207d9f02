//! The endpoint as Prometheus and a kubelet see it: real requests over a real socket.
#![allow(clippy::unwrap_used, reason = "a failing test says where")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ops::{Backlog, BuildInfo, Health, Limits, Phase, Server, ServerError};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

const LIMITS: Limits = Limits { tick: Duration::from_secs(300), progress: Duration::from_secs(120) };
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

struct Answer {
    status: u16,
    head: String,
    body: String,
}

fn ask(server: &Server, path: &str) -> Answer {
    let mut stream = TcpStream::connect(server.local_addr()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

fn server(registry: &Registry, health: &Arc<Health>) -> Server {
    Server::start(LOOPBACK, registry.clone(), Arc::clone(health)).unwrap()
}

fn started() -> Arc<Health> {
    let health = Arc::new(Health::new(LIMITS));
    health.started();
    health
}

#[test]
fn metrics_are_in_the_text_format() {
    let registry = Registry::new();
    BuildInfo { version: "0.1.0", revision: "abc", librdkafka: "2.12.1" }.register(&registry).unwrap();
    let actions = IntCounterVec::new(Opts::new("lmsaudit_actions_total", "Actions."), &["outcome"]).unwrap();
    registry.register(Box::new(actions.clone())).unwrap();
    actions.with_label_values(&["recorded"]).inc_by(41);
    let buckets = HistogramOpts::new("lmsaudit_event_age_seconds", "Age.").buckets(vec![1.0, 5.0]);
    let age = HistogramVec::new(buckets, &["stage"]).unwrap();
    registry.register(Box::new(age.clone())).unwrap();
    age.with_label_values(&["normalizer"]).observe(2.0);
    let unused = IntCounterVec::new(Opts::new("lmsaudit_unused_total", "No child yet."), &["stage"]).unwrap();
    registry.register(Box::new(unused)).unwrap();

    let server = server(&registry, &started());
    let answer = ask(&server, "/metrics");
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
    let samples = samples(&answer.body);
    let value = |name: &str| samples.iter().find(|(sample, _)| sample == name).map(|(_, value)| *value);
    let build = r#"lmsaudit_build_info{librdkafka="2.12.1",revision="abc",version="0.1.0"}"#;
    assert_eq!(value(build), Some(1.0));
    assert_eq!(value(r#"lmsaudit_actions_total{outcome="recorded"}"#), Some(41.0));
    assert_eq!(value(r#"lmsaudit_event_age_seconds_bucket{stage="normalizer",le="1"}"#), Some(0.0));
    assert_eq!(value(r#"lmsaudit_event_age_seconds_bucket{stage="normalizer",le="+Inf"}"#), Some(1.0));
    assert_eq!(samples.len(), 7, "{}", answer.body);

    actions.with_label_values(&["recorded"]).inc();
    assert!(ask(&server, "/metrics").body.contains(r#"outcome="recorded"} 42"#), "every scrape looks anew");
}

/// Every line of the text format: a comment with a known keyword, or a sample with a number.
fn samples(text: &str) -> Vec<(String, f64)> {
    let (comments, samples): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with('#'));
    for comment in comments {
        assert!(
            comment.starts_with("# HELP lmsaudit_") || comment.starts_with("# TYPE lmsaudit_"),
            "{comment}"
        );
    }
    let parse = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    samples.into_iter().map(parse).collect()
}

#[test]
fn ready_only_when_started_and_running() {
    let health = Arc::new(Health::new(LIMITS));
    let server = server(&Registry::new(), &health);
    assert_eq!((ask(&server, "/startupz").status, ask(&server, "/readyz").status), (503, 503));
    assert_eq!(ask(&server, "/livez").status, 200, "what is starting must not be restarted");
    health.started();
    assert_eq!((ask(&server, "/startupz").status, ask(&server, "/readyz").status), (200, 200));

    let now = Instant::now();
    let pulse = health.worker("normalizer-0", now);
    let answer = ask(&server, "/readyz");
    assert_eq!((answer.status, answer.body.as_str()), (503, "normalizer-0: has not joined its group\n"));
    pulse.entered(Phase::Restoring, now);
    assert_eq!(ask(&server, "/readyz").status, 503);
    pulse.entered(Phase::Running, now);
    let answer = ask(&server, "/readyz");
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"));
}

#[test]
fn not_live_when_the_tick_is_old() {
    let health = Arc::new(Health::new(Limits { tick: Duration::from_millis(50), ..LIMITS }));
    let server = server(&Registry::new(), &health);
    let pulse = health.worker("aggregator-1", Instant::now());
    let await_status = |status| {
        let deadline = Instant::now() + Duration::from_secs(20);
        while ask(&server, "/livez").status != status {
            assert!(Instant::now() < deadline, "/livez does not turn {status}");
            if status == 200 {
                pulse.ticked(Instant::now());
            }
        }
    };
    await_status(503);
    assert!(ask(&server, "/livez").body.starts_with("aggregator-1: its main loop last came round"));
    await_status(200);
}

#[test]
fn not_live_when_a_backlog_does_not_shrink() {
    let health = Arc::new(Health::new(Limits { progress: Duration::ZERO, ..LIMITS }));
    let server = server(&Registry::new(), &health);
    let pulse = health.worker("aggregator-1", Instant::now());
    pulse.entered(Phase::Running, Instant::now());
    pulse.saw_backlog(Backlog::Records(9), Instant::now());
    let deadline = Instant::now() + Duration::from_secs(20);
    while ask(&server, "/livez").status == 200 {
        assert!(Instant::now() < deadline, "/livez stays 200");
    }
    assert!(ask(&server, "/livez").body.starts_with("aggregator-1: 9 records wait"));
}

#[test]
fn other_paths_are_not_found() {
    let server = server(&Registry::new(), &started());
    assert_eq!(ask(&server, "/").status, 404);
    assert_eq!(ask(&server, "/metrics").body, "", "an empty registry is no error");
}

#[test]
fn a_taken_address_is_an_error_and_a_dropped_server_frees_it() {
    let first = server(&Registry::new(), &started());
    let address = first.local_addr();
    // A client that keeps its connection open must not keep the server from ending.
    let _idle = TcpStream::connect(address).unwrap();
    let error = Server::start(address, Registry::new(), started()).unwrap_err();
    assert!(matches!(error, ServerError::Bind { .. }));
    assert_eq!(error.to_string(), format!("cannot listen on {address}"));
    drop(first);
    Server::start(address, Registry::new(), started()).unwrap();
}
