//! Whether the index lists what it took, and what is told in the end.

use serde_json::{Value, json};

use super::{SDIST, WHEEL, World, expect_in_order, my_wheel};
use crate::support::distributions::{sdist, wheel};
use crate::support::scripted_index::{Reply, ScriptedIndex};

#[test]
fn what_the_index_lists_is_verified_and_has_an_address() {
    let world = World::new(&[my_wheel(), sdist("my-lib", "1.0").build()], [Reply::ok()]);
    world.index.list_what_is_taken();
    let outcome = world.publish(&[]).expect_code(0);
    for name in [WHEEL, SDIST] {
        let url = format!("{}/files/{name}", world.index.url);
        let line = outcome
            .stdout
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap();
        assert!(
            line.contains("  uploaded, verified  ") && line.ends_with(&url),
            "{line}"
        );
    }
    let asked = world
        .index
        .requests()
        .into_iter()
        .rfind(|request| request.method == "GET")
        .unwrap();
    assert_eq!(asked.header("Cache-Control"), Some("no-cache"));
    assert_eq!(asked.header("Authorization"), Some("Basic YWxpY2U6czNjcmV0"));
}

#[test]
fn a_file_that_was_taken_and_is_not_listed_is_a_failure() {
    let (ours, old) = (my_wheel(), wheel("my-lib", "0.9").build());
    let world = World::new(&[ours], [Reply::ok()]);
    world.index.list(&old.filename, Some(&old.sha256()));
    let outcome = world.publish(&[]).expect_failure(1, WHEEL);
    expect_in_order(
        &outcome.stderr,
        &[
            "took ",
            "does not list it yet",
            "hint: nothing has to be sent again",
            "--check-url",
            "--no-verify",
            "then run\n  pkgctl publish --dry-run --jobs 1 --retry-delay 0.01\n",
        ],
    );
    assert!(
        outcome.stdout.contains("uploaded, not listed yet"),
        "{}",
        outcome.stdout
    );
    let looks = world
        .index
        .requests()
        .iter()
        .filter(|request| request.method == "GET")
        .count();
    assert!(looks >= 8, "it may take a moment: {looks}");
    assert_eq!(outcome.stderr.matches("waiting for the index").count(), 1);
    let before = world.index.requests().len();
    world.publish(&["--no-verify"]).expect_code(0);
    assert_eq!(world.index.requests().len(), before + 1, "nothing is asked");
}

#[test]
fn an_index_that_lists_a_file_a_moment_later_is_waited_for() {
    let (ours, old) = (my_wheel(), wheel("my-lib", "0.9").build());
    let world = World::new(std::slice::from_ref(&ours), [Reply::ok()]);
    world.index.list(&old.filename, Some(&old.sha256()));
    let page =
        |name: &str, digest: &str| format!("<a href=\"../../files/{name}#sha256={digest}\">{name}</a>");
    for _ in 0..5 {
        let stale = page(&old.filename, &old.sha256());
        world
            .index
            .later_page("/simple/my-lib/", "200 OK", "text/html", &stale);
    }
    let fresh = page(WHEEL, &ours.sha256());
    world
        .index
        .later_page("/simple/my-lib/", "200 OK", "text/html", &fresh);
    let outcome = world.publish(&[]).expect_code(0);
    assert!(
        outcome.stdout.contains("uploaded, verified"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_file_that_is_listed_with_other_bytes_is_a_failure() {
    let (ours, theirs) = (my_wheel(), wheel("my-lib", "1.0").description("Other.\n").build());
    let world = World::new(std::slice::from_ref(&ours), [Reply::ok()]);
    world.index.list(WHEEL, Some(&theirs.sha256()));
    let outcome = world.publish(&[]).expect_failure(1, WHEEL);
    for digest in [ours.sha256(), theirs.sha256()] {
        assert!(outcome.stderr.contains(&digest), "{}", outcome.stderr);
    }
}

#[test]
fn an_index_without_pages_is_believed() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    let outcome = world.publish(&[]).expect_code(0);
    assert!(outcome.stdout.contains("uploaded") && !outcome.stdout.contains("verified"));
}

#[test]
fn the_list_of_projects_may_be_elsewhere_and_have_a_user_of_its_own() {
    let (ours, pages) = (my_wheel(), ScriptedIndex::start([Reply::ok()]));
    let world = World::new(std::slice::from_ref(&ours), [Reply::ok()]);
    let html = format!("<a href=\"/f/{WHEEL}#sha256={}\">x</a>", ours.sha256());
    pages.page("/deep/index/my-lib/", "text/html", &html);
    let root = format!("{}/deep/index", pages.url);
    let outcome = world
        .publish(&["--check-url", &root, "--skip-existing"])
        .expect_code(0);
    assert!(outcome.stderr.contains("already there"), "{}", outcome.stderr);
    assert_eq!(world.index.requests().len(), 0);
    // Another origin gets no credentials that are not its own.
    assert_eq!(pages.requests()[0].header("Authorization"), None);
    let with_user = root.replace("http://", "http://dave:geheim@");
    let mut command = world.bed.pkgctl(["publish", "--skip-existing"]);
    let outcome = crate::support::Outcome::of(command.env("PKGCTL_CHECK_URL", with_user)).expect_code(0);
    assert!(!outcome.stderr.contains("geheim") && !outcome.stdout.contains("geheim"));
    // dave:geheim
    assert_eq!(
        pages.requests().pop().unwrap().header("Authorization"),
        Some("Basic ZGF2ZTpnZWhlaW0=")
    );
    world
        .publish(&["--check-url", "nowhere"])
        .expect_failure(2, "--check-url");
}

#[test]
fn json_says_what_became_of_each_file() {
    let (wheel, sdist) = (my_wheel(), sdist("my-lib", "1.0").build());
    let world = World::new(
        &[wheel.clone(), sdist.clone()],
        [Reply::ok(), Reply::status("400 too late")],
    );
    let outcome = world.publish(&["--json"]).expect_failure(1, "too late");
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let file = |name: &str, content: &crate::support::distributions::Distribution| {
        json!({
            "filename": name, "project": "my-lib", "version": "1.0", "size": content.bytes.len(),
            "sha256": content.sha256(), "compared": null, "verified": false,
            "not_listed_yet": false, "url": null
        })
    };
    let mut uploaded = file(WHEEL, &wheel);
    uploaded["status"] = json!("uploaded");
    uploaded["error"] = json!(null);
    let mut failed = file(SDIST, &sdist);
    failed["status"] = json!("failed");
    failed["error"] = json!("the server answered 400 Bad Request: too late");
    assert_eq!(
        document,
        json!({
            "succeeded": false, "repository": "internal", "url": format!("{}/", world.index.url),
            "username": "alice", "files": [uploaded, failed]
        })
    );
}

#[test]
fn what_is_marked_as_private_stays_away_from_public_indexes() {
    let private = wheel("my-lib", "1.0")
        .header("Classifier", "Private :: Do Not Upload")
        .build();
    let world = World::new(&[private], [Reply::ok()]);
    let arguments = ["-r", "pypi", "-u", "__token__", "-p", "x"];
    let outcome = world
        .publish(&arguments)
        .expect_failure(1, "Private :: Do Not Upload");
    expect_in_order(&outcome.stderr, &[WHEEL, "`pypi`", "hint: ", "private index"]);
    world.publish(&[]).expect_code(0);
}
