//! Hundreds of real wheels and sdists, old and new: what is refused, by which rule, and whether `check` and `serve`
//! agree about it.
//!
//! Not run by default, for it takes a few hundred megabytes from the package index. `PKGCTL_TEST_REAL_DISTRIBUTIONS=1`
//! fetches them once into `target/real-distributions/` (`tests/corpus/fetch.py`); a path instead of the `1` names a
//! folder that has been filled already.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::blessed::project_path;
use crate::support::distributions::Distribution;
use crate::support::index::Index;
use crate::support::{Testbed, upload};

/// Real files that break a rule which is there for good reason: the file, and words of the message.
const REFUSED: [(&str, &str); 12] = [
    // Their RECORD is wrong: the backend changed WHEEL after it had been listed.
    (
        "gevent-1.0.2-cp26-none-macosx_10_10_intel.whl",
        "digest in RECORD",
    ),
    // Older than the standard for wheels.
    ("wheel-0.10.0-py2.py3-none-any.whl", "Wheel-Version"),
    ("wheel-0.9.7-py27-none-any.whl", "Wheel-Version"),
    // Packed by hand, without PKG-INFO.
    ("backports.ssl_match_hostname-3.2a3.tar.gz", "has no PKG-INFO"),
    ("backports.ssl_match_hostname-3.4.0.1.tar.gz", "has no PKG-INFO"),
    ("pycrypto-2.2.tar.gz", "has no PKG-INFO"),
    ("pycrypto-2.4.1.tar.gz", "has no PKG-INFO"),
    // A young backend, long mended: no top folder, a file packed twice.
    ("orjson-2.0.10.tar.gz", "outside any top folder"),
    ("orjson-3.3.1.tar.gz", "outside any top folder"),
    ("ruff-0.0.100.tar.gz", "more than once"),
    ("ruff-0.0.48.tar.gz", "more than once"),
    // Renamed for a second try.
    ("python-dateutil-2.4.1.post1.zip", "states version `2.4.1`"),
];

/// The folder with the files; `None` when they are not asked for.
fn corpus() -> Option<PathBuf> {
    let wish = std::env::var("PKGCTL_TEST_REAL_DISTRIBUTIONS").ok()?;
    if wish != "1" {
        return Some(PathBuf::from(wish));
    }
    let folder = project_path("target/real-distributions");
    let fetched = Command::new("python3")
        .arg(project_path("tests/corpus/fetch.py"))
        .arg(&folder)
        .status()
        .unwrap();
    assert!(fetched.success(), "the real distributions could not be fetched");
    Some(folder)
}

/// What `check` says about the archive of each file; `None` when it has nothing against it.
fn checked(folder: &PathBuf) -> BTreeMap<String, Option<String>> {
    let bed = Testbed::new();
    let output = bed.pkgctl(["check", "--json"]).arg(folder).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let files = report["files"].as_array().unwrap().iter();
    files
        .map(|file| {
            let problems = file["problems"].as_array().unwrap();
            let refusal = problems.iter().find(|problem| problem["code"] == "archive");
            let cause = refusal.map(|problem| problem["cause"].as_str().unwrap().to_owned());
            (file["filename"].as_str().unwrap().to_owned(), cause)
        })
        .collect()
}

#[test]
fn real_distributions_are_accepted() {
    let Some(folder) = corpus() else {
        eprintln!("skipped: PKGCTL_TEST_REAL_DISTRIBUTIONS is not set");
        return;
    };
    let checked = checked(&folder);
    let index = Index::open();
    let (mut accepted, mut refused, mut wrong) = (0, 0, Vec::new());
    for (filename, cause) in &checked {
        let distribution = Distribution {
            filename: filename.clone(),
            bytes: fs::read(folder.join(filename)).unwrap(),
        };
        let reply = upload::upload(&index.server.url, &distribution);
        let known = REFUSED.iter().find(|(file, _)| file == filename);
        match (cause, reply.status, known) {
            (None, 200, None) => accepted += 1,
            (Some(cause), 400, Some((_, words))) if cause.contains(words) && reply.text().contains(words) => {
                refused += 1;
                fs::remove_file(index.stored(filename)).unwrap_err();
            }
            _ => wrong.push(format!(
                "{filename}: check says {cause:?}, serve says {} {}",
                reply.status,
                reply.text().trim()
            )),
        }
        // The folder need not hold all of them at once.
        let _ = fs::remove_file(index.stored(filename));
    }
    eprintln!(
        "of {} real distributions {accepted} are accepted, {refused} refused",
        checked.len()
    );
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    assert!(checked.len() >= 500, "only {} files", checked.len());
}
