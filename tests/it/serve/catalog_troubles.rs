//! A catalog that is locked, spoilt or cut short: no package is lost, nothing happens that can't be remembered.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::support::distributions::{sdist, wheel};
use crate::support::http::Reply;
use crate::support::index::{Index, OPEN};
use crate::support::testbed::Server;
use crate::support::upload::{Form, upload};

fn remove(index: &Index, name: &str, version: &str) -> Reply {
    index.post(
        &Form::default()
            .field(":action", "remove_pkg")
            .field("name", name)
            .field("version", version),
    )
}

fn catalog_of(index: &Index) -> rusqlite::Connection {
    rusqlite::Connection::open(index.stored(".pkgctl/catalog.db")).unwrap()
}

/// Overwrites a file with what is no database, as long as it was.
fn scribble_on(path: &Path) {
    let length = usize::try_from(fs::metadata(path).unwrap().len()).unwrap();
    fs::write(path, vec![0xa5; length]).unwrap();
}

// D1: what can't be remembered must not happen.
#[test]
fn with_a_locked_catalog_nothing_is_removed_and_nothing_stored() {
    let index = Index::open();
    let (here, new) = (wheel("lib", "1.0").build(), wheel("lib", "2.0").build());
    upload(&index.server.url, &here).expect(200);
    let other = catalog_of(&index);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let reply = remove(&index, "lib", "1.0").expect(503);
    assert!(reply.text().contains("catalog"), "{}", reply.text());
    assert!(!reply.header("retry-after").is_empty());
    index.assert_stored(&here);
    assert_eq!(index.listed("lib"), std::slice::from_ref(&here.filename));
    upload(&index.server.url, &new).expect(503);
    assert_eq!(index.listed("lib"), std::slice::from_ref(&here.filename));
    assert_eq!(index.leftovers(), std::slice::from_ref(&here.filename));
    other.execute_batch("ROLLBACK").unwrap();
    remove(&index, "lib", "1.0").expect(200);
    assert!(index.listed("lib").is_empty());
    upload(&index.server.url, &new).expect(200);
}

// D1: the removal is recorded, and the power goes before the file does.
#[test]
fn a_removal_that_was_cut_short_is_healed_at_the_start() {
    let index = Index::open();
    let here = wheel("lib", "1.0").build();
    upload(&index.server.url, &here).expect(200);
    // As the removal itself leaves it, in one transaction: without a bookmark to go on from.
    let index = index.with_catalog(&OPEN, "UPDATE files SET present = 0; DELETE FROM bookmark");
    assert_eq!(index.listed("lib"), std::slice::from_ref(&here.filename));
    remove(&index, "lib", "1.0").expect(200);
    assert_eq!(index.leftovers(), Vec::<String>::new());
}

// D3: deleted, truncated, scribbled on, between a stop and a start.
#[test]
fn a_catalog_that_was_spoilt_while_nobody_watched_is_replaced_by_its_copy() {
    let mut index = Index::open();
    let (gone, here) = (wheel("gone", "1.0").build(), wheel("here", "1.0").build());
    upload(&index.server.url, &gone).expect(200);
    upload(&index.server.url, &here).expect(200);
    remove(&index, "gone", "1.0").expect(200);
    catalog_of(&index)
        .execute_batch("UPDATE files SET yank_reason = 'broken' WHERE filename LIKE 'here%'")
        .unwrap();
    for round in 0..3 {
        index.server.signal("TERM");
        assert_eq!(index.server.wait(), Some(0));
        let path = index.stored(".pkgctl/catalog.db");
        match round {
            0 => scribble_on(&path),
            1 => fs::File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_len(700)
                .unwrap(),
            _ => {
                scribble_on(&path);
                fs::write(path.with_file_name("catalog.db-wal"), "junk").unwrap();
            }
        }
        index = Index::start(index.testbed, &OPEN);
        let log = index.server.log();
        assert!(log.contains("the catalog was damaged"), "round {round}: {log}");
        assert!(log.contains("its copy of"), "round {round}: {log}");
        assert!(
            index
                .stored(&format!(".pkgctl/catalog.db.damaged-{}", round + 1))
                .exists()
        );
        assert_eq!(
            index.page("here")["files"][0]["yanked"],
            "broken",
            "round {round}: {}",
            index.server.log()
        );
        let other = wheel("gone", "1.0").padding(10, 7).build();
        let refused = upload(&index.server.url, &other).expect(409);
        assert!(refused.text().contains("was removed"), "{}", refused.text());
        index.assert_stored(&here);
    }
}

// The catalog's files are mapped into memory; whoever cuts one short must not end the server with it.
#[test]
fn a_shortened_file_of_the_catalog_ends_nobody() {
    let mut index = Index::open();
    let cut = index.stored(".pkgctl/catalog.db-shm");
    for round in 0..20 {
        // Whoever is at work in it in that very moment can't be helped.
        wait_until_at_rest(&index.server);
        fs::File::options()
            .write(true)
            .open(&cut)
            .unwrap()
            .set_len(if round % 2 == 0 { 0 } else { 5000 })
            .unwrap();
        if round % 3 == 0 {
            index.copy_in(&sdist("copied", &format!("1.{round}")).build());
            assert_eq!(index.listed("copied").len(), round / 3 + 1);
        }
        let lib = wheel("lib", &format!("1.{round}")).build();
        upload(&index.server.url, &lib).expect(200);
        assert_eq!(index.listed("lib").len(), round + 1);
    }
    assert!(index.server.log().contains("cut short"), "{}", index.server.log());
    wait_until_at_rest(&index.server);
    fs::File::options()
        .write(true)
        .open(&cut)
        .unwrap()
        .set_len(0)
        .unwrap();
    index.server.signal("TERM");
    assert_eq!(index.server.wait(), Some(0), "{}", index.server.log());
}

/// Waits until no thread of the server does or writes anything: all of them sleep, some looks long.
fn wait_until_at_rest(server: &Server) {
    let tasks = format!("/proc/{}/task", server.id());
    let is_asleep = |task: fs::DirEntry| {
        let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        // The state follows the name, which stands in parentheses.
        stat.rsplit_once(')')
            .is_none_or(|(_, rest)| rest.starts_with(" S"))
    };
    let mut looks = 0;
    while looks < 5 {
        let all_sleep = fs::read_dir(&tasks).unwrap().flatten().all(is_asleep);
        looks = if all_sleep { looks + 1 } else { 0 };
        thread::sleep(Duration::from_millis(1));
    }
}

// D10
#[test]
fn a_folder_that_was_made_anew_is_still_claimed() {
    let index = Index::open();
    let folder = index.testbed.path("packages");
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(index.get("/simple/lib/", &[]).status, 503);
    fs::create_dir(&folder).unwrap();
    upload(&index.server.url, &wheel("lib", "1.0").build()).expect(200);
    let second = index.testbed.serve(OPEN.into_iter().chain(["packages"]));
    second.wait_for_log("another pkgctl serves this folder already");
}

// D11: renamed over and over, each time to other bytes; whoever asks gets one or the other, whole.
#[test]
fn a_file_that_is_exchanged_all_the_time_can_be_downloaded() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let index = Index::open();
    let versions: Vec<_> = (0..8)
        .map(|number| wheel("lib", "1.0").padding(20_000, number).build())
        .collect();
    let path = index.copy_in(&versions[0]);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in (0..8).cycle() {
                if done.load(Ordering::Relaxed) {
                    return;
                }
                let next = path.with_file_name(format!(".next-{number}"));
                fs::write(&next, &versions[number].bytes).unwrap();
                fs::rename(&next, &path).unwrap();
            }
        });
        for _ in 0..200 {
            let reply = index.get(&format!("/packages/{}", versions[0].filename), &[]);
            if reply.status != 200 || !versions.iter().any(|version| version.bytes == reply.body) {
                done.store(true, Ordering::Relaxed);
                panic!("{} {}", reply.status, reply.text());
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}
