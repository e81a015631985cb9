//! Files that are there already, and answers that were lost.

use super::{SDIST, WHEEL, World, expect_in_order, my_wheel};
use crate::support::distributions::{sdist, wheel};
use crate::support::scripted_index::Reply;

#[test]
fn the_same_file_already_there_is_success() {
    let ours = my_wheel();
    let duplicates = [
        "409 Conflict",
        "400 File already exists",
        "400 Repository does not allow updating assets",
        "400 cannot be updated",
        "400 has already been taken",
        "403 Not enough permissions to overwrite artifact",
    ];
    for line in duplicates {
        let world = World::new(std::slice::from_ref(&ours), [Reply::status(line)]);
        world.index.list(WHEEL, Some(&ours.sha256()));
        let outcome = world.publish(&[]).expect_code(0);
        assert!(
            outcome.stderr.contains(&format!("already there {WHEEL}")),
            "{line}: {}",
            outcome.stderr
        );
        let asked = world.index.requests().pop().unwrap();
        assert_eq!(
            asked.header("Authorization"),
            Some("Basic YWxpY2U6czNjcmV0"),
            "the page may be closed too"
        );
    }
    let said = Reply::ok().with_body("text/plain", "already there, unchanged");
    let outcome = World::new(&[ours], [said]).publish(&[]).expect_code(0);
    assert!(
        outcome.stderr.contains("already there my_lib"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_server_of_our_own_says_in_a_header_what_became_of_a_file() {
    for (word, said) in [
        ("stored", "uploaded my_lib-1.0-py3-none-any.whl ("),
        ("unchanged", "already there my_lib-1.0-py3-none-any.whl ("),
        ("replaced", "in place of another file"),
    ] {
        let reply = Reply::ok().with_header("x-pkgctl-upload", word);
        let outcome = World::new(&[my_wheel()], [reply]).publish(&[]).expect_code(0);
        assert!(outcome.stderr.contains(said), "{word}: {}", outcome.stderr);
        let same = outcome.stderr.contains("same bytes");
        assert_eq!(same, word == "unchanged", "{}", outcome.stderr);
    }
}

#[test]
fn pages_in_json_are_read_as_well() {
    let ours = my_wheel();
    let world = World::new(std::slice::from_ref(&ours), [Reply::status("409 Conflict")]);
    let page = format!(
        r#"{{"meta": {{"api-version": "1.4"}}, "name": "my-lib", "versions": ["1.0"], "files":
           [{{"filename": "{WHEEL}", "url": "x", "size": 1, "hashes": {{"sha256": "{}"}}}}]}}"#,
        ours.sha256()
    );
    world
        .index
        .page("/simple/my-lib/", "application/vnd.pypi.simple.v1+json", &page);
    world.publish(&[]).expect_code(0);
}

#[test]
fn another_file_of_that_name_is_an_error_that_shows_both_digests() {
    let (ours, theirs) = (my_wheel(), wheel("my-lib", "1.0").description("Other.\n").build());
    for arguments in [&[][..], &["--skip-existing"]] {
        let world = World::new(std::slice::from_ref(&ours), [Reply::status("409 Conflict")]);
        world.index.list(WHEEL, Some(&theirs.sha256()));
        let outcome = world.publish(arguments).expect_failure(1, WHEEL);
        for digest in [ours.sha256(), theirs.sha256()] {
            assert!(outcome.stderr.contains(&digest), "{}", outcome.stderr);
        }
    }
}

#[test]
fn a_duplicate_without_a_digest_is_an_error_unless_the_user_trusts_the_server() {
    let world = World::new(&[my_wheel()], [Reply::status("409 Conflict")]);
    world.index.list(WHEEL, None);
    let outcome = world.publish(&[]).expect_failure(1, "409 Conflict");
    expect_in_order(&outcome.stderr, &["can't be told", "hint: ", "--skip-existing"]);
    let outcome = world.publish(&["--skip-existing"]).expect_code(0);
    assert!(outcome.stderr.contains("already there"), "{}", outcome.stderr);
}

#[test]
fn a_duplicate_that_is_not_listed_is_refused_in_the_servers_words() {
    let world = World::new(
        &[my_wheel()],
        [Reply::status("409 this name was used before and deleted")],
    );
    world
        .publish(&[])
        .expect_failure(1, "this name was used before and deleted");
    world
        .publish(&["--skip-existing"])
        .expect_failure(1, "and yet the index does not list the file");
}

#[test]
fn skip_existing_asks_before_it_sends() {
    let (ours, sdist) = (my_wheel(), sdist("my-lib", "1.0").build());
    let world = World::new(&[ours.clone(), sdist], [Reply::ok()]);
    world.index.list(WHEEL, Some(&ours.sha256()));
    let outcome = world.publish_only(&["--skip-existing"]).expect_code(0);
    assert_eq!(world.uploaded(), [SDIST]);
    expect_in_order(
        &outcome.stderr,
        &["already there my_lib", "uploaded my_lib-1.0.tar.gz"],
    );
}

/// Row H1.
#[test]
fn a_lost_answer_is_no_failure() {
    let ours = my_wheel();
    let lost = Reply::StoreAndHangUp(ours.clone());
    let world = World::new(
        std::slice::from_ref(&ours),
        [lost.clone(), Reply::status("409 Conflict")],
    );
    let outcome = world.publish(&[]).expect_code(0);
    assert!(
        outcome.stderr.contains(&format!("uploaded {WHEEL}")),
        "{}",
        outcome.stderr
    );
    assert_eq!(world.index.uploads().len(), 2);
    // Even when no attempt is ever answered.
    let world = World::new(&[ours], [lost]);
    world.publish(&[]).expect_code(0);
}

// H1
#[test]
fn a_lost_answer_with_another_file_in_place_is_a_failure() {
    let theirs = wheel("my-lib", "1.0").description("Other.\n").build();
    let world = World::new(
        &[my_wheel()],
        [
            Reply::StoreAndHangUp(theirs.clone()),
            Reply::status("409 Conflict"),
        ],
    );
    world.publish(&[]).expect_failure(1, &theirs.sha256());
}

// H1
#[test]
fn a_connection_that_breaks_is_tried_again() {
    let large = wheel("my-lib", "1.0").padding(3_000_000, 1).build();
    let world = World::new(std::slice::from_ref(&large), [Reply::HangUp, Reply::ok()]);
    world.publish(&[]).expect_code(0);
    assert_eq!(world.index.uploads().last().unwrap().file().1, large.bytes);
}
