//! Workers that come and go under load: nothing lost, nothing doubled, each tenant's events in the order of its actions.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use catalog::Topic;
use codec::Codec;
use testkit::{Product, Signal};
use tests::trail::{LONG, Outputs, Site, generated, judge, raw};

#[test]
fn workers_that_come_and_go_lose_nothing_and_keep_the_order() {
    let Some(site) = Site::fresh() else { return };
    let enough = AtomicBool::new(false);
    let mut rest = std::thread::scope(|scope| {
        // Actions come all the while, chunk after chunk.
        scope.spawn(|| {
            let mut actions = generated(20_000, 31).map(raw).peekable();
            while actions.peek().is_some() && !enough.load(Ordering::Relaxed) {
                site.send(actions.by_ref().take(50));
            }
        });
        let mut one = site.run("one", &["--leave"]);
        one.await_log(LONG, "partition restored");
        let mut two = site.run("two", &["--leave"]);
        two.await_log(LONG, "partition restored");
        let mut three = site.run("three", &["--leave"]);
        three.await_log(LONG, "partition restored");
        leave(one);
        let mut four = site.run("four", &["--leave", "--workers", "2"]);
        four.await_log(LONG, "partition restored");
        leave(two);
        enough.store(true, Ordering::Relaxed);
        [three, four]
    });
    let [three, four] = &mut rest;
    site.await_caught_up(&mut [three, four]);
    let account = judge(&site);
    assert!(account.recorded > 500, "{account:?}");
    in_order(&Outputs::of(&site));
    for product in rest {
        leave(product);
    }
}

fn leave(mut product: Product) {
    product.signal(Signal::Term);
    let status = product.wait(LONG);
    assert!(status.success(), "{status}:\n{}", product.stderr());
}

fn in_order(outputs: &Outputs) {
    let decoder = Codec::single_object().decoder();
    let mut last: BTreeMap<String, (u32, i64)> = BTreeMap::new();
    for (partition, written) in outputs.stream(Topic::Events) {
        let event = decoder.event(written.value.as_deref().expect("a value")).expect("an event of ours");
        let tenant = event.action.tenant.as_str().to_owned();
        let (home, before) =
            last.insert(tenant.clone(), (partition, event.provenance.offset)).unwrap_or((partition, -1));
        assert_eq!(home, partition, "{tenant} lies in one partition");
        assert!(before < event.provenance.offset, "{tenant}: {before} before {}", event.provenance.offset);
    }
    assert!(last.len() > 5, "{last:?}");
}
