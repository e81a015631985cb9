//! Requirements that lead back to the project itself: told before an installer gets to see them.

use super::{Bench, TREE_BACKEND};
use crate::support::Outcome;

/// No installer may run: this one would be noticed.
fn build(bench: &Bench, flags: &[&str]) -> Outcome {
    let mut command = bench.command(flags);
    command.env("PIP_NO_INDEX", "1");
    Outcome::of(&mut command)
}

#[track_caller]
fn refused(bench: &Bench, flags: &[&str], chain: &str, cause: &str) {
    let outcome = build(bench, flags).expect_failure(1, chain);
    assert!(outcome.stderr.contains(cause), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("hint: break the circle"),
        "{}",
        outcome.stderr
    );
    assert!(!outcome.stderr.contains("* installing"), "{}", outcome.stderr);
    assert_eq!(bench.made("dist"), [""; 0]);
    bench.expect_no_scratch();
}

#[test]
fn a_project_that_requires_itself_is_told_so() {
    let pyproject = |requirement: &str| {
        format!(
            "[build-system]\nrequires = ['setuptools', \"{requirement}\"]\nbuild-backend = 'setuptools.build_meta'\n\
             [project]\nname = 'round-lib'\nversion = '2.0'\n"
        )
    };
    let Some(bench) = Bench::new(&[("pyproject.toml", &pyproject("Round_Lib"))]) else {
        return;
    };
    let cause = "caused by: `round-lib` requires `Round_Lib`\n";
    for installer in ["pip", "auto"] {
        refused(
            &bench,
            &["--installer", installer],
            "in a circle, round-lib -> round-lib",
            cause,
        );
    }
    let here = "round-lib >= 1; python_version > '3'";
    bench.testbed.write("project/pyproject.toml", pyproject(here));
    refused(&bench, &[], "in a circle, round-lib -> round-lib", here);
    // What does not hold here, and what is another release, is left to the installer.
    for innocent in ["round-lib; python_version < '3'", "round-lib < 2"] {
        bench.testbed.write("project/pyproject.toml", pyproject(innocent));
        let outcome = build(&bench, &[]).expect_failure(1, "`pip` can't install the build requirements");
        assert!(outcome.stderr.contains("* installing"), "{}", outcome.stderr);
    }
    // One that is installed already is no reason to build it.
    bench
        .testbed
        .write("project/pyproject.toml", pyproject("round-lib"));
    build(&bench, &["--no-isolation"]).expect_failure(1, "does not meet the build requirements");
}

#[test]
fn a_longer_circle_is_named_with_all_its_projects() {
    let Some(bench) = Bench::new(&[]) else { return };
    let root = bench.testbed.path("");
    let root = root.to_str().unwrap().trim_end_matches('/');
    for (folder, requirement) in [
        ("project", format!("middle-lib @ file://{root}/middle")),
        ("middle", format!("last-lib @ file://{root}/last")),
        ("last", "project-lib".to_owned()),
    ] {
        let text = format!(
            "[build-system]\nrequires = [\"setuptools\", \"{requirement}\"]\n\
             [project]\nname = '{folder}-lib'\nversion = '1'\n"
        );
        bench.testbed.write(&format!("{folder}/pyproject.toml"), text);
    }
    let chain = "in a circle, project-lib -> middle-lib -> last-lib -> project-lib";
    refused(&bench, &[], chain, "\n  `last-lib` requires `project-lib`\n");
}

#[test]
fn what_a_hook_asks_for_may_lead_back_too() {
    let Some(bench) = Bench::in_tree("[project]\nname = 'tree-lib'\nversion = '1.0'\n") else {
        return;
    };
    assert!(TREE_BACKEND.contains("get_requires_for_build_wheel"));
    for (hook, flags) in [
        ("get_requires_for_build_sdist", &["--sdist"]),
        ("get_requires_for_build_wheel", &["--wheel"]),
    ] {
        let asks = format!("{hook}=answer:[\"tree-lib\"]");
        let cause = format!("caused by: `tree-lib` asks for `tree-lib` in `{hook}`\n");
        refused(
            &bench,
            &[flags[0], "-C", &asks],
            "in a circle, tree-lib -> tree-lib",
            &cause,
        );
    }
    // From the sdist as well, whose metadata say the same.
    let asks = "get_requires_for_build_wheel=answer:[\"tree-lib\"]";
    refused(
        &bench,
        &["-C", asks],
        "in a circle, tree-lib -> tree-lib",
        "asks for `tree-lib`",
    );
}
