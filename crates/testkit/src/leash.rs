//! Ends a child when this process ends, however it ends: a small shell reads from a pipe whose other end only we hold, and
//! an end of file there without a word means that we are gone. (The kernel's parent-death signal would do so at the end of
//! the *thread* that started the child, and every test has its own.)

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Reads one line; at an end of file before it, kills the pid and removes the folder, trying again while files still appear.
const WATCH: &str = r#"
read -r released && exit 0
kill -9 "$1"
tries=0
until rm -rf "$2" 2>/dev/null || [ "$tries" -ge 50 ]; do tries=$((tries + 1)); sleep 0.1; done
"#;

pub(crate) struct Leash {
    watcher: Child,
    line: Option<ChildStdin>,
}

impl Leash {
    /// Watches over `child`, whose files lie in `folder`.
    pub(crate) fn hold(child: &Child, folder: &Path) -> Self {
        let mut watcher = Command::new("sh")
            .args(["-c", WATCH, "leash", &child.id().to_string()])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("a shell can be started");
        let line = watcher.stdin.take();
        Self { watcher, line }
    }
}

/// Dropped by its owner once the child has ended: from here on its pid may be anybody's.
impl Drop for Leash {
    fn drop(&mut self) {
        if let Some(mut line) = self.line.take() {
            // Fails only where the watcher is gone, and with it what was to be called off.
            let _ = line.write_all(b"released\n");
        }
        let _ = self.watcher.wait();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::time::Duration;

    use super::*;
    use crate::process::{Signal, await_exit};
    use crate::wait::wait_until;

    const LIMIT: Duration = Duration::from_secs(10);

    #[test]
    fn released_it_harms_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        drop(Leash::hold(&child, folder.path()));
        assert_eq!(child.try_wait().unwrap(), None);
        assert!(folder.path().exists());
        Signal::Kill.send(&child);
        await_exit(&mut child, LIMIT, "sleep");
    }

    #[test]
    fn our_end_is_the_childs_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let mut leash = Leash::hold(&child, folder.path());
        // What the kernel does with our end of the pipe when we die.
        drop(leash.line.take());
        assert_eq!(await_exit(&mut child, LIMIT, "sleep").signal(), Some(9));
        wait_until(LIMIT, "the folder to go", || !folder.path().exists());
    }
}
