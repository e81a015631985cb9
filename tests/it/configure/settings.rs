//! The files of uv, poetry, pdm, hatch, and `.netrc`: which are written when, together with the others or not at all.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{PIP_CONF, PYPIRC, all_files, mode};
use crate::support::{Outcome, Testbed};

const UV: &str = ".config/uv/uv.toml";
const POETRY: &str = ".config/pypoetry/config.toml";
const POETRY_AUTH: &str = ".config/pypoetry/auth.toml";
const PDM: &str = ".config/pdm/config.toml";
const HATCH: &str = ".config/hatch/config.toml";
const NETRC: &str = ".netrc";

const EACH: [&str; 5] = ["--uv", "--poetry", "--pdm", "--hatch", "--netrc"];

fn configure(bed: &Testbed, flags: &[&str]) -> Outcome {
    let arguments = ["configure", "-u", "alice", "--password-stdin"];
    bed.run_with_input(arguments.iter().chain(flags), "s3cret\n")
}

#[test]
fn each_flag_writes_its_files_for_the_owner_alone_and_remove_takes_all_back() {
    let bed = Testbed::new();
    let outcome = configure(&bed, &EACH).expect_code(0);
    let all = [HATCH, PDM, POETRY_AUTH, POETRY, UV, NETRC, PIP_CONF, PYPIRC];
    assert_eq!(all_files(&bed), all);
    for file in all {
        assert_eq!(mode(&bed.path(file)), 0o600, "{file}");
        let is_said = outcome.stderr.contains(&format!("/{file}`"));
        assert!(is_said, "{file}: {}", outcome.stderr);
    }
    assert!(!outcome.stderr.contains("s3cret"), "{}", outcome.stderr);
    let host = "machine localhost\n    login alice\n    password s3cret\n";
    assert_eq!(bed.read(NETRC), host);
    assert!(!bed.read(UV).contains("s3cret") && !bed.read(POETRY).contains("s3cret"));

    let before: Vec<String> = all.iter().map(|file| bed.read(file)).collect();
    let again = configure(&bed, &EACH).expect_code(0);
    assert_eq!(
        again.stderr.matches("is as it should be").count(),
        8,
        "{}",
        again.stderr
    );
    let after: Vec<String> = all.iter().map(|file| bed.read(file)).collect();
    assert_eq!(after, before);

    bed.run(["configure", "--remove"]).expect_code(0);
    assert_eq!(all_files(&bed), [""; 0]);
}

#[test]
fn without_a_flag_no_tool_is_written_but_one_that_knows_the_name() {
    let bed = Testbed::new();
    bed.write(UV, "# mine\n");
    bed.write(PDM, "this is no TOML");
    configure(&bed, &[]).expect_code(0);
    assert_eq!(bed.read(UV), "# mine\n");
    configure(&bed, &["--uv", "--poetry", "--hatch", "--index-url"]).expect_code(0);
    let arguments = [
        "configure",
        "--url",
        "https://new",
        "-u",
        "bob",
        "--password-stdin",
    ];
    bed.run_with_input(arguments, "other").expect_code(0);
    let uv = bed.read(UV);
    assert!(
        uv.starts_with("# mine\n") && uv.contains("url = \"https://new/simple/\"\n"),
        "{uv}"
    );
    assert!(
        uv.contains("default = true\n") && !uv.contains("localhost"),
        "{uv}"
    );
    let auth = "[http-basic.internal]\nusername = \"bob\"\npassword = \"other\"\n";
    assert_eq!(bed.read(POETRY_AUTH), auth);
    assert!(bed.read(HATCH).contains("user = \"bob\"\nauth = \"other\"\n"));
    assert_eq!(bed.read(PDM), "this is no TOML");
    bed.run(["configure", "--extra-index-url"]).expect_code(0);
    assert!(!bed.read(UV).contains("default"));
}

#[test]
fn a_tool_that_comes_later_gets_the_password_that_is_known() {
    let bed = Testbed::new();
    configure(&bed, &[]).expect_code(0);
    bed.run(["configure", "--poetry", "--netrc"]).expect_code(0);
    assert!(
        bed.read(POETRY_AUTH)
            .contains("username = \"alice\"\npassword = \"s3cret\"\n")
    );
    assert!(bed.read(NETRC).contains("password s3cret"));
    // Which is forgotten everywhere.
    bed.run(["configure", "--no-password"]).expect_code(0);
    assert!(
        !bed.read(POETRY_AUTH).contains("password"),
        "{}",
        bed.read(POETRY_AUTH)
    );
}

#[test]
fn all_means_what_is_installed_or_has_settings() {
    let bed = Testbed::new();
    bed.write(PDM, "check_update = false\n");
    bed.script("bin/hatch", "");
    let mut command = bed.pkgctl(["configure", "-u", "alice", "--password-stdin", "--all"]);
    command.env("PATH", bed.path("bin"));
    Outcome::with_input(&mut command, "s3cret").expect_code(0);
    fs::remove_dir_all(bed.path("bin")).unwrap();
    assert_eq!(all_files(&bed), [HATCH, PDM, NETRC, PIP_CONF, PYPIRC]);
    // Without a password there is no login to write.
    let bed = Testbed::new();
    let mut command = bed.pkgctl(["configure", "--all"]);
    Outcome::of(command.env("PATH", "/nowhere")).expect_code(0);
    assert_eq!(all_files(&bed), [PIP_CONF, PYPIRC]);
    bed.run(["configure", "--netrc"])
        .expect_failure(2, "no login to write");
}

#[test]
fn several_repositories_stand_side_by_side() {
    let bed = Testbed::new();
    configure(&bed, &EACH).expect_code(0);
    let files = [UV, POETRY, POETRY_AUTH, PDM, HATCH, PIP_CONF, PYPIRC];
    let before: Vec<String> = files.iter().map(|file| bed.read(file)).collect();
    let other = ["--name", "other.one", "--url", "http://127.0.0.1:9/x"];
    configure(&bed, &[&other[..], &EACH].concat()).expect_code(0);
    assert!(
        bed.read(PDM).contains("[repository.\"other.one\"]"),
        "{}",
        bed.read(PDM)
    );
    for (file, before) in files.into_iter().zip(&before).take(5) {
        assert!(bed.read(file).starts_with(before), "{file}");
    }
    assert_eq!(bed.read(NETRC).matches("machine ").count(), 2);
    bed.run(["configure", "--remove", "--name", "other.one"])
        .expect_code(0);
    let after: Vec<String> = files.iter().map(|file| bed.read(file)).collect();
    assert_eq!(after, before);
    assert_eq!(bed.read(NETRC).matches("machine ").count(), 1);
}

#[test]
fn a_login_of_the_host_that_another_needs_stays() {
    let bed = Testbed::new();
    bed.write(NETRC, "machine localhost login bob password hunter2\n");
    let outcome = configure(&bed, &["--netrc"]).expect_failure(1, NETRC);
    assert!(outcome.stderr.contains("of the user `bob`"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
    assert_eq!(all_files(&bed), [NETRC]);

    let bed = Testbed::new();
    configure(&bed, &["--netrc"]).expect_code(0);
    configure(&bed, &["--netrc", "--name", "two", "--url", "http://localhost:9"]).expect_code(0);
    bed.run(["configure", "--remove", "--name", "two"]).expect_code(0);
    assert!(bed.read(NETRC).contains("localhost"));
    // One with another password is not what was written.
    bed.write(NETRC, "machine localhost login alice password other\n");
    bed.run(["configure", "--remove"]).expect_code(0);
    assert_eq!(all_files(&bed), [NETRC]);
}

#[test]
fn a_stale_password_in_netrc_is_told() {
    let bed = Testbed::new();
    bed.write(NETRC, "machine localhost login alice password old\n");
    let outcome = configure(&bed, &[]).expect_code(0);
    assert!(
        outcome.stderr.contains("--netrc writes the new one"),
        "{}",
        outcome.stderr
    );
    let outcome = configure(&bed, &["--netrc"]).expect_code(0);
    assert!(
        !outcome.stderr.contains("writes the new one"),
        "{}",
        outcome.stderr
    );
    assert_eq!(bed.read(NETRC), "machine localhost login alice password s3cret\n");
}

// H4
#[test]
fn when_one_of_many_is_broken_or_can_not_be_written_none_is_touched() {
    for (file, content, flag, said) in [
        (UV, "a = 1\nindex = [\n", "--uv", "line "),
        (HATCH, "a = hunter2\n", "--hatch", "line 1: "),
        (
            NETRC,
            "machine\nmachine localhost passwort hunter2\n",
            "--netrc",
            "line 2",
        ),
        (POETRY, "repositories = 'hunter2'\n", "--poetry", "`repositories`"),
        (
            UV,
            "[[index]]\nurl = 'http://x/'\ndefault = true\n",
            "--uv",
            "another index",
        ),
    ] {
        let bed = Testbed::new();
        bed.write(file, content);
        let outcome = configure(&bed, &[flag, "--index-url"]).expect_failure(1, file);
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
        assert_eq!(
            (all_files(&bed), bed.read(file).as_str()),
            (vec![file.to_owned()], content)
        );
    }
    let bed = Testbed::new();
    bed.write(".config", "a file where the folder should be");
    configure(&bed, &["--hatch"]).expect_failure(1, HATCH);
    assert_eq!(all_files(&bed), [".config"]);
    let clash = bed.path("both");
    let mut command = bed.pkgctl(["configure", "--uv", "--pdm"]);
    command
        .env("UV_CONFIG_FILE", &clash)
        .env("PDM_CONFIG_FILE", &clash);
    Outcome::of(&mut command).expect_failure(2, "two settings files at once");
}

#[test]
fn a_dry_run_shows_all_files_without_secrets() {
    let bed = Testbed::new();
    bed.write(NETRC, "machine localhost login alice password old # mine\n");
    bed.write(
        POETRY_AUTH,
        "http-basic = { internal = { username = 'alice', password = 'hunter2' } }\n",
    );
    let outcome = configure(&bed, &[&EACH[..], &["--dry-run"]].concat()).expect_code(0);
    for secret in ["s3cret", "hunter2", "old #"] {
        assert!(!outcome.stdout.contains(secret), "{}", outcome.stdout);
    }
    for line in [
        "+publish-url = \"http://localhost:8080/\"\n",
        "+auth = ********\n",
        "-machine localhost login alice password ******** # mine\n",
        "+machine localhost login alice password ******** (new) # mine\n",
    ] {
        assert!(outcome.stdout.contains(line), "{line}: {}", outcome.stdout);
    }
    assert_eq!(all_files(&bed), [POETRY_AUTH, NETRC]);
}

#[test]
fn a_file_that_gets_a_secret_is_taken_from_others() {
    let bed = Testbed::new();
    let (pdm, uv) = (
        bed.write(PDM, "check_update = false\n"),
        bed.write(UV, "# mine\n"),
    );
    for path in [&pdm, &uv] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    let outcome = configure(&bed, &["--pdm", "--uv"]).expect_code(0);
    assert_eq!((mode(&pdm), mode(&uv)), (0o600, 0o644), "{}", outcome.stderr);
    assert_eq!(
        outcome.stderr.matches("can't read any more").count(),
        1,
        "{}",
        outcome.stderr
    );
}

#[test]
fn what_wins_over_the_new_setting_is_told() {
    let bed = Testbed::new();
    bed.write("venv/pip.conf", "[install]\nextra-index-url = http://x/\n");
    bed.write(PIP_CONF, "[install]\nextra-index-url = http://y/\n");
    let mut command = bed.pkgctl(["configure", "--uv", "--poetry"]);
    command
        .env("VIRTUAL_ENV", bed.path("venv"))
        .env("PIP_EXTRA_INDEX_URL", "http://z/")
        .env("TWINE_REPOSITORY", "pypi")
        .env("UV_NO_CONFIG", "1")
        .env("POETRY_REPOSITORIES_INTERNAL_URL", "http://z/")
        .env("HATCH_INDEX_REPO", "x");
    let outcome = Outcome::of(&mut command).expect_code(0);
    for told in [
        "PIP_EXTRA_INDEX_URL is set and wins over the settings files of pip",
        "venv/pip.conf` wins over the new setting",
        ".pip/pip.conf` wins over the new setting",
        "TWINE_REPOSITORY is set",
        "UV_NO_CONFIG is set, so uv doesn't read its settings files",
        "POETRY_REPOSITORIES_INTERNAL_URL is set",
    ] {
        assert!(outcome.stderr.contains(told), "{told}: {}", outcome.stderr);
    }
    assert!(!outcome.stderr.contains("HATCH_INDEX_REPO"), "{}", outcome.stderr);
}
