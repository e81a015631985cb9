//! Environments that are kept for the next build.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Bench, SDIST, WHEEL, names_in};
use crate::support::{Outcome, tools};

/// The one environment that is kept.
fn environment(bench: &Bench) -> PathBuf {
    let folder = bench.testbed.path(".cache/pkgctl/build-environments");
    let mut found: Vec<PathBuf> = names_in(&folder)
        .into_iter()
        .map(|name| folder.join(name))
        .filter(|path| path.is_dir())
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn reuses(outcome: &Outcome) -> bool {
    let (makes, reuses) = (
        outcome.stderr.contains("creating an isolated"),
        outcome.stderr.contains("using the kept environment"),
    );
    assert_ne!(makes, reuses, "{}", outcome.stderr);
    reuses
}

#[test]
fn the_next_build_starts_in_the_environment_of_the_last() {
    let Some(bench) = Bench::in_tree("") else { return };
    assert!(!reuses(&bench.build(&[]).expect_code(0)));
    let outcome = bench.build(&[]).expect_code(0);
    assert!(reuses(&outcome));
    assert_eq!(outcome.stdout, format!("{SDIST}\n{WHEEL}\n"));
    // Without the cache neither is looked for nor kept.
    assert!(!reuses(&bench.build(&["--no-cache"]).expect_code(0)));
    let mut command = bench.command(&[]);
    command.env("PKGCTL_CACHE_DIR", bench.testbed.path("elsewhere"));
    assert!(!reuses(&Outcome::of(&mut command).expect_code(0)));
    assert!(bench.testbed.path("elsewhere/build-environments").is_dir());
    environment(&bench);
    bench.expect_no_scratch();
}

#[test]
fn an_environment_that_was_written_into_is_made_anew() {
    let Some(bench) = Bench::in_tree("") else { return };
    bench.build(&[]).expect_code(0);
    let first = environment(&bench);
    fs::write(first.join("lib/planted.py"), "print('here I am')").unwrap();
    assert!(!reuses(&bench.build(&[]).expect_code(0)));
    assert!(!first.exists() && environment(&bench) != first);
    assert!(reuses(&bench.build(&[]).expect_code(0)));
}

#[test]
fn a_failed_installation_keeps_nothing() {
    let Some(bench) = Bench::in_tree("") else { return };
    let pyproject = bench.testbed.read("project/pyproject.toml");
    bench.testbed.write(
        "project/pyproject.toml",
        pyproject.replace("requires = []", "requires = ['no-such-thing == 1.0']"),
    );
    let mut command = bench.command(&[]);
    Outcome::of(command.env("PIP_NO_INDEX", "1")).expect_failure(1, "can't install");
    let folder = bench.testbed.path(".cache/pkgctl/build-environments");
    assert!(names_in(&folder).iter().all(|name| name.ends_with(".lock")));
}

#[test]
fn a_cache_folder_that_is_of_no_use_does_not_stop_a_build() {
    let Some(bench) = Bench::in_tree("") else { return };
    bench.testbed.write("file", "");
    let outcome = bench
        .build(&["--cache-dir", bench.testbed.path("file").to_str().unwrap()])
        .expect_code(0);
    assert!(
        outcome.stderr.contains("* can't keep environments in "),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.stdout, format!("{SDIST}\n{WHEEL}\n"));
}

#[test]
fn builds_at_the_same_time_make_one_environment() {
    let Some(bench) = Bench::in_tree("") else { return };
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let builds: Vec<_> = ["one", "two", "three"]
            .into_iter()
            .map(|out| {
                let bench = &bench;
                scope.spawn(move || bench.build(&["--wheel", "--outdir", out]).expect_code(0))
            })
            .collect();
        builds.into_iter().map(|build| build.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| !reuses(outcome)).count(), 1);
    environment(&bench);
}

#[test]
fn what_is_kept_is_listed_and_removed() {
    let Some(bench) = Bench::in_tree("") else { return };
    let cache = |arguments: &[&str]| bench.testbed.run([&["cache"], arguments].concat()).expect_code(0);
    let outcome = cache(&["info"]);
    assert_eq!(outcome.stdout, "");
    assert!(
        outcome.stderr.starts_with("0 environments, "),
        "{}",
        outcome.stderr
    );
    bench.build(&[]).expect_code(0);
    let outcome = cache(&["info"]);
    assert_eq!(outcome.stdout.lines().count(), 1);
    assert!(outcome.stdout.contains(" ago, used "), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("Python 3."), "{}", outcome.stdout);
    assert!(
        outcome.stderr.starts_with("1 environment, "),
        "{}",
        outcome.stderr
    );
    cache(&["prune"]);
    environment(&bench);
    let outcome = cache(&["prune", "--all"]);
    assert!(
        outcome.stderr.starts_with("removed 1 environment, "),
        "{}",
        outcome.stderr
    );
    assert_eq!(
        names_in(&bench.testbed.path(".cache/pkgctl/build-environments")),
        [""; 0]
    );
}

/// A wheel that is nowhere but in the folder that pip's own file names.
#[test]
fn both_installers_look_where_pips_file_says() {
    let Some(bench) = Bench::in_tree("") else { return };
    let (Ok(uv), Ok(wheels)) = (tools::uv(), tools::wheelhouse()) else {
        return;
    };
    let pyproject = bench.testbed.read("project/pyproject.toml");
    bench.testbed.write(
        "project/pyproject.toml",
        pyproject.replace("requires = []", "requires = ['setuptools']"),
    );
    bench.testbed.write(
        ".config/pip/pip.conf",
        format!("[global]\nno-index = true\nfind-links = {}\n", wheels.display()),
    );
    for installer in ["pip", "uv"] {
        let mut command = bench.command(&["--installer", installer, "--no-cache", "--wheel"]);
        let path = command
            .get_envs()
            .find_map(|(name, path)| path.filter(|_| name == "PATH"))
            .unwrap()
            .to_owned();
        let folders = std::env::split_paths(&path).chain(std::iter::once(uv.folder().to_owned()));
        command
            .env("PATH", std::env::join_paths(folders).unwrap())
            .env_remove("PIP_INDEX_URL")
            .env(
                "UV_CACHE_DIR",
                Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-tools/uv-cache"),
            );
        let outcome = Outcome::of(&mut command).expect_code(0);
        assert!(
            outcome.stderr.contains(&format!(", {installer}\n")),
            "{}",
            outcome.stderr
        );
    }
}
