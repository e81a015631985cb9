//! Files that are checked in and made by the program: compared by a test, rewritten when `PKGCTL_BLESS=1`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Compares the files of `folder` (below the project's own) with those that ought to be there, by name and content.
#[track_caller]
pub(crate) fn assert_folder(folder: &str, wanted: &BTreeMap<String, String>) {
    let folder = project_path(folder);
    if blessing() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for (name, content) in wanted {
            fs::write(folder.join(name), content).unwrap();
        }
        return;
    }
    let found = files_of(&folder);
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&found),
        names(wanted),
        "the files of `{}` (run the tests with PKGCTL_BLESS=1 to rewrite them)",
        folder.display()
    );
    for (name, content) in wanted {
        assert!(
            found[name] == *content,
            "`{}` is out of date (run the tests with PKGCTL_BLESS=1 to rewrite it): {}",
            folder.join(name).display(),
            first_difference(&found[name], content)
        );
    }
}

/// A path below the project's own folder.
pub(crate) fn project_path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

#[expect(
    clippy::disallowed_methods,
    reason = "asks the developer's environment, not the program's"
)]
fn blessing() -> bool {
    std::env::var_os("PKGCTL_BLESS").is_some_and(|value| value == "1")
}

fn files_of(folder: &Path) -> BTreeMap<String, String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return BTreeMap::new();
    };
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

fn first_difference(found: &str, wanted: &str) -> String {
    let pairs = found.lines().zip(wanted.lines());
    match pairs.enumerate().find(|(_, (found, wanted))| found != wanted) {
        Some((line, (found, wanted))) => format!("line {} is `{found}`, not `{wanted}`", line + 1),
        None => format!("{} lines, not {}", found.lines().count(), wanted.lines().count()),
    }
}
