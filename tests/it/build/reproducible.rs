//! `--reproducible`: the same bytes twice, or the names of the members that differ.

use super::{Bench, SDIST, TREE_BACKEND, WHEEL};
use crate::support::Outcome;

// I5
#[test]
fn a_backend_that_knows_the_given_time_passes() {
    let pyproject = "[build-system]\nrequires = ['flit_core==4.2.0']\nbuild-backend = 'flit_core.buildapi'\n\
                     [project]\nname = 'flit-lib'\nversion = '4'\nrequires-python = '>=3.8'\ndescription = 'x'\n";
    let Some(bench) = Bench::new(&[("pyproject.toml", pyproject), ("flit_lib.py", "")]) else {
        return;
    };
    let mut command = bench.command(&["--reproducible"]);
    let outcome = Outcome::of(command.env("SOURCE_DATE_EPOCH", "1700000000")).expect_code(0);
    assert!(
        outcome.stderr.contains("* building all once more"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.stderr.matches("* building the sdist\n").count(), 2);
    assert_eq!(
        bench.made("dist"),
        ["flit_lib-4-py3-none-any.whl", "flit_lib-4.tar.gz"]
    );
    bench.expect_no_scratch();
}

// I5
#[test]
fn what_differs_is_named_and_nothing_is_written() {
    let Some(bench) = Bench::in_tree("") else { return };
    // Both archives tell the time of the build.
    let backend = TREE_BACKEND.replace("mtime=0", "mtime=None");
    bench.testbed.write("project/tools/tree_backend.py", &backend);
    let outcome = bench.fail(
        &["--reproducible"],
        1,
        "error: a second build makes another `tree_lib-1.0.tar.gz` and `tree_lib-1.0-py3-none-any.whl`\n",
    );
    for told in [
        "caused by: tree_lib-1.0.tar.gz:\n",
        "the gzip header has another time (",
        "`tree_lib.py` has another time (",
        "`tree_lib-1.0.dist-info/WHEEL` has another time (",
        "hint: nothing was written; to take times from the last commit: `SOURCE_DATE_EPOCH=$(git log -1",
    ] {
        assert!(
            outcome.stderr.contains(told),
            "no {told:?} in:\n{}",
            outcome.stderr
        );
    }
    let mut command = bench.command(&["--reproducible", "--wheel"]);
    let outcome = Outcome::of(command.env("SOURCE_DATE_EPOCH", "1700000000"));
    let outcome = outcome.expect_failure(
        1,
        "a second build makes another `tree_lib-1.0-py3-none-any.whl`\n",
    );
    assert!(
        outcome.stderr.contains("flit-core or hatchling"),
        "{}",
        outcome.stderr
    );
    bench.expect_untouched();
}

#[test]
fn a_path_of_the_build_shows_as_other_bytes() {
    let Some(bench) = Bench::in_tree("") else { return };
    // Members with a fixed time; one holds the folder that the wheel was built in.
    let backend = TREE_BACKEND
        .replace("b\"ANSWER = 42\\n\"", "os.getcwd().encode()")
        .replace(
            "archive.writestr(name, content)",
            "archive.writestr(zipfile.ZipInfo(name), content)",
        );
    bench.testbed.write("project/tools/tree_backend.py", &backend);
    let outcome = bench
        .build(&["--reproducible"])
        .expect_failure(1, "a second build makes another");
    assert!(
        outcome.stderr.contains("`tree_lib.py` has other bytes ("),
        "{}",
        outcome.stderr
    );
    assert!(!outcome.stderr.contains("WHEEL` has"), "{}", outcome.stderr);
    assert_eq!(bench.made("dist"), [""; 0]);
    // Straight from the project both are built in the same place.
    let outcome = bench.build(&["--reproducible", "--wheel"]).expect_code(0);
    assert_eq!(outcome.stdout, format!("{WHEEL}\n"));
    assert!(!bench.project().join(SDIST).exists());
}
