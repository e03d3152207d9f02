//! A child process as a test of the product handles it; a shell stands in for the product.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use testkit::{Product, Signal};

const LIMIT: Duration = Duration::from_secs(20);

fn shell(script: &str) -> Product {
    Product::spawn("/bin/sh", ["-c", script], [("WHO", "world")])
}

#[test]
fn its_output_and_exit_code_are_kept() {
    let mut product = shell("echo hello $WHO; echo trouble >&2; exit 3");
    assert_eq!(product.wait(LIMIT).code(), Some(3));
    assert_eq!((product.stdout().as_str(), product.stderr().as_str()), ("hello world\n", "trouble\n"));
    assert!(!product.is_running());
}

#[test]
fn it_is_asked_to_end_and_ends_in_its_own_way() {
    let mut product = shell("trap 'echo bye; exit 0' TERM; echo ready >&2; while :; do sleep 0.05; done");
    product.await_log(LIMIT, "ready");
    product.signal(Signal::Term);
    assert_eq!(product.wait(LIMIT).code(), Some(0));
    assert_eq!(product.stdout(), "bye\n");
}

#[test]
fn it_is_killed_frozen_too() {
    let mut product = shell("echo ready >&2; exec sleep 600");
    product.await_log(LIMIT, "ready");
    product.signal(Signal::Stop);
    product.kill();
    assert_eq!(product.wait(LIMIT).signal(), Some(9));
}

#[test]
#[should_panic(expected = "ended before it logged \"ready\"")]
fn waiting_for_the_log_of_one_that_ended_fails_at_once() {
    shell("echo oops >&2").await_log(LIMIT, "ready");
}
