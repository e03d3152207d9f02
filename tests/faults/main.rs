//! `faults`: runs the fault campaign, one run per seed, and says what came of it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::thread;

use clap::Parser as _;
use tests::faults::{Done, Options, Report, Schedule, run};

const UNHARMED: &str = "no holder of this lock panics";

fn main() -> ExitCode {
    let options = Options::parse();
    match campaign(&options) {
        Ok(code) => code,
        Err(problem) => {
            say(&format!("faults: {problem}"));
            ExitCode::FAILURE
        }
    }
}

fn campaign(options: &Options) -> Result<ExitCode, String> {
    let schedules =
        (options.seed..options.seed + options.seeds).map(|seed| Schedule::of(seed, &options.plan()));
    if options.dry_run {
        schedules.for_each(|schedule| print(&schedule.to_string()));
        return Ok(ExitCode::SUCCESS);
    }
    let binary = options.binary.clone().map_or_else(build, Ok)?;
    let waiting = Mutex::new(schedules);
    let report = Mutex::new(Report::default());
    let work = || -> Result<(), String> {
        while let Some(schedule) = next(&waiting) {
            print(&schedule.to_string());
            let tell = |text: &str| say(&format!("seed {:<4}{text}", schedule.seed));
            let done = run(&schedule, options, &binary, &tell).ok_or("there can be no Kafka here")?;
            done.problems.iter().for_each(|problem| tell(&format!("  {problem}")));
            add(&report, done, options)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..options.jobs).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| "a run panicked")?)
    })?;
    let report = report.into_inner().expect(UNHARMED);
    print(&report.table());
    Ok(if report.problems().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn next(waiting: &Mutex<impl Iterator<Item = Schedule>>) -> Option<Schedule> {
    waiting.lock().expect(UNHARMED).next()
}

/// After every run, so that a campaign that is broken off has said what it found.
fn add(report: &Mutex<Report>, done: Done, options: &Options) -> Result<(), String> {
    let mut report = report.lock().expect(UNHARMED);
    report.runs.push(done);
    report.runs.sort_by_key(|run| run.seed);
    let Some(file) = &options.report else { return Ok(()) };
    let folder = file.parent().unwrap_or(Path::new(""));
    let text = format!("{:#}\n", report.json());
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(file, text))
        .map_err(|error| format!("{}: {error}", file.display()))
}

/// The campaign's own build of the product: with its failpoints.
fn build() -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments =
        ["build", "--locked", "--profile", "campaign", "-p", "lms-audit", "--features", "failpoints"];
    let status = Command::new(cargo)
        .args(arguments)
        .args(["--bin", "lms-audit"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !status.success() {
        return Err(format!("the product could not be built: {status}"));
    }
    Ok(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/campaign/lms-audit")))
}

/// To standard output: what the campaign finds. A reader that has gone needs no more of it.
fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// To standard error: how it goes.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
