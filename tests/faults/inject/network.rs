//! What befalls the network between product and brokers, and the requests that end transactions on their way.

use std::time::Duration;

use testkit::{EndTxnFault, Way};

use super::{Hit, aim_at_any};
use crate::faults::hall::Hall;
use crate::faults::schedule::Fault;

pub(super) fn delay(hall: &mut Hall, fault: &Fault) -> Result<Hit, String> {
    let each_way = Duration::from_millis(50 + u64::try_from(fault.choice).expect("small") % 350);
    let hit = aim_at_any(hall, fault);
    hall.site.kafka.network().delay(each_way);
    Ok(held(hall, fault, hit))
}

/// From all brokers, or from one where there are several.
pub(super) fn cut(hall: &mut Hall, fault: &Fault) -> Result<Hit, String> {
    let hit = aim_at_any(hall, fault);
    match some_node(hall, fault) {
        Some(node) => hall.site.kafka.network().proxy(node).cut(),
        None => hall.site.kafka.network().cut(),
    }
    Ok(held(hall, fault, hit))
}

pub(super) fn half_open(hall: &mut Hall, fault: &Fault) -> Result<Hit, String> {
    let way = [Way::ToBroker, Way::ToClient, Way::Both][fault.choice % 3];
    let hit = aim_at_any(hall, fault);
    match some_node(hall, fault) {
        Some(node) => hall.site.kafka.network().proxy(node).half_open(way),
        None => hall.site.kafka.network().half_open(way),
    }
    Ok(held(hall, fault, hit))
}

/// At once, or in the midst of whatever is sent next.
pub(super) fn reset(hall: &mut Hall, fault: &Fault) -> Result<Hit, String> {
    let hit = aim_at_any(hall, fault);
    if fault.choice.is_multiple_of(2) {
        hall.site.kafka.network().reset();
    } else {
        hall.site.kafka.network().reset_after(u64::try_from(fault.choice).expect("small") * 17);
    }
    Ok(held(hall, fault, hit))
}

/// The request arrives when its client has given it up and sent it again over another connection.
pub(super) fn delay_end_txn(hall: &mut Hall, fault: &Fault) -> Result<Hit, String> {
    let late = if fault.choice.is_multiple_of(2) {
        EndTxnFault::DelayRequest(fault.hold)
    } else {
        EndTxnFault::DelayResponse(fault.hold)
    };
    end_txn(hall, fault, late, 1, fault.hold + Duration::from_secs(1))
}

/// The request arrives twice, or its answer is lost so that the client sends it again.
pub(super) fn duplicate_end_txn(hall: &mut Hall, fault: &Fault) -> Result<Hit, String> {
    let twice =
        if fault.choice.is_multiple_of(2) { EndTxnFault::Duplicate } else { EndTxnFault::DropResponse };
    end_txn(hall, fault, twice, 1 + fault.choice % 3, fault.hold)
}

/// Such a request ends a transaction that is open, so each hits one.
fn end_txn(
    hall: &mut Hall,
    fault: &Fault,
    what: EndTxnFault,
    times: usize,
    hold: Duration,
) -> Result<Hit, String> {
    let network = hall.site.kafka.network();
    network.on_end_txn(what, times);
    let began = std::time::Instant::now();
    // Every process ends one within a commit interval, if it works at all.
    while network.end_txn_awaited() == times {
        if began.elapsed() > Duration::from_secs(30) {
            network.heal();
            return Err(format!("no EndTxn came within 30 s of fault {}", fault.number));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(hold);
    network.heal();
    Ok(Hit::Open)
}

/// With three nodes, every other time one of them alone.
fn some_node(hall: &Hall, fault: &Fault) -> Option<i32> {
    let nodes = hall.site.kafka.nodes();
    let one = nodes.len() > 1 && (fault.choice / 3).is_multiple_of(2);
    one.then(|| nodes[fault.choice % nodes.len()].id())
}

fn held(hall: &Hall, fault: &Fault, hit: Hit) -> Hit {
    std::thread::sleep(fault.hold);
    hall.site.kafka.network().heal();
    hit
}
