//! A copy of the working tree, as it was when the runner began, in which rules are switched off. Only files whose content changes
//! are written, so that cargo builds only those anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::table::Edit;

/// A copy of the working tree.
#[derive(Clone, Debug)]
pub struct Tree {
    copy: PathBuf,
    /// What the files held when the tree was read: every mutation is one of the same source, whatever is edited meanwhile.
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Tree {
    /// Reads the working tree at `root`; its copy shall lie at `copy`, where nothing is written yet.
    ///
    /// # Errors
    /// A file that cannot be read, or git, which knows what belongs to the tree.
    pub fn read(root: &Path, copy: PathBuf) -> Result<Self, String> {
        let named = known(root)?.into_iter().filter(|file| root.join(file).is_file());
        let files = named.map(|file| Ok((file.clone(), read(&root.join(file))?)));
        Ok(Self { copy, files: files.collect::<Result<_, String>>()? })
    }

    /// Where the copy lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.copy
    }

    /// Makes the copy be the working tree with these edits; returns how many files were written.
    ///
    /// # Errors
    /// A file that cannot be written, or an edit that does not fit.
    pub fn set(&self, edits: &[Edit]) -> Result<usize, String> {
        let edited = self.edited(edits)?;
        let mut written = 0;
        for (file, content) in &self.files {
            let content = edited.get(file).map_or(content.as_slice(), String::as_bytes);
            written += usize::from(put(&self.copy.join(file), content)?);
        }
        self.forget_others(&self.copy)?;
        Ok(written)
    }

    /// The text of every edited file.
    fn edited(&self, edits: &[Edit]) -> Result<BTreeMap<PathBuf, String>, String> {
        let mut edited: BTreeMap<PathBuf, String> = BTreeMap::new();
        for Edit { file, .. } in edits {
            let content = self.files.get(file);
            let content =
                content.ok_or_else(|| format!("{} is no file of the working tree", file.display()))?;
            let text =
                String::from_utf8(content.clone()).map_err(|error| format!("{}: {error}", file.display()))?;
            edited.insert(file.clone(), text);
        }
        for edit in edits {
            let text = edit.apply(&edited[&edit.file])?;
            edited.insert(edit.file.clone(), text);
        }
        Ok(edited)
    }

    /// Removes what is in the copy and not in the working tree.
    fn forget_others(&self, folder: &Path) -> Result<(), String> {
        let told = |error| format!("{}: {error}", folder.display());
        for entry in fs::read_dir(folder).map_err(told)? {
            let path = entry.map_err(told)?.path();
            if path.is_dir() {
                self.forget_others(&path)?;
            } else if path.strip_prefix(&self.copy).is_ok_and(|file| !self.files.contains_key(file)) {
                fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            }
        }
        Ok(())
    }
}

/// What git knows, or would if it were told; not what is ignored.
fn known(root: &Path) -> Result<Vec<PathBuf>, String> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").args(arguments).current_dir(root).output();
    let output = output.map_err(|error| format!("git cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let names = String::from_utf8(output.stdout).map_err(|error| format!("git ls-files: {error}"))?;
    Ok(names.split_terminator('\0').map(PathBuf::from).collect())
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}

/// Writes the file where it is not so already; whether it was written.
fn put(file: &Path, content: &[u8]) -> Result<bool, String> {
    if fs::read(file).is_ok_and(|there| there == content) {
        return Ok(false);
    }
    let folder = file.parent().expect("a file lies in a folder");
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(file, content));
    written.map(|()| true).map_err(|error| format!("{}: {error}", file.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use super::*;

    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("src")).unwrap();
        for (file, text) in
            [("src/a.rs", "one two"), ("b", "three"), (".gitignore", "/ignored"), ("ignored", "x")]
        {
            fs::write(root.path().join(file), text).unwrap();
        }
        let made = Command::new("git").args(["init", "--quiet"]).current_dir(root.path()).status().unwrap();
        assert!(made.success());
        root
    }

    fn edit(from: &str, to: &str) -> Edit {
        Edit { file: "src/a.rs".into(), from: from.into(), to: to.into() }
    }

    #[test]
    fn only_what_changes_is_written_and_edits_are_undone() {
        let (root, copy) = (root(), tempfile::tempdir().unwrap());
        let tree = Tree::read(root.path(), copy.path().to_owned()).unwrap();
        let read = || fs::read_to_string(tree.folder().join("src/a.rs")).unwrap();
        assert_eq!(tree.set(&[]), Ok(3));
        assert!(!tree.folder().join("ignored").exists());
        assert_eq!(tree.set(&[edit("one", "1"), edit("two", "2")]), Ok(1));
        assert_eq!(read(), "1 2");
        assert_eq!(tree.set(&[edit("two", "2")]), Ok(1));
        assert_eq!(read(), "one 2");
        fs::write(root.path().join("src/a.rs"), "edited meanwhile").unwrap();
        assert_eq!(tree.set(&[]), Ok(1));
        assert_eq!((tree.set(&[]), read()), (Ok(0), "one two".into()));
    }

    #[test]
    fn what_is_gone_goes_and_what_does_not_fit_is_told() {
        let (root, copy) = (root(), tempfile::tempdir().unwrap());
        let read = || Tree::read(root.path(), copy.path().to_owned()).unwrap();
        read().set(&[]).unwrap();
        fs::remove_file(root.path().join("b")).unwrap();
        let tree = read();
        tree.set(&[]).unwrap();
        assert!(!tree.folder().join("b").exists());
        assert!(tree.set(&[edit("four", "4")]).unwrap_err().contains("src/a.rs"));
        let stray = Edit { file: "ignored".into(), from: "x".into(), to: "y".into() };
        assert_eq!(tree.set(&[stray]).unwrap_err(), "ignored is no file of the working tree");
    }
}
