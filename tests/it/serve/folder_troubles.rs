//! Reads go on and tell the truth while the disk is full, the catalog is locked, removed or spoilt, or the folder is
//! not there.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::Testbed;
use crate::support::distributions::{sdist, wheel};
use crate::support::http::get;
use crate::support::index::listed;
use crate::support::testbed::Server;
use crate::support::tools;

const JSON: [(&str, &str); 1] = [("Accept", "application/vnd.pypi.simple.v1+json")];

/// A server whose folder is a small disk of its own, mounted where only that server sees it. `None`, with a word about
/// it, where nothing can be mounted.
fn on_small_disk(testbed: &Testbed, folder: &Path, first: &str) -> Option<Server> {
    if !tools::can_mount() {
        return None;
    }
    fs::create_dir_all(folder).unwrap();
    let mut command = testbed.program("unshare");
    let script = format!(
        "mount -t tmpfs -o size=6m none \"$1\" && {first} && exec \"$0\" serve -p 0 -i 127.0.0.1 \"$1\""
    );
    command
        .args(["-rm", "sh", "-c", &script, crate::support::binary()])
        .arg(folder);
    Some(Server::start(command))
}

/// The folder as the server sees it.
fn seen_by(server: &Server, folder: &Path) -> PathBuf {
    PathBuf::from(format!("/proc/{}/root{}", server.id(), folder.display()))
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut filler = fs::File::create(path).unwrap();
    for size in [1 << 20, 4096, 1] {
        while filler.write_all(&vec![0x55; size]).is_ok() {}
    }
    assert!(
        fs::write(path.with_file_name("probe"), "x").is_err(),
        "the disk is full"
    );
    let _ = fs::remove_file(path.with_file_name("probe"));
}

// D3
#[test]
fn a_full_disk_keeps_nobody_from_reading() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    let Some(server) = on_small_disk(&testbed, &folder, "true") else {
        return;
    };
    let seen = seen_by(&server, &folder);
    for number in 0..300 {
        fs::write(seen.join(format!("lib-1.{number}.tar.gz")), format!("{number}")).unwrap();
    }
    let whole = wheel("whole", "1.0").build();
    whole.write_into(&seen);
    assert_eq!(listed(&server.url, "lib").len(), 300);
    fill(&seen.join(".filler"));
    for number in 0..300 {
        let path = |version| seen.join(format!("lib-{version}.{number}.tar.gz"));
        fs::rename(path(1), path(2)).unwrap();
        if number % 50 == 0 {
            let now = listed(&server.url, "lib");
            assert_eq!(now.len(), 300);
            assert!(now.contains(&format!("lib-2.{number}.tar.gz")));
        }
    }
    fs::remove_file(seen.join("lib-2.299.tar.gz")).unwrap();
    let now = listed(&server.url, "lib");
    assert_eq!(now.len(), 299);
    assert!(now.iter().all(|name| name.starts_with("lib-2.")));
    assert!(get(&server.url, &format!("/packages/{}", whole.filename), &[]).body == whole.bytes);
    server.wait_for_log("a copy in memory stands in");
    assert!(server.log().contains("no space left"), "{}", server.log());
    fs::remove_file(seen.join(".filler")).unwrap();
    server.wait_for_log("the catalog on disk is used again");
    assert_eq!(listed(&server.url, "lib").len(), 299);
}

#[test]
fn a_server_starts_on_a_full_disk() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    wheel("lib", "1.0").build().write_into(testbed.path("source"));
    let first = format!(
        "cp '{}'/* \"$1\" && head -c 100m /dev/zero 2>/dev/null > \"$1/.filler\"; true",
        testbed.path("source").display()
    );
    let Some(server) = on_small_disk(&testbed, &folder, &first) else {
        return;
    };
    let seen = seen_by(&server, &folder);
    assert_eq!(listed(&server.url, "lib"), ["lib-1.0-py3-none-any.whl"]);
    assert!(server.log().contains("can't be used"), "{}", server.log());
    fs::rename(
        seen.join("lib-1.0-py3-none-any.whl"),
        seen.join("lib-2.0-py3-none-any.whl"),
    )
    .unwrap();
    assert_eq!(listed(&server.url, "lib"), ["lib-2.0-py3-none-any.whl"]);
    fs::remove_file(seen.join(".filler")).unwrap();
    server.wait_for_log("the catalog on disk is used again");
    assert_eq!(listed(&server.url, "lib"), ["lib-2.0-py3-none-any.whl"]);
    assert!(seen.join(".pkgctl/catalog.db").exists());
}

#[test]
fn a_catalog_that_is_removed_or_spoilt_while_it_serves_is_made_anew() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    sdist("lib", "1.0").build().write_into(&folder);
    let server = testbed.serve([&folder]);
    let state = folder.join(".pkgctl");
    for round in 2..8 {
        match round % 3 {
            // The server may be at work in it.
            0 => drop(fs::remove_dir_all(&state)),
            1 => fs::write(state.join("catalog.db"), "scribbled".repeat(9000)).unwrap(),
            _ => fs::write(state.join("catalog.db"), "").unwrap(),
        }
        sdist("lib", &format!("{round}.0")).build().write_into(&folder);
        sdist(&format!("new{round}"), "1.0").build().write_into(&folder);
        assert_eq!(
            listed(&server.url, "lib").len(),
            round,
            "round {round}: {}",
            server.log()
        );
        assert_eq!(
            listed(&server.url, &format!("new{round}")).len(),
            1,
            "round {round}"
        );
        let begun = std::time::Instant::now();
        while !fs::metadata(state.join("catalog.db")).is_ok_and(|file| file.len() > 0) {
            assert!(
                begun.elapsed().as_secs() < 20,
                "it is not made anew:\n{}",
                server.log()
            );
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
    assert!(
        server.log().contains("a copy in memory stands in"),
        "it is said loudly:\n{}",
        server.log()
    );
}

// D14
#[test]
fn a_folder_that_goes_and_comes_back_is_served_again() {
    let testbed = Testbed::new();
    let (folder, away) = (testbed.path("packages"), testbed.path("away"));
    sdist("lib", "1.0").build().write_into(&folder);
    let server = testbed.serve(["--disable-fallback".as_ref(), folder.as_os_str()]);
    assert_eq!(listed(&server.url, "lib"), ["lib-1.0.tar.gz"]);
    fs::rename(&folder, &away).unwrap();
    for path in [
        "/simple/lib/",
        "/simple/",
        "/packages/lib-1.0.tar.gz",
        "/simple/other/",
    ] {
        let refused = get(&server.url, path, &[]).expect(503);
        assert!(
            refused.text().contains("not there right now"),
            "{}",
            refused.text()
        );
    }
    assert!(!folder.exists(), "nothing is put in its place");
    fs::rename(&away, &folder).unwrap();
    assert_eq!(listed(&server.url, "lib"), ["lib-1.0.tar.gz"]);
    // Removed, and made anew with something else in it.
    fs::remove_dir_all(&folder).unwrap();
    get(&server.url, "/simple/lib/", &[]).expect(503);
    fs::create_dir(&folder).unwrap();
    sdist("lib", "2.0").build().write_into(&folder);
    assert_eq!(listed(&server.url, "lib"), ["lib-2.0.tar.gz"]);
    assert!(get(&server.url, "/packages/lib-2.0.tar.gz", &[]).status == 200);
    get(&server.url, "/packages/lib-1.0.tar.gz", &[]).expect(404);
    sdist("lib", "3.0").build().write_into(&folder);
    assert_eq!(listed(&server.url, "lib").len(), 2, "it is watched");
    server.wait_for_log("the catalog on disk is used again");
}

/// A server that may watch only so many folders. `None`, with a word about it, where that can't be had.
fn with_watches(testbed: &Testbed, limit: &str, folder: &Path) -> Option<Server> {
    let script = "echo \"$1\" > /proc/sys/user/max_inotify_watches";
    let limited = Command::new("unshare")
        .args(["-rm", "sh", "-c", script, "sh", limit])
        .stderr(Stdio::null())
        .status();
    if !limited.is_ok_and(|status| status.success()) {
        tools::skip("the number of watches can't be limited here");
        return None;
    }
    let mut command = testbed.program("unshare");
    let script = format!("{script} && exec \"$0\" serve -p 0 -i 127.0.0.1 --disable-fallback \"$2\"");
    command
        .args(["-rm", "sh", "-c", &script, crate::support::binary(), limit])
        .arg(folder);
    Some(Server::start(command))
}

// Too many folders to watch, at the start or later: slower, never stale, and said.
#[test]
fn without_events_nothing_is_stale_either() {
    for (limit, folders) in [("3", 10), ("6", 2)] {
        let testbed = Testbed::new();
        let folder = testbed.path("packages");
        for number in 0..folders {
            sdist("lib", &format!("1.{number}"))
                .build()
                .write_into(folder.join(format!("team{number}")));
        }
        let Some(server) = with_watches(&testbed, limit, &folder) else {
            return;
        };
        assert_eq!(listed(&server.url, "lib").len(), folders);
        for number in folders..12 {
            sdist("lib", &format!("1.{number}"))
                .build()
                .write_into(folder.join(format!("team{number}")));
            assert_eq!(listed(&server.url, "lib").len(), number + 1, "limit {limit}");
        }
        server.wait_for_log("max_user_watches");
        let path = folder.join("team1/lib-1.1.tar.gz");
        for round in 0..10 {
            let other = sdist("lib", "1.1").padding(100 + round, 1).build();
            fs::write(&path, &other.bytes).unwrap();
            let page = get(&server.url, "/simple/lib/", &JSON).text();
            assert!(page.contains(&other.sha256()), "limit {limit}, round {round}");
            let served = get(&server.url, "/packages/team1/lib-1.1.tar.gz", &[]);
            assert!(served.body == other.bytes, "limit {limit}, round {round}");
        }
        fs::remove_dir_all(folder.join("team1")).unwrap();
        assert_eq!(listed(&server.url, "lib").len(), 11);
    }
}

#[test]
fn junk_is_told_once() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    sdist("lib", "1.0").build().write_into(&folder);
    testbed.write("packages/README.md", "junk");
    let server = testbed.serve(["-v".as_ref(), folder.as_os_str()]);
    for round in 0..5 {
        testbed.write("packages/README.md", format!("junk {round}"));
        // A folder that goes makes everything be listed anew.
        fs::create_dir(folder.join("folder")).unwrap();
        fs::remove_dir(folder.join("folder")).unwrap();
        assert_eq!(listed(&server.url, "lib").len(), 1);
    }
    let log = server.log();
    assert_eq!(log.matches("not listed file=README.md").count(), 1, "{log}");
}
