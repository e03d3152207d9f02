//! The product as a child process, as its users run it: started, watched by its output, and ended in every way there is.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use crate::leash::Leash;
use crate::process::{Signal, await_exit};
use crate::wait::wait_until;

/// A running or ended child. It is killed when this value or the test process goes.
pub struct Product {
    name: String,
    child: Child,
    leash: Option<Leash>,
    folder: tempfile::TempDir,
}

impl Product {
    /// Starts `binary` with its standard output and error going to files.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn spawn<A, K, V>(
        binary: impl AsRef<Path>,
        args: impl IntoIterator<Item = A>,
        envs: impl IntoIterator<Item = (K, V)>,
    ) -> Self
    where
        A: AsRef<OsStr>,
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        let binary = binary.as_ref();
        let folder =
            tempfile::Builder::new().prefix("lms-audit-run-").tempdir().expect("a folder can be made");
        let file =
            |name| File::create(folder.path().join(name)).expect("a file in a folder of ours can be made");
        let mut command = Command::new(binary);
        // What the caller has set for products of his own must not reach the one under test.
        let ours = |name: &std::ffi::OsString| name.to_string_lossy().starts_with("LMSAUDIT_");
        for name in std::env::vars_os().map(|(name, _)| name).filter(ours) {
            command.env_remove(name);
        }
        let child = command
            .args(args)
            .envs(envs)
            .stdin(Stdio::null())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", binary.display()));
        let leash = Some(Leash::hold(&child, folder.path()));
        let name = binary.file_name().unwrap_or(binary.as_os_str()).to_string_lossy().into_owned();
        Self { name, child, leash, folder }
    }

    /// The `lms-audit` that belongs to the running test: `TESTKIT_BINARY` where that is set, else the one of the test's own
    /// build profile, brought up to date by cargo. (A test in the binary's own package has `env!("CARGO_BIN_EXE_lms-audit")`.)
    ///
    /// # Panics
    /// When cargo cannot build it.
    pub fn binary() -> &'static Path {
        static BINARY: OnceLock<PathBuf> = OnceLock::new();
        BINARY.get_or_init(|| std::env::var_os("TESTKIT_BINARY").map_or_else(build, PathBuf::from))
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_none()
    }

    /// Sends a signal to it.
    ///
    /// # Panics
    /// When it has ended.
    pub fn signal(&mut self, signal: Signal) {
        assert!(self.is_running(), "{} has ended and takes no {signal:?}:\n{}", self.name, self.stderr());
        signal.send(&self.child);
    }

    /// SIGKILL, and waits for the end.
    pub fn kill(&mut self) {
        self.signal(Signal::Kill);
        self.wait(Duration::from_secs(30));
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end within `limit`.
    #[track_caller]
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        await_exit(&mut self.child, limit, &self.name)
    }

    /// What it has written to standard output so far.
    pub fn stdout(&self) -> String {
        self.read("stdout")
    }

    /// What it has written to standard error so far: its log.
    pub fn stderr(&self) -> String {
        self.read("stderr")
    }

    /// The file of its standard error. It goes with this value.
    pub fn stderr_file(&self) -> PathBuf {
        self.folder.path().join("stderr")
    }

    /// Waits until its log contains `text`.
    ///
    /// # Panics
    /// When that is not so within `limit`, or when it ends before.
    #[track_caller]
    pub fn await_log(&mut self, limit: Duration, text: &str) {
        wait_until(limit, &format!("{text:?} in the log of {}", self.name), || {
            let running = self.is_running();
            let found = self.stderr().contains(text);
            assert!(found || running, "{} ended before it logged {text:?}:\n{}", self.name, self.stderr());
            found
        });
    }

    fn read(&self, name: &str) -> String {
        let bytes = std::fs::read(self.folder.path().join(name)).expect("a file of ours can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        drop(self.leash.take());
        if std::thread::panicking() {
            show(&self.name, &self.stderr());
        }
    }
}

/// A failed test is read from its own output, so the child's last words belong there.
#[allow(clippy::print_stderr, reason = "the test harness keeps it with the failed test")]
fn show(name: &str, log: &str) {
    let lines: Vec<&str> = log.lines().collect();
    eprintln!("--- the last lines of {name}'s standard error ---");
    for line in lines.iter().skip(lines.len().saturating_sub(60)) {
        eprintln!("{line}");
    }
}

/// Builds with the features of the whole workspace, as the tests' own build has them, so that nothing is compiled twice.
fn build() -> PathBuf {
    let test = std::env::current_exe().expect("a process knows its file");
    let profile = test.ancestors().nth(2).expect("a test lies in target/<profile>/deps");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet", "--workspace", "--bin", "lms-audit"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    if profile.ends_with("release") {
        command.arg("--release");
    }
    let status = command.status().expect("cargo can be started");
    assert!(status.success(), "cargo could not build lms-audit");
    profile.join("lms-audit")
}
