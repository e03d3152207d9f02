//! What befalls the network between product and brokers, and the requests that end transactions on their way. The proxies' own
//! tally says whether they acted.

use std::time::{Duration, SystemTime};

use testkit::{Counts, EndTxnFault, Way};

use super::{aim_at_any, ask};
use crate::faults::evidence::{Act, Evidence};
use crate::faults::hall::Hall;
use crate::faults::schedule::Fault;

/// A connection that is to be reset carries something within this, if the product works at all.
const CARRIES: Duration = Duration::from_secs(10);
/// Every process ends a transaction within a commit interval, if it works at all.
const ENDS: Duration = Duration::from_secs(30);

pub(super) fn delay(hall: &mut Hall, fault: &Fault) -> Result<Evidence, String> {
    let each_way = Duration::from_millis(50 + u64::try_from(fault.choice).expect("small") % 350);
    aim_at_any(hall, fault);
    let (from, before) = begin(hall);
    hall.site.kafka.network().delay(each_way);
    let open = hall.site.kafka.network().open();
    std::thread::sleep(fault.hold);
    let carried = |counts: Counts| counts.bytes_to_broker + counts.bytes_to_client;
    Ok(healed(hall, from, |now| open > 0 && carried(now) > carried(before)))
}

/// From all brokers, or from one where there are several.
pub(super) fn cut(hall: &mut Hall, fault: &Fault) -> Result<Evidence, String> {
    aim_at_any(hall, fault);
    let (from, before) = begin(hall);
    match some_node(hall, fault) {
        Some(node) => hall.site.kafka.network().proxy(node).cut(),
        None => hall.site.kafka.network().cut(),
    }
    std::thread::sleep(fault.hold);
    Ok(healed(hall, from, |now| now.ended > before.ended))
}

pub(super) fn half_open(hall: &mut Hall, fault: &Fault) -> Result<Evidence, String> {
    let way = [Way::ToBroker, Way::ToClient, Way::Both][fault.choice % 3];
    aim_at_any(hall, fault);
    let (from, before) = begin(hall);
    match some_node(hall, fault) {
        Some(node) => hall.site.kafka.network().proxy(node).half_open(way),
        None => hall.site.kafka.network().half_open(way),
    }
    std::thread::sleep(fault.hold);
    Ok(healed(hall, from, |now| now.bytes_swallowed > before.bytes_swallowed))
}

/// At once, or in the midst of whatever is sent next.
pub(super) fn reset(hall: &mut Hall, fault: &Fault) -> Result<Evidence, String> {
    aim_at_any(hall, fault);
    let (from, before) = begin(hall);
    let network = hall.site.kafka.network();
    let ended = || (network.counts().ended > before.ended).then(SystemTime::now);
    if fault.choice.is_multiple_of(2) {
        network.reset();
    } else {
        network.reset_after(u64::try_from(fault.choice).expect("small") * 17);
    }
    let until = ask(CARRIES, ended);
    let acts = Act::during(hall.logs(None), from, until.unwrap_or(from));
    std::thread::sleep(fault.hold);
    network.heal();
    Ok(Evidence::seen(acts, until.is_some()))
}

/// The request arrives when its client has given it up and sent it again over another connection.
pub(super) fn delay_end_txn(hall: &mut Hall, fault: &Fault) -> Result<Evidence, String> {
    let late = if fault.choice.is_multiple_of(2) {
        EndTxnFault::DelayRequest(fault.hold)
    } else {
        EndTxnFault::DelayResponse(fault.hold)
    };
    end_txn(hall, fault, late, 1, fault.hold + Duration::from_secs(1))
}

/// The request arrives twice, or its answer is lost so that the client sends it again.
pub(super) fn duplicate_end_txn(hall: &mut Hall, fault: &Fault) -> Result<Evidence, String> {
    let twice =
        if fault.choice.is_multiple_of(2) { EndTxnFault::Duplicate } else { EndTxnFault::DropResponse };
    end_txn(hall, fault, twice, 1 + fault.choice % 3, fault.hold)
}

/// It acts between the last look at which no request had come and the first at which one had.
fn end_txn(
    hall: &mut Hall,
    fault: &Fault,
    what: EndTxnFault,
    times: usize,
    hold: Duration,
) -> Result<Evidence, String> {
    let (mut from, before) = begin(hall);
    let (network, logs) = (hall.site.kafka.network(), hall.logs(None));
    network.on_end_txn(what, times);
    let armed = std::time::Instant::now();
    loop {
        let looked = SystemTime::now();
        if network.end_txn_awaited() < times {
            break;
        }
        if armed.elapsed() > ENDS {
            network.heal();
            return Err(format!("no EndTxn came within {ENDS:?} of fault {}", fault.number));
        }
        from = looked;
        std::thread::sleep(Duration::from_millis(5));
    }
    let acts = Act::during(logs, from, SystemTime::now());
    std::thread::sleep(hold);
    let acted = |counts: Counts| counts.end_txn_delayed + counts.end_txn_duplicated + counts.end_txn_dropped;
    let seen = acted(network.counts()) > acted(before);
    network.heal();
    Ok(Evidence::seen(acts, seen))
}

/// With three nodes, every other time one of them alone.
fn some_node(hall: &Hall, fault: &Fault) -> Option<i32> {
    let nodes = hall.site.kafka.nodes();
    let one = nodes.len() > 1 && (fault.choice / 3).is_multiple_of(2);
    one.then(|| nodes[fault.choice % nodes.len()].id())
}

fn begin(hall: &Hall) -> (SystemTime, Counts) {
    (SystemTime::now(), hall.site.kafka.network().counts())
}

fn healed(hall: &Hall, from: SystemTime, acted: impl Fn(Counts) -> bool) -> Evidence {
    let acts = Act::during(hall.logs(None), from, SystemTime::now());
    let seen = acted(hall.site.kafka.network().counts());
    hall.site.kafka.network().heal();
    Evidence::seen(acts, seen)
}
