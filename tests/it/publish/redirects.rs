//! Redirects (row H2): within the origin they are followed, elsewhere nothing is sent.

use super::{World, my_wheel};
use crate::support::scripted_index::{Reply, ScriptedIndex};

// H2
#[test]
fn redirects_within_the_origin_keep_method_body_and_credentials() {
    for line in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let moved = Reply::status(line).with_header("Location", "/legacy/");
        let world = World::new(&[my_wheel()], [moved, Reply::ok()]);
        world.publish(&[]).expect_code(0);
        let uploads = world.index.uploads();
        assert_eq!(
            (uploads.len(), uploads[1].target.as_str()),
            (2, "/legacy/"),
            "{line}"
        );
        assert_eq!(uploads[1].file().1, my_wheel().bytes);
        assert_eq!(
            uploads[1].header("Authorization"),
            uploads[0].header("Authorization")
        );
    }
}

// H2
#[test]
fn redirects_to_elsewhere_get_neither_file_nor_credentials() {
    let elsewhere = ScriptedIndex::start([Reply::ok()]);
    let to_https = elsewhere.url.replace("http:", "https:");
    for target in [elsewhere.url.clone(), to_https] {
        let moved = Reply::status("307 Temporary Redirect").with_header("Location", &format!("{target}/x/"));
        let world = World::new(&[my_wheel()], [moved]);
        let outcome = world.publish(&[]).expect_failure(1, &format!("{target}/x/"));
        assert!(
            outcome.stderr.contains(&world.index.url),
            "both addresses are named: {}",
            outcome.stderr
        );
        let next = format!("then run\n  pkgctl publish --repository-url {target}/x/ ");
        assert!(outcome.stderr.contains(&next), "{}", outcome.stderr);
        assert_eq!(world.index.uploads().len(), 1);
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[test]
fn redirects_in_a_circle_end() {
    let moved = Reply::status("307 Temporary Redirect").with_header("Location", "/");
    let world = World::new(&[my_wheel()], [moved]);
    world.publish(&[]).expect_failure(1, "circle");
}
