//! `--keyring`: the password is in the system's keyring and in no file. The real `keyring`, with a file for a backend.

use std::fs;
use std::process::Command;

use super::{PYPIRC, all_files};
use crate::support::distributions::wheel;
use crate::support::tools::{self, Tool};
use crate::support::{Outcome, Testbed};

const ALICE: [&str; 4] = ["configure", "-u", "alice", "--keyring"];

fn with_keyring<'a>(command: &'a mut Command, keyring: &Tool, backend: &str) -> &'a mut Command {
    let path = format!("{}:/usr/bin:/bin", keyring.folder().display());
    command.env("PATH", path).env("PYTHON_KEYRING_BACKEND", backend)
}

const FILE: &str = "keyrings.alt.file.PlaintextKeyring";

fn password_of(bed: &Testbed, keyring: &Tool, service: &str) -> String {
    let mut get = bed.program("keyring");
    with_keyring(&mut get, keyring, FILE).args(["get", service, "alice"]);
    Outcome::of(&mut get).stdout.trim().to_owned()
}

#[test]
fn the_password_goes_into_the_keyring_for_every_program_and_out_again() {
    let Ok(keyring) = tools::keyring() else { return };
    let bed = Testbed::new();
    // One that was stored before moves.
    bed.run_with_input(["configure", "-u", "alice", "--password-stdin"], "s3cret")
        .expect_code(0);
    let mut command = bed.pkgctl(ALICE);
    let outcome = Outcome::of(with_keyring(command.arg("--poetry"), &keyring, FILE)).expect_code(0);
    assert!(
        outcome.stderr.contains("the keyring has the password of `alice`"),
        "{}",
        outcome.stderr
    );
    assert!(
        bed.read(PYPIRC).ends_with("username = alice\n"),
        "{}",
        bed.read(PYPIRC)
    );
    let auth = bed.read(".config/pypoetry/auth.toml");
    assert_eq!(auth, "[http-basic.internal]\nusername = \"alice\"\n");
    let services = [
        "http://localhost:8080/",
        "localhost:8080",
        "poetry-repository-internal",
    ];
    for service in services {
        assert_eq!(password_of(&bed, &keyring, service), "s3cret", "{service}");
    }
    // It is there already, and no word about it is needed.
    let mut command = bed.pkgctl(ALICE);
    Outcome::of(with_keyring(&mut command, &keyring, FILE)).expect_code(0);

    let mut command = bed.pkgctl(["configure", "--remove"]);
    let outcome = Outcome::of(with_keyring(command.arg("--dry-run"), &keyring, FILE)).expect_code(0);
    assert!(
        outcome.stderr.contains("unless --keyring is given"),
        "{}",
        outcome.stderr
    );
    let mut command = bed.pkgctl(["configure", "--remove", "--keyring"]);
    Outcome::of(with_keyring(&mut command, &keyring, FILE)).expect_code(0);
    for service in services {
        assert_eq!(password_of(&bed, &keyring, service), "", "{service}");
    }
    assert!(!bed.path(PYPIRC).exists());
}

#[test]
fn pkgctl_and_twine_publish_with_it() {
    let (Ok(keyring), Ok(twine)) = (tools::keyring(), tools::twine()) else {
        return;
    };
    let bed = Testbed::new();
    fs::create_dir(bed.path("packages")).unwrap();
    bed.write(
        "passwords",
        format!("alice:{}\n", bcrypt::hash("s3cret", 4).unwrap()),
    );
    let server = bed.serve(["-P", "passwords", "packages"]);
    let mut command = bed.pkgctl(ALICE);
    command
        .args(["--url", &server.url])
        .env("PKGCTL_PASSWORD", "s3cret");
    Outcome::of(with_keyring(&mut command, &keyring, FILE)).expect_code(0);

    let distribution = wheel("my-lib", "1.0").build();
    let file = distribution.write_into(bed.path("dist"));
    let mut publish = bed.pkgctl(["publish", "-r", "internal", "--verbose", "--non-interactive"]);
    let outcome = Outcome::of(with_keyring(&mut publish, &keyring, FILE)).expect_code(0);
    assert!(outcome.stderr.contains("the keyring"), "{}", outcome.stderr);
    // twine brings a keyring of its own, without this backend; the folder of the other one has it.
    let mut upload = twine.command(&bed);
    let site_packages = bed
        .program(keyring.interpreter())
        .args(["-c", "import keyrings.alt as k; print(k.__path__[0])"])
        .output();
    let site_packages = String::from_utf8(site_packages.unwrap().stdout).unwrap();
    let site_packages = site_packages
        .trim()
        .strip_suffix("/keyrings/alt")
        .unwrap()
        .to_owned();
    upload
        .args(["upload", "--non-interactive", "-r", "internal"])
        .arg(file)
        .env("PYTHONPATH", site_packages)
        .env("PYTHON_KEYRING_BACKEND", FILE);
    Outcome::of(&mut upload).expect_code(0);
    assert!(bed.path("packages").join(&distribution.filename).exists());
}

#[test]
fn a_missing_or_useless_keyring_is_told_and_no_file_is_written() {
    let bed = Testbed::new();
    let mut command = bed.pkgctl(ALICE);
    command.env("PKGCTL_PASSWORD", "s3cret").env("PATH", "/nowhere");
    let outcome = Outcome::of(&mut command).expect_failure(1, "keyring");
    assert!(outcome.stderr.contains("install it"), "{}", outcome.stderr);
    assert_eq!(all_files(&bed), [""; 0]);

    let Ok(keyring) = tools::keyring() else { return };
    for (backend, said) in [
        ("keyring.backends.null.Keyring", "does not have it afterwards"),
        ("keyring.backends.fail.Keyring", "`keyring set` failed: "),
    ] {
        let mut command = bed.pkgctl(ALICE);
        command.env("PKGCTL_PASSWORD", "s3cret");
        let outcome = Outcome::of(with_keyring(&mut command, &keyring, backend)).expect_failure(1, said);
        assert!(!outcome.stderr.contains("s3cret"), "{}", outcome.stderr);
        assert_eq!(all_files(&bed), [""; 0]);
    }
    let mut command = bed.pkgctl(ALICE);
    Outcome::of(with_keyring(&mut command, &keyring, FILE)).expect_failure(2, "no password to put");
    let mut command = bed.pkgctl(["configure", "--keyring"]);
    Outcome::of(with_keyring(&mut command, &keyring, FILE)).expect_failure(2, "takes a user");
    bed.run(["configure", "--keyring", "--netrc"]).expect_code(2);
}

#[test]
fn the_password_is_in_no_argument_and_a_broken_file_keeps_it_out_of_the_keyring() {
    let bed = Testbed::new();
    bed.script(
        "bin/keyring",
        "#!/bin/sh\necho \"$@\" >> ~/arguments\ncase $1 in set) cat > ~/kept;; get) cat ~/kept;; esac\n",
    );
    let path = format!("{}:/usr/bin:/bin", bed.path("bin").display());
    let broken = bed.write("broken", "no section\n");
    let mut command = bed.pkgctl(ALICE);
    command.env("PATH", &path).env("PKGCTL_PASSWORD", "s3cret");
    command.arg("--pip-conf").arg(&broken);
    Outcome::of(&mut command).expect_failure(1, "broken");
    assert!(!bed.path("arguments").exists());

    let mut command = bed.pkgctl(ALICE);
    command.env("PATH", &path).env("PKGCTL_PASSWORD", "s3cret");
    Outcome::of(&mut command).expect_code(0);
    assert_eq!(bed.read("kept"), "s3cret");
    let arguments = bed.read("arguments");
    assert!(
        arguments.starts_with("set -- http://localhost:8080/ alice\n"),
        "{arguments}"
    );
    assert!(!arguments.contains("s3cret"), "{arguments}");
}
