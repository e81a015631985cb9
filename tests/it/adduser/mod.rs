//! `pkgctl adduser`: the file it writes, and what it refuses.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::support::{Outcome, Testbed};

mod habits; // what fingers type that know htpasswd
mod look; // --list, --verify, --print, --generate
mod prompts; // at a terminal
mod readers; // Apache, nginx, pypiserver: there and back

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
        .run_with_input(["adduser", "alice", "--password-stdin"], "long enough\n")
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
    assert!(lets_in(&bed, "alice", "long enough") && !lets_in(&bed, "alice", "long enough\n"));
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
    let mut command = bed.pkgctl(["adduser", "alice"]);
    Outcome::of(command.env("PKGCTL_PASSWORD", "two\nlines")).expect_failure(1, "end of a line");
    // Only bcrypt looks at 72 bytes alone.
    bed.run_with_input(
        ["adduser", "-f", "long", "-5", "-r1000", "-i", "alice"],
        &"x".repeat(4096),
    )
    .expect_code(0);
    bed.run_with_input(
        ["adduser", "-f", "long", "--verify", "-i", "alice"],
        &"x".repeat(4095),
    )
    .expect_code(1);
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
    // Some are removed and some changed, at once.
    std::thread::scope(|scope| {
        for number in 0..10 {
            let (bed, user) = (&bed, format!("user{number}"));
            scope.spawn(move || match number % 2 {
                0 => bed.run(["adduser", "--delete", &user]).expect_code(0),
                _ => add(bed, &user, "changed it").expect_code(0),
            });
        }
    });
    assert_eq!(bed.read(FILE).lines().count(), 5);
    for number in [1, 3, 5, 7, 9] {
        assert!(lets_in(&bed, &format!("user{number}"), "changed it"));
    }
    assert_eq!(fs::read_dir(bed.path("packages")).unwrap().count(), 1);
}

#[test]
fn each_scheme_is_written_as_asked() {
    let bed = Testbed::new();
    for (flags, prefix) in [
        (&[][..], "$2y$12$"),
        (&["-B", "-C", "5"], "$2y$05$"),
        (&["--sha512-crypt"], "$6$rounds=500000$"),
        (&["-5", "-r", "1000"], "$6$rounds=1000$"),
        (&["-2", "--rounds=2000"], "$5$rounds=2000$"),
        (&["--argon2"], "$argon2id$v=19$m=19456,t=2,p=1$"),
        (&["--sha1"], "{SHA}"),
    ] {
        let mut command = bed.pkgctl(["adduser", "alice", "-i"]);
        let outcome = Outcome::with_input(command.args(flags), "correct horse\n").expect_code(0);
        assert!(
            bed.read(FILE).starts_with(&format!("alice:{prefix}")),
            "{}",
            bed.read(FILE)
        );
        assert!(lets_in(&bed, "alice", "correct horse"), "{flags:?}");
        let is_warned = outcome.stderr.contains("warning: ");
        assert_eq!(
            is_warned,
            ["--argon2", "--sha1"].iter().any(|flag| flags.contains(flag)),
            "{flags:?}"
        );
    }
    assert_eq!(bed.read(FILE).lines().count(), 1);
}

#[test]
fn contradictions_are_told() {
    let bed = Testbed::new();
    for flags in [
        &["-s", "-5"][..],
        &["-s", "--cost", "5"],
        &["--argon2", "-B"],
        &["-r", "5000"],
        &["-B", "-r", "5000"],
        &["--generate", "-i"],
        &["--delete", "--verify"],
        &["--delete", "-i"],
        &["--delete", "--cost", "5"],
        &["--verify", "--generate"],
        &["--verify", "-5"],
        &["--print", "--generate"],
        &["--print", "-f", "users"],
    ] {
        let mut command = bed.pkgctl(["adduser", "alice"]);
        let outcome = Outcome::with_input(command.args(flags), "correct horse").expect_code(2);
        let said = &outcome.stderr;
        assert!(
            said.contains("cannot be used with") || said.contains("required arguments"),
            "{flags:?}\n{said}"
        );
    }
    assert!(!bed.path("packages").exists() && !bed.path("users").exists());
}

#[test]
fn passwords_that_are_tried_first_get_a_word() {
    let bed = Testbed::new();
    for (password, word) in [
        ("short", "fewer than 8 characters"),
        ("ALICE", "the name of the user"),
        ("p\u{e4}ssw\u{f6}rd", ""),
    ] {
        let outcome = add(&bed, "alice", password).expect_code(0);
        assert_eq!(outcome.stderr.contains("warning: "), !word.is_empty());
        assert!(
            outcome.stderr.contains(word) && !outcome.stderr.contains(password),
            "{}",
            outcome.stderr
        );
        assert!(lets_in(&bed, "alice", password));
    }
}

#[test]
fn owner_and_group_stay_when_root_edits() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can give files away");
        return;
    }
    let bed = Testbed::new();
    let path = bed.write(FILE, "");
    std::os::unix::fs::chown(&path, Some(65_534), Some(65_533)).unwrap();
    add(&bed, "alice", "long enough").expect_code(0);
    bed.run(["adduser", "--delete", "alice"]).expect_code(0);
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), (65_534, 65_533));
    // A new one in somebody's folder is root's, which the server of that somebody could not read.
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::chown(path.parent().unwrap(), Some(65_534), None).unwrap();
    let outcome = add(&bed, "alice", "long enough").expect_code(0);
    assert!(outcome.stderr.contains("chown 65534 "), "{}", outcome.stderr);
}

#[test]
fn a_link_leads_to_the_file_that_is_edited() {
    let bed = Testbed::new();
    bed.write("real", "bob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n");
    fs::create_dir_all(bed.path("packages")).unwrap();
    std::os::unix::fs::symlink("../real", bed.path(FILE)).unwrap();
    add(&bed, "alice", "long enough").expect_code(0);
    assert!(fs::symlink_metadata(bed.path(FILE)).unwrap().is_symlink());
    assert_eq!(bed.read("real").lines().count(), 2);
}

// H4
#[test]
fn without_rights_the_file_stays_as_it_is() {
    let bed = Testbed::new();
    let content = "bob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n";
    let path = bed.write("locked/users", content);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let arguments = ["adduser", "-f", path.to_str().unwrap(), "alice", "--cost=4", "-i"];
    let Some(mut command) = bed.pkgctl_without_rights(arguments) else {
        return;
    };
    fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o555)).unwrap();
    let outcome = Outcome::with_input(&mut command, "long enough");
    fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    outcome.expect_failure(1, "locked/users");
    assert_eq!(fs::read_to_string(&path).unwrap(), content);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}
