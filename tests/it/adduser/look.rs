//! What only reads the file, and passwords that are made up.

use super::{FILE, add, lets_in};
use crate::support::{Outcome, Session, Step, Testbed};

const SHA: &str = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=";

#[test]
fn a_list_tells_users_and_schemes_and_no_hash() {
    let bed = Testbed::new();
    bed.write(
        FILE,
        format!(
            "# team\r\nalice:$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\r\n\
             bob b:{SHA}\ncarol:$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/\ndave:hunter2\nerin:CCNf8Sbh3HDfQ\n\
             frank:$y$j9T$x$y\ngina:$2y$05$short\n"
        ),
    );
    let outcome = bed.run(["adduser", "--list"]).expect_code(0);
    assert_eq!(
        outcome.stdout,
        "alice\tbcrypt\nbob b\tSHA-1\ncarol\tapr1\ndave\tplain text\nerin\tDES crypt\nfrank\tunknown\ngina\tbcrypt\n"
    );
    assert_eq!(outcome.stderr, "");
    let session = Session::play(&bed.pkgctl(["adduser", "-l"]), &[]);
    assert_eq!(session.code, 0);
    let lines: Vec<&str> = session.screen.lines().collect();
    assert_eq!(lines[0], "USER   SCHEME");
    assert_eq!(lines[1], "alice  bcrypt");
    assert_eq!(
        lines[2],
        "bob b  SHA-1         easily guessed from a stolen file; set it again"
    );
    assert!(
        lines[4].contains("--allow-weak-passwords") && lines[7].contains("can't log in: the bcrypt password"),
        "{}",
        session.screen
    );
    for secret in ["CCCC", "W6ph5", "hunter2", "CCNf8", "r31"] {
        assert!(!session.screen.contains(secret) && !outcome.stdout.contains(secret));
    }
}

#[test]
fn a_list_of_a_broken_file_names_its_lines() {
    let bed = Testbed::new();
    bed.write(FILE, format!("torn hunter2\nalice:{SHA}\n"));
    let outcome = bed.run(["adduser", "--list"]).expect_code(0);
    assert_eq!(outcome.stdout, "alice\tSHA-1\n");
    assert!(
        outcome.stderr.contains("line 1: ") && !outcome.stderr.contains("hunter2"),
        "{}",
        outcome.stderr
    );
    bed.write(FILE, "");
    let outcome = bed.run(["adduser", "--list"]).expect_code(0);
    assert!(outcome.stdout.is_empty() && outcome.stderr.contains("no user in"));
    bed.run(["adduser", "--list", "-f", "absent"])
        .expect_failure(1, "absent");
    bed.write("lib.whl", "PK\u{3}\u{4}\n");
    bed.run(["adduser", "--list", "-f", "lib.whl"])
        .expect_failure(1, "is not a passwords file");
}

#[test]
fn verify_tells_by_the_exit_code() {
    let bed = Testbed::new();
    add(&bed, "alice", "long enough").expect_code(0);
    let before = bed.read(FILE);
    let verify =
        |user: &str, password: &str| bed.run_with_input(["adduser", "--verify", user, "-i"], password);
    let outcome = verify("alice", "long enough\n").expect_code(0);
    assert!(outcome.stdout.is_empty() && outcome.stderr.contains("is right"));
    for wrong in ["long enough ", "Long enough", "", &before[6..66]] {
        let outcome = verify("alice", wrong).expect_code(1);
        assert!(outcome.stderr.contains("is another one") && !outcome.stderr.contains("error"));
    }
    verify("bob", "long enough").expect_failure(1, "no user `bob`");
    let mut command = bed.pkgctl(["adduser", "--verify", "alice"]);
    Outcome::of(command.env("PKGCTL_PASSWORD", "long enough")).expect_code(0);
    let steps = [Step::Expect("Password of alice: "), Step::Type("long enough\r")];
    let session = Session::play(&bed.pkgctl(["adduser", "-v", "alice"]), &steps);
    assert_eq!((session.code, session.is_terminal_restored), (0, true));
    assert!(!session.screen.contains("long enough"), "{}", session.screen);
    bed.run(["adduser", "--verify", "alice"])
        .expect_failure(2, "there is no terminal");
    assert_eq!(bed.read(FILE), before);
}

#[test]
fn verify_knows_what_serve_would_do_with_other_lines() {
    let bed = Testbed::new();
    bed.write(
        FILE,
        "alice:hunter2\nbob:$y$j9T$x$y\ncarol:$2y$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n",
    );
    let verify =
        |user: &str, password: &str| bed.run_with_input(["adduser", "--verify", user, "-i"], password);
    let outcome = verify("alice", "hunter2").expect_code(0);
    assert!(
        outcome.stderr.contains("--allow-weak-passwords"),
        "{}",
        outcome.stderr
    );
    verify("bob", "$y$j9T$x$y").expect_failure(1, "`bob` can't log in");
    verify("carol", "U*U").expect_failure(1, "more than is allowed");
}

#[test]
fn a_password_that_is_made_up_is_shown_once_and_alone() {
    let bed = Testbed::new();
    let outcome = bed
        .run(["adduser", "--generate", "ci", "--cost=4"])
        .expect_code(0);
    let password = outcome.stdout.strip_suffix('\n').unwrap();
    assert!(
        password.len() == 24 && password.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{password}"
    );
    assert!(
        !outcome.stderr.contains(password) && outcome.stderr.contains("added `ci`"),
        "{}",
        outcome.stderr
    );
    assert!(lets_in(&bed, "ci", password) && !bed.read(FILE).contains(password));
    let again = bed
        .run(["adduser", "--generate", "ci", "--cost=4"])
        .expect_code(0);
    assert_ne!(again.stdout, outcome.stdout);
    assert!(!lets_in(&bed, "ci", password));
    // Where it could not be stored, nothing is shown.
    bed.write("lib.whl", "no users here\n");
    let outcome = bed
        .run(["adduser", "--generate", "ci", "-f", "lib.whl"])
        .expect_failure(1, "is not a passwords file");
    assert_eq!(outcome.stdout, "");
}
