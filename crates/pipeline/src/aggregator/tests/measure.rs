//! How many events one CPU folds per second; run by hand, in release:
//! `cargo test -p pipeline --release measure -- --ignored --nocapture`.

use super::*;

/// Nanoseconds this thread has spent on a CPU, by the kernel's account: other work on the machine
/// does not count.
fn on_cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    stat.split(' ').next().and_then(|first| first.parse().ok()).expect("a number")
}

/// A plain stream: 20 event types, 3000 learners, 200 courses, an event every 50 ms, which arrives
/// within two minutes; no random source, so that it is the same each time.
fn stream(count: u32) -> Vec<Vec<u8>> {
    const ACTIONS: [&str; 12] = [
        "course.started",
        "course.completed",
        "course.enrolled",
        "learning_module_attempt.started",
        "learning_module_attempt.completed",
        "quiz_attempt.started",
        "quiz_attempt.completed",
        "certificate.issued",
        "certificate.downloaded",
        "session.learner_registered",
        "attendance.registered",
        "course.updated",
    ];
    let mut seed = 1_u64;
    let mut draw = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let one = |id: u32| {
        let received = i64::from(id) / 20;
        let action = ACTIONS[draw(12) as usize];
        let mut event = event(id, action, received - draw(120) as i64, received);
        event.action.tenant = format!("tenant-{}", draw(4)).parse().expect("valid");
        let user = format!("user-{:06}", draw(3000));
        event.action.actor.id = Some(user.clone().into());
        of(event, &user, &format!("course-{:04}", draw(200)))
    };
    encode(&(0..count).map(one).collect::<Vec<_>>())
}

#[test]
#[ignore = "a measurement, not a test"]
#[expect(clippy::print_stdout, reason = "a measurement is read by a person")]
fn events_per_cpu_second() {
    let events = stream(400_000);
    let bytes: usize = events.iter().map(Vec::len).sum();
    println!("{} events of {} bytes on average", events.len(), bytes / events.len());
    for size in [500, 5_000, 20_000] {
        let mut run = Run::new();
        let (mut process, mut flush) = (0, 0);
        for batch in events.chunks(size) {
            let start = on_cpu();
            for value in batch {
                run.process(value).expect("an event");
            }
            let processed = on_cpu();
            run.commit();
            process += processed - start;
            flush += on_cpu() - processed;
        }
        let each = |nanos: u64| nanos / events.len() as u64;
        println!(
            "transactions of {size}: {} events per CPU second; {} ns to process, {} ns to flush and commit, \
             {} rows sent",
            1_000_000_000 * events.len() as u64 / (process + flush),
            each(process),
            each(flush),
            run.sent.len(),
        );
    }
}
