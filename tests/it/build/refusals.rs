//! Projects and settings that make no sense.

use super::Bench;
use crate::support::Outcome;

#[test]
fn what_is_no_project_is_refused_with_a_remedy() {
    let Some(bench) = Bench::new(&[("README.md", "")]) else {
        return;
    };
    let refuse = |arguments: &[&str], code, names: &str| bench.build(arguments).expect_failure(code, names);
    refuse(&[], 1, "there is no Python project in `");
    refuse(&["../missing"], 1, "missing`");
    refuse(
        &["README.md"],
        1,
        "README.md` is neither a project's folder nor an sdist",
    );
    bench.testbed.write("project/my_lib-1.0.tar.gz", "not an archive");
    let broken = refuse(
        &["my_lib-1.0.tar.gz"],
        1,
        "`my_lib-1.0.tar.gz` is not a sound distribution",
    );
    assert!(
        broken.stderr.contains("hint: the archive is broken"),
        "{}",
        broken.stderr
    );
    refuse(
        &["my_lib-1.0.tar.gz", "--sdist"],
        2,
        "my_lib-1.0.tar.gz` is an sdist already",
    );
    refuse(&["--skip-dependency-check"], 2, "--skip-dependency-check");
    refuse(&["-C", "=x"], 2, "`=x` has no key");
    bench.testbed.write(
        "project/pyproject.toml",
        "[build-system]\nrequires = 'setuptools'\n",
    );
    let outcome = refuse(&[], 1, "pyproject.toml` says nothing usable about the build");
    let cause = "caused by: line 2: `build-system.requires` must be a list of texts, not a text\n";
    assert!(outcome.stderr.contains(cause), "{}", outcome.stderr);
    bench
        .testbed
        .write("project/pyproject.toml", "[project]\nname = \"a\n");
    let outcome = refuse(&[], 1, "pyproject.toml` says nothing usable about the build");
    assert!(
        outcome.stderr.contains("hint: mend line 2 of `"),
        "{}",
        outcome.stderr
    );
    bench.testbed.write("project/pyproject.toml", b"# caf\xe9\n");
    refuse(&[], 1, "can't read `");
    assert_eq!(bench.made("dist"), [""; 0]);
    bench.expect_no_scratch();
}

#[test]
fn an_output_folder_that_can_not_be_is_refused_before_the_build() {
    let Some(bench) = Bench::in_tree("") else { return };
    let outcome = bench.build(&["--outdir", "tree_lib.py/dist"]);
    let outcome = outcome.expect_failure(1, "can't write to the output folder `");
    assert!(!outcome.stderr.contains("creating"), "{}", outcome.stderr);
}

#[test]
fn requirements_that_can_not_be_installed_are_named() {
    let Some(bench) = Bench::in_tree("") else { return };
    bench.require_what_is_nowhere();
    let mut command = bench.command(&[]);
    command.env("PIP_NO_INDEX", "1");
    let outcome = Outcome::of(&mut command).expect_failure(
        1,
        "`pip` can't install the build requirements: no-such-thing == 1.0",
    );
    let cause = "No matching distribution found for no-such-thing==1.0";
    assert!(
        outcome.stderr.contains(&format!("\n  {cause}\n")),
        "{}",
        outcome.stderr
    );
    assert_eq!(
        outcome.stderr.matches(cause).count(),
        1,
        "told once: {}",
        outcome.stderr
    );
    bench.expect_no_scratch();
}

#[test]
fn a_full_disk_is_told_from_a_broken_installer() {
    let Some(bench) = Bench::in_tree("") else { return };
    bench.script(
        "bin/uv",
        "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\n\
         echo 'error: failed to create a folder: No space left on device (os error 28)' >&2\nexit 2\n",
    );
    let mut command = bench.command(&["--installer", "uv"]);
    let path = command
        .get_envs()
        .find_map(|(name, path)| path.filter(|_| name == "PATH"))
        .unwrap()
        .to_owned();
    let folders = std::iter::once(bench.testbed.path("bin")).chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(folders).unwrap());
    let outcome = Outcome::of(&mut command).expect_failure(1, "can't create an isolated environment");
    assert!(
        outcome
            .stderr
            .contains("hint: the disk with the temporary folder is full"),
        "{}",
        outcome.stderr
    );
    assert_eq!(
        outcome.stderr.matches("No space left").count(),
        1,
        "{}",
        outcome.stderr
    );
    bench.expect_no_scratch();
}
