//! What a frontend owes a backend.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Bench, SDIST, TREE_BACKEND, WHEEL, names_in};
use crate::support::Outcome;

#[test]
fn hooks_run_as_the_standard_says() {
    let Some(bench) = Bench::in_tree("") else { return };
    let mut command = bench.command(&["-C", "one=1", "-C", "many=1", "-C", "many=2", "-C", "bare"]);
    let variables = [
        ("PYTHONPATH", "/nowhere"),
        ("TWINE_PASSWORD", "hunter2"),
        ("UV_PUBLISH_TOKEN", "hunter2"),
        ("PKGCTL_PASSWORD", "hunter2"),
        ("SOURCE_DATE_EPOCH", "1700000000"),
    ];
    command.envs(variables).env("TREE_LOG", bench.testbed.path("log"));
    let outcome = Outcome::of(&mut command).expect_code(0);
    assert_eq!(outcome.stdout, format!("{SDIST}\n{WHEEL}\n"));
    // Both hooks ask for the same, so one environment serves both.
    assert_eq!(
        outcome.stderr.matches("creating an isolated").count(),
        1,
        "{}",
        outcome.stderr
    );

    let log = bench.log();
    let hooks: Vec<&str> = log.iter().map(|line| line["hook"].as_str().unwrap()).collect();
    let expected = [
        "get_requires_for_build_sdist",
        "build_sdist",
        "get_requires_for_build_wheel",
        "build_wheel",
    ];
    assert_eq!(hooks, expected);
    let pids: BTreeSet<u64> = log.iter().map(|line| line["pid"].as_u64().unwrap()).collect();
    assert_eq!(pids.len(), 4, "each hook wants a process of its own");
    let project = bench.project().canonicalize().unwrap();
    for line in &log {
        let cwd = line["cwd"].as_str().unwrap();
        let in_tree = line["hook"].as_str().unwrap().contains("sdist");
        assert_eq!(Path::new(cwd) == project, in_tree, "{cwd}");
        assert!(in_tree || cwd.ends_with("/tree_lib-1.0"), "{cwd}");
        assert_eq!(line["stdin"], "", "stdin is empty");
        assert_eq!(
            line["settings"],
            serde_json::json!({"one": "1", "many": ["1", "2"], "bare": ""})
        );
        let import_path: Vec<&str> = line["import_path"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|e| e.as_str())
            .collect();
        assert_eq!(import_path[0], format!("{cwd}/tools"), "backend-path comes first");
        for forbidden in [cwd, "", "/nowhere"] {
            assert!(
                !import_path.contains(&forbidden),
                "{forbidden:?} in {import_path:?}"
            );
        }
        let variables = line["variables"].as_object().unwrap();
        assert_eq!(variables["SOURCE_DATE_EPOCH"], "1700000000");
        assert!(!variables.contains_key("PYTHONPATH"));
        assert!(
            !line.to_string().contains("hunter2"),
            "credentials reached the backend"
        );
        let scripts = format!("{}/bin:", line["prefix"].as_str().unwrap());
        assert!(variables["PATH"].as_str().unwrap().starts_with(&scripts));
    }
    bench.expect_no_scratch();
}

/// The hooks with their processes' parents, and whether each found the backend as it was imported.
fn processes(bench: &Bench) -> Vec<(String, u64)> {
    let text = |line: &serde_json::Value| line["hook"].as_str().unwrap().to_owned();
    let log = bench.log();
    for line in &log {
        assert_eq!(
            line["called"],
            serde_json::json!([line["hook"]]),
            "state of another hook"
        );
        let left: Vec<&String> = line["variables"].as_object().unwrap().keys().collect();
        assert_eq!(left.iter().filter(|name| name.starts_with("LEFT_BY_")).count(), 1);
    }
    let pids: BTreeSet<u64> = log.iter().map(|line| line["pid"].as_u64().unwrap()).collect();
    assert_eq!(pids.len(), log.len());
    log.iter()
        .map(|line| (text(line), line["parent"].as_u64().unwrap()))
        .collect()
}

#[test]
fn a_backend_is_imported_once_and_no_hook_sees_what_another_left() {
    let Some(bench) = Bench::in_tree("") else { return };
    let mut command = bench.command(&["-v", "--sdist", "--wheel"]);
    let outcome = Outcome::of(command.env("TREE_LOG", bench.testbed.path("log"))).expect_code(0);
    let parents: BTreeSet<u64> = processes(&bench).into_iter().map(|(_, parent)| parent).collect();
    assert_eq!(parents.len(), 1, "four hooks on one folder, one import");
    // Each hook's process ends as an interpreter does, and its output is whole before the next begins.
    let said = |words: &str| {
        outcome
            .stderr
            .find(words)
            .unwrap_or_else(|| panic!("{words}: {}", outcome.stderr))
    };
    assert!(said("goodbye from build_sdist") < said("this is get_requires_for_build_wheel"));
    assert_eq!(outcome.stderr.matches("goodbye from").count(), 4);
}

#[test]
fn a_backend_from_the_tree_is_imported_from_each_tree() {
    let Some(bench) = Bench::in_tree("") else { return };
    let mut command = bench.command(&[]);
    Outcome::of(command.env("TREE_LOG", bench.testbed.path("log"))).expect_code(0);
    let parents: Vec<u64> = processes(&bench).into_iter().map(|(_, parent)| parent).collect();
    assert!(parents[0] == parents[1] && parents[2] == parents[3] && parents[1] != parents[2]);
}

#[test]
fn a_backend_with_threads_gets_a_new_interpreter_for_each_hook() {
    let Some(bench) = Bench::in_tree("") else { return };
    let threaded = format!(
        "{TREE_BACKEND}\nimport threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    );
    bench.testbed.write("project/tools/tree_backend.py", threaded);
    let mut command = bench.command(&["-v", "--sdist", "--wheel"]);
    let mut child = command
        .env("TREE_LOG", bench.testbed.path("log"))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    assert!(child.wait().unwrap().success());
    let parents: BTreeSet<u64> = processes(&bench).into_iter().map(|(_, parent)| parent).collect();
    assert_eq!(
        parents,
        BTreeSet::from([u64::from(child.id())]),
        "started by the builder itself"
    );
    bench.expect_no_scratch();
}

#[test]
fn flags_choose_what_is_built_and_from_what() {
    let Some(bench) = Bench::in_tree("") else { return };
    let out = bench.testbed.path("elsewhere/deep");
    for (flags, made, hooks) in [
        (vec!["--sdist"], vec![SDIST], 2),
        (vec!["--wheel"], vec![WHEEL], 2),
        (vec!["-s", "-w"], vec![SDIST, WHEEL], 4),
    ] {
        let mut command = bench.command(&flags);
        command
            .env("PKGCTL_OUTDIR", &out)
            .env("TREE_LOG", bench.testbed.path("log"));
        let outcome = Outcome::of(&mut command).expect_code(0);
        let shown: String = made
            .iter()
            .map(|name| format!("{}\n", out.join(name.trim_start_matches("dist/")).display()))
            .collect();
        assert_eq!(outcome.stdout, shown);
        assert_eq!(names_in(&out).len(), made.len());
        let log = bench.log();
        assert_eq!(log.len(), hooks);
        let project = bench.project().canonicalize().unwrap();
        for line in log {
            assert_eq!(Path::new(line["cwd"].as_str().unwrap()), project, "from the tree");
        }
        fs::remove_file(bench.testbed.path("log")).unwrap();
        fs::remove_dir_all(&out).unwrap();
    }
    assert_eq!(bench.made("dist"), [""; 0]);
}

#[test]
fn output_is_quiet_unless_asked_for() {
    let Some(bench) = Bench::in_tree("") else { return };
    let quiet = bench.build(&["--wheel"]).expect_code(0);
    assert!(!quiet.stderr.contains("this is build_wheel"), "{}", quiet.stderr);
    let sha256 = Command::new("sha256sum")
        .arg(bench.project().join(WHEEL))
        .output()
        .unwrap();
    let digest = String::from_utf8(sha256.stdout).unwrap();
    let digest = digest.split_whitespace().next().unwrap();
    assert!(
        quiet.stderr.contains(digest),
        "{} is not in\n{}",
        digest,
        quiet.stderr
    );
    let widest = quiet
        .stderr
        .lines()
        .filter(|line| line.contains("tree_lib") || line.contains("sha256"));
    assert_eq!(widest.clone().count(), 2, "{}", quiet.stderr);
    for line in widest {
        assert!(line.len() <= 80, "{line}");
    }
    let verbose = bench.build(&["--wheel", "-v"]).expect_code(0);
    assert!(
        verbose.stderr.contains("\nthis is build_wheel\n"),
        "{}",
        verbose.stderr
    );
    assert_eq!(verbose.stdout, quiet.stdout);
}

#[test]
fn older_files_are_pointed_out_and_removed_only_when_asked() {
    let Some(bench) = Bench::in_tree("") else { return };
    for name in [
        "tree_lib-0.9.tar.gz",
        "tree_lib-0.9-py3-none-any.whl",
        "other-0.9.tar.gz",
        "notes.txt",
    ] {
        bench.testbed.write(&format!("project/dist/{name}"), "old");
    }
    let outcome = bench.build(&[]).expect_code(0);
    let told = "* still there from before: tree_lib-0.9-py3-none-any.whl, tree_lib-0.9.tar.gz (--clear";
    assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
    assert_eq!(bench.made("dist").len(), 6);
    // A build that fails removes nothing.
    let failed = bench.build(&["--clear", "-C", "build_wheel=raise"]);
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    assert_eq!(bench.made("dist").len(), 6);
    bench.build(&["--clear"]).expect_code(0);
    let left = [
        "notes.txt",
        "other-0.9.tar.gz",
        "tree_lib-1.0-py3-none-any.whl",
        "tree_lib-1.0.tar.gz",
    ];
    assert_eq!(bench.made("dist"), left);
}

#[test]
fn machines_get_one_document() {
    let Some(bench) = Bench::in_tree("") else { return };
    bench.testbed.write("project/dist/tree_lib-0.9.tar.gz", "old");
    let outcome = bench.build(&["--json"]).expect_code(0);
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let artifacts = document["artifacts"].as_array().unwrap();
    let kinds: Vec<&str> = artifacts
        .iter()
        .map(|artifact| artifact["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["sdist", "wheel"]);
    for artifact in artifacts {
        let content = fs::read(artifact["path"].as_str().unwrap()).unwrap();
        assert_eq!(artifact["size_bytes"], content.len());
        let sum = Command::new("sha256sum")
            .arg(artifact["path"].as_str().unwrap())
            .output()
            .unwrap();
        assert!(
            String::from_utf8(sum.stdout)
                .unwrap()
                .starts_with(artifact["sha256"].as_str().unwrap())
        );
        assert_eq!(
            (&artifact["name"], &artifact["version"]),
            (&"tree-lib".into(), &"1.0".into())
        );
    }
    assert!(
        document["older"][0]
            .as_str()
            .unwrap()
            .ends_with("dist/tree_lib-0.9.tar.gz")
    );
}

/// Wheels of a dependency that is needed only at build time, in a folder that pip may look into, and nowhere else.
fn with_tiny_dependency(bench: &Bench, command: &mut Command) {
    let backend = TREE_BACKEND
        .replace("tree_lib", "tiny_dependency")
        .replace("tree-lib", "tiny-dependency");
    bench.testbed.write("tiny/tools/tree_backend.py", backend);
    bench.testbed.write(
        "tiny/pyproject.toml",
        bench.testbed.read("project/pyproject.toml"),
    );
    let wheels = bench.testbed.path("wheels");
    let tiny = bench.testbed.path("tiny");
    bench
        .build(&[tiny.to_str().unwrap(), "--wheel", "-o", wheels.to_str().unwrap()])
        .expect_code(0);
    command
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", wheels)
        .env("TREE_LOG", bench.testbed.path("log"));
}

#[test]
fn dynamic_requirements_are_installed_for_their_hook() {
    let Some(bench) = Bench::in_tree("") else { return };
    let wants = "get_requires_for_build_wheel=answer:[\"tiny-dependency == 1.0\"]";
    let mut command = bench.command(&["-C", wants]);
    with_tiny_dependency(&bench, &mut command);
    let outcome = Outcome::of(&mut command).expect_code(0);
    assert!(
        outcome.stderr.contains("* installing tiny-dependency == 1.0\n"),
        "{}",
        outcome.stderr
    );
    // One that is kept never grows: the wheel's is another one.
    assert_eq!(outcome.stderr.matches("creating an isolated").count(), 2);
    let has_tiny = |log: &[serde_json::Value]| -> Vec<bool> {
        log.iter().map(|line| line["tiny"].is_number()).collect()
    };
    assert_eq!(has_tiny(&bench.log()), [false, false, false, true]);
    // The next time both are there; without the cache the sdist's grows into the wheel's.
    for (flags, makes) in [(&["-C", wants][..], 0), (&["-C", wants, "--no-cache"], 1)] {
        fs::remove_file(bench.testbed.path("log")).unwrap();
        let mut command = bench.command(flags);
        command
            .env("PIP_NO_INDEX", "1")
            .env("PIP_FIND_LINKS", bench.testbed.path("wheels"))
            .env("TREE_LOG", bench.testbed.path("log"));
        let outcome = Outcome::of(&mut command).expect_code(0);
        assert_eq!(
            outcome.stderr.matches("creating an isolated").count(),
            makes,
            "{}",
            outcome.stderr
        );
        assert_eq!(has_tiny(&bench.log()), [false, false, false, true]);
    }
}

#[test]
fn an_environment_never_holds_what_the_hook_did_not_ask_for() {
    let Some(bench) = Bench::in_tree("") else { return };
    let wants = "get_requires_for_build_sdist=answer:[\"tiny-dependency\"]";
    let mut command = bench.command(&["-C", wants]);
    with_tiny_dependency(&bench, &mut command);
    let outcome = Outcome::of(&mut command).expect_code(0);
    assert_eq!(outcome.stderr.matches("creating an isolated").count(), 2);
    let log = bench.log();
    assert!(log[1]["tiny"].is_number(), "build_sdist has it");
    assert!(log[3]["tiny"].is_null(), "build_wheel has it not");
}

#[test]
fn a_backend_that_makes_no_sdist_here_still_makes_a_wheel() {
    let Some(bench) = Bench::in_tree("") else { return };
    let outcome = bench.build(&["-C", "build_sdist=unsupported"]).expect_code(0);
    assert!(
        outcome.stderr.contains("the backend makes no sdist here"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("not from here"), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, format!("{WHEEL}\n"));
    fs::remove_dir_all(bench.project().join("dist")).unwrap();
    bench.fail(
        &["--sdist", "-C", "build_sdist=unsupported"],
        1,
        "does not support `build_sdist` here",
    );
}
