//! Measures runs in this process, and what is said of them: the median, and how far they spread.
#![allow(clippy::print_stdout, reason = "the results are what the program is for")]

use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::drive::Written;
use crate::input::Input;
use crate::process::cpu_seconds;

/// Runs shorter than this many seconds say little, as the clock moves in hundredths.
pub(crate) const SHORTEST: f64 = 0.2;

struct Timing {
    cpu: f64,
    wall: f64,
}

/// Runs, and prints input records per CPU-second: median, least and greatest of all measured runs.
///
/// # Errors
/// When a run fails, two runs write differently, or the runs are too short to be measured.
pub(crate) fn measure(
    name: &str,
    input: &Input,
    warm_up: usize,
    runs: usize,
    mut run: impl FnMut() -> Result<Written>,
) -> Result<()> {
    ensure!(runs > 0, "nothing is measured in no runs");
    for _ in 0..warm_up {
        run()?;
    }
    let mut timings = Vec::new();
    let mut written: Option<Written> = None;
    for _ in 0..runs {
        let (cpu, wall) = (cpu_seconds("self")?, Instant::now());
        let now = run()?;
        timings.push(Timing { cpu: cpu_seconds("self")? - cpu, wall: wall.elapsed().as_secs_f64() });
        ensure!(*written.get_or_insert(now) == now, "two runs over the same input wrote differently");
    }
    let written = written.context("nothing was run")?;
    report(name, input, written, &timings)
}

fn report(name: &str, input: &Input, written: Written, timings: &[Timing]) -> Result<()> {
    let mut cpu: Vec<_> = timings.iter().map(|timing| timing.cpu).collect();
    let mut wall: Vec<_> = timings.iter().map(|timing| timing.wall).collect();
    let (cpu_median, wall_median) = (median(&mut cpu), median(&mut wall));
    ensure!(cpu_median >= SHORTEST, "a run takes {cpu_median} s of CPU: make more actions with -n");
    let records = input.len() as f64;
    let rate = |seconds: f64| (records / seconds).round();
    println!("{name}: {} records per CPU-second", rate(cpu_median));
    println!("  of {} runs: {} to {}", cpu.len(), rate(cpu[cpu.len() - 1]), rate(cpu[0]));
    println!("  microseconds of CPU per record: {:.2}", 1e6 * cpu_median / records);
    println!("  records per second of wall time: {}", rate(wall_median));
    println!("  in: {} records, {} bytes", input.len(), input.bytes());
    println!("  out: {} records, {} bytes", written.records, written.bytes);
    Ok(())
}

/// The middle one, or the mean of the two in the middle; sorts.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) { (values[middle - 1] + values[middle]) / 2.0 } else { values[middle] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        for (mut values, expected) in
            [(vec![3.0], 3.0), (vec![9.0, 1.0, 2.0], 2.0), (vec![4.0, 1.0, 2.0, 9.0], 3.0)]
        {
            assert_eq!(median(&mut values), expected);
        }
    }
}
