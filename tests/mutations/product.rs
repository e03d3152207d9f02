//! Builds of the product as the campaign needs it, of a tree that may be mutated; each binary is kept under a name of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Builds the product of `tree` and keeps its binary as `kept`. What is built goes to `target`, where the next build finds it.
///
/// # Errors
/// What cargo said at last.
pub fn build(tree: &Path, target: &Path, kept: &Path) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["build", "--locked", "--profile", "campaign", "-p", "lms-audit", "--bin", "lms-audit"];
    let output = Command::new(cargo)
        .args(arguments)
        .args(["--features", "failpoints", "--target-dir"])
        .arg(target)
        .current_dir(tree)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let first = said.find("error").unwrap_or(0);
        return Err(format!(
            "it cannot be built: {}",
            said[first..].lines().take(12).collect::<Vec<_>>().join("\n")
        ));
    }
    let built = target.join("campaign/lms-audit");
    let folder = kept.parent().expect("a file lies in a folder");
    let copied = fs::create_dir_all(folder).and_then(|()| fs::copy(&built, kept));
    copied.map(|_| kept.to_owned()).map_err(|error| format!("{}: {error}", kept.display()))
}
