//! What Linux tells of a process under `/proc`: its CPU time and the most memory it ever held.

use anyhow::{Context, Result, ensure};

/// Clock ticks per second in `/proc`: `USER_HZ`, 100 on every architecture of Linux that Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU time of a process so far, in seconds, user and system, of all its threads; `self` is this one.
pub(crate) fn cpu_seconds(process: &str) -> Result<f64> {
    let path = format!("/proc/{process}/stat");
    let stat = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    parse_cpu(&stat).context(path)
}

/// The greatest resident set of a process so far, in KiB.
pub(crate) fn peak_kib(process: &str) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    parse_peak(&status).context(path)
}

/// Fields 14 and 15 of proc_pid_stat(5), counted after the command's name, which may hold spaces.
fn parse_cpu(stat: &str) -> Result<f64> {
    let (_, fields) = stat.rsplit_once(") ").context("no command is named")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
    let ticks = ticks.collect::<Result<Vec<_>, _>>().context("no times are told")?;
    ensure!(ticks.len() == 2, "the line is too short");
    Ok(ticks.iter().sum::<u64>() as f64 / TICKS_PER_SECOND)
}

/// `VmHWM` of proc_pid_status(5); its "kB" are KiB.
fn parse_peak(status: &str) -> Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("there is no VmHWM")?;
    let number = line.trim().strip_suffix(" kB").context("VmHWM is not in kB")?;
    number.parse().context("VmHWM is no number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_past_any_name() {
        let stat = "7 (a ) b) R 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20 0 1 0 99";
        assert_eq!(parse_cpu(stat).expect("it is whole"), 1.75);
        for broken in ["7 (a) R 1 2", "7 (a) R 1 2 3 4 5 6 7 8 9 10 x 25 0", ""] {
            assert!(parse_cpu(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn peak_memory_is_read_from_its_line() {
        let status = "Name:\tVmHWM: 1 kB\nVmPeak:\t  900 kB\nVmHWM:\t   12345 kB\nVmRSS:\t  700 kB\n";
        assert_eq!(parse_peak(status).expect("it is there"), 12_345);
        for broken in ["VmRSS:\t 1 kB\n", "VmHWM:\t 1 MB\n", "VmHWM:\t x kB\n"] {
            assert!(parse_peak(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn this_process_tells() {
        assert!(cpu_seconds("self").expect("this is Linux") >= 0.0);
        assert!(peak_kib("self").expect("this is Linux") > 0);
        assert!(cpu_seconds("no-process").is_err());
    }
}
