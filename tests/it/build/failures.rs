//! Backends that fail, lie or never end.

use std::fs;

use super::Bench;

// I1
#[test]
fn a_failure_in_each_hook_is_shown_and_leaves_nothing() {
    let Some(bench) = Bench::in_tree("") else { return };
    for hook in [
        "get_requires_for_build_sdist",
        "build_sdist",
        "get_requires_for_build_wheel",
        "build_wheel",
    ] {
        let outcome = bench.fail(
            &["-C", &format!("{hook}=raise")],
            1,
            &format!("failed in `{hook}`"),
        );
        let headline = format!("caused by: ValueError: no luck in {hook}\n");
        assert!(outcome.stderr.contains(&headline), "{}", outcome.stderr);
        // The whole output, traceback included, without the frames of our own runner.
        for shown in [
            format!("  | this is {hook}\n"),
            "  | Traceback (most recent call last):\n".to_owned(),
            "tools/tree_backend.py\"".to_owned(),
        ] {
            assert!(
                outcome.stderr.contains(&shown),
                "no {shown:?} in:\n{}",
                outcome.stderr
            );
        }
        let at = |words: &str| outcome.stderr.find(words).unwrap();
        assert!(
            at(&format!("this is {hook}\n")) < at("Traceback"),
            "in the order in which it was written: {}",
            outcome.stderr
        );
        assert!(!outcome.stderr.contains("hook_runner"), "{}", outcome.stderr);
        let tells_of_the_sdist = outcome.stderr.contains("that sdist is kept as `");
        assert_eq!(tells_of_the_sdist, hook.ends_with("wheel"), "{}", outcome.stderr);
    }
}

// I1
#[test]
fn a_backend_that_leaves_by_the_back_door_is_a_failure() {
    let Some(bench) = Bench::in_tree("") else { return };
    let outcome = bench.fail(&["-C", "build_wheel=exit"], 1, "failed in `build_wheel`");
    assert!(
        outcome
            .stderr
            .contains("caused by: error: stopped in build_wheel\n"),
        "{}",
        outcome.stderr
    );
    let outcome = bench.fail(&["-C", "build_sdist=die"], 1, "died in `build_sdist`");
    assert!(outcome.stderr.contains("exit status: 3"), "{}", outcome.stderr);
}

#[test]
fn output_that_is_not_unicode_is_survived() {
    let Some(bench) = Bench::in_tree("") else { return };
    let mut command = bench.command(&["-C", "build_sdist=bytes"]);
    command.env("PYTHONIOENCODING", "latin-1");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let has = |bytes: &[u8]| output.stderr.windows(bytes.len()).any(|window| window == bytes);
    assert!(
        has(b"  | caf\xe9 \xff\xfe\n"),
        "the bytes come through as they are"
    );
    assert!(
        has("caused by: ValueError: café\n".as_bytes()),
        "the headline is text"
    );
}

// I1
#[test]
fn an_answer_that_is_no_artifact_is_refused() {
    let Some(bench) = Bench::in_tree("") else { return };
    for (setting, names) in [
        (
            "build_wheel=answer:../tree_lib-1.0-py3-none-any.whl",
            "whose name is not that of a wheel",
        ),
        (
            "build_wheel=answer:tree_lib-1.0-py3-none-any.whl",
            "there is no such file",
        ),
        (
            "build_wheel=answer:tree_lib-1.0.tar.gz",
            "the name of a `.whl` was expected",
        ),
        ("build_wheel=other-version", "are not of the same release"),
        (
            "build_wheel=junk",
            "`tree_lib-1.0-py3-none-any.whl` is not a sound distribution",
        ),
        (
            "build_sdist=answer:tree_lib-latest.tar.gz",
            "whose name is not that of an sdist",
        ),
        (
            "get_requires_for_build_wheel=answer:\"text\"",
            "a list of texts was expected",
        ),
        (
            "get_requires_for_build_wheel=answer:[\"-r x\"]",
            "returned an invalid requirement",
        ),
    ] {
        bench.fail(&["-C", setting], 1, names);
    }
}

#[test]
fn a_backend_that_can_not_be_imported_is_named() {
    let Some(bench) = Bench::in_tree("") else { return };
    bench
        .testbed
        .write("project/tools/tree_backend.py", "import nowhere_to_be_found\n");
    let outcome = bench.fail(&[], 1, "the build backend `tree_backend` can't be loaded");
    assert!(
        outcome.stderr.contains("provides `nowhere_to_be_found`"),
        "{}",
        outcome.stderr
    );
    bench
        .testbed
        .write("project/tools/tree_backend.py", "build_wheel = None\n");
    bench.fail(
        &[],
        1,
        "the build backend `tree_backend` has no hook `build_sdist`",
    );
    // One of the same name elsewhere must not step in; `json` is in the standard library.
    let pyproject = bench
        .testbed
        .read("project/pyproject.toml")
        .replace("tree_backend", "json");
    bench.testbed.write("project/pyproject.toml", pyproject);
    bench.fail(&[], 1, "`json` is in none of the folders of `backend-path`");
    fs::rename(bench.project().join("tools"), bench.project().join("moved")).unwrap();
    bench.fail(&[], 1, "`build-system.backend-path` names `tools`");
}
