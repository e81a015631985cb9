//! What is told while a build lasts, and what is kept of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::{Bench, SDIST, WHEEL, names_in};
use crate::support::Outcome;
use crate::support::pseudo_terminal::{Session, Step};

const LOGS: &str = ".cache/pkgctl/build-logs";

/// The only run's folder.
fn run_folder(bench: &Bench) -> PathBuf {
    let logs = bench.testbed.path(LOGS);
    let runs = names_in(&logs);
    assert_eq!(runs.len(), 1, "{runs:?}");
    logs.join(&runs[0])
}

/// A build at a terminal, and what was on its screen.
fn at_terminal(bench: &Bench, arguments: &[&str], variables: &[(&str, &str)], steps: &[Step]) -> Session {
    let mut command = bench.command(arguments);
    command
        .env("TERM", "xterm-256color")
        .envs(variables.iter().copied());
    Session::play(&command, steps)
}

#[test]
fn a_spinner_tells_the_step_and_goes_when_all_is_done() {
    let Some(bench) = Bench::in_tree("") else { return };
    let steps = [
        Step::Expect("asking the backend what a wheel needs…"),
        Step::Expect("building the wheel from the sdist…"),
        Step::Expect("* made tree_lib-1.0.tar.gz"),
    ];
    let slow = [
        "-C",
        "get_requires_for_build_wheel=sleep:1",
        "-C",
        "build_wheel=sleep:1",
    ];
    let session = at_terminal(&bench, &slow, &[("NO_COLOR", "1")], &steps);
    assert_eq!(session.code, 0, "{}", session.screen);
    // Steps replace each other; none is a line that stays, and the last is wiped before the result comes.
    assert!(!session.screen.contains("* building"), "{}", session.screen);
    let (_, result) = session.screen.split_once("* made tree_lib").unwrap();
    assert!(!result.contains('…'), "{result:?}");
    assert!(!has_colours(&session.screen), "{:?}", session.screen);
}

/// Whether there is a sequence that sets a colour: `ESC [ numbers m`.
fn has_colours(screen: &str) -> bool {
    screen.split("\x1b[").skip(1).any(|rest| {
        rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';')
            .starts_with('m')
    })
}

#[test]
fn quick_work_leaves_a_quiet_screen() {
    let Some(bench) = Bench::in_tree("") else { return };
    bench.build(&["--wheel"]).expect_code(0);
    // The whole of it is over before a spinner would come; on a busy machine it may come all the same, and goes.
    let session = at_terminal(&bench, &["--wheel"], &[], &[]);
    assert_eq!(session.code, 0);
    let last = session.screen.rsplit("\x1b[").next().unwrap_or_default();
    assert!(
        last.contains("* made tree_lib-1.0-py3-none-any.whl"),
        "{:?}",
        session.screen
    );
}

#[test]
fn logs_and_dumb_terminals_get_a_line_for_each_step() {
    let Some(bench) = Bench::in_tree("") else { return };
    for variable in [("CI", "true"), ("TERM", "dumb")] {
        let mut command = bench.command(&[]);
        command.env("TERM", "xterm").env(variable.0, variable.1);
        let session = Session::play(&command, &[]);
        assert_eq!(session.code, 0, "{}", session.screen);
        for line in [
            "* asking the backend what an sdist needs\r\n",
            "* building the sdist\r\n",
        ] {
            assert!(session.screen.contains(line), "{:?}", session.screen);
        }
        assert!(!session.screen.contains('\x1b'), "{:?}", session.screen);
    }
    let outcome = bench.build(&[]).expect_code(0);
    assert_eq!(outcome.stdout, format!("{SDIST}\n{WHEEL}\n"), "stdout is data");
    assert!(
        outcome.stderr.contains("\n* building the wheel from the sdist\n"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn verbose_output_and_steps_do_not_mix_at_a_terminal() {
    let Some(bench) = Bench::in_tree("") else { return };
    let session = at_terminal(&bench, &["-v", "--wheel"], &[], &[]);
    let steps = "* building the wheel\r\nthis is build_wheel\r\n";
    assert!(session.screen.contains(steps), "{:?}", session.screen);
    assert!(!session.screen.contains('\x1b'), "{:?}", session.screen);
}

#[test]
fn the_log_is_kept_for_its_owner_and_named_on_failure() {
    let Some(bench) = Bench::in_tree("") else { return };
    let mut command = bench.command(&["-C", "build_wheel=bytes"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    let folder = run_folder(&bench);
    let log = folder.join("build.log");
    let told = format!("\n* the whole output is in {}\nerror: ", log.display());
    assert!(stderr.contains(&told), "{stderr}");
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&log), mode(&folder)), (0o600, 0o700));
    let text = fs::read(&log).unwrap();
    let has = |bytes: &[u8]| text.windows(bytes.len()).any(|window| window == bytes);
    for part in [
        &b"* building the sdist\n"[..],
        b"this is build_sdist\n",
        b"caf\xe9 \xff\xfe\n",
        b"Traceback (most recent call last):\n",
        b"* failed: no wheel could be built for `tree_lib-1.0.tar.gz`",
    ] {
        assert!(
            has(part),
            "{:?} is not in\n{}",
            String::from_utf8_lossy(part),
            String::from_utf8_lossy(&text)
        );
    }
    // The sdist is beside it, whole.
    assert!(
        bench
            .members(&folder.join("tree_lib-1.0.tar.gz"))
            .contains_key("tree_lib-1.0/tree_lib.py")
    );
    assert!(stderr.contains(&format!(
        "is kept as `{}",
        folder.join("tree_lib-1.0.tar.gz").display()
    )));
}

#[test]
fn a_success_is_logged_too_and_old_logs_go() {
    let Some(bench) = Bench::in_tree("") else { return };
    for number in 0..30 {
        bench.testbed.write(
            &format!("{LOGS}/2020010{}-{number:02}/build.log", number / 10),
            "old",
        );
    }
    bench.build(&["--wheel"]).expect_code(0);
    let runs = names_in(&bench.testbed.path(LOGS));
    assert_eq!(runs.len(), 20, "{runs:?}");
    assert_eq!(runs[0], "20200101-11", "the newest stay");
    let newest = bench.testbed.read(&format!("{LOGS}/{}/build.log", runs[19]));
    assert!(newest.contains("this is build_wheel\n"), "{newest}");
    // What is refused before anything is done leaves no log.
    bench.build(&["nowhere"]).expect_failure(1, "nowhere");
    assert_eq!(names_in(&bench.testbed.path(LOGS)), runs);
}

#[test]
fn passwords_of_indexes_reach_neither_screen_nor_log() {
    let Some(bench) = Bench::in_tree("") else { return };
    let variables = [
        ("PIP_INDEX_URL", "http://alice:s3cret%2Bword@127.0.0.1:9/simple/"),
        // What a backend could know it from: the installers' own variables come to it without logins.
        ("DEPLOY_URL", "http://alice:s3cret%2Bword@127.0.0.1:9/simple/"),
        ("DEPLOY_TOKEN", "tok-0123456789"),
    ];
    let print = "build_wheel=print:index $DEPLOY_URL, plain s3cret+word, token $DEPLOY_TOKEN";
    for arguments in [&["-C", print, "-v"][..], &["-C", print]] {
        let mut command = bench.command(arguments);
        let outcome = Outcome::of(command.envs(variables));
        assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
        let masked = "index http://alice:********@127.0.0.1:9/simple/, plain ********, token ********\n";
        assert!(outcome.stderr.contains(masked), "{}", outcome.stderr);
        let log = fs::read_to_string(run_folder(&bench).join("build.log")).unwrap();
        assert!(log.contains(masked), "{log}");
        for text in [&log, &outcome.stderr] {
            for secret in ["s3cret", "tok-0123"] {
                assert!(!text.contains(secret), "{text}");
            }
        }
        fs::remove_dir_all(bench.testbed.path(LOGS)).unwrap();
    }
}

#[test]
fn without_a_place_for_logs_a_build_goes_on() {
    let Some(bench) = Bench::in_tree("") else { return };
    bench.testbed.write(LOGS, "a file");
    bench.build(&["--wheel"]).expect_code(0);
    let outcome = bench.build(&["-C", "build_wheel=raise"]);
    assert!(
        outcome.stderr.contains("that sdist is not kept either"),
        "{}",
        outcome.stderr
    );
    assert!(
        !outcome.stderr.contains("the whole output is in"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("  | Traceback"), "{}", outcome.stderr);
}
