//! Several files at a time.

use super::{SDIST, World, my_wheel};
use crate::support::distributions::{Distribution, sdist, wheel};
use crate::support::scripted_index::Reply;

fn wheels(number: usize) -> Vec<Distribution> {
    (0..number)
        .map(|n| wheel(&format!("lib-{n}"), "1.0").build())
        .collect()
}

#[test]
fn four_files_are_sent_at_a_time() {
    let world = World::new(&wheels(6), [Reply::Together(4, "200 OK")]);
    world.bed.run(["publish"]).expect_code(0);
    assert_eq!(world.index.uploads().len(), 6);
    assert_eq!(world.index.most_at_once(), 4);
}

#[test]
fn a_flag_or_a_variable_says_how_many() {
    let world = World::new(&wheels(5), [Reply::Together(2, "200 OK")]);
    world.bed.run(["publish", "--jobs", "2"]).expect_code(0);
    assert_eq!(world.index.most_at_once(), 2);
    let world = World::new(&wheels(5), [Reply::ok()]);
    let mut command = world.bed.pkgctl(["publish"]);
    crate::support::Outcome::of(command.env("PKGCTL_JOBS", "1")).expect_code(0);
    assert_eq!(world.index.most_at_once(), 1);
    for wrong in ["0", "65", "-1", "many"] {
        let outcome = world
            .bed
            .run(["publish", &format!("--jobs={wrong}")])
            .expect_code(2);
        assert!(outcome.stderr.contains("--jobs"), "{}", outcome.stderr);
    }
}

#[test]
fn an_sdist_waits_for_the_wheels_of_its_release_and_not_for_others() {
    let files = [
        sdist("my-lib", "1.0").build(),
        wheel("my-lib", "1.0").tags("cp311-cp311-any").build(),
        wheel("my-lib", "1.0").tags("cp312-cp312-any").build(),
        wheel("other", "1.0").build(),
    ];
    // All wheels are under way at once, before the first is answered.
    let world = World::new(&files, [Reply::Together(3, "200 OK")]);
    world.bed.run(["publish"]).expect_code(0);
    let sent = world.uploaded();
    assert_eq!((sent.len(), sent[3].as_str()), (4, SDIST));
    assert_eq!(world.index.most_at_once(), 3);
}

#[test]
fn after_a_failure_nothing_is_begun_and_what_is_under_way_ends_well() {
    let files = [
        sdist("a-lib", "1.0").build(),
        wheel("a-lib", "1.0").build(),
        wheel("b-lib", "1.0").build(),
        wheel("c-lib", "1.0").build(),
    ];
    // Two are under way; the one that is answered first is refused.
    let world = World::new(&files, [Reply::status("400 no"), Reply::Together(2, "200 OK")]);
    let outcome = world
        .bed
        .run(["publish", "--jobs", "2"])
        .expect_failure(1, "Bad Request: no");
    // One more may have begun where the good answer was read before the bad one.
    let sent = world.index.uploads().len();
    let told = |status: &str| outcome.stdout.matches(status).count();
    assert!((2..=3).contains(&sent), "{}", outcome.stdout);
    assert_eq!(
        (told("  uploaded"), told("  failed"), told("  not sent")),
        (sent - 1, 1, 4 - sent),
        "{}",
        outcome.stdout
    );
}

#[test]
fn the_first_answer_on_wrong_credentials_ends_it() {
    let world = World::new(&wheels(8), [Reply::status("401 Unauthorized")]);
    world.bed.run(["publish"]).expect_failure(1, "401 Unauthorized");
    assert!(
        world.index.uploads().len() <= 4,
        "{}",
        world.index.uploads().len()
    );
}

#[test]
fn memory_and_order_do_not_matter_to_what_arrives() {
    let large: Vec<Distribution> = (0..4)
        .map(|n| wheel(&format!("lib-{n}"), "1.0").padding(2_000_000, n).build())
        .collect();
    let world = World::new(&[&large[..], &[my_wheel()]].concat(), [Reply::ok()]);
    world.bed.run(["publish"]).expect_code(0);
    for file in large {
        let arrived = world.index.uploads().into_iter().map(|upload| upload.file());
        let (_, bytes) = arrived
            .into_iter()
            .find(|(name, _)| *name == file.filename)
            .unwrap();
        assert!(bytes == file.bytes, "{} differs", file.filename);
    }
}
