//! Several projects in one run: side by side, apart from each other, and one answer.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use super::{Bench, TREE_BACKEND, names_in};
use crate::support::Outcome;

/// A bench with projects of their own in-tree backends, in folders named like them: `a` makes `a_lib` 1.0.
fn workspace(folders: &[&str]) -> Option<Bench> {
    let bench = Bench::new(&[])?;
    fs::create_dir_all(bench.project()).unwrap();
    for folder in folders {
        add(&bench, folder, folder, "name = '{name}'\nversion = '1.0'\n");
    }
    Some(bench)
}

fn add(bench: &Bench, folder: &str, name: &str, table: &str) {
    let backend = TREE_BACKEND
        .replace("tree_lib", &format!("{name}_lib"))
        .replace("tree-lib", &format!("{name}-lib"));
    bench
        .testbed
        .write(&format!("project/{folder}/tools/tree_backend.py"), backend);
    let table = table.replace("{name}", &format!("{name}-lib"));
    let pyproject = format!(
        "[build-system]\nrequires = []\nbuild-backend = 'tree_backend'\nbackend-path = ['tools']\n[project]\n{table}"
    );
    bench
        .testbed
        .write(&format!("project/{folder}/pyproject.toml"), pyproject);
}

fn both(name: &str) -> [String; 2] {
    [
        format!("{name}_lib-1.0-py3-none-any.whl"),
        format!("{name}_lib-1.0.tar.gz"),
    ]
}

#[test]
fn projects_are_built_side_by_side_into_folders_of_their_own() {
    let Some(bench) = workspace(&["a", "b", "c"]) else {
        return;
    };
    let meeting = bench.testbed.path("meeting");
    fs::create_dir(&meeting).unwrap();
    // Each waits for another: one after the other they would wait for ever.
    let meet = format!("build_wheel=meet:{}", meeting.display());
    let outcome = bench
        .build(&["a", "b", "c/", "--jobs", "3", "-C", &meet])
        .expect_code(0);
    let expected: String = ["a", "b", "c"]
        .iter()
        .map(|name| format!("{name}/dist/{1}\n{name}/dist/{0}\n", both(name)[0], both(name)[1]))
        .collect();
    assert_eq!(outcome.stdout, expected, "in the order of the words");
    for name in ["a", "b", "c"] {
        assert_eq!(bench.made(&format!("{name}/dist")), both(name));
    }
    for line in outcome.stderr.lines() {
        let is_marked = ["a: ", "b: ", "c/: "].iter().any(|label| line.starts_with(label));
        assert!(is_marked || line == "built 3 projects", "{line}");
    }
    assert!(
        outcome.stderr.contains("\nc/: * made c_lib-1.0"),
        "{}",
        outcome.stderr
    );
    assert_eq!(bench.made("dist"), [""; 0]);
    bench.expect_no_scratch();
}

#[test]
fn at_most_as_many_as_wanted_are_built_at_a_time() {
    let Some(bench) = workspace(&["a", "b"]) else {
        return;
    };
    let mut command = bench.command(&["a", "b", "-v", "--wheel"]);
    let outcome = Outcome::of(command.env("PKGCTL_BUILD_JOBS", "1")).expect_code(0);
    let (last_of_a, first_of_b) = (outcome.stderr.rfind("a: "), outcome.stderr.find("b: "));
    assert!(last_of_a.unwrap() < first_of_b.unwrap(), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("\na:   | this is build_wheel\n"),
        "{}",
        outcome.stderr
    );
    for jobs in ["--jobs=0", "--jobs=-1", "--jobs=many", "--jobs=257"] {
        bench.build(&["a", "b", jobs]).expect_failure(2, "--jobs");
    }
}

#[test]
fn a_project_that_fails_does_not_hold_up_the_others() {
    let Some(bench) = workspace(&["a", "b", "c"]) else {
        return;
    };
    bench
        .testbed
        .write("project/b/tools/tree_backend.py", "build_wheel = None\n");
    fs::remove_file(bench.project().join("c/pyproject.toml")).unwrap();
    let outcome = bench
        .build(&["b", "c", "a"])
        .expect_failure(1, "error: 2 of 3 projects could not be built: b, c\n");
    for told in [
        "\nb: error: the build backend `tree_backend` has no hook `build_sdist`\n",
        "\nb: hint: ",
        "c: error: there is no Python project in `",
        "\ncaused by: b: the build backend `tree_backend` has no hook",
        "\ncaused by: c: there is no Python project",
        "a: * made a_lib-1.0.tar.gz",
    ] {
        assert!(
            outcome.stderr.contains(told),
            "no {told:?} in:\n{}",
            outcome.stderr
        );
    }
    assert_eq!(outcome.stdout.lines().count(), 2);
    assert_eq!(bench.made("a/dist"), both("a"));
    assert_eq!(bench.made("b/dist"), [""; 0]);

    let outcome = bench.build(&["b", "c", "a", "--json"]);
    assert_eq!(outcome.code, Some(1));
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let texts = |list: &str, key: &str| -> Vec<String> {
        let items = document[list].as_array().unwrap().iter();
        items.map(|item| item[key].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(texts("artifacts", "source"), ["a", "a"]);
    assert_eq!(texts("artifacts", "kind"), ["sdist", "wheel"]);
    assert_eq!(texts("failures", "source"), ["b", "c"]);
    assert!(texts("failures", "error")[1].starts_with("there is no Python project in `"));
    assert!(texts("failures", "hint").iter().all(|hint| !hint.is_empty()));
    bench.expect_no_scratch();
}

#[test]
fn one_folder_for_all_takes_all_and_refuses_two_of_one_name() {
    let Some(bench) = workspace(&["a", "b"]) else {
        return;
    };
    bench.testbed.write("project/all/a_lib-0.9.tar.gz", "old");
    bench.build(&["a", "b", "-o", "all", "--clear"]).expect_code(0);
    let expected: Vec<String> = [both("a"), both("b")].concat();
    assert_eq!(
        bench.made("all"),
        expected,
        "older ones are gone, those of this run are not"
    );

    add(&bench, "copy", "a", "name = 'A.Lib'\nversion = '1.0.0'\n");
    let refused = bench
        .build(&["a", "b", "copy", "-o", "all"])
        .expect_failure(2, "are both a-lib 1.0");
    assert!(
        !refused.stderr.contains("* "),
        "before anything runs: {}",
        refused.stderr
    );
    // Apart from each other they are no trouble.
    bench.build(&["a", "copy", "--wheel"]).expect_code(0);
    // A version that only the backend knows shows in the end: the first one wins, the other one says so.
    add(&bench, "copy", "a", "name = 'a-lib'\ndynamic = ['version']\n");
    let outcome = bench
        .build(&["a", "copy", "-o", "both", "-j", "1"])
        .expect_failure(1, "could not be built: copy\n");
    assert!(
        outcome
            .stderr
            .contains("copy: error: `a_lib-1.0.tar.gz` is what the build of `"),
        "{}",
        outcome.stderr
    );
    assert_eq!(names_in(&bench.project().join("both")), both("a"));
}

#[test]
fn words_that_make_no_sense_together_stop_the_run_before_it_begins() {
    let Some(bench) = workspace(&["a", "b"]) else {
        return;
    };
    bench.build(&["a", "--sdist", "-o", "."]).expect_code(0);
    std::os::unix::fs::symlink("a", bench.project().join("link")).unwrap();
    for (words, code, names) in [
        (&["a", "b", "a"][..], 2, "`a` is named twice"),
        (&["a", "./b/../a"], 2, "`a` and `./b/../a` are the same project"),
        (&["a", "link"], 2, "`a` and `link` are the same project"),
        (&["a", "missing"], 1, "there is nothing at `"),
        (
            &["a", "a/pyproject.toml"],
            1,
            "is neither a project's folder nor an sdist",
        ),
        (&["b", "a_lib-1.0.tar.gz", "--sdist"], 2, "is an sdist already"),
        (&["a", "a_lib-1.0.tar.gz", "-o", "x"], 2, "are both a-lib 1.0"),
        (&["a", "b", "-C", "=x"], 2, "has no key"),
    ] {
        let outcome = bench.build(words).expect_failure(code, names);
        assert!(!outcome.stderr.contains("* "), "{}", outcome.stderr);
    }
    assert_eq!(bench.made("a"), ["pyproject.toml", "tools"]);
}

#[test]
fn ctrl_c_stops_them_all() {
    let Some(bench) = workspace(&["a", "b", "c"]) else {
        return;
    };
    let mut command = bench.command(&["a", "b", "c", "-v", "-j", "2", "-C", "build_wheel=wait"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    let (mut talk, mut pids): (String, Vec<u32>) = Default::default();
    while pids.len() < 4 {
        let line = stderr
            .next()
            .unwrap_or_else(|| panic!("ended too early:\n{talk}"))
            .unwrap();
        if line.contains("waiting in ") {
            pids.extend(
                line.split_whitespace()
                    .filter_map(|word| word.parse::<u32>().ok()),
            );
        }
        talk += &(line + "\n");
    }
    let number = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &number])
            .status()
            .unwrap()
            .success()
    );
    talk.extend(stderr.map(|line| line.unwrap() + "\n"));
    assert_eq!(child.wait().unwrap().code(), Some(130), "{talk}");
    assert!(
        talk.contains("error: interrupted; 0 of 3 projects were built\n"),
        "{talk}"
    );
    assert!(!talk.contains("\nc: "), "the third one is not begun: {talk}");
    for pid in pids {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(stat.is_empty() || stat.contains(") Z"), "{pid} lives on: {stat}");
    }
    for name in ["a", "b", "c"] {
        assert_eq!(bench.made(&format!("{name}/dist")), [""; 0]);
    }
    bench.expect_no_scratch();
}
