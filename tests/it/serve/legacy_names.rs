//! A folder that pypiserver served for years: which of its files are listed, and under which project and version.
//!
//! The names in `legacy_names.txt` are given to pypiserver's own parser and to ours. Whatever differs is in
//! [`DIFFERENCES`], with the reason, and nothing is there that does not differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use pkgctl::packaging::{DistFilename, ReleaseVersion};

use crate::support::http::get;
use crate::support::{Testbed, tools};

const NAMES: &str = include_str!("legacy_names.txt");
const JSON: [(&str, &str); 1] = [("Accept", "application/vnd.pypi.simple.v1+json")];

/// Why a name is read in another way than pypiserver reads it.
const DIFFERENCES: [(&str, &[&str]); 8] = [
    (
        "a version with a leading v is one, and the name ends before it: pip looks there",
        &["foo-bar-v1.0.tar.gz", "foo-v1.0-py3-none-any.whl"],
    ),
    (
        "the name goes up to a dash with a valid version behind it: pip looks there, and finds no valid version otherwise",
        &[
            "python-daemon-3K-1.5.8.tar.gz",
            "foo-1a-bar-2.0.tar.gz",
            "vcs-1.0-linux-2.tar.gz",
        ],
    ),
    (
        "installers for newer Pythons, for any Python and for other machines are distributions too",
        &[
            "foo-1.0.win-amd64-py3.11.exe",
            "foo-1.0.win-amd64.exe",
            "foo-1.0.win32.exe",
            "foo-1.0.win32.msi",
            "foo-1.0.win-arm64-py3.9.exe",
        ],
    ),
    ("an ending that no distribution has", &["foo-1.0-py3.9-evil.sh"]),
    (
        "a build tag tells two wheels of one version apart; it is no part of the version",
        &[
            "foo-1.0-1-py3-none-any.whl",
            "foo-1.0-1build-py3-none-any.whl",
            "foo-1.0-1-py3-none-any-x86_64_v3.whl",
            "foo-1.0-1-py3-none-any-more-parts.whl",
            "foo-bar-1.0-1-cp39-cp39-win_amd64.whl",
        ],
    ),
    (
        "no project can have the name, so no installer can ask for it; pypiserver redirects such a page to itself for ever",
        &[
            "foo bar-1.0.zip",
            "foo~-1.0.zip",
            "foo@bar-1.0.tar.gz",
            "foo%20bar-1.0.tar.gz",
            "-1.0.tar.gz",
            "--.zip",
            "_-1.0.zip",
            "foo--1.0.tar.gz",
            "foo_-1.0.tar.gz",
            "foo.-1.0.tar.gz",
            "_foo-1.0.tar.gz",
        ],
    ),
    (
        "names outside ASCII are read differently by every system and client",
        &["föö-1.0.tar.gz", "foo-1.0ö.tar.gz"],
    ),
    (
        "a signature is served beside its file and marked on its link, it is no link of its own",
        &[
            "foo-1.0.tar.gz.asc",
            "foo-1.0-py3-none-any.whl.asc",
            "foo-1.0.zip.asc",
        ],
    ),
];

/// Project and version of a listed file.
type Reading = Option<(String, String)>;

fn names() -> impl Iterator<Item = &'static str> {
    NAMES.lines()
}

fn our_reading(name: &str) -> Reading {
    let parsed = DistFilename::parse_listed(name).ok()?;
    Some((parsed.project().to_string(), parsed.version().to_string()))
}

/// A version in the one spelling that stands for all others, where it is valid.
fn normal(version: &str) -> String {
    match ReleaseVersion::parse(&version.replace('_', "-")) {
        ReleaseVersion::Standard(version) => version.to_string(),
        ReleaseVersion::Legacy(_) => version.to_owned(),
    }
}

#[test]
fn names_are_read_as_pypiserver_reads_them_but_for_a_reason() {
    const SCRIPT: &str = "import json, sys\n\
        from pypiserver.pkg_helpers import guess_pkgname_and_version, is_listed_path, normalize_pkgname\n\
        for name in json.load(sys.stdin):\n\
        \x20   read = guess_pkgname_and_version(name) if is_listed_path(name) else None\n\
        \x20   print(json.dumps(read and [normalize_pkgname(read[0]), read[1]]))\n";
    let Ok(pypiserver) = tools::pypiserver() else {
        return;
    };
    let testbed = Testbed::new();
    let list = testbed.write(
        "names.json",
        serde_json::to_string(&names().collect::<Vec<_>>()).unwrap(),
    );
    let mut python = pypiserver.python(&testbed);
    python
        .args(["-c", SCRIPT])
        .stdin(fs::File::open(list).unwrap())
        .env("PYTHONIOENCODING", "utf-8");
    let output = python.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let answers = String::from_utf8(output.stdout).unwrap();
    let mut different: BTreeSet<&str> = BTreeSet::new();
    let mut report = String::new();
    for (name, answer) in names().zip(answers.lines()) {
        let theirs: Reading = serde_json::from_str(answer).unwrap();
        let theirs = theirs.map(|(project, version)| (project, normal(&version)));
        let ours = our_reading(name);
        if ours != theirs {
            different.insert(name);
            report.push_str(&format!("{name}: {theirs:?} there, {ours:?} here\n"));
        }
    }
    assert_eq!(answers.lines().count(), names().count());
    assert!(names().count() >= 150, "{} names", names().count());
    let explained: BTreeSet<&str> = DIFFERENCES
        .iter()
        .flat_map(|(_, names)| names.iter().copied())
        .collect();
    assert_eq!(different, explained, "\n{report}");
}

/// The whole folder at once, over HTTP: what is said to be listed is, each file can be fetched, and of each other one
/// it is said once why it is not.
#[test]
fn what_is_listed_can_be_fetched_and_of_the_rest_the_log_says_why() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    fs::create_dir_all(&folder).unwrap();
    // A passwords file of that name would be read as one.
    for name in names().filter(|name| *name != ".htaccess") {
        fs::write(folder.join(name), name).unwrap();
    }
    let server = testbed.serve(["-v".as_ref(), folder.as_os_str()]);
    let mut expected: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for name in names() {
        if let Some((project, _)) = our_reading(name).filter(|_| !name.starts_with('.')) {
            expected.entry(project).or_default().insert(name);
        }
    }
    let projects = get(&server.url, "/simple/", &JSON).expect(200).json();
    let listed: BTreeSet<&str> = projects["projects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|project| project["name"].as_str().unwrap())
        .collect();
    assert_eq!(listed, expected.keys().map(String::as_str).collect());
    for (project, names) in &expected {
        let page = get(&server.url, &format!("/simple/{project}/"), &JSON)
            .expect(200)
            .json();
        let files = page["files"].as_array().unwrap();
        let found: BTreeSet<&str> = files
            .iter()
            .map(|file| file["filename"].as_str().unwrap())
            .collect();
        assert_eq!(&found, names, "{project}");
        for file in files {
            let name = file["filename"].as_str().unwrap();
            let path = file["url"].as_str().unwrap().strip_prefix("../..").unwrap();
            assert_eq!(get(&server.url, path, &[]).expect(200).text(), name);
            assert_eq!(
                file["core-metadata"].as_bool(),
                Some(false),
                "{name} is no archive at all"
            );
        }
    }
    // Something happens to each stranger once more, and still it is told once.
    fs::write(folder.join("README.md"), "again").unwrap();
    get(&server.url, "/simple/", &JSON).expect(200);
    let log = server.log();
    for name in names() {
        let is_signature = name
            .strip_suffix(".asc")
            .is_some_and(|signed| our_reading(signed).is_some());
        let is_told = !name.starts_with('.') && !is_signature && our_reading(name).is_none();
        let lines: Vec<&str> = log
            .lines()
            .filter(|line| line.contains("not listed") && line.contains(&format!("file={name} in folder 1 ")))
            .collect();
        assert_eq!(lines.len(), usize::from(is_told), "{name}: {lines:?}");
        assert!(
            lines
                .iter()
                .all(|line| line.contains("reason=") && line.contains(&name.escape_debug().to_string())),
            "{lines:?}"
        );
    }
}
