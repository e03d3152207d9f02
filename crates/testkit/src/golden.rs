//! Golden files: what something must look like, kept beside the test and compared byte for byte.
//! `UPDATE_GOLDEN=1` writes them anew, so that a wanted change shows as a diff under version control.

use std::path::Path;

/// Compares `actual` with the golden file at `path` (relative paths start at the package, where cargo runs its tests).
///
/// # Panics
/// When the two differ, with the first differing line, or when there is no such file.
#[track_caller]
pub fn golden(path: impl AsRef<Path>, actual: impl AsRef<[u8]>) {
    let updating = std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value != "0");
    compare(path.as_ref(), actual.as_ref(), updating);
}

#[track_caller]
fn compare(path: &Path, actual: &[u8], updating: bool) {
    if updating {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).expect("the golden file's folder can be made");
        }
        std::fs::write(path, actual).expect("the golden file can be written");
        return;
    }
    let expected = match std::fs::read(path) {
        Ok(expected) => expected,
        Err(error) => panic!("{}: {error}; UPDATE_GOLDEN=1 writes it", path.display()),
    };
    if expected != actual {
        panic!(
            "{} differs ({}); if that is wanted, UPDATE_GOLDEN=1 writes it anew",
            path.display(),
            first_difference(&expected, actual)
        );
    }
}

fn first_difference(expected: &[u8], actual: &[u8]) -> String {
    let (expected, actual) = (String::from_utf8_lossy(expected), String::from_utf8_lossy(actual));
    let mut pairs = expected.split('\n').zip(actual.split('\n')).enumerate();
    match pairs.find(|(_, (expected, actual))| expected != actual) {
        Some((at, (expected, actual))) => {
            format!("line {}:\n  expected {expected:?}\n  actual   {actual:?}", at + 1)
        }
        None => format!("{} lines expected, {} given", expected.lines().count(), actual.lines().count()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use super::*;

    #[test]
    fn writes_then_compares() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/one.txt");
        compare(&file, b"a\nb\n", true);
        compare(&file, b"a\nb\n", false);
    }

    #[test]
    #[should_panic(expected = "line 2:\n  expected \"b\"\n  actual   \"c\"")]
    fn names_the_first_differing_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("one.txt");
        compare(&file, b"a\nb\n", true);
        compare(&file, b"a\nc\n", false);
    }

    #[test]
    fn a_missing_end_is_named() {
        assert_eq!(first_difference(b"a\nb", b"a"), "2 lines expected, 1 given");
    }

    #[test]
    #[should_panic(expected = "UPDATE_GOLDEN=1 writes it")]
    fn a_missing_file_is_an_error() {
        compare(Path::new("/nonexistent/golden.txt"), b"", false);
    }
}
