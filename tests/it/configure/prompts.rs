//! A person at a terminal: questions, Ctrl-C, secrets that don't show.

use std::fs;

use super::{GUIDE_PIP_CONF, GUIDE_PYPIRC, PIP_CONF, PYPIRC, all_files};
use crate::support::foreign_server::free_port;
use crate::support::{Session, Step, Testbed};

#[test]
fn at_a_terminal_it_asks_for_what_it_is_not_told() {
    let bed = Testbed::new();
    let steps = [
        Step::Expect("Address of the index [http://localhost:8080]: "),
        Step::Type("\r"),
        Step::Expect("User (Enter for none): "),
        Step::Type("alicf\x7fe\r"),
        Step::Expect("Password (Enter for none): "),
        Step::Type("s3cret\r"),
        Step::Expect("wrote `"),
    ];
    let session = Session::play(&bed.pkgctl(["configure"]), &steps);
    assert_eq!(
        (session.code, session.is_terminal_restored),
        (0, true),
        "{}",
        session.screen
    );
    assert!(!session.screen.contains("s3cret"), "{}", session.screen);
    assert_eq!(
        (bed.read(PYPIRC).as_str(), bed.read(PIP_CONF).as_str()),
        (GUIDE_PYPIRC, GUIDE_PIP_CONF)
    );

    let steps = [
        Step::Expect("[http://localhost:8080]: "),
        Step::Type("\r"),
        Step::Expect("User [alice]: "),
        Step::Type("\r"),
        Step::Expect("Password (Enter to keep it): "),
        Step::Type("\r"),
        Step::Expect("is as it should be"),
    ];
    let session = Session::play(&bed.pkgctl(["configure"]), &steps);
    assert_eq!(session.code, 0, "{}", session.screen);
    assert_eq!(bed.read(PYPIRC), GUIDE_PYPIRC);
}

/// Who has just run `pkgctl adduser alice` need not type the name again, and can't forget it by pressing Enter.
#[test]
fn the_only_user_of_an_index_on_this_machine_is_proposed() {
    let bed = Testbed::new();
    let add = |user: &str| {
        let mut command = bed.pkgctl(["adduser", user]);
        crate::support::Outcome::of(command.env("PKGCTL_PASSWORD", "s3cret of mine")).expect_code(0);
    };
    let proposes = |url: &str, question: &'static str| {
        let steps = [Step::Expect(question), Step::Type("\x03")];
        let session = Session::play(&bed.pkgctl(["configure", "--url", url]), &steps);
        assert_eq!(session.code, 130, "{}", session.screen);
    };
    let here = "http://localhost:8080";
    proposes(here, "User (Enter for none): ");
    add("alice");
    proposes(here, "User [alice]: ");
    proposes("https://packages.example", "User (Enter for none): ");
    let steps = [
        Step::Expect("[http://localhost:8080]: "),
        Step::Type("\r"),
        Step::Expect("User [alice]: "),
        Step::Type("\r"),
        Step::Expect("Password (Enter for none): "),
        Step::Type("s3cret\r"),
        Step::Expect("wrote `"),
    ];
    let session = Session::play(&bed.pkgctl(["configure"]), &steps);
    assert_eq!(session.code, 0, "{}", session.screen);
    assert_eq!(bed.read(PYPIRC), GUIDE_PYPIRC);
    fs::remove_file(bed.path(PYPIRC)).unwrap();
    add("bob");
    proposes(here, "User (Enter for none): ");
    bed.write("packages/.htaccess", "no passwords file at all");
    proposes(here, "User (Enter for none): ");
}

#[test]
fn control_c_at_any_question_writes_nothing() {
    let bed = Testbed::new();
    let all = || {
        [
            Step::Expect("Address"),
            Step::Type("\r"),
            Step::Expect("User"),
            Step::Type("alice\r"),
            Step::Expect("Password"),
        ]
    };
    for questions in [1, 3, 5] {
        let steps: Vec<Step> = all()
            .into_iter()
            .take(questions)
            .chain([Step::Type("\x03")])
            .collect();
        let session = Session::play(&bed.pkgctl(["configure"]), &steps);
        assert_eq!(
            (session.code, session.is_terminal_restored),
            (130, true),
            "{}",
            session.screen
        );
        assert_eq!(all_files(&bed), [""; 0]);
    }
}

#[test]
fn with_every_flag_control_c_still_writes_nothing_and_a_signal_restores_the_terminal() {
    for (typed, last, code) in [
        ("half", Step::Type("\x03"), 130),
        ("", Step::Type("\x04"), 130),
        ("half", Step::Signal("TERM"), -15),
    ] {
        let bed = Testbed::new();
        let arguments = [
            "configure",
            "--url",
            "http://127.0.0.1:9",
            "-u",
            "alice",
            "--uv",
            "--poetry",
            "--pdm",
            "--hatch",
            "--netrc",
        ];
        let steps = [
            Step::Expect("Password (Enter for none): "),
            Step::Type(typed),
            last,
        ];
        let session = Session::play(&bed.pkgctl(arguments), &steps);
        assert_eq!(
            (session.code, session.is_terminal_restored),
            (code, true),
            "{}",
            session.screen
        );
        assert!(!session.screen.contains("half"), "{}", session.screen);
        assert_eq!(all_files(&bed), [""; 0]);
    }
}

#[test]
fn a_password_for_the_keyring_is_asked_for_and_stored_nowhere_else() {
    let bed = Testbed::new();
    bed.script(
        "bin/keyring",
        "#!/bin/sh\ncase $1 in set) cat > ~/kept;; get) cat ~/kept;; esac\n",
    );
    let mut command = bed.pkgctl([
        "configure",
        "--url",
        "http://localhost",
        "-u",
        "alice",
        "--keyring",
    ]);
    command.env("PATH", format!("{}:/usr/bin:/bin", bed.path("bin").display()));
    let steps = [
        Step::Expect("Password (Enter for none): "),
        Step::Type("s3cret\r"),
        Step::Expect("the keyring has the password"),
    ];
    let session = Session::play(&command, &steps);
    assert_eq!(
        (session.code, session.is_terminal_restored),
        (0, true),
        "{}",
        session.screen
    );
    assert_eq!(bed.read("kept"), "s3cret");
    assert!(!session.screen.contains("s3cret") && !bed.read(PYPIRC).contains("s3cret"));
}

#[test]
fn afterwards_the_server_is_asked_without_a_further_question() {
    let bed = Testbed::new();
    let url = format!("http://127.0.0.1:{}", free_port());
    let mut command = bed.pkgctl(["configure", "--url", &url, "-u", "alice"]);
    command.env_remove("PKGCTL_OFFLINE");
    let steps = [
        Step::Expect("Password (Enter for none): "),
        Step::Type("\r"),
        Step::Expect("wrote `"),
        Step::Expect("nobody listens there"),
    ];
    let session = Session::play(&command, &steps);
    assert_eq!(
        (session.code, session.is_terminal_restored),
        (0, true),
        "{}",
        session.screen
    );
}

#[test]
fn variables_for_ci_take_no_password_from_the_terminal() {
    let bed = Testbed::new();
    let arguments = [
        "configure",
        "--url",
        "http://h.example",
        "-u",
        "alice",
        "--print-env",
    ];
    let session = Session::play(
        &bed.pkgctl(arguments),
        &[Step::Expect("TWINE_PASSWORD=\"$PKGCTL_PASSWORD\"")],
    );
    assert_eq!(session.code, 0, "{}", session.screen);
    assert_eq!(all_files(&bed), [""; 0]);
}
