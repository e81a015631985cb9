//! What becomes of the output folder: all artifacts of a run, whole, or none.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::{Bench, SDIST, WHEEL};
use crate::support::Outcome;

#[test]
fn a_folder_that_can_not_take_artifacts_is_told_before_the_build() {
    let Some(bench) = Bench::in_tree("") else { return };
    let refuse = |names: &str, hint: &str| {
        let outcome = bench
            .build(&[])
            .expect_failure(1, "can't write to the output folder `");
        assert!(outcome.stderr.contains(names), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(hint), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains("creating"), "{}", outcome.stderr);
        bench.expect_no_scratch();
    };
    bench.testbed.write("project/dist", "a file");
    refuse("not a directory", "is a file: move that away");
    assert_eq!(bench.testbed.read("project/dist"), "a file");
    fs::remove_file(bench.project().join("dist")).unwrap();
    symlink("nowhere/at/all", bench.project().join("dist")).unwrap();
    refuse("it is a link to `nowhere/at/all`, which is not there", "--outdir");
    // A link to a folder is as good as the folder.
    fs::remove_file(bench.project().join("dist")).unwrap();
    fs::create_dir(bench.testbed.path("real")).unwrap();
    symlink("../real", bench.project().join("dist")).unwrap();
    bench.build(&[]).expect_code(0);
    assert_eq!(super::names_in(&bench.testbed.path("real")).len(), 2);
    assert!(bench.project().join("dist").is_symlink());
}

#[test]
fn a_read_only_folder_is_told_before_the_build() {
    let Some(bench) = Bench::in_tree("") else { return };
    let dist = bench.project().join("dist");
    fs::create_dir(&dist).unwrap();
    fs::set_permissions(&dist, std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
    for folder in [bench.project(), bench.testbed.root().join("tmp")] {
        fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    }
    let Some(mut command) = bench.testbed.pkgctl_without_rights(["build"]) else {
        return;
    };
    let outcome = Outcome::of(command.current_dir(bench.project()));
    let outcome = outcome.expect_failure(1, "can't write to the output folder `");
    assert!(outcome.stderr.contains("ermission denied"), "{}", outcome.stderr);
    assert!(
        outcome
            .stderr
            .contains("hint: name a folder that you may write to"),
        "{}",
        outcome.stderr
    );
}

// I3
#[test]
fn an_artifact_whose_name_is_taken_by_a_folder_leaves_all_as_it_was() {
    let Some(bench) = Bench::in_tree("") else { return };
    fs::create_dir_all(bench.project().join(WHEEL)).unwrap();
    bench.testbed.write(&format!("project/{SDIST}"), "old");
    let outcome = bench
        .build(&[])
        .expect_failure(1, "can't write to the output folder `");
    assert!(
        outcome
            .stderr
            .contains("a folder in it has the name of an artifact"),
        "{}",
        outcome.stderr
    );
    assert_eq!(bench.testbed.read(&format!("project/{SDIST}")), "old");
    assert_eq!(bench.made("dist").len(), 2);
    bench.expect_no_scratch();
}

// H4, I1
#[test]
fn a_full_disk_leaves_all_as_it_was() {
    let Some(bench) = Bench::in_tree("") else { return };
    let full = bench.testbed.path("small");
    fs::create_dir(&full).unwrap();
    // A disk of its own that is too small, in a mount namespace of its own: only where that may be made.
    let script = "mount -t tmpfs -o size=64k none \"$1\" && echo old > \"$1/tree_lib-1.0.tar.gz\" && \
                  shift && \"$@\"; code=$?; ls -A \"$SMALL\" >&2; cat \"$SMALL\"/tree_lib-1.0.tar.gz >&2; exit $code";
    let build = bench.command(&["-o", full.to_str().unwrap(), "-C", "build_wheel=large"]);
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--map-root-user", "sh", "-c", script, "sh"])
        .arg(&full);
    command
        .arg(build.get_program())
        .args(build.get_args())
        .current_dir(bench.project())
        .env_clear();
    command
        .envs(build.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("SMALL", &full);
    let may = Command::new("unshare")
        .args([
            "--mount",
            "--map-root-user",
            "sh",
            "-c",
            "mount -t tmpfs none /mnt",
        ])
        .output()
        .is_ok_and(|output| output.status.success());
    if !may {
        eprintln!("skipped: no mounts can be made here");
        return;
    }
    let outcome = Outcome::of(&mut command).expect_failure(1, "can't write to the output folder `");
    assert!(
        outcome.stderr.contains("hint: its disk is full"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.ends_with("\ntree_lib-1.0.tar.gz\nold\n"),
        "{}",
        outcome.stderr
    );
}

// I3
#[test]
fn artifacts_go_to_another_file_system_whole() {
    let Some(bench) = Bench::in_tree("") else { return };
    let Ok(shared_memory) = tempfile::tempdir_in("/dev/shm") else {
        eprintln!("skipped: there is no second file system");
        return;
    };
    let out = shared_memory.path().join("deep/dist");
    bench.build(&["-o", out.to_str().unwrap()]).expect_code(0);
    assert_eq!(
        super::names_in(&out),
        ["tree_lib-1.0-py3-none-any.whl", "tree_lib-1.0.tar.gz"]
    );
}

#[test]
fn what_changed_since_the_last_file_of_a_name_is_told() {
    let Some(bench) = Bench::in_tree("") else { return };
    let first = bench.build(&["--sdist"]).expect_code(0);
    assert!(!first.stderr.contains("before"), "{}", first.stderr);
    let again = bench.build(&["--wheel", "--sdist"]).expect_code(0);
    assert!(
        !again.stderr.contains("since before: changed"),
        "{}",
        again.stderr
    );
    let same = bench.build(&["--sdist"]).expect_code(0);
    assert!(
        same.stderr.contains("\n  the same bytes as before\n"),
        "{}",
        same.stderr
    );
    bench.testbed.write("project/tree_lib.py", "ANSWER = 43\n");
    bench.testbed.write("project/extra.py", "");
    let changed = bench.build(&["--sdist"]).expect_code(0);
    let told = "\n  since before: added tree_lib-1.0/extra.py; changed tree_lib-1.0/tree_lib.py\n";
    assert!(changed.stderr.contains(told), "{}", changed.stderr);
    fs::remove_file(bench.project().join("extra.py")).unwrap();
    let detailed = bench.build(&["--sdist", "-v"]).expect_code(0);
    let told = "\n  since before: 1 removed\n    - tree_lib-1.0/extra.py\n";
    assert!(detailed.stderr.contains(told), "{}", detailed.stderr);
    bench.testbed.write("project/more.py", "");
    let json = bench.build(&["--sdist", "--json"]).expect_code(0);
    let document: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let change = serde_json::json!({
        "kind": "differs", "added": ["tree_lib-1.0/more.py"], "removed": [], "changed": [],
    });
    assert_eq!(document["artifacts"][0]["change"], change);
    bench.testbed.write(&format!("project/{SDIST}"), "no archive");
    let unknown = bench.build(&["--sdist"]).expect_code(0);
    assert!(
        unknown
            .stderr
            .contains("in the place of a file that was no sound distribution"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn clearing_spares_the_files_of_projects_with_similar_names() {
    let Some(bench) = Bench::in_tree("") else { return };
    let spared = [
        "tree_lib_extra-0.9.tar.gz",
        "tree-0.9.tar.gz",
        "treelib-0.9-py3-none-any.whl",
        "tree_lib-0.9.tar.gz.asc",
        "tree_lib-0.9",
        "tree_lib-0.9.txt",
    ];
    for name in spared {
        bench.testbed.write(&format!("project/dist/{name}"), "other");
    }
    for name in [
        "Tree.Lib-0.9.tar.gz",
        "tree_lib-0.8-py2.py3-none-any.whl",
        "tree_lib-1.0-cp311-cp311-linux_x86_64.whl",
    ] {
        bench.testbed.write(&format!("project/dist/{name}"), "old");
    }
    let before = bench.made("dist");
    // No failure of any kind removes anything.
    for failing in ["build_wheel=raise", "build_wheel=junk", "build_wheel=die"] {
        assert_eq!(bench.build(&["--clear", "-C", failing]).code, Some(1));
        assert_eq!(bench.made("dist"), before);
    }
    let outcome = bench.build(&["--clear"]).expect_code(0);
    assert!(
        outcome
            .stderr
            .contains("* removed Tree.Lib-0.9.tar.gz, tree_lib-0.8"),
        "{}",
        outcome.stderr
    );
    let mut left: Vec<&str> = spared
        .into_iter()
        .chain(["tree_lib-1.0.tar.gz", "tree_lib-1.0-py3-none-any.whl"])
        .collect();
    left.sort_unstable();
    assert_eq!(bench.made("dist"), left);
}
