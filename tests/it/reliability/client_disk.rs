//! A full disk under the files that the other verbs write: the old ones stay whole, nothing is half-written, and it is
//! said what failed. H4. What `build` does then is among the tests of its output folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::distributions::wheel;
use crate::support::folder::paths_below;
use crate::support::tools::skip;
use crate::support::{Outcome, Testbed};

/// Runs the binary with a full disk in the place of `small`, which holds what the folder held before; what is there
/// afterwards, but for what fills it, comes back into the folder. `None` where nothing can be mounted, which counts as a
/// failure where tools are required.
fn with_full_disk(bed: &Testbed, small: &Path, arguments: &[&str], input: &str) -> Option<Outcome> {
    let mountable = Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"])
        .stderr(Stdio::null())
        .status();
    if !mountable.is_ok_and(|status| status.success()) {
        skip("nothing can be mounted here");
        return None;
    }
    let (before, after) = (bed.root().join("before"), bed.root().join("after"));
    fs::rename(small, &before).unwrap();
    for folder in [small, &after] {
        fs::create_dir(folder).unwrap();
    }
    // The last page goes to the filler too; a file without content still finds a place.
    let script = "mount -t tmpfs -o size=256k none \"$1\" && cp -a \"$2/.\" \"$1\" || exit 99\n\
                  dd if=/dev/zero of=\"$1/.filler\" bs=4k 2>/dev/null\n\
                  after=\"$3\"; full=\"$1\"; shift 3; cd \"$full\"\n\
                  \"$0\" \"$@\"; code=$?\n\
                  rm \"$full/.filler\"; cp -a \"$full/.\" \"$after\"; exit $code";
    let mut command = bed.program("unshare");
    command
        .args(["-rm", "sh", "-c", script, env!("CARGO_BIN_EXE_pkgctl")])
        .args([small, &before, &after])
        .args(arguments)
        .env("PKGCTL_OFFLINE", "1");
    let outcome = Outcome::with_input(&mut command, input);
    fs::remove_dir(small).unwrap();
    fs::rename(&after, small).unwrap();
    Some(outcome)
}

/// Every file below the folder, with its mode and content.
fn files_in(folder: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let state = |path: PathBuf| {
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        let name = path.strip_prefix(folder).unwrap().display().to_string();
        (name, (mode, fs::read(&path).unwrap()))
    };
    paths_below(folder).into_iter().map(state).collect()
}

/// Failed for want of space, with a word for what could not be written, and everything is as it was.
#[track_caller]
fn assert_refused(bed: &Testbed, small: &Path, arguments: &[&str], input: &str, named: &str) {
    let before = files_in(small);
    let Some(outcome) = with_full_disk(bed, small, arguments, input) else {
        return;
    };
    let outcome = outcome.expect_failure(1, named);
    assert!(
        outcome.stderr.contains("No space left on device"),
        "{}",
        outcome.stderr
    );
    for secret in ["long enough", "s3cret", "hunter2"] {
        assert!(!outcome.stderr.contains(secret), "{}", outcome.stderr);
    }
    let after = files_in(small);
    assert_eq!(
        after.keys().collect::<Vec<_>>(),
        before.keys().collect::<Vec<_>>()
    );
    assert!(after == before, "a file has changed");
}

/// Adds a user to the passwords file, with the password that is typed.
fn add_bob(file: &str) -> [&str; 7] {
    ["adduser", "--cost", "4", "--password-stdin", "-f", file, "bob"]
}

#[test]
fn h4_adduser_keeps_the_users_that_are_there() {
    let bed = Testbed::new();
    let folder = bed.path("passwords");
    bed.write("passwords/htpasswd", "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n");
    assert_refused(&bed, &folder, &add_bob("htpasswd"), "long enough\n", "htpasswd");
    // When there is space again it works.
    let path = folder.join("htpasswd");
    bed.run_with_input(add_bob(path.to_str().unwrap()), "long enough\n")
        .expect_code(0);
    let users = fs::read_to_string(&path).unwrap();
    assert!(users.contains("alice:") && users.contains("bob:"), "{users}");
}

#[test]
fn h4_adduser_begins_no_file_that_it_can_t_finish() {
    let bed = Testbed::new();
    let folder = bed.path("passwords");
    fs::create_dir(&folder).unwrap();
    assert_refused(&bed, &folder, &add_bob("htpasswd"), "long enough\n", "htpasswd");
    assert!(files_in(&folder).is_empty());
}

#[test]
fn h4_configure_keeps_both_files_or_writes_both() {
    let arguments = ["configure", "--username", "alice", "--password-stdin"];
    let pypirc = "[distutils]\nindex-servers = other\n\n[other]\npassword = hunter2\n";
    let pip_conf = "[global]\ntimeout = 7\n";
    let bed = Testbed::new();
    bed.write(".pypirc", pypirc);
    bed.write(".pip/pip.conf", pip_conf);
    fs::set_permissions(bed.path(".pypirc"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_refused(&bed, &bed.home(), &arguments, "s3cret\n", ".pypirc");
    // There is none yet.
    let bed = Testbed::new();
    bed.write("notes", "x");
    assert_refused(&bed, &bed.home(), &arguments, "s3cret\n", ".pypirc");
    let outcome = bed.run_with_input(arguments, "s3cret\n").expect_code(0);
    assert_eq!(outcome.stderr.matches("wrote `").count(), 2, "{}", outcome.stderr);
}

// What is only remembered to be faster next time may fail without a word.
#[test]
fn h4_a_cache_that_can_t_be_written_is_no_failure() {
    let bed = Testbed::new();
    let readme = wheel("my-lib", "1.0")
        .header("Description-Content-Type", "text/x-rst")
        .description("Title\n=====\n\n.. note:: A note.\n")
        .build();
    let path = readme.write_into(bed.root().join("dist"));
    bed.write(".cache/kept", "x");
    let cache = bed.path(".cache");
    let Some(outcome) = with_full_disk(&bed, &cache, &["check", path.to_str().unwrap()], "") else {
        return;
    };
    outcome.expect_code(0);
    let left = files_in(&cache);
    let is_whole = |(name, (_, content)): (&String, &(u32, Vec<u8>))| {
        name == "kept" || serde_json::from_slice::<serde_json::Value>(content).is_ok()
    };
    assert!(left.iter().all(is_whole), "{:?}", left.keys());
}
