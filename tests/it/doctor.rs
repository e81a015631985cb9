//! `pkgctl doctor`: what is wrong is found, named and given a remedy, and nothing is touched.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;

use crate::support::distributions::{sdist, wheel};
use crate::support::folder::paths_below;
use crate::support::scripted_index::{Reply, ScriptedIndex};
use crate::support::{Outcome, Server, Testbed};

/// A home with a packages folder and a user, and a server on it.
fn served() -> (Testbed, Server) {
    let testbed = Testbed::new();
    let folder = testbed.home().join("packages");
    wheel("lib", "1.0").build().write_into(&folder);
    testbed
        .run_with_input(
            ["adduser", "--cost", "4", "--password-stdin", "ann"],
            "secret12\n",
        )
        .expect_code(0);
    let mut arguments: Vec<std::ffi::OsString> = vec!["-P".into(), folder.join(".htaccess").into()];
    arguments.push(folder.into());
    let server = testbed.serve(arguments);
    (testbed, server)
}

fn write_pypirc(testbed: &Testbed, url: &str, password: &str) {
    let text = format!(
        "[distutils]\nindex-servers = internal\n\n[internal]\nrepository = {url}\nusername = ann\npassword = {password}\n"
    );
    let path = testbed.home().join(".pypirc");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// The findings as `section: state: text`, and the remedies.
fn findings(outcome: &Outcome) -> (Vec<String>, Vec<String>) {
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let all = document["findings"].as_array().unwrap();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let lines = all
        .iter()
        .map(|finding| {
            format!(
                "{}: {}: {}",
                text(finding, "section"),
                text(finding, "state"),
                text(finding, "text")
            )
        })
        .collect();
    for finding in all {
        assert_eq!(
            finding["state"] == "problem",
            finding["remedy"].is_string(),
            "a problem without a remedy, or a remedy without one: {finding}"
        );
    }
    let sound = !all.iter().any(|finding| finding["state"] == "problem");
    assert_eq!(document["sound"], sound);
    let remedies = all
        .iter()
        .map(|finding| text(finding, "remedy"))
        .filter(|remedy| !remedy.is_empty());
    (lines, remedies.collect())
}

#[track_caller]
fn assert_says(lines: &[String], parts: &[&str]) {
    assert!(
        lines
            .iter()
            .any(|line| parts.iter().all(|part| line.contains(part))),
        "nothing says {parts:?}:\n{}",
        lines.join("\n")
    );
}

/// Every file below the folder with its content and the time of its last change.
fn state_of(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let state = |path: PathBuf| {
        let modified = path.metadata().unwrap().modified().unwrap();
        (path.display().to_string(), (fs::read(&path).unwrap(), modified))
    };
    paths_below(folder).into_iter().map(state).collect()
}

#[test]
fn a_sound_set_up_has_no_problem() {
    let (testbed, server) = served();
    write_pypirc(&testbed, &server.url, "secret12");
    let before = state_of(&testbed.home());
    let outcome = testbed.run(["doctor", "--json"]).expect_code(0);
    assert_eq!(state_of(&testbed.home()), before, "something was touched");
    let (lines, _) = findings(&outcome);
    assert_says(&lines, &["Programs: good: Python 3"]);
    assert_says(
        &lines,
        &["Configuration files: good:", ".pypirc", "names internal"],
    );
    assert_says(
        &lines,
        &[
            "Repository internal",
            &server.url,
            "good: it answers",
            "Simple API 1.4, with JSON",
        ],
    );
    assert_says(&lines, &["Repository internal", "good: everybody may list"]);
    assert_says(&lines, &["Repository internal", "good: `ann` may upload"]);
    assert_says(&lines, &["Packages in", "good: 1 distribution of 1 project"]);
    assert_says(&lines, &["Packages in", "good: the catalog is sound"]);
    assert_says(&lines, &["Passwords in", "good: 1 user can log in"]);
    assert!(!outcome.stdout.contains("secret12"));
}

#[test]
fn the_list_for_people_has_marks_and_ends_with_the_count() {
    let testbed = Testbed::new();
    let outcome = testbed.run(["doctor", "--offline"]);
    assert!(outcome.stdout.contains("  ✓ "), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains('\u{1b}'), "colours without a terminal");
    let end = outcome.stdout.lines().last().unwrap();
    assert!(
        end == "nothing is wrong" || end.ends_with("problem") || end.ends_with("problems"),
        "{end}"
    );
    assert_eq!(outcome.stderr, "");
}

#[test]
fn what_is_wrong_on_the_client_side_is_named_with_a_remedy() {
    let (testbed, server) = served();
    write_pypirc(&testbed, &server.url, "wrong-password");
    let pypirc = testbed.home().join(".pypirc");
    fs::set_permissions(&pypirc, fs::Permissions::from_mode(0o644)).unwrap();
    let pip_conf = testbed.home().join(".pip/pip.conf");
    fs::create_dir_all(pip_conf.parent().unwrap()).unwrap();
    fs::write(&pip_conf, "[global\nindex-url = x\n").unwrap();
    fs::write(testbed.home().join(".netrc"), "machine h login\n").unwrap();
    let outcome = testbed.run(["doctor", "--json"]).expect_code(1);
    let (lines, remedies) = findings(&outcome);
    assert_says(&lines, &["problem: other users", ".pypirc", "password"]);
    assert_says(&lines, &["problem: `", "pip.conf`: line 1"]);
    assert_says(&lines, &["problem: `", ".netrc`: line 1"]);
    assert_says(
        &lines,
        &[
            "Repository internal",
            "problem: user name or password of `ann` are wrong",
        ],
    );
    assert_says(&remedies, &["chmod 600", ".pypirc"]);
    assert!(!outcome.stdout.contains("wrong-password"), "{}", outcome.stdout);
}

#[test]
fn what_is_wrong_on_the_server_side_is_named_with_a_remedy() {
    let testbed = Testbed::new();
    let [one, two] = ["one", "two"].map(|name| testbed.path(name));
    sdist("twin", "1.0").build().write_into(&one);
    sdist("twin", "1.0").build().write_into(&two);
    fs::write(one.join("notes.txt"), "x").unwrap();
    fs::create_dir_all(one.join(".pkgctl")).unwrap();
    fs::write(
        one.join(".pkgctl/catalog.db"),
        "scribbled over, all of it, and that is no database",
    )
    .unwrap();
    let passwords = testbed.write("users", "old:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
    let before = state_of(testbed.root());
    let mut command = testbed.pkgctl(["doctor", "--json", "--offline", "--folder"]);
    command
        .arg(&one)
        .arg("--folder")
        .arg(&two)
        .arg("-P")
        .arg(&passwords);
    let outcome = Outcome::of(&mut command).expect_code(1);
    assert_eq!(state_of(testbed.root()), before, "something was touched");
    let (lines, remedies) = findings(&outcome);
    assert_says(&lines, &["note: `", "notes.txt` is not listed: "]);
    assert_says(
        &lines,
        &[
            "problem: `",
            "two/twin-1.0.tar.gz",
            "hidden behind",
            "one/twin-1.0.tar.gz",
        ],
    );
    assert_says(&lines, &["problem: the catalog", "damaged"]);
    assert_says(&lines, &["problem: the password of `old`"]);
    assert_says(&remedies, &["pkgctl adduser -f", "old"]);
}

#[test]
fn a_folder_that_is_not_there_and_a_line_that_makes_no_sense_are_problems() {
    let testbed = Testbed::new();
    let passwords = testbed.write("users", "ann:$2y$04$short\n");
    let outcome = testbed.run([
        "doctor",
        "--json",
        "--offline",
        "--folder",
        "nowhere",
        "-P",
        passwords.to_str().unwrap(),
    ]);
    let (lines, _) = findings(&outcome.expect_code(1));
    assert_says(&lines, &["problem: the packages folder", "nowhere"]);
    assert_says(&lines, &["Passwords in", "problem:", "line 1"]);
}

#[test]
fn a_server_alone_is_looked_at_by_its_address() {
    let (testbed, server) = served();
    let outcome = testbed.run(["doctor", "--json", &server.url]).expect_code(0);
    let (lines, _) = findings(&outcome);
    assert!(
        lines.iter().all(|line| line.starts_with("Server at ")),
        "{lines:?}"
    );
    assert_says(&lines, &["good: everybody may list"]);
    assert_says(&lines, &["note: uploading takes a password"]);
}

#[test]
fn a_server_that_is_not_there_or_is_something_else_is_a_problem() {
    let testbed = Testbed::new();
    let closed = format!("http://127.0.0.1:{}", crate::support::foreign_server::free_port());
    let outcome = testbed.run(["doctor", "--json", &closed]).expect_code(1);
    assert_says(
        &findings(&outcome).0,
        &["problem: it can't be reached: nobody listens there"],
    );
    let other = ScriptedIndex::start([]);
    other.page("/simple/", "text/html", "<h1>It works!</h1>");
    let outcome = testbed.run(["doctor", "--json", &other.url]).expect_code(1);
    assert_says(
        &findings(&outcome).0,
        &["problem: something answers there", "list of projects should be"],
    );
    let outcome = testbed.run(["doctor", "--json", "not an address"]).expect_code(1);
    assert_says(
        &findings(&outcome).0,
        &["problem: `not an address` is not the address of a server"],
    );
}

#[test]
fn live_is_silent_about_a_living_server_and_tells_of_any_other() {
    let (testbed, server) = served();
    let outcome = testbed.run(["doctor", "--live", &server.url]).expect_code(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
    let closed = format!("http://127.0.0.1:{}", crate::support::foreign_server::free_port());
    testbed
        .run(["doctor", "--live", &closed])
        .expect_failure(1, &closed);
    let failing = ScriptedIndex::start([Reply::status("503 Service Unavailable")]);
    testbed
        .run(["doctor", "--live", &format!("{}/other/path", failing.url)])
        .expect_failure(1, "is not alive");
    testbed
        .run(["doctor", "--live", "127.0.0.1"])
        .expect_failure(2, "address");
    testbed
        .run(["doctor", "--live", "--json"])
        .expect_failure(2, "--json");
}

/// As if it had been there for long, so that the server keeps what it reads from it.
fn age(path: &Path) {
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(old).unwrap();
}

/// Changes one bit of a file, and neither its size nor its time.
fn rot(path: &Path) {
    let modified = path.metadata().unwrap().modified().unwrap();
    let mut bytes = fs::read(path).unwrap();
    bytes[20_000] ^= 4;
    fs::write(path, &bytes).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(modified).unwrap();
}

// D12
#[test]
fn d12_verify_finds_the_files_whose_bytes_are_not_those_that_were_recorded() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    fs::create_dir(&folder).unwrap();
    let open = ["-P", ".", "-a", ".", "--overwrite"].map(std::ffi::OsString::from);
    let start = || testbed.serve(open.iter().cloned().chain([folder.clone().into()]));
    let server = start();
    let lib = |name: &str, seed| sdist(name, "1.0").padding(30_000, seed).build();
    let copied = lib("copied", 1).write_into(&folder);
    age(&copied);
    for name in ["sound", "rotten", "edited", "gone", "again"] {
        crate::support::upload::upload(&server.url, &lib(name, 2)).expect(200);
    }
    let replaced = crate::support::upload::upload(&server.url, &lib("again", 3));
    replaced.expect(200);
    // Its page makes the server read the file.
    crate::support::http::get(&server.url, "/simple/copied/", &[]).expect(200);
    drop(server);
    let verify = |testbed: &Testbed| {
        // The server was killed, so the index of the catalog's log is made anew by whoever looks.
        let state = || {
            let mut state = state_of(&folder);
            state.retain(|path, _| !path.ends_with("-shm"));
            state
        };
        let before = state();
        let outcome = testbed.run(["doctor", "--json", "--offline", "--verify"]);
        assert!(state() == before, "something was touched");
        let (lines, remedies) = findings(&outcome);
        let ours = |line: &String| line.starts_with("Bytes of the packages");
        (
            outcome.code,
            lines.into_iter().filter(ours).collect::<Vec<_>>(),
            remedies,
        )
    };
    let (code, lines, _) = verify(&testbed);
    assert_eq!(code, Some(0), "{lines:?}");
    assert_eq!(
        lines,
        ["Bytes of the packages: good: 6 distributions with the bytes that were recorded"]
    );

    let at = |name: &str| folder.join(lib(name, 0).filename);
    rot(&copied);
    rot(&at("rotten"));
    // A server that runs meanwhile takes the new bytes for what they are; that they were uploaded otherwise stays.
    let server = start();
    lib("edited", 9).write_into(&folder);
    age(&at("edited"));
    lib("fresh", 1).write_into(&folder);
    crate::support::http::get(&server.url, "/simple/edited/", &[]).expect(200);
    drop(server);
    fs::remove_file(at("gone")).unwrap();
    let (code, lines, remedies) = verify(&testbed);
    assert_eq!(code, Some(1));
    let copied_sha256 = lib("copied", 1).sha256();
    assert_says(
        &lines,
        &[
            "problem",
            "copied-1.0.tar.gz` has other bytes than were recorded",
            &copied_sha256,
        ],
    );
    assert_says(
        &lines,
        &["problem", "rotten-1.0.tar.gz` has other bytes than were recorded"],
    );
    assert_says(
        &lines,
        &[
            "problem",
            "edited-1.0.tar.gz` is not what was uploaded on 20",
            &lib("edited", 9).sha256(),
        ],
    );
    assert_says(&lines, &["note", "gone-1.0.tar.gz`: it is gone"]);
    assert_says(&lines, &["note", "fresh-1.0.tar.gz`: no server has read it yet"]);
    assert_says(&lines, &["good: 2 distributions with the bytes"]);
    assert_eq!(lines.len(), 6, "{lines:#?}");
    assert!(
        remedies.iter().all(|remedy| remedy.contains("from a backup")),
        "{remedies:?}"
    );
}
