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
    refuse(
        &["my_lib-1.0.tar.gz"],
        1,
        "`my_lib-1.0.tar.gz` is not a sound distribution",
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
    let pyproject = bench.testbed.read("project/pyproject.toml");
    bench.testbed.write(
        "project/pyproject.toml",
        pyproject.replace("requires = []", "requires = ['no-such-thing == 1.0']"),
    );
    let mut command = bench.command(&[]);
    command.env("PIP_NO_INDEX", "1");
    let outcome = Outcome::of(&mut command).expect_failure(
        1,
        "`pip` can't install the build requirements: no-such-thing == 1.0",
    );
    let cause = "No matching distribution found for no-such-thing==1.0";
    assert!(outcome.stderr.contains(cause), "{}", outcome.stderr);
    bench.expect_no_scratch();
}
