//! `pkgctl adduser`: the file it writes, what it refuses, and how it asks.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::{Outcome, Session, Step, Testbed};

const FILE: &str = "packages/.htaccess";

fn add(bed: &Testbed, user: &str, password: &str) -> Outcome {
    bed.run_with_input(["adduser", user, "--cost", "4", "--password-stdin"], password)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Whether the file lets the user in, as the server would decide it.
fn lets_in(bed: &Testbed, user: &str, password: &str) -> bool {
    use pkgctl::auth::{htpasswd::PasswordFile, scheme::Limits};
    let users = PasswordFile::parse(&bed.read(FILE), &Limits::default()).unwrap();
    let stored = users.password_of(&user.parse().unwrap());
    stored.is_some_and(|stored| stored.verify(password.as_bytes()))
}

#[test]
fn the_first_user_makes_the_file() {
    let bed = Testbed::new();
    let outcome = bed
        .run_with_input(["adduser", "alice", "--password-stdin"], "secret\n")
        .expect_code(0);
    let path = bed.path(FILE);
    assert_eq!(outcome.stderr, format!("added `alice` to `{}`\n", path.display()));
    assert_eq!(outcome.stdout, "");
    assert_eq!(mode(&path), 0o600);
    let content = bed.read(FILE);
    assert!(
        content.starts_with("alice:$2y$12$") && content.ends_with('\n'),
        "{content}"
    );
    assert!(lets_in(&bed, "alice", "secret") && !lets_in(&bed, "alice", "secret\n"));
    assert_eq!(fs::read_dir(bed.path("packages")).unwrap().count(), 1);
}

#[test]
fn other_lines_order_and_mode_stay() {
    let bed = Testbed::new();
    let path = bed.write(
        FILE,
        "# team\r\nbob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\r\nalice:old:note\r\n\r\ncarol:x",
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let outcome = add(&bed, "alice", "new").expect_code(0);
    assert!(
        outcome.stderr.contains("changed the password of `alice`"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("other users of this machine can read"),
        "{}",
        outcome.stderr
    );
    let content = bed.read(FILE);
    let (before, rest) = content.split_once("$2y$04$").unwrap();
    assert_eq!(
        before,
        "# team\r\nbob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\r\nalice:"
    );
    assert_eq!(&rest[53..], ":note\r\n\r\ncarol:x");
    assert_eq!(mode(&path), 0o640);
    assert!(lets_in(&bed, "alice", "new"));
}

#[test]
fn the_password_can_come_from_the_environment() {
    let bed = Testbed::new();
    let mut command = bed.pkgctl(["adduser", "alice", "--cost=4"]);
    Outcome::of(command.env("PKGCTL_PASSWORD", "from env")).expect_code(0);
    assert!(lets_in(&bed, "alice", "from env"));
    let mut command = bed.pkgctl(["adduser", "alice", "--cost=4", "-f", "elsewhere"]);
    Outcome::of(command.env("PKGCTL_PASSWORD", "x")).expect_code(0);
    assert!(bed.read("elsewhere").starts_with("alice:"));
    let mut command = bed.pkgctl(["adduser", "bob", "--cost=4"]);
    command
        .env("PKGCTL_PASSWORD", "x")
        .env("PKGCTL_PASSWORDS", "~/third");
    Outcome::of(&mut command).expect_code(0);
    assert!(bed.read("third").starts_with("bob:"));
}

#[test]
fn create_from_habit_wipes_nothing() {
    let bed = Testbed::new();
    add(&bed, "alice", "one").expect_code(0);
    bed.run_with_input(["adduser", "-c", "bob", "--cost=4", "--password-stdin"], "two")
        .expect_code(0);
    assert!(lets_in(&bed, "alice", "one") && lets_in(&bed, "bob", "two"));
}

#[test]
fn sha1_is_written_with_a_warning_and_read_by_everybody() {
    let bed = Testbed::new();
    let outcome = bed
        .run_with_input(["adduser", "-s", "alice", "--password-stdin"], "password")
        .expect_code(0);
    assert!(
        outcome.stderr.contains("warning: ") && outcome.stderr.contains("SHA-1"),
        "{}",
        outcome.stderr
    );
    assert_eq!(bed.read(FILE), "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n");
}

#[test]
fn a_cost_that_serve_does_not_check_is_refused() {
    let bed = Testbed::new();
    for cost in ["3", "15", "17", "18"] {
        let arguments = ["adduser", "alice", "--cost", cost, "--password-stdin"];
        let outcome = bed.run_with_input(arguments, "x").expect_code(2);
        assert!(outcome.stderr.contains("4..=14"), "{}", outcome.stderr);
    }
    assert!(!bed.path(FILE).exists());
}

#[test]
fn a_file_of_another_kind_is_left_alone() {
    let bed = Testbed::new();
    for content in [
        &b"PK\x03\x04\x14\0\0\0bob:x\n\xff\xfe\n"[..],
        b"[project]\nname = \"x\"\n",
        b"no users here\n",
    ] {
        bed.write("victim.whl", content);
        let arguments = ["adduser", "-f", "victim.whl", "bob", "--password-stdin"];
        bed.run_with_input(arguments, "secret")
            .expect_failure(1, "victim.whl` is not a passwords file");
        bed.run(["adduser", "-f", "victim.whl", "--delete", "bob"])
            .expect_failure(1, "is not a passwords file");
        assert_eq!(fs::read(bed.path("victim.whl")).unwrap(), content);
    }
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

#[test]
fn delete_removes_one_user() {
    let bed = Testbed::new();
    add(&bed, "alice", "one").expect_code(0);
    add(&bed, "bob", "two").expect_code(0);
    let outcome = bed.run(["adduser", "--delete", "alice"]).expect_code(0);
    assert!(
        outcome.stderr.starts_with("removed `alice` from `"),
        "{}",
        outcome.stderr
    );
    assert!(bed.read(FILE).starts_with("bob:"));
    bed.run(["adduser", "--delete", "alice"])
        .expect_failure(1, "no user `alice`");
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

// H7
#[test]
fn names_and_passwords_that_break_things_are_refused() {
    let bed = Testbed::new();
    for user in ["", "a:b", "a\nb", " a", "#a", "a\u{7f}"] {
        add(&bed, user, "secret").expect_failure(2, "can't be the name of a user");
    }
    add(&bed, "alice", "").expect_failure(2, "is empty");
    add(&bed, "alice", "\n").expect_failure(2, "is empty");
    add(&bed, "alice", &"x".repeat(73)).expect_failure(1, "72 bytes");
    add(&bed, "alice", "a\0b").expect_failure(1, "NUL");
    add(&bed, "alice", &"x".repeat(5_000)).expect_failure(1, "longer than 4096 bytes");
    assert!(!bed.path(FILE).exists());
}

#[test]
fn without_a_terminal_the_error_names_the_other_ways() {
    let bed = Testbed::new();
    let outcome = bed
        .run(["adduser", "alice"])
        .expect_failure(2, "there is no terminal");
    assert!(outcome.stderr.contains("--password-stdin") && outcome.stderr.contains("PKGCTL_PASSWORD"));
    assert!(!bed.path(FILE).exists());
}

#[test]
fn a_file_that_can_not_be_written_stays_as_it_is() {
    let bed = Testbed::new();
    bed.write("packages", "a file where the folder should be");
    add(&bed, "alice", "secret").expect_failure(1, "packages/.htaccess");
    let bed = Testbed::new();
    fs::create_dir_all(bed.path(FILE)).unwrap();
    add(&bed, "alice", "secret").expect_failure(1, "is not a file");
}

#[test]
fn a_broken_file_is_edited_and_its_line_is_told_without_its_content() {
    let bed = Testbed::new();
    let bob = "bob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n";
    bed.write(FILE, format!("bob\nhunter2\n{bob}"));
    let outcome = add(&bed, "alice", "secret").expect_code(0);
    assert!(
        outcome.stderr.contains("line 1: ") && !outcome.stderr.contains("hunter2"),
        "{}",
        outcome.stderr
    );
    assert!(
        bed.read(FILE)
            .starts_with(&format!("bob\nhunter2\n{bob}alice:$2y$"))
    );
}

// H8
#[test]
fn ten_at_once_lose_nothing() {
    let bed = Testbed::new();
    std::thread::scope(|scope| {
        for number in 0..10 {
            let bed = &bed;
            scope
                .spawn(move || add(bed, &format!("user{number}"), &format!("secret{number}")).expect_code(0));
        }
    });
    for number in 0..10 {
        assert!(
            lets_in(&bed, &format!("user{number}"), &format!("secret{number}")),
            "{number}"
        );
    }
    assert_eq!(bed.read(FILE).lines().count(), 10);
}

#[test]
fn at_a_terminal_it_asks_twice_and_shows_nothing() {
    let bed = Testbed::new();
    let steps = [
        Step::Expect("New password for alice: "),
        Step::Type("s3cr3t one\r"),
        Step::Expect("(again): "),
        Step::Type("s3cr3t two\r"),
        Step::Expect("the two passwords differ"),
        Step::Expect("New password for alice: "),
        Step::Type("s3cr3tx\x7f three\r"),
        Step::Expect("(again): "),
        Step::Type("s3cr3t three\r"),
        Step::Expect("added `alice`"),
    ];
    let session = Session::play(&bed.pkgctl(["adduser", "alice", "--cost=4"]), &steps);
    assert_eq!(
        (session.code, session.is_terminal_restored),
        (0, true),
        "{}",
        session.screen
    );
    assert!(!session.screen.contains("s3cr3t"), "{}", session.screen);
    assert!(lets_in(&bed, "alice", "s3cr3t three"));
}

#[test]
fn three_different_answers_are_enough() {
    let bed = Testbed::new();
    let steps: Vec<Step> = [mistyped(), mistyped(), mistyped()]
        .into_iter()
        .flatten()
        .collect();
    let session = Session::play(&bed.pkgctl(["adduser", "alice"]), &steps);
    assert_eq!(
        (session.code, session.is_terminal_restored),
        (1, true),
        "{}",
        session.screen
    );
    assert!(!bed.path(FILE).exists());
}

/// One round of two different answers.
fn mistyped() -> [Step; 4] {
    [
        Step::Expect("alice: "),
        Step::Type("one\r"),
        Step::Expect("(again): "),
        Step::Type("two\r"),
    ]
}

#[test]
fn control_c_leaves_the_terminal_as_it_was_and_writes_nothing() {
    let bed = Testbed::new();
    for leave in ["\x03", "\x04"] {
        let steps = [
            Step::Expect("alice: "),
            Step::Type("half"),
            Step::Type("\x15"),
            Step::Type(leave),
        ];
        let session = Session::play(&bed.pkgctl(["adduser", "alice"]), &steps);
        assert_eq!(
            (session.code, session.is_terminal_restored),
            (130, true),
            "{}",
            session.screen
        );
        assert!(
            session.screen.contains("nothing was written"),
            "{}",
            session.screen
        );
        assert!(!bed.path(FILE).exists());
    }
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let bed = Testbed::new();
    for (signal, number) in [("TERM", 15), ("INT", 2)] {
        let steps = [Step::Expect("alice: "), Step::Type("half"), Step::Signal(signal)];
        let session = Session::play(&bed.pkgctl(["adduser", "alice"]), &steps);
        assert_eq!(
            (session.code, session.is_terminal_restored),
            (-number, true),
            "{}",
            session.screen
        );
        assert!(!bed.path(FILE).exists());
    }
}
