//! `pkgctl configure`: what it writes, what it leaves, and how it asks.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::support::folder::paths_below;
use crate::support::{Outcome, Testbed};

mod exports; // variables for CI instead of files
mod keyring; // passwords in the keyring of the system
mod live_tools; // each tool uses what was written
mod prompts; // a person at a terminal
mod server; // what the server says afterwards
mod settings; // the files of uv, poetry, pdm, hatch, and .netrc

const PYPIRC: &str = ".pypirc";
const PIP_CONF: &str = ".pip/pip.conf";

const GUIDE_PYPIRC: &str = "[distutils]\nindex-servers =\n    pypi\n    testpypi\n    internal\n\n\
                            [internal]\nrepository = http://localhost:8080/\nusername = alice\npassword = s3cret\n";
const GUIDE_PIP_CONF: &str = "[global]\nextra-index-url = http://localhost:8080/simple/\n";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn configure(bed: &Testbed) -> Outcome {
    bed.run_with_input(
        ["configure", "--username", "alice", "--password-stdin"],
        "s3cret\n",
    )
}

/// The names of all files below the home folder.
fn all_files(bed: &Testbed) -> Vec<String> {
    let home = bed.home();
    let name = |path: &PathBuf| path.strip_prefix(&home).unwrap().display().to_string();
    let mut names: Vec<String> = paths_below(&home).iter().map(name).collect();
    names.sort();
    names
}

// H5
#[test]
fn it_writes_what_the_guide_shows_for_the_owner_alone_and_takes_it_back() {
    let bed = Testbed::new();
    let outcome = configure(&bed).expect_code(0);
    assert_eq!(
        (bed.read(PYPIRC).as_str(), bed.read(PIP_CONF).as_str()),
        (GUIDE_PYPIRC, GUIDE_PIP_CONF)
    );
    assert_eq!(
        (mode(&bed.path(PYPIRC)), mode(&bed.path(PIP_CONF))),
        (0o600, 0o600)
    );
    assert!(
        outcome.stdout.is_empty() && !outcome.stderr.contains("s3cret"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.stderr.matches("wrote `").count(), 2, "{}", outcome.stderr);

    let again = configure(&bed).expect_code(0);
    assert_eq!(
        again.stderr.matches("is as it should be").count(),
        2,
        "{}",
        again.stderr
    );
    assert_eq!(
        (bed.read(PYPIRC).as_str(), bed.read(PIP_CONF).as_str()),
        (GUIDE_PYPIRC, GUIDE_PIP_CONF)
    );
    assert_eq!(all_files(&bed), [PIP_CONF, PYPIRC]);

    bed.run(["configure", "--remove"]).expect_code(0);
    assert_eq!(all_files(&bed), [""; 0]);
}

#[test]
fn without_a_terminal_it_takes_defaults_and_says_that_there_are_no_credentials() {
    let bed = Testbed::new();
    let outcome = bed.run(["configure"]).expect_code(0);
    assert!(
        outcome.stderr.contains("no credentials are stored"),
        "{}",
        outcome.stderr
    );
    assert!(
        bed.read(PYPIRC)
            .ends_with("[internal]\nrepository = http://localhost:8080/\n")
    );
    assert_eq!(bed.read(PIP_CONF), GUIDE_PIP_CONF);
}

#[test]
fn every_answer_has_a_variable() {
    let bed = Testbed::new();
    let mut command = bed.pkgctl(["configure"]);
    command
        .env("PKGCTL_REPOSITORY", "team")
        .env("PKGCTL_REPOSITORY_URL", "http://index.example:8080/team/simple/")
        .env("PKGCTL_USERNAME", "bob")
        .env("PKGCTL_PASSWORD", "100%; # sure")
        .env("PKGCTL_PYPIRC", "~/one")
        .env("PKGCTL_PIP_CONF", "two");
    Outcome::of(&mut command).expect_code(0);
    let expected =
        "\n[team]\nrepository = http://index.example:8080/team/\nusername = bob\npassword = 100%; # sure\n";
    assert!(bed.read("one").ends_with(expected), "{}", bed.read("one"));
    let expected = "[global]\nextra-index-url = http://index.example:8080/team/simple/\ntrusted-host = index.example:8080\n";
    assert_eq!(bed.read("two"), expected);
    assert_eq!(all_files(&bed), ["one", "two"]);
}

#[test]
fn what_is_there_stays_byte_for_byte() {
    let bed = Testbed::new();
    let pypirc = "; mine\r\n[distutils]\r\nIndex-Servers : pypi other\r\n\r\n[other]\r\nrepository = https://x/\r\n\
                  password=1%2\r\n# the end";
    let pip_conf =
        "[install]\nno-color = 1\n[global]\n# ours\nextra_index_url =\n  https://one/simple/\ntimeout=3";
    let path = bed.write(PYPIRC, pypirc);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    bed.write(PIP_CONF, pip_conf);
    let outcome = configure(&bed).expect_code(0);
    assert!(outcome.stderr.contains("(mode 0600)"), "{}", outcome.stderr);
    let expected = pypirc.replace("pypi other", "pypi other internal")
        + "\r\n\r\n[internal]\r\nrepository = http://localhost:8080/\r\nusername = alice\r\npassword = s3cret\r\n";
    assert_eq!(bed.read(PYPIRC), expected);
    assert_eq!(mode(&path), 0o600);
    let expected = pip_conf.replace(
        "https://one/simple/\n",
        "https://one/simple/\n  http://localhost:8080/simple/\n",
    );
    assert_eq!(bed.read(PIP_CONF), expected);
    bed.run(["configure", "--remove"]).expect_code(0);
    assert_eq!(
        (bed.read(PYPIRC), bed.read(PIP_CONF).as_str()),
        (pypirc.to_owned() + "\r\n", pip_conf)
    );
}

#[test]
fn links_are_followed() {
    let bed = Testbed::new();
    let real = bed.write("dotfiles/pypirc", "# in a repository\n");
    symlink(&real, bed.path(PYPIRC)).unwrap();
    configure(&bed).expect_code(0);
    assert!(fs::symlink_metadata(bed.path(PYPIRC)).unwrap().is_symlink());
    assert!(bed.read("dotfiles/pypirc").contains("[internal]"));
}

#[test]
fn pips_newer_file_is_edited_where_it_is_and_the_output_says_so() {
    let bed = Testbed::new();
    bed.write(".config/pip/pip.conf", "[global]\ntimeout = 3\n");
    bed.write(PIP_CONF, "[global]\nextra-index-url = https://one/simple/\n");
    let outcome = configure(&bed).expect_code(0);
    for said in [
        "where both have a key, the one in `",
        "don't count beside those in",
    ] {
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    }
    assert!(
        bed.read(".config/pip/pip.conf")
            .contains("extra-index-url = http://localhost:8080/simple/\n")
    );
    assert!(!bed.read(PIP_CONF).contains("localhost"));
}

#[test]
fn the_only_index_and_back() {
    let bed = Testbed::new();
    bed.write(
        PIP_CONF,
        "[global]\nindex-url = https://u:hunter2@mirror/simple\n",
    );
    let outcome = bed.run(["configure", "--index-url"]).expect_code(0);
    assert!(
        outcome.stderr.contains("https://u:********@mirror/simple"),
        "{}",
        outcome.stderr
    );
    assert_eq!(
        bed.read(PIP_CONF),
        "[global]\nindex-url = http://localhost:8080/simple/\n"
    );
    assert!(
        outcome.stderr.contains("can't bring it back"),
        "{}",
        outcome.stderr
    );
    bed.run(["configure", "--extra-index-url"]).expect_code(0);
    assert_eq!(bed.read(PIP_CONF), GUIDE_PIP_CONF);
    let help = bed.run(["configure", "--help"]).expect_code(0).stdout;
    assert!(help.contains("dependency confusion"), "{help}");
}

// A new password must not undo the protection against dependency confusion.
#[test]
fn the_only_index_stays_the_only_one_until_told_otherwise() {
    let bed = Testbed::new();
    bed.run(["configure", "--index-url"]).expect_code(0);
    let only = "[global]\nindex-url = http://localhost:8080/simple/\n";
    let outcome = configure(&bed).expect_code(0);
    assert_eq!(bed.read(PIP_CONF), only);
    assert!(!outcome.stderr.contains("warning"), "{}", outcome.stderr);
    bed.run(["configure", "--url", "https://new"]).expect_code(0);
    assert_eq!(bed.read(PIP_CONF), "[global]\nindex-url = https://new/simple/\n");

    let outcome = bed.run(["configure", "--extra-index-url"]).expect_code(0);
    assert!(
        outcome.stderr.contains("warning: ") && outcome.stderr.contains("dependency confusion"),
        "{}",
        outcome.stderr
    );
    let extra = "[global]\nextra-index-url = https://new/simple/\n";
    assert_eq!(bed.read(PIP_CONF), extra);
    bed.run(["configure"]).expect_code(0);
    assert_eq!(bed.read(PIP_CONF), extra);
    let outcome = bed.run(["configure", "--index-url"]).expect_code(0);
    assert!(outcome.stderr.contains("only one now"), "{}", outcome.stderr);
    bed.run(["configure", "--index-url", "--extra-index-url"])
        .expect_code(2);
}

#[test]
fn a_file_that_gets_a_secret_is_taken_from_others() {
    let bed = Testbed::new();
    let path = bed.write(PYPIRC, GUIDE_PYPIRC);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let outcome = bed.run(["configure"]).expect_code(0);
    assert!(outcome.stderr.contains("chmod 600"), "{}", outcome.stderr);
    assert_eq!(mode(&path), 0o644);
    let arguments = ["configure", "-u", "alice", "--password-stdin"];
    let outcome = bed.run_with_input(arguments, "new").expect_code(0);
    assert!(
        outcome.stderr.contains("can't read any more"),
        "{}",
        outcome.stderr
    );
    assert_eq!(mode(&path), 0o600);
    assert!(bed.read(PYPIRC).contains("password = new\n"));
}

#[test]
fn the_index_is_taken_out_of_all_files_of_the_user() {
    let bed = Testbed::new();
    configure(&bed).expect_code(0);
    let newer = ".config/pip/pip.conf";
    let others = "[global]\nindex-url = http://localhost:8080/simple\n[install]\n\
                  extra-index-url = http://localhost:8080/simple/\n";
    bed.write(newer, others);
    let outcome = bed.run(["configure", "--remove"]).expect_code(0);
    assert!(!bed.path(PIP_CONF).exists(), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("`[install] extra-index-url` in `"),
        "{}",
        outcome.stderr
    );
    assert!(!outcome.stderr.contains("as it should be"), "{}", outcome.stderr);
    assert!(!bed.read(newer).contains("\nindex-url"));
}

#[test]
fn one_index_stands_in_one_file_alone() {
    let bed = Testbed::new();
    configure(&bed).expect_code(0);
    bed.write(".config/pip/pip.conf", "[global]\ntimeout = 3\n");
    bed.run(["configure", "--url", "https://new", "--index-url"])
        .expect_code(0);
    assert!(!bed.path(PIP_CONF).exists());
    assert_eq!(
        bed.read(".config/pip/pip.conf"),
        "[global]\ntimeout = 3\nindex-url = https://new/simple/\n"
    );
}

#[test]
fn nothing_to_remove_is_said_and_touches_no_other_index() {
    let bed = Testbed::new();
    let outcome = bed.run(["configure", "--remove"]).expect_code(0);
    assert!(
        outcome.stderr.contains("nothing to remove: "),
        "{}",
        outcome.stderr
    );
    configure(&bed).expect_code(0);
    let outcome = bed
        .run(["configure", "--remove", "--name", "typo"])
        .expect_code(0);
    assert!(
        outcome.stderr.contains("no repository `typo`"),
        "{}",
        outcome.stderr
    );
    assert_eq!(
        (bed.read(PYPIRC).as_str(), bed.read(PIP_CONF).as_str()),
        (GUIDE_PYPIRC, GUIDE_PIP_CONF)
    );
}

#[test]
fn a_public_index_gets_no_place_in_pips_configuration() {
    for arguments in [
        &["configure", "--name", "pypi"][..],
        &["configure", "--name", "testpypi"],
        &["configure", "--url", "https://upload.pypi.org/legacy/"],
    ] {
        let bed = Testbed::new();
        let outcome = bed.run(arguments).expect_code(0);
        assert!(outcome.stderr.contains("is left alone"), "{}", outcome.stderr);
        assert_eq!(all_files(&bed), [PYPIRC]);
        assert!(bed.read(PYPIRC).contains("pypi.org/legacy/"));
    }
}

#[test]
fn plain_http_to_another_machine_is_warned_about() {
    let bed = Testbed::new();
    let outcome = bed
        .run(["configure", "--url", "http://index.example"])
        .expect_code(0);
    assert!(
        outcome
            .stderr
            .contains("warning: `http://index.example/` is plain http"),
        "{}",
        outcome.stderr
    );
    for url in ["https://index.example", "http://127.0.0.1:8080"] {
        let outcome = Testbed::new().run(["configure", "--url", url]).expect_code(0);
        assert!(!outcome.stderr.contains("plain http"), "{}", outcome.stderr);
    }
}

#[test]
fn a_moved_index_is_moved_in_both_files_and_other_names_stand_beside() {
    let bed = Testbed::new();
    configure(&bed).expect_code(0);
    bed.run(["configure", "--name", "other", "--url", "https://other/"])
        .expect_code(0);
    bed.run(["configure", "--url", "https://new"]).expect_code(0);
    let pypirc = bed.read(PYPIRC);
    assert!(pypirc.contains("    internal\n    other\n"), "{pypirc}");
    assert!(
        pypirc.contains("repository = https://new/\nusername = alice\npassword = s3cret\n"),
        "{pypirc}"
    );
    let pip_conf = "[global]\nextra-index-url = https://other/simple/ https://new/simple/\n";
    assert_eq!(bed.read(PIP_CONF), pip_conf);
    // What is known needs no flag.
    bed.run(["configure"]).expect_code(0);
    assert_eq!(
        (bed.read(PYPIRC), bed.read(PIP_CONF).as_str()),
        (pypirc, pip_conf)
    );
}

#[test]
fn a_password_is_forgotten_when_asked_and_with_another_user() {
    let bed = Testbed::new();
    for arguments in [&["configure", "--no-password"][..], &["configure", "-u", "bob"]] {
        configure(&bed).expect_code(0);
        let outcome = bed.run(arguments).expect_code(0);
        assert!(!bed.read(PYPIRC).contains("password"), "{}", bed.read(PYPIRC));
        assert!(
            outcome.stderr.contains("no password is stored"),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn a_dry_run_shows_the_difference_without_secrets_and_writes_nothing() {
    let bed = Testbed::new();
    let arguments = ["configure", "-u", "alice", "--password-stdin", "--dry-run"];
    let outcome = bed.run_with_input(arguments, "s3cret").expect_code(0);
    assert!(
        outcome.stdout.contains("--- /dev/null\n+++ ") && outcome.stdout.contains("+password = ********\n")
    );
    assert!(
        outcome
            .stdout
            .contains("+extra-index-url = http://localhost:8080/simple/\n")
    );
    assert!(!outcome.stdout.contains("s3cret") && !outcome.stderr.contains("s3cret"));
    assert_eq!(all_files(&bed), [""; 0]);

    configure(&bed).expect_code(0);
    let outcome = bed.run_with_input(arguments, "other").expect_code(0);
    assert!(
        outcome
            .stdout
            .contains("-password = ********\n+password = ******** (new)\n"),
        "{}",
        outcome.stdout
    );
    let outcome = bed.run_with_input(arguments, "s3cret").expect_code(0);
    assert_eq!(outcome.stdout, "");
    let outcome = bed.run(["configure", "--remove", "--dry-run"]).expect_code(0);
    assert!(
        outcome.stdout.contains("-password = ********\n"),
        "{}",
        outcome.stdout
    );
    assert_eq!(bed.read(PYPIRC), GUIDE_PYPIRC);
}

// H4
#[test]
fn when_one_file_is_broken_or_can_not_be_written_none_is_touched() {
    let bed = Testbed::new();
    let broken = "[global]\nextra-index-url = a\nextra-index-url = hunter2\n";
    bed.write(PIP_CONF, broken);
    let outcome = configure(&bed).expect_failure(1, PIP_CONF);
    assert!(
        outcome.stderr.contains("line 3: ") && !outcome.stderr.contains("hunter2"),
        "{}",
        outcome.stderr
    );
    assert_eq!(
        (all_files(&bed), bed.read(PIP_CONF).as_str()),
        (vec![PIP_CONF.to_owned()], broken)
    );

    for content in [
        &b"\xef\xbb\xbf[pypi]\n"[..],
        b"password = hunter2\n",
        b"[a]\n\xff\n",
    ] {
        let bed = Testbed::new();
        bed.write(PYPIRC, content);
        let outcome = configure(&bed).expect_failure(1, "line ");
        assert!(
            outcome.stderr.contains(PYPIRC) && !outcome.stderr.contains("hunter2"),
            "{}",
            outcome.stderr
        );
        assert_eq!(all_files(&bed), [PYPIRC]);
        assert_eq!(fs::read(bed.path(PYPIRC)).unwrap(), content);
    }

    let bed = Testbed::new();
    bed.write(".pip", "a file where the folder should be");
    configure(&bed).expect_failure(1, "pip.conf");
    assert_eq!(all_files(&bed), [".pip"]);
}

#[test]
fn arguments_that_make_no_sense_are_refused_without_a_secret_in_the_answer() {
    let bed = Testbed::new();
    for (arguments, named) in [
        (
            &["configure", "--url", "http://alice:hunter2@h/"][..],
            "holds credentials",
        ),
        (
            &["configure", "--url", "http://alice:hunter2@h/"],
            "`http://********@h/`",
        ),
        (&["configure", "--url", "localhost"], "`localhost` can't be"),
        (&["configure", "--url", "ftp://h/"], "begin with `http://`"),
        (&["configure", "--url", "http://h:x/"], "invalid port"),
        (&["configure", "--url", ""], "is empty"),
        (
            &["configure", "--name", "server-login"],
            "keeps that name for itself",
        ),
        (&["configure", "--username", "a:b"], "hint: use up to 255 letters"),
        (&["configure", "--name", "a b"], "`a b`"),
        (&["configure", "--name", "distutils"], "`distutils`"),
        (&["configure", "--username", "a:b"], "`a:b`"),
        (
            &["configure", "--password", "hunter2"],
            "every user of this machine",
        ),
        (&["configure", "-p=hunter2"], "every user of this machine"),
        (
            &["configure", "--pypirc", "x", "--pip-conf", "x"],
            "can't be both",
        ),
    ] {
        let outcome = bed.run(arguments).expect_failure(2, named);
        assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
    }
    for password in ["two\u{0}lines", " edge", "edge\u{a0}"] {
        let arguments = ["configure", "-u", "alice", "--password-stdin"];
        bed.run_with_input(arguments, password)
            .expect_failure(2, "can't be stored");
    }
    for empty in ["", "\n"] {
        let arguments = ["configure", "-u", "alice", "--password-stdin"];
        bed.run_with_input(arguments, empty)
            .expect_failure(2, "the password is empty");
    }
    let mut command = bed.pkgctl(["configure", "-u", "alice", "--password-stdin"]);
    let latin = fs::File::open(bed.write("latin", b"caf\xe9\n")).unwrap();
    let outcome = Outcome::of(command.stdin(latin)).expect_failure(1, "is not UTF-8");
    assert!(
        outcome.stderr.contains("hint: save it as UTF-8"),
        "{}",
        outcome.stderr
    );
    fs::remove_file(bed.path("latin")).unwrap();
    bed.run_with_input(["configure", "--password-stdin"], "pw")
        .expect_failure(2, "no user");
    assert_eq!(all_files(&bed), [""; 0]);
}
