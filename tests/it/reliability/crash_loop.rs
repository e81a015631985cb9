//! The server is killed at random points under uploads, overwrites and removals, now with `--overwrite` and now without.
//! D1, D8, D9.
//!
//! `PKGCTL_TEST_CRASH_ROUNDS=300 cargo test --test it -- --nocapture crash_loop` is the long run; a seed that is printed
//! can be given again in `PKGCTL_TEST_SEED`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::client::{Connection, Dice, seed, setting};
use crate::support::distributions::{Distribution, sdist, sha256, wheel};
use crate::support::index::{Index, JSON, OPEN};
use crate::support::upload::form_for;

const CLIENTS: u64 = 6;
/// Names that each client works on; nobody else does.
const NAMES: u64 = 5;

/// What may be under a name: digests, or `None` for nothing.
type Outcomes = BTreeSet<Option<String>>;

/// What is promised for each file name.
#[derive(Default)]
struct Promises {
    files: Mutex<BTreeMap<String, Outcomes>>,
    acknowledged: AtomicU64,
    cut_short: AtomicU64,
}

impl Promises {
    fn set(&self, filename: &str, outcomes: Outcomes) {
        self.files.lock().unwrap().insert(filename.to_owned(), outcomes);
    }

    fn of(&self, filename: &str) -> Outcomes {
        let files = self.files.lock().unwrap();
        files
            .get(filename)
            .cloned()
            .unwrap_or_else(|| Outcomes::from([None]))
    }

    /// A request that may end in `outcome`: meanwhile both are possible, and afterwards only this one.
    fn change(&self, filename: &str, outcome: Option<String>, request: impl FnOnce() -> Option<u16>) -> bool {
        let mut both = self.of(filename);
        both.insert(outcome.clone());
        self.set(filename, both);
        match request() {
            Some(200) => {
                self.set(filename, Outcomes::from([outcome]));
                self.acknowledged.fetch_add(1, Ordering::Relaxed);
                true
            }
            Some(status) => panic!("{filename}: answered {status}"),
            None => {
                self.cut_short.fetch_add(1, Ordering::Relaxed);
                false
            }
        }
    }
}

/// Uploads, overwrites and removes until the server is gone.
fn work(server: &str, client: u64, mut dice: Dice, promises: &Promises) {
    let mut connection = Connection::to(server);
    loop {
        let number = dice.below(NAMES);
        let project = format!("lib{client}-{number}");
        let distribution = any_state(&project, number, &mut dice);
        let filename = distribution.filename.clone();
        let is_there = promises.of(&filename).iter().any(Option::is_some);
        let lives = if is_there && dice.below(4) == 0 {
            promises.change(&filename, None, || {
                match connection.remove(&project, "1.0").ok()? {
                    // It was cut short the last time, and nobody knew what of it was done.
                    404 => Some(200),
                    status => Some(status),
                }
            })
        } else {
            let digest = Some(distribution.sha256());
            promises.change(&filename, digest, || {
                connection.post(&form_for(&distribution)).ok()
            })
        };
        if !lives {
            return;
        }
    }
}

/// The same where nothing may be overwritten: each name has its bytes for ever, whether it is there or not.
fn work_without_overwriting(server: &str, client: u64, mut dice: Dice, promises: &Promises) {
    let mut connection = Connection::to(server);
    loop {
        let number = dice.below(NAMES);
        let project = format!("once{client}-{number}");
        let distribution = any_state(&project, number, &mut Dice::new(1 + client * NAMES + number));
        let filename = distribution.filename.clone();
        let is_there = promises.of(&filename).iter().all(Option::is_some);
        let lives = match dice.below(4) {
            0 if is_there => promises.change(&filename, None, || {
                match connection.remove(&project, "1.0").ok()? {
                    404 => Some(200),
                    status => Some(status),
                }
            }),
            1 if is_there => {
                let other = sdist(&project, "1.0").padding(600, u64::MAX).build();
                let other = Distribution { filename, ..other };
                match connection.post(&form_for(&other)) {
                    // A wheel's name with an sdist's bytes makes no sense in any case.
                    Ok(status) => assert!(matches!(status, 400 | 409), "other bytes: {status}"),
                    Err(_) => return,
                }
                true
            }
            _ => promises.change(&filename, Some(distribution.sha256()), || {
                connection.post(&form_for(&distribution)).ok()
            }),
        };
        if !lives {
            return;
        }
    }
}

/// A state that the file of this name may have; most are small, some take several writes.
fn any_state(project: &str, number: u64, dice: &mut Dice) -> Distribution {
    let padding = match dice.below(8) {
        0 => 700_000,
        1 => 100_000,
        _ => 500,
    };
    let builder = if number.is_multiple_of(2) {
        sdist(project, "1.0")
    } else {
        wheel(project, "1.0")
    };
    builder.padding(padding, dice.next() % 50).build()
}

/// What the server lists, with the digest of what it serves.
fn served(index: &Index) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut connection = Connection::to(&index.server.url);
    let list = index.get("/simple/", &[("Accept", JSON)]).expect(200).json();
    for project in list["projects"].as_array().unwrap() {
        let page = index.page(project["name"].as_str().unwrap());
        for file in page["files"].as_array().unwrap() {
            let filename = file["filename"].as_str().unwrap().to_owned();
            let (status, body) = connection.get(&format!("/packages/{filename}")).unwrap();
            assert_eq!(status, 200, "{filename}");
            let digest = sha256(&body);
            assert_eq!(file["hashes"]["sha256"], digest, "{filename}");
            files.insert(filename, digest);
        }
    }
    files
}

/// Everything acknowledged is there, whole and listed; nothing else is, and nothing lies about.
fn check(index: &Index, promises: &Promises, round: u64) {
    let served = served(index);
    let mut promised = promises.files.lock().unwrap();
    for (filename, outcomes) in promised.iter_mut() {
        let found = served.get(filename).cloned();
        assert!(
            outcomes.contains(&found),
            "round {round}: {filename} is {found:?} and may be {outcomes:?}\n{}",
            index.server.log()
        );
        *outcomes = Outcomes::from([found]);
    }
    for (filename, digest) in &served {
        assert!(
            promised.contains_key(filename),
            "round {round}: nobody sent {filename}"
        );
        let on_disk = sha256(&fs::read(index.stored(filename)).unwrap());
        assert_eq!(on_disk, *digest, "round {round}: {filename}");
    }
    let listed: Vec<String> = served.into_keys().collect();
    assert_eq!(
        index.leftovers(),
        listed,
        "round {round}: something was left behind"
    );
    let log = index.server.log();
    assert!(!log.contains("damaged"), "round {round}: {log}");
}

// D1, D8, D9
#[test]
fn killed_at_any_moment_it_keeps_what_it_acknowledged() {
    let (rounds, seed) = (setting("PKGCTL_TEST_CRASH_ROUNDS", 10), seed());
    eprintln!("crash loop: {rounds} rounds, PKGCTL_TEST_SEED={seed}");
    let mut dice = Dice::new(seed);
    let promises = Promises::default();
    let overwriting = [&OPEN[..], &["--overwrite", "--keep-free", "1M"]].concat();
    let keeping = [&OPEN[..], &["--keep-free", "1M"]].concat();
    let (works, flags) = ([work, work_without_overwriting], [&overwriting, &keeping]);
    let mut index = Index::start(crate::support::Testbed::new(), flags[0]);
    for (round, way) in (0..rounds).zip([0, 1].into_iter().cycle()) {
        let life = Duration::from_micros(2_000 + dice.below(300_000));
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let dice = Dice::new(dice.next());
                let (url, promises) = (&index.server.url, &promises);
                scope.spawn(move || works[way](url, client, dice, promises));
            }
            std::thread::sleep(life);
            index.server.signal("KILL");
        });
        index.server.wait();
        // The other way next, over what this one has left.
        index = Index::start(index.testbed, flags[1 - way]);
        check(&index, &promises, round);
    }
    eprintln!(
        "crash loop: {rounds} rounds, {} requests acknowledged, {} cut short, {} files at the end",
        promises.acknowledged.load(Ordering::Relaxed),
        promises.cut_short.load(Ordering::Relaxed),
        index.leftovers().len()
    );
}
