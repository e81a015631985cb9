//! Environments that are kept for the next build.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{Bench, SDIST, TREE_BACKEND, WHEEL, names_in};
use crate::support::{Outcome, Testbed, tools};

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
    bench.require_what_is_nowhere();
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

#[test]
fn a_backend_that_writes_into_its_environment_gets_a_new_one_and_so_do_others() {
    let Some(bench) = Bench::in_tree("") else { return };
    let made = |outcome: &Outcome| outcome.stderr.matches("creating an isolated").count();
    // Noticed within the run, before the next hook's turn, and at the beginning of the next run.
    let outcome = bench
        .build(&["-C", "build_sdist=litter:lib/left.py"])
        .expect_code(0);
    assert_eq!(made(&outcome), 2, "{}", outcome.stderr);
    assert!(!environment(&bench).join("lib/left.py").exists());
    let outcome = bench
        .build(&["-C", "build_wheel=litter:lib/left.py"])
        .expect_code(0);
    assert_eq!(made(&outcome), 0, "{}", outcome.stderr);
    let littered = environment(&bench);
    assert!(littered.join("lib/left.py").exists());
    assert_eq!(made(&bench.build(&[]).expect_code(0)), 1);
    assert!(!littered.exists());
    assert!(reuses(&bench.build(&[]).expect_code(0)));
}

/// The in-tree backend, as a dependency whose own build waits at a gate: a folder named by `GATE`.
const WAITING: &str = "
import os as _os, time as _time
if _os.environ.get('GATE'):
    with open(_os.path.join(_os.environ['GATE'], 'arrived.part'), 'w') as _file:
        _file.write(str(_os.getpid()))
    _os.rename(_file.name, _file.name[:-len('.part')])
    _deadline = _time.monotonic() + 120
    while not _os.path.exists(_os.path.join(_os.environ['GATE'], 'open')) and _time.monotonic() < _deadline:
        _time.sleep(0.02)
";

/// Looks again and again, for a minute, at what another process has to do.
#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_build_that_is_killed_while_it_makes_an_environment_leaves_the_cache_usable() {
    let Some(bench) = Bench::in_tree("") else { return };
    let waiting = TREE_BACKEND
        .replace("tree_lib", "slow_lib")
        .replace("tree-lib", "slow-lib")
        + WAITING;
    bench.testbed.write("slow/tools/tree_backend.py", waiting);
    let pyproject = bench.testbed.read("project/pyproject.toml");
    bench.testbed.write("slow/pyproject.toml", &pyproject);
    let (slow, sdists, gate) = (
        bench.testbed.path("slow"),
        bench.testbed.path("sdists"),
        bench.testbed.path("gate"),
    );
    fs::create_dir(&gate).unwrap();
    bench
        .build(&[
            slow.to_str().unwrap(),
            "--no-cache",
            "--sdist",
            "-o",
            sdists.to_str().unwrap(),
        ])
        .expect_code(0);
    bench.testbed.write(
        "project/pyproject.toml",
        pyproject.replace("requires = []", "requires = ['slow-lib']"),
    );
    let build = |gate: &str| {
        let mut command = bench.command(&["--wheel"]);
        command
            .env("PIP_NO_INDEX", "1")
            .env("PIP_FIND_LINKS", &sdists)
            .env("GATE", gate);
        command
    };
    let mut first = build(gate.to_str().unwrap());
    let mut first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("nothing is installed", || gate.join("arrived").exists());
    first.kill().unwrap();
    assert_eq!(first.wait().unwrap().signal(), Some(9));
    let left = environment(&bench);

    // The installer lives on, and so does the folder; the next build waits for neither.
    let outcome = Outcome::of(&mut build("")).expect_code(0);
    assert!(!reuses(&outcome));
    let made = environment(&bench);
    assert_ne!(made, left);
    assert!(reuses(&Outcome::of(&mut build("")).expect_code(0)));

    // Whatever the installer still does, it does not do it to the new environment.
    let orphan: u32 = fs::read_to_string(gate.join("arrived")).unwrap().parse().unwrap();
    fs::write(gate.join("open"), "").unwrap();
    wait_until("the installer's backend lives on", || {
        let stat = fs::read_to_string(format!("/proc/{orphan}/stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z")
    });
    assert!(reuses(&Outcome::of(&mut build("")).expect_code(0)));
    bench.testbed.run(["cache", "prune"]).expect_code(0);
    assert_eq!(environment(&bench), made);
    assert!(reuses(&Outcome::of(&mut build("")).expect_code(0)));
}

#[test]
fn logs_and_readme_records_are_listed_and_removed_with_all_the_rest() {
    let bed = Testbed::new();
    bed.write("own/build-logs/20261122-201503-x7Gk2a/build.log", "said");
    bed.write("own/rendered/0a1b.json", "{}");
    bed.write("own/rendered/thesis.md", "not ours");
    let cache = |words: &[&str]| {
        let command = [&["cache"], words, &["--cache-dir", "own"]].concat();
        bed.run(command).expect_code(0).stderr
    };
    let told = cache(&["info"]);
    assert!(
        told.contains("1 build log in ") && told.contains("1 README record in "),
        "{told}"
    );
    cache(&["prune"]);
    assert!(bed.path("own/rendered/0a1b.json").exists());
    let told = cache(&["prune", "--all"]);
    assert!(told.contains("removed 1 build log in "), "{told}");
    assert!(!bed.path("own/rendered/0a1b.json").exists());
    assert!(!bed.path("own/build-logs/20261122-201503-x7Gk2a").exists());
    assert!(bed.path("own/rendered/thesis.md").exists());
    assert_eq!(cache(&["info"]).matches(" in ").count(), 1);
}
