//! What fingers type that know htpasswd.

use super::{FILE, add, lets_in};
use crate::support::Testbed;

#[test]
fn create_from_habit_wipes_nothing() {
    let bed = Testbed::new();
    add(&bed, "alice", "one").expect_code(0);
    bed.run_with_input(["adduser", "-c", "bob", "--cost=4", "--password-stdin"], "two")
        .expect_code(0);
    assert!(lets_in(&bed, "alice", "one") && lets_in(&bed, "bob", "two"));
}

#[test]
fn the_order_of_htpasswd_is_told_from_a_visible_password() {
    let bed = Testbed::new();
    bed.write("users", "");
    for (arguments, command) in [
        (&["adduser", "users", "bob"][..], "`pkgctl adduser -f users bob`"),
        (&["adduser", "-c", "new", "bob"], "`pkgctl adduser -f new bob`"),
        (&["adduser", "./x y", "bob"], "`pkgctl adduser -f './x y' bob`"),
        (
            &["adduser", "-b", "./x", "bob", "hunter2"],
            "`pkgctl adduser -f ./x bob`",
        ),
    ] {
        let outcome = bed.run(arguments).expect_failure(2, "goes behind `-f`");
        assert!(outcome.stderr.contains(command), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
    }
    let outcome = bed.run(["adduser", "users", "bob"]);
    assert!(!outcome.stderr.contains("history"), "{}", outcome.stderr);
    assert_eq!(bed.read("users"), "");
}

// H6
#[test]
fn a_password_among_the_arguments_is_refused() {
    let bed = Testbed::new();
    for arguments in [
        &["adduser", "alice", "hunter2"][..],
        &["adduser", "-b", "alice", "hunter2"],
        &["adduser", "-b", "alice"],
        &["adduser", "alice", "--password", "hunter2"],
        &["adduser", "alice", "--password=hunter2"],
        &["adduser", "alice", "-p", "hunter2"],
    ] {
        let outcome = bed.run(arguments).expect_failure(2, "every user of this machine");
        assert!(!outcome.stderr.contains("hunter2") && outcome.stderr.contains("--password-stdin"));
        assert!(!bed.path(FILE).exists());
    }
}

#[test]
fn the_hint_keeps_what_was_to_be_done() {
    let bed = Testbed::new();
    bed.write("users", "");
    for (flag, command) in [
        ("-D", "`pkgctl adduser -f users --delete bob`"),
        ("-v", "`pkgctl adduser -f users --verify bob`"),
    ] {
        let outcome = bed
            .run(["adduser", flag, "users", "bob"])
            .expect_failure(2, "`-f`");
        assert!(outcome.stderr.contains(command), "{}", outcome.stderr);
    }
    bed.run(["adduser", "--list", "users"])
        .expect_failure(2, "put it behind `-f`");
    bed.run(["adduser", "--delete", "alice", "bob"])
        .expect_failure(2, "one word too many");
}

#[test]
fn guessable_schemes_are_refused() {
    let bed = Testbed::new();
    for (flag, scheme) in [("-m", "apr1"), ("-d", "DES crypt")] {
        bed.run_with_input(["adduser", flag, "-i", "alice"], "long enough")
            .expect_failure(2, scheme);
    }
    assert!(!bed.path(FILE).exists());
}

#[test]
fn the_safe_flags_of_htpasswd_mean_the_same() {
    let bed = Testbed::new();
    bed.run_with_input(["adduser", "-cBi", "-C", "4", "alice"], "long enough")
        .expect_code(0);
    assert!(lets_in(&bed, "alice", "long enough"));
    bed.run_with_input(["adduser", "-vi", "alice"], "long enough")
        .expect_code(0);
    bed.run_with_input(["adduser", "-vi", "alice"], "wrong")
        .expect_code(1);
    bed.run(["adduser", "-D", "alice"]).expect_code(0);
    assert_eq!(bed.read(FILE), "");
    let outcome = bed
        .run_with_input(["adduser", "-niB", "-C4", "alice"], "long enough")
        .expect_code(0);
    assert!(
        outcome.stdout.starts_with("alice:$2y$04$") && outcome.stdout.ends_with('\n'),
        "{}",
        outcome.stdout
    );
    assert_eq!(bed.read(FILE), "");
    bed.write(FILE, &outcome.stdout);
    assert!(lets_in(&bed, "alice", "long enough"));
}
