//! How it asks: in a real pseudo-terminal.

use super::{FILE, lets_in};
use crate::support::{Session, Step, Testbed};

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

// H4
#[test]
fn leaving_at_any_question_changes_no_byte_of_the_file() {
    let bed = Testbed::new();
    let content = "# ours\r\nalice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\r\n";
    bed.write(FILE, content);
    let second = [
        Step::Expect("New password for alice: "),
        Step::Type("s3cr3t\r"),
        Step::Expect("(again): "),
        Step::Type("s3c"),
        Step::Type("\x03"),
    ];
    let verify = [Step::Expect("Password of alice: "), Step::Type("\x03")];
    for (flag, steps) in [("-B", &second[..]), ("--verify", &verify), ("--print", &second)] {
        let session = Session::play(&bed.pkgctl(["adduser", flag, "alice"]), steps);
        assert_eq!(
            (session.code, session.is_terminal_restored),
            (130, true),
            "{}",
            session.screen
        );
        assert!(!session.screen.contains("s3c"), "{}", session.screen);
        assert_eq!(bed.read(FILE), content);
    }
    assert_eq!(std::fs::read_dir(bed.path("packages")).unwrap().count(), 1);
}

#[test]
fn a_file_that_can_not_be_used_is_told_before_a_password_is_typed() {
    let bed = Testbed::new();
    bed.write("lib.whl", "no users here\n");
    let session = Session::play(&bed.pkgctl(["adduser", "-f", "lib.whl", "alice"]), &[]);
    assert_eq!(session.code, 1);
    assert!(
        session.screen.contains("is not a passwords file") && !session.screen.contains("New password"),
        "{}",
        session.screen
    );
}

#[test]
fn stdin_that_is_a_terminal_is_asked_without_echo() {
    let bed = Testbed::new();
    let steps = [
        Step::Expect("Password: "),
        Step::Type("s3cr3t one\r"),
        Step::Expect("added `alice`"),
    ];
    let session = Session::play(&bed.pkgctl(["adduser", "-i", "--cost=4", "alice"]), &steps);
    assert_eq!((session.code, session.is_terminal_restored), (0, true));
    assert!(!session.screen.contains("s3cr3t"), "{}", session.screen);
    assert!(lets_in(&bed, "alice", "s3cr3t one"));
}
