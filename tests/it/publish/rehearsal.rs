//! `--dry-run`: everything but the sending.

use serde_json::Value;

use super::{WHEEL, World, expect_in_order, my_wheel};
use crate::support::distributions::{sdist, wheel};
use crate::support::index::{Index, PASSWORD, USER};
use crate::support::scripted_index::Reply;

/// Nothing that was asked held a file.
#[track_caller]
fn assert_nothing_sent(world: &World) {
    for request in world.index.uploads() {
        let names: Vec<String> = request.parts().into_iter().map(|(name, _, _)| name).collect();
        assert_eq!(names, [":action"], "a question, not an upload");
    }
}

#[test]
fn it_shows_address_user_and_fields_and_sends_no_file() {
    let long = format!("Line one.\n{}\n", "x".repeat(1000));
    let file = wheel("My.Lib", "1.0")
        .header("Classifier", "A :: B")
        .description(&long)
        .build();
    let world = World::new(std::slice::from_ref(&file), [Reply::ok()]);
    let outcome = world.publish(&["--dry-run", "-c", "a remark"]).expect_code(0);
    let file_head = format!("{WHEEL} (");
    let digest = file.sha256();
    expect_in_order(
        &outcome.stdout,
        &[
            "address",
            &world.index.url,
            ".pypirc",
            "repository",
            "internal",
            "user",
            "alice, from [internal] of ",
            "password",
            "from [internal] of ",
            "credentials",
            "accepted",
            &file_head,
            "): new",
            ":action",
            "file_upload",
            "sha256_digest",
            &digest,
            "comment",
            "a remark",
            "My.Lib",
            "classifiers",
            "A :: B",
            "Line one.… (",
            "content",
        ],
    );
    assert!(!outcome.stdout.contains("s3cret") && !outcome.stderr.contains("s3cret"));
    assert_nothing_sent(&world);
}

#[test]
fn json_has_every_field_whole() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    let outcome = world.publish(&["--dry-run", "--json"]).expect_code(0);
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(document["dry_run"], true);
    assert_eq!(document["username"], "alice");
    assert_eq!(document["credentials_accepted"], true);
    let file = &document["files"][0];
    assert_eq!(
        (&file["filename"], &file["status"]),
        (&WHEEL.into(), &"new".into())
    );
    // The real run sends just these.
    world.publish(&[]).expect_code(0);
    let sent: Vec<Vec<String>> = world
        .index
        .uploads()
        .last()
        .unwrap()
        .fields()
        .into_iter()
        .map(|(n, v)| vec![n, v])
        .collect();
    assert_eq!(file["fields"], serde_json::json!(sent));
}

#[test]
fn refused_credentials_fail_and_are_tried_once() {
    let world = World::new(
        &[my_wheel(), sdist("my-lib", "1.0").build()],
        [Reply::status("401 Unauthorized")],
    );
    let outcome = world.publish(&["--dry-run"]).expect_failure(1, "`internal`");
    expect_in_order(
        &outcome.stderr,
        &["the credentials are wrong", "hint: ", "`alice`"],
    );
    let tried = world
        .index
        .requests()
        .into_iter()
        .filter(|request| request.header("Authorization").is_some());
    assert_eq!(tried.count(), 1);
    assert_nothing_sent(&world);
}

#[test]
fn files_that_are_there_are_told_from_files_in_the_way() {
    let ours = my_wheel();
    let world = World::new(std::slice::from_ref(&ours), [Reply::ok()]);
    world.index.list(WHEEL, Some(&ours.sha256()));
    let outcome = world.publish(&["--dry-run"]).expect_code(0);
    assert!(
        outcome.stdout.contains("already there, same bytes"),
        "{}",
        outcome.stdout
    );
    let theirs = wheel("my-lib", "1.0").description("Other.\n").build();
    world.index.list(WHEEL, Some(&theirs.sha256()));
    let outcome = world.publish(&["--dry-run"]).expect_failure(1, WHEEL);
    for digest in [ours.sha256(), theirs.sha256()] {
        assert!(outcome.stdout.contains(&digest), "{}", outcome.stdout);
    }
    assert_nothing_sent(&world);
}

#[test]
fn a_real_index_says_whether_it_would_take_the_files() {
    let index = Index::guarded();
    my_wheel().write_into(index.testbed.path("dist"));
    let rehearse = |user: &str, password: &str| {
        let mut command = index
            .testbed
            .pkgctl(["publish", "--dry-run", "--non-interactive"]);
        command.args(["--repository-url", &index.upload_url()]);
        command
            .env("PKGCTL_USERNAME", user)
            .env("PKGCTL_PASSWORD", password);
        crate::support::Outcome::of(&mut command)
    };
    let outcome = rehearse(USER, PASSWORD).expect_code(0);
    expect_in_order(
        &outcome.stdout,
        &["from PKGCTL_*", "credentials", "accepted", "): new"],
    );
    rehearse(USER, "wrong").expect_failure(1, "the credentials are wrong");
    assert_eq!(index.leftovers(), [""; 0]);
}
