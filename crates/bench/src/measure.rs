//! CPU time of this process, and what is said of some runs: the median, and how far they spread.
#![allow(clippy::print_stdout, reason = "the results are what the program is for")]

use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::drive::Written;
use crate::input::Input;

/// Clock ticks per second in `/proc`: `USER_HZ`, 100 on every architecture of Linux that Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;
/// Runs shorter than this many seconds say little, as the clock moves in hundredths.
const SHORTEST: f64 = 0.2;

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
        let (cpu, wall) = (cpu_seconds()?, Instant::now());
        let now = run()?;
        timings.push(Timing { cpu: cpu_seconds()? - cpu, wall: wall.elapsed().as_secs_f64() });
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
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) { (values[middle - 1] + values[middle]) / 2.0 } else { values[middle] }
}

/// CPU time of this process so far, user and system.
fn cpu_seconds() -> Result<f64> {
    parse_cpu(&std::fs::read_to_string("/proc/self/stat").context("read /proc/self/stat")?)
}

/// Fields 14 and 15 of proc_pid_stat(5), counted after the command's name, which may hold spaces.
fn parse_cpu(stat: &str) -> Result<f64> {
    let (_, fields) = stat.rsplit_once(") ").context("/proc/self/stat names no command")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
    let ticks = ticks.collect::<Result<Vec<_>, _>>().context("/proc/self/stat holds no times")?;
    ensure!(ticks.len() == 2, "/proc/self/stat is too short");
    Ok(ticks.iter().sum::<u64>() as f64 / TICKS_PER_SECOND)
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

    #[test]
    fn cpu_time_is_read_past_any_name() {
        let stat = "7 (a ) b) R 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20 0 1 0 99";
        assert_eq!(parse_cpu(stat).expect("it is whole"), 1.75);
        assert!(parse_cpu("7 (a) R 1 2").is_err());
        assert!(parse_cpu("").is_err());
    }
}
