//! Half-way: what is told about what is public, and files that change meanwhile.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{WHEEL, World, expect_in_order, my_wheel};
use crate::support::distributions::{sdist, wheel};
use crate::support::scripted_index::Reply;
use crate::support::{Session, Step};

#[test]
fn a_failure_says_what_is_public_and_what_comes_next() {
    let world = World::new(
        &[
            my_wheel(),
            sdist("my-lib", "1.0").build(),
            wheel("second", "2.0").build(),
        ],
        [Reply::ok(), Reply::status("400 too many files")],
    );
    let outcome = world.publish_only(&["dist/"]).expect_failure(1, "too many files");
    expect_in_order(
        &outcome.stderr,
        &[
            "error: ",
            "\n  on the index: my_lib-1.0-py3",
            "\n  not on the index: ",
            "caused by: ",
            "hint: ",
            "then run\n  pkgctl publish --skip-existing --no-verify --jobs 1 --retry-delay 0.01 dist/\n",
        ],
    );
    assert_eq!(world.index.uploads().len(), 2);
}

#[test]
fn a_failure_before_the_first_file_says_nothing_of_what_is_public() {
    let wrong = Reply::status("401 Unauthorized").with_body(
        "application/problem+json",
        r#"{"title": "Unauthorized", "detail": "wrong user name or password"}"#,
    );
    let world = World::new(&[my_wheel(), sdist("my-lib", "1.0").build()], [wrong]);
    let outcome = world.publish(&[]).expect_failure(1, WHEEL);
    let lines = outcome.stderr.lines();
    let told: Vec<&str> = lines.skip_while(|line| line.starts_with("publishing ")).collect();
    assert_eq!(told.len(), 4, "{}", outcome.stderr);
    assert!(told[0].starts_with("error: "), "{}", outcome.stderr);
    assert_eq!(
        told[1],
        "caused by: the server answered 401 Unauthorized: wrong user name or password"
    );
    assert!(told[2].starts_with("hint: check "), "{}", outcome.stderr);
    // Nothing is there that could be passed over.
    assert_eq!(told[3], "  pkgctl publish --jobs 1 --retry-delay 0.01");
}

#[test]
fn ctrl_c_says_what_was_uploaded() {
    let world = World::new(
        &[my_wheel(), wheel("second", "2.0").build()],
        [Reply::ok(), Reply::Silence],
    );
    let mut command = world.bed.pkgctl(["publish", "--jobs", "1"]);
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while world.index.uploads().len() < 2 {
        assert!(Instant::now() < deadline, "the second upload never came");
        std::thread::sleep(Duration::from_millis(5));
    }
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    expect_in_order(
        &stderr,
        &[
            "error: stopped",
            "1 of 2",
            "uploaded: my_lib",
            "broken off",
            "second",
            "hint: ",
        ],
    );
}

/// Row H3. The file is replaced between the check and a second attempt.
#[test]
fn a_file_that_changes_under_way_is_never_complete() {
    let world = World::new(
        &[my_wheel()],
        [
            Reply::status("503 Service Unavailable").with_header("Retry-After", "1"),
            Reply::ok(),
        ],
    );
    let mut command = world.bed.pkgctl(["publish", "--jobs", "1"]);
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while world.index.uploads().is_empty() {
        assert!(Instant::now() < deadline, "the first attempt never came");
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut other = my_wheel();
    other.bytes[60] ^= 1;
    let path: PathBuf = other.write_into(world.bed.path("dist"));
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("changed while it was sent"), "{stderr}");
    assert_eq!(world.index.uploads().len(), 1, "{} arrived", path.display());
}

#[test]
fn a_terminal_shows_every_file_and_the_whole_until_ctrl_c() {
    let files = [
        my_wheel(),
        wheel("second", "2.0").build(),
        wheel("third", "3.0").build(),
    ];
    let world = World::new(&files, [Reply::Silence]);
    let play = |arguments: &[&str], shown: &'static str| {
        let mut command = world.bed.pkgctl(["publish", "--jobs", "2"]);
        command.args(arguments).env("TERM", "xterm");
        Session::play(&command, &[Step::Expect(shown), Step::Signal("INT")])
    };
    let session = play(&[], "left  0 of 3 files");
    assert_eq!(session.code, 130, "{}", session.screen);
    assert!(session.is_terminal_restored, "{}", session.screen);
    expect_in_order(
        &session.screen,
        &[
            // Bytes and rate of each, then those of all.
            "/s           my_lib-1.0-py3-none-any.whl",
            "/s           second-2.0-py3-none-any.whl",
            "left  0 of 3 files",
            "stopped; 0 of 3 files are on ",
            "hint: ",
        ],
    );
    let session = play(&["--disable-progress-bar"], "publishing 3 files");
    assert!(!session.screen.contains(" of 3 files\r"), "{}", session.screen);
}
