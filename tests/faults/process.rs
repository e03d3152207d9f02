//! One process of the product in a run: where its state lies, how it is started again under the same name, and where its logs
//! are kept: in the run's folder.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, SystemTime};

use testkit::{Product, Signal};

use super::logs::{Log, LogFile};
use super::memory::Memory;
use super::stage::StageName;
use crate::trail::LONG;

/// What all processes of a run share.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The product.
    pub binary: PathBuf,
    /// Its environment, but for what is each process's own.
    pub environment: Vec<(String, String)>,
    /// How long the stages gather before they commit.
    pub commit_interval: Duration,
    /// Whether the product was built with failpoints; one that was not refuses to be told of them.
    pub failpoints: bool,
    /// The run's folder.
    pub folder: PathBuf,
    /// Who watches the memory of every process.
    pub memory: Memory,
}

/// What a process does when it is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// It stays a member of its group, as one that comes back.
    Stays,
    /// It leaves, and its partitions move.
    Leaves,
}

/// A process, running or not.
pub struct Process {
    /// Its stage.
    pub stage: StageName,
    /// Its name among those of its stage.
    pub instance: String,
    /// What it does when it is asked to end.
    pub membership: Membership,
    launch: Launch,
    starts: usize,
    product: Option<Product>,
}

impl Process {
    /// A process that was not started yet.
    #[must_use]
    pub fn new(launch: &Launch, stage: StageName, instance: &str, membership: Membership) -> Self {
        let (launch, instance) = (launch.clone(), instance.to_owned());
        Self { stage, instance, membership, launch, starts: 0, product: None }
    }

    /// Its name in reports and file names.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.stage, self.instance)
    }

    /// Where its state lies.
    #[must_use]
    pub fn state_folder(&self) -> PathBuf {
        self.launch.folder.join("state").join(self.name())
    }

    /// The transactional id of its first worker, as the product makes it.
    #[must_use]
    pub fn transactional_id(&self) -> String {
        format!("{}-{}-{}-0", lms_audit::stages::APP, self.stage, self.instance)
    }

    /// Starts it and waits until it answers signals.
    ///
    /// # Panics
    /// When it runs, or cannot be started.
    pub fn start(&mut self) {
        assert!(self.product.is_none(), "{} runs already", self.name());
        self.starts += 1;
        let mut product = Product::spawn(&self.launch.binary, self.arguments(), self.environment());
        self.launch.memory.watch(&self.name(), product.id());
        let log = self.log_file();
        // A second name keeps the file when the process's own folder goes. Across file systems it is copied at the end.
        let _ = std::fs::hard_link(product.stderr_file(), &log);
        product.await_log(LONG, "metrics and health are served");
        self.product = Some(product);
    }

    /// Whether it was started and has not ended.
    pub fn is_running(&mut self) -> bool {
        self.product.as_mut().is_some_and(Product::is_running)
    }

    /// How it ended, where it was not told to: None while it runs, or where it was ended from here.
    pub fn ended_by_itself(&mut self) -> Option<String> {
        if self.product.is_none() || self.is_running() {
            return None;
        }
        let status = self.take_ended(Duration::ZERO);
        Some(format!("{} ended by itself with {status}: {}", self.name(), self.last_words()))
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When it does not run.
    pub fn signal(&mut self, signal: Signal) {
        self.product_mut().signal(signal);
    }

    /// SIGKILL, and waits for the end.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&mut self) {
        self.signal(Signal::Kill);
        self.take_ended(LONG);
    }

    /// Waits for the end of one that was asked to end.
    ///
    /// # Errors
    /// How it ended, where that is not well.
    pub fn await_end(&mut self) -> Result<(), String> {
        let status = self.take_ended(LONG);
        let words =
            || format!("{} was asked to end and did with {status}: {}", self.name(), self.last_words());
        if status.success() { Ok(()) } else { Err(words()) }
    }

    /// Waits until its log contains `text`, for so long; false when it does not, or when the process ends.
    pub fn saw(&mut self, text: &str, limit: Duration) -> bool {
        let began = std::time::Instant::now();
        loop {
            if self.log().contains(text) {
                return true;
            }
            if began.elapsed() > limit || !self.is_running() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What the log of its present life says, or of the last one where it does not run.
    #[must_use]
    pub fn said(&self) -> Log {
        Log::of(&self.log())
    }

    /// The log of its present life, to be read later.
    ///
    /// # Panics
    /// When it does not run.
    pub fn log_of_this_life(&self) -> LogFile {
        let product = self.product.as_ref().unwrap_or_else(|| panic!("{} does not run", self.name()));
        LogFile { kept: self.log_file(), written: product.stderr_file() }
    }

    /// When its open transaction is committed, as it is so long after its begin; None where none is open.
    pub fn commit_due(&self) -> Option<SystemTime> {
        self.said().open_since().map(|begun| begun + self.launch.commit_interval)
    }

    /// Sets its failpoints; they hold from the next pass of its loops.
    ///
    /// # Panics
    /// When their file cannot be written.
    pub fn set_failpoints(&self, lines: &str) {
        let (file, new) = (self.failpoints_file(), self.failpoints_file().with_extension("new"));
        // Renamed, so that a half-written file is never read.
        std::fs::write(&new, lines).and_then(|()| std::fs::rename(&new, &file)).expect("the folder is ours");
    }

    fn product_mut(&mut self) -> &mut Product {
        let name = self.name();
        self.product.as_mut().unwrap_or_else(|| panic!("{name} does not run"))
    }

    fn take_ended(&mut self, limit: Duration) -> ExitStatus {
        let status = self.product_mut().wait(limit.max(Duration::from_secs(1)));
        let product = self.product.take().expect("it was there");
        self.launch.memory.forget(product.id());
        let log = self.log_file();
        if !log.exists() {
            std::fs::copy(product.stderr_file(), &log).expect("the run's folder takes files");
        }
        status
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments =
            ["run", "--stage", self.stage.name(), "--instance", &self.instance].map(str::to_owned).to_vec();
        let interval = self.launch.commit_interval.as_millis();
        arguments.extend(["--set".into(), format!("{}.commit_interval={interval}ms", self.stage)]);
        if self.membership == Membership::Leaves {
            arguments.push("--leave".into());
        }
        arguments
    }

    fn environment(&self) -> Vec<(String, String)> {
        let text = |path: &Path| path.display().to_string();
        let state = Some(("LMSAUDIT_STATE_DIR", text(&self.state_folder())));
        let failpoints =
            self.launch.failpoints.then(|| ("LMSAUDIT_FAILPOINTS", text(&self.failpoints_file())));
        let own = state.into_iter().chain(failpoints).map(|(name, value)| (name.to_owned(), value));
        self.launch.environment.iter().cloned().chain(own).collect()
    }

    fn failpoints_file(&self) -> PathBuf {
        self.launch.folder.join(format!("{}.failpoints", self.name()))
    }

    fn log_file(&self) -> PathBuf {
        self.launch.folder.join(format!("{}.{}.log", self.name(), self.starts))
    }

    fn log(&self) -> String {
        match &self.product {
            Some(product) => product.stderr(),
            None => std::fs::read_to_string(self.log_file()).unwrap_or_default(),
        }
    }

    fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(4)..].join(" | ")
    }
}

/// A run that fails half-way leaves its logs, too.
impl Drop for Process {
    fn drop(&mut self) {
        if let Some(product) = &self.product
            && !self.log_file().exists()
        {
            // The run has ended; what cannot be kept is not worth a second failure.
            let _ = std::fs::copy(product.stderr_file(), self.log_file());
        }
    }
}
