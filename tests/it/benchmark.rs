//! The project's benchmark of the server, at its smallest: that it measures all it promises and leaves nothing behind. No
//! figure is held against anything here.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::blessed::project_path;
use crate::support::{Outcome, Testbed};

/// Figures that take a client which may not be there.
const OF_CLIENTS: [&str; 2] = ["uv", "pip"];

/// The script with this project's binary as it is, and a folder of its own for all that it makes.
fn benchmark(testbed: &Testbed, words: &[&str]) -> Command {
    // The load generator is compiled, for which rustup wants the home that it is in.
    let mut command = Command::new("python3");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PKGCTL_") {
            command.env_remove(name);
        }
    }
    command
        .arg(project_path("tests/bench/serve.py"))
        .args([
            "--pkgctl",
            env!("CARGO_BIN_EXE_pkgctl"),
            "--no-install",
            "--store",
        ])
        .arg(testbed.path("store"))
        .args(words)
        .stdin(Stdio::null());
    command
}

/// The least that shows every figure.
const SMALLEST: [&str; 5] = ["--quick", "--servers", "pkgctl", "--load", "own"];

#[test]
fn each_figure_is_taken_and_shown() {
    let testbed = Testbed::new();
    let report = testbed.path("report.json");
    let outcome = Outcome::of(
        benchmark(&testbed, &SMALLEST)
            .args(["--seconds", "0.05", "--json"])
            .arg(&report),
    )
    .expect_code(0);

    let document: serde_json::Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
    let rows = document["rows"].as_array().unwrap();
    let shown = outcome
        .stdout
        .lines()
        .filter(|line| line.starts_with("| "))
        .count();
    assert_eq!(
        shown,
        rows.len() + 2,
        "a line each, and two of head:\n{}",
        outcome.stdout
    );
    for row in rows {
        let key = row["row"].as_str().unwrap();
        let figure = &row["figures"]["pkgctl"]["median"];
        let note = &row["notes"]["pkgctl"];
        assert!(
            OF_CLIENTS.contains(&key) || figure.as_f64().is_some_and(|figure| figure >= 0.0),
            "{key}: {figure}, {note}"
        );
        assert!(outcome.stdout.contains(row["title"].as_str().unwrap()), "{key}");
    }
    let taken: BTreeSet<_> = document["samples"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sample| sample["row"].as_str().unwrap())
        .collect();
    assert_eq!(taken, listed(&testbed));
    assert_nothing_runs_or_is_left(&testbed);
}

/// The figures that `--list` tells of, without those of the large folder.
fn listed(testbed: &Testbed) -> BTreeSet<&'static str> {
    let outcome = Outcome::of(&mut benchmark(testbed, &["--list"])).expect_code(0);
    let keys = outcome
        .stdout
        .lines()
        .filter(|line| !line.contains("(needs "))
        .map(|line| line.split_whitespace().next().unwrap().to_owned());
    keys.map(|key| &*key.leak()).collect()
}

#[test]
fn nothing_is_left_behind_when_it_is_interrupted() {
    let testbed = Testbed::new();
    let mut child = benchmark(&testbed, &SMALLEST)
        .args(["--seconds", "60", "--only", "first-small,small-page-few"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_first_figure(&mut child);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let code = child.wait().unwrap().code();
    assert_eq!(code, Some(130));
    assert_nothing_runs_or_is_left(&testbed);
}

fn wait_for_first_figure(child: &mut Child) {
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("1/1 first-small") {
        line.clear();
        assert_ne!(
            told.read_line(&mut line).unwrap(),
            0,
            "it ended before it took a figure"
        );
    }
    // What it tells from here on is read until its end, so that it never waits for a reader.
    std::thread::spawn(move || told.read_to_string(&mut String::new()));
}

fn assert_nothing_runs_or_is_left(testbed: &Testbed) {
    let store = testbed.path("store");
    let left: Vec<_> = fs::read_dir(&store)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("run-") || name.ends_with(".unfinished"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
    assert_eq!(processes_that_name(&store), Vec::<String>::new());
}

fn processes_that_name(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let commands = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let line = fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " "))
    });
    commands.filter(|line| line.contains(folder)).collect()
}

#[test]
fn what_makes_no_sense_is_told_with_a_remedy() {
    let testbed = Testbed::new();
    for (words, told) in [
        (
            ["--only", "speed"],
            "error: there is no figure `speed`\nhint: --list shows",
        ),
        (
            ["--servers", "apache"],
            "error: there is no server `apache`\nhint: these can take part: pkgctl, nginx",
        ),
        (
            ["--pkgctl", "/no/such/binary"],
            "error: `/no/such/binary` is no program\nhint: give --pkgctl",
        ),
    ] {
        let outcome = Outcome::of(&mut benchmark(&testbed, &words)).expect_code(1);
        assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
        assert_nothing_runs_or_is_left(&testbed);
    }
}
