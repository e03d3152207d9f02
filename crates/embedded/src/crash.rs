//! Crash points: a run is made undisturbed to learn its steps, then once for each fault that each
//! of them can show.

use std::fmt;

use crate::fault::{CrashPlan, Fault, Step};
use crate::log::EmbeddedLog;

/// One fault at one step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashPoint {
    /// The step's number, from 0.
    pub number: usize,
    /// The step.
    pub step: Step,
    /// What goes wrong there.
    pub fault: Fault,
}

impl fmt::Display for CrashPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at step {} ({:?})", self.fault, self.number, self.step)
    }
}

/// Runs once undisturbed, then once per crash point, each time on a log of its own, and hands every
/// disturbed result to `judge` beside the undisturbed one. Returns how many crash points there were.
///
/// `prepare` makes the log with topics and input. `run` works until all of it is done: after a
/// [`Fault::Crash`] it goes on with [`EmbeddedLog::restart`]. What it reads of the log at the end,
/// `R`, must not hold what a fault may change, such as offsets after an aborted transaction.
///
/// # Panics
/// If two runs differ before the fault, as then nothing was tested.
pub fn crash_points<R>(
    prepare: impl Fn() -> EmbeddedLog,
    run: impl Fn(&EmbeddedLog) -> R,
    mut judge: impl FnMut(&CrashPoint, &R, R),
) -> usize {
    let disturbed = |plan: CrashPlan| {
        let log = prepare();
        log.plan(plan);
        let result = run(&log);
        (result, log)
    };
    let (undisturbed, log) = disturbed(CrashPlan::default());
    let points = crash_points_of(&log.steps());
    for point in &points {
        let (result, log) = disturbed(CrashPlan::at([(point.number, point.fault)]));
        assert_eq!(log.steps().get(point.number), Some(&point.step), "{point}: the run is not deterministic");
        assert_eq!(log.faults_occurred(), 1, "{point}: it did not occur");
        judge(point, &undisturbed, result);
    }
    points.len()
}

fn crash_points_of(steps: &[Step]) -> Vec<CrashPoint> {
    let points = |(number, step): (usize, &Step)| {
        let step = *step;
        step.faults().iter().map(move |fault| CrashPoint { number, step, fault: *fault })
    };
    steps.iter().enumerate().flat_map(points).collect()
}
