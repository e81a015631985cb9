//! The power goes at every moment, and the disk keeps only what it was asked to keep. D1, D2, D16.
//!
//! The real server works under strace. What it asked of the file system is done again on a made-up disk, call by call;
//! before each call that changes something the power goes, several times with different luck, and the index is opened on
//! what is left. `PKGCTL_TEST_POWER_STATES` says how many such states are tried (0 is all of them).

mod disk;
mod trace;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use pkgctl::catalog::{Catalog, Opened, SharedCatalog, SqliteCatalog};
use pkgctl::index::{Content, Index, Settings};
use pkgctl::packaging::DistFilename;
use pkgctl::storage::{self, LocalStore, SharedStore};

use self::disk::{Disk, Luck};
use super::client::{Connection, Dice, seed, setting};
use crate::support::distributions::{Distribution, sdist, sha256, wheel};
use crate::support::index::OPEN;
use crate::support::upload::form_for;
use crate::support::{Server, Testbed, debian};

/// A request and what it makes of a file: a digest, or nothing.
struct Request {
    filename: String,
    begun: f64,
    answered: f64,
    outcome: Option<String>,
}

/// What is promised of a file.
struct Promise {
    /// A digest, or nothing.
    may_be: BTreeSet<Option<String>>,
    /// It went, and its name must not come back with other bytes.
    was_removed: bool,
}

type Promises = BTreeMap<String, Promise>;

/// What was asked of the server.
#[derive(Default)]
struct Diary(Mutex<Vec<Request>>);

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs_f64()
}

impl Diary {
    fn write(&self, filename: &str, outcome: Option<String>, request: impl FnOnce() -> u16) {
        let begun = now();
        assert_eq!(request(), 200, "{filename}");
        let answered = now();
        let filename = filename.to_owned();
        self.0.lock().unwrap().push(Request {
            filename,
            begun,
            answered,
            outcome,
        });
    }

    fn upload(&self, server: &str, distribution: &Distribution) {
        self.write(&distribution.filename, Some(distribution.sha256()), || {
            Connection::to(server).post(&form_for(distribution)).unwrap()
        });
    }

    fn remove(&self, server: &str, distribution: &Distribution) {
        let (name, rest) = distribution.filename.split_once('-').unwrap();
        let version = rest.split(['-', 't']).next().unwrap().trim_end_matches('.');
        self.write(&distribution.filename, None, || {
            Connection::to(server).remove(name, version).unwrap()
        });
    }

    /// What is promised of each file when the power goes at that time.
    fn promises(&self, at: f64) -> Promises {
        let mut promises = Promises::new();
        for request in &*self.0.lock().unwrap() {
            let promise = promises
                .entry(request.filename.clone())
                .or_insert_with(|| Promise {
                    may_be: BTreeSet::from([None]),
                    was_removed: false,
                });
            if request.answered <= at {
                promise.may_be = BTreeSet::from([request.outcome.clone()]);
                promise.was_removed = request.outcome.is_none();
            } else if request.begun <= at {
                promise.may_be.insert(request.outcome.clone());
                promise.was_removed = false;
            }
        }
        promises
    }
}

/// New files, the same again, others in their place, removals, several at once.
fn work(server: &str, diary: &Diary) {
    let state = |name: &str, seed| sdist(name, "1.0").padding(3_000, seed).build();
    let (first, second) = (wheel("first", "1.0").build(), state("second", 1));
    diary.upload(server, &first);
    diary.upload(server, &second);
    diary.upload(server, &second);
    diary.upload(server, &state("second", 2));
    diary.remove(server, &first);
    std::thread::scope(|scope| {
        for number in 0..4 {
            let lib = state(&format!("lib{number}"), number);
            scope.spawn(move || diary.upload(server, &lib));
        }
    });
    diary.upload(server, &wheel("large", "1.0").padding(300_000, 9).build());
    diary.remove(server, &state("second", 2));
    diary.upload(server, &state("second", 3));
}

/// Opens the index on what is left and looks at everything.
async fn look(
    packages: &std::path::Path,
    state: &std::path::Path,
) -> (BTreeMap<String, String>, SharedCatalog) {
    let roots = vec![packages.to_owned()];
    let mut settings = storage::Settings::new(roots.clone(), state.to_owned());
    settings.watch = false;
    let store: SharedStore = Arc::new(LocalStore::open(settings).unwrap());
    let (catalog, opened) = SqliteCatalog::open(&state.join("catalog.db"), &roots).unwrap();
    assert!(matches!(opened, Opened::Existing | Opened::New), "{opened:?}");
    let catalog: SharedCatalog = Arc::new(catalog);
    let shared: SharedCatalog = Arc::<dyn Catalog>::clone(&catalog);
    let index = Index::open(
        Arc::<dyn storage::Store>::clone(&store),
        shared,
        Settings::default(),
    )
    .await
    .unwrap();
    let mut files = BTreeMap::new();
    for entry in store.list().await.unwrap() {
        let path = entry.key.path().to_owned();
        let download = index.download(&path).await.unwrap().unwrap();
        let Content::Memory(bytes) = &download.content else {
            panic!("{path} is not small")
        };
        assert_eq!(download.etag, format!("\"{}\"", sha256(bytes)), "{path}");
        files.insert(path, sha256(bytes));
    }
    assert_eq!(index.counts().await.unwrap().files, files.len() as u64);
    (files, catalog)
}

fn hidden_leftovers(folders: &[PathBuf]) -> Vec<String> {
    let mut found = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".part") {
                found.push(name);
            }
        }
    }
    found
}

/// The server's calls and what was asked of it meanwhile.
fn record(
    packages: &std::path::Path,
    state: &std::path::Path,
    testbed: &Testbed,
) -> Option<(Vec<trace::Call>, Diary)> {
    let strace = debian::strace().ok()?;
    let log = testbed.path("trace");
    let mut command = strace.command(testbed);
    command
        .args(["-f", "-ttt", "-xx", "-s", "1048576", "-e", "signal=none", "-e"])
        .arg(format!("trace={}", trace::CALLS))
        .arg("-o")
        .arg(&log)
        .arg(crate::support::binary())
        .args([
            "serve",
            "-p",
            "0",
            "-i",
            "127.0.0.1",
            "--overwrite",
            "--keep-free",
            "1M",
        ])
        .args(OPEN)
        .arg("--state-dir")
        .args([state, packages]);
    let mut server = Server::start(command);
    let diary = Diary::default();
    work(&server.url, &diary);
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", server.id())).unwrap();
    let status = std::process::Command::new("kill")
        .args(["-TERM", children.trim()])
        .status();
    assert!(status.unwrap().success());
    assert_eq!(server.wait(), Some(0), "{}", server.log());
    Some((trace::read(&fs::read_to_string(log).unwrap()), diary))
}

/// Lets the power go at every call; tells how many states were looked at.
/// The `bases` are folders that are there for good.
fn lose_power(packages: PathBuf, state: PathBuf, bases: &[PathBuf], testbed: &Testbed) {
    let Some((calls, diary)) = record(&packages, &state, testbed) else {
        return;
    };
    let seed = seed();
    let (mut dice, mut disk) = (Dice::new(seed), Disk::with(bases));
    // Three kinds of luck for each call.
    let limit = setting("PKGCTL_TEST_POWER_STATES", 150);
    let all = 3 * calls.len() as u64;
    let (mut states, mut changes) = (0, 0);
    for (number, call) in calls.iter().enumerate() {
        changes += u64::from(disk.apply(call));
        let next = calls.get(number + 1).map_or(f64::INFINITY, |next| next.at);
        for kind in 0..3 {
            if limit != 0 && dice.below(all) >= limit {
                continue;
            }
            disk.lay_out(match kind {
                0 => Luck::Nothing,
                1 => Luck::Everything,
                _ => Luck::Some(Dice::new(dice.next())),
            });
            states += 1;
            let what = format!(
                "seed {seed}, the power goes after call {number} ({} {:?}), luck {kind}",
                call.name,
                call.arguments.first()
            );
            check(&packages, &state, &diary.promises(next), &what);
        }
    }
    // A disk that is never asked to keep anything keeps nothing: this test can fail.
    let mut deaf = Disk::with(bases);
    for call in calls.iter().filter(|call| !call.name.ends_with("sync")) {
        deaf.apply(call);
    }
    deaf.lay_out(Luck::Nothing);
    assert_eq!(fs::read_dir(&packages).unwrap().count(), 0);
    eprintln!(
        "power loss: {} calls, {changes} of them changes; {states} states, PKGCTL_TEST_SEED={seed}",
        calls.len()
    );
    assert!(changes > 50 && states > 10, "{changes} changes, {states} states");
}

fn check(packages: &std::path::Path, state: &std::path::Path, promises: &Promises, what: &str) {
    // Of its own, so that nothing of one state is at work in the next.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (files, catalog) = runtime.block_on(look(packages, state));
    for (filename, promise) in promises {
        let (found, may_be) = (files.get(filename).cloned(), &promise.may_be);
        assert!(
            may_be.contains(&found),
            "{what}: {filename} is {found:?} and may be {may_be:?}"
        );
        let identity = DistFilename::parse_listed(filename).unwrap().identity();
        let known = runtime.block_on(catalog.files_like(&identity)).unwrap();
        let is_remembered = known
            .iter()
            .any(|record| !record.present && record.facts.is_some());
        assert!(
            is_remembered || !promise.was_removed,
            "{what}: {filename} is forgotten"
        );
    }
    for filename in files.keys() {
        assert!(promises.contains_key(filename), "{what}: nobody sent {filename}");
    }
    let left = hidden_leftovers(&[packages.to_owned(), state.join("incoming")]);
    assert!(left.is_empty(), "{what}: {left:?} was left behind");
    drop(catalog);
    drop(runtime);
}

#[test]
fn what_was_acknowledged_outlives_the_power() {
    let testbed = Testbed::new();
    let packages = testbed.path("packages");
    fs::create_dir_all(&packages).unwrap();
    let bases = [packages.clone()];
    lose_power(packages.clone(), packages.join(".pkgctl"), &bases, &testbed);
}

#[test]
fn what_was_acknowledged_outlives_the_power_across_two_disks() {
    use std::os::unix::fs::MetadataExt as _;
    let testbed = Testbed::new();
    let packages = testbed.path("packages");
    fs::create_dir_all(&packages).unwrap();
    let Ok(elsewhere) = tempfile::Builder::new()
        .prefix("pkgctl-test-")
        .tempdir_in("/dev/shm")
    else {
        crate::support::tools::skip("there is no second file system at /dev/shm");
        return;
    };
    let device = |path: &std::path::Path| fs::metadata(path).unwrap().dev();
    if device(elsewhere.path()) == device(&packages) {
        crate::support::tools::skip("/dev/shm is no second file system");
        return;
    }
    // The server makes it, with the folder above.
    let state = elsewhere.path().join("made/state");
    let bases = [packages.clone(), elsewhere.path().to_owned()];
    lose_power(packages, state, &bases, &testbed);
}
