//! Which Python builds.

use std::path::Path;
use std::process::Command;

use super::{Bench, SDIST, WHEEL, python};
use crate::support::Outcome;

#[test]
fn without_a_usable_interpreter_the_remedy_is_told() {
    let Some(bench) = Bench::in_tree("") else { return };
    let with_path = |arguments: &[&str]| {
        let mut command = bench.command(arguments);
        command.env("PATH", bench.testbed.path("bin"));
        Outcome::of(&mut command)
    };
    with_path(&[]).expect_failure(1, "no usable Python interpreter was found");
    with_path(&["--python", "3.99"]).expect_failure(1, "no usable Python 3.99 was found");

    bench.script(
        "bin/python3",
        "#!/bin/sh\necho 'python3: not set up' >&2\nexit 127\n",
    );
    let answer = r#"{"executable": "/x/python", "version": [3, 7, 16], "implementation": "cpython", "pip": null, "ensurepip": true}"#;
    bench.script("bin/python", &format!("#!/bin/sh\necho '{answer}'\n"));
    let outcome = with_path(&[]).expect_failure(1, "no usable Python interpreter was found");
    for cause in [
        "bin/python3` does not run: python3: not set up",
        "bin/python` is Python 3.7.16, and a build needs 3.8 or newer",
    ] {
        assert!(outcome.stderr.contains(cause), "{}", outcome.stderr);
    }
    assert_eq!(bench.made("dist"), [""; 0]);
}

#[test]
fn the_interpreter_is_the_one_that_was_named_or_is_active() {
    let (Some(bench), Some(python)) = (Bench::in_tree(""), python()) else {
        return;
    };
    let version = Command::new(&python)
        .args(["-c", "import platform; print(platform.python_version())"])
        .output();
    let version = String::from_utf8(version.unwrap().stdout).unwrap();
    let mut venv = bench.testbed.program(&python);
    Outcome::of(venv.args(["-m", "venv", "--without-pip", "venv"])).expect_code(0);
    let venv = bench.testbed.path("venv");
    // Nothing on the search path: only the environment can be meant.
    let build = |arguments: &[&str], name: &str, value: &Path| {
        let mut command = bench.command(arguments);
        command.env("PATH", "/nowhere").env(name, value);
        Outcome::of(&mut command).expect_code(0)
    };
    let outcome = build(&["--wheel"], "VIRTUAL_ENV", &venv);
    assert!(
        outcome.stderr.contains(&format!("Python {}", version.trim())),
        "{}",
        outcome.stderr
    );
    build(&["--wheel"], "PKGCTL_PYTHON", &venv);
    build(
        &["--wheel", "--python", "../venv/bin/python"],
        "PKGCTL_PYTHON",
        Path::new("/wrong"),
    );
    let minor: Vec<&str> = version.trim().splitn(3, '.').take(2).collect();
    build(&["--wheel", "--python", &minor.join(".")], "VIRTUAL_ENV", &venv);
}

#[test]
fn without_isolation_the_interpreters_environment_must_do() {
    let Some(bench) = Bench::in_tree("") else { return };
    let outcome = bench.build(&["--no-isolation"]).expect_code(0);
    assert!(!outcome.stderr.contains("creating"), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, format!("{SDIST}\n{WHEEL}\n"));

    let pyproject = bench.testbed.read("project/pyproject.toml");
    let needy = pyproject.replace("requires = []", "requires = ['no-such-thing']");
    bench.testbed.write("project/pyproject.toml", needy);
    let outcome = bench
        .build(&["-n"])
        .expect_failure(1, "does not meet the build requirements");
    assert!(
        outcome.stderr.contains("`no-such-thing` is not installed"),
        "{}",
        outcome.stderr
    );
    bench.build(&["-n", "-x"]).expect_code(0);
    // Requirements that the backend adds count too.
    bench.testbed.write("project/pyproject.toml", pyproject);
    let wants = "get_requires_for_build_wheel=answer:[\"no-such-thing>=2\"]";
    let outcome = bench
        .build(&["-n", "-C", wants])
        .expect_failure(1, "does not meet");
    assert!(
        outcome.stderr.contains("`no-such-thing>=2` is not installed"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_version_is_looked_for_by_the_names_that_interpreters_have() {
    let (Some(bench), Some(python)) = (Bench::in_tree(""), python()) else {
        return;
    };
    // Stand-ins that say what they are; the real interpreter builds.
    let stand_in = |name: &str, version: &str| {
        let answer = format!(
            r#"{{"executable": "{}", "version": [{version}], "implementation": "cpython"}}"#,
            python.display()
        );
        bench.script(&format!("bin/{name}"), &format!("#!/bin/sh\necho '{answer}'\n"));
    };
    stand_in("python3", "3, 9, 18");
    stand_in("python3.12", "3, 12, 4");
    bench.script(
        "first/python3.13",
        "#!/bin/sh\necho 'python3.13: not installed here' >&2\nexit 127\n",
    );
    stand_in("python3.13", "3, 13, 0");
    let build = |version: &str| {
        let mut command = bench.command(&["--wheel", "--no-isolation", "--python", version]);
        let path = [
            bench.testbed.path("first"),
            bench.testbed.path("bin"),
            "/usr/bin".into(),
            "/bin".into(),
        ];
        command.env("PATH", std::env::join_paths(path).unwrap());
        Outcome::of(&mut command)
    };
    for (version, told) in [
        ("3", "Python 3.9.18"),
        ("3.9", "Python 3.9.18"),
        ("3.12", "Python 3.12.4"),
        ("3.12.4", "Python 3.12.4"),
        ("3.13", "Python 3.13.0"),
        ("python3.12", "Python 3.12.4"),
    ] {
        let outcome = build(version).expect_code(0);
        assert!(outcome.stderr.contains(told), "{version}: {}", outcome.stderr);
    }
    let outcome = build("3.12.5").expect_failure(1, "no usable Python 3.12.5 was found");
    assert!(
        outcome.stderr.contains("bin/python3.12` is Python 3.12.4"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn what_is_neither_a_version_nor_a_program_is_refused() {
    let Some(bench) = Bench::in_tree("") else { return };
    for text in ["3.x", "3.12.1.4", "3.", ">=3.9", "99999999", "3,12", "=="] {
        let outcome = bench.build(&["--python", text]);
        outcome.expect_failure(
            2,
            &format!("`--python {text}` is neither a version nor a program"),
        );
    }
    bench.build(&["--python="]).expect_failure(2, "--python");
    bench
        .build(&["--python", "pypy9"])
        .expect_failure(1, "`pypy9` is no usable Python interpreter");
    bench
        .build(&["--python", "./nowhere/python"])
        .expect_failure(1, "nowhere/python` is no usable Python");
    for name in ["conda", "PIP", ""] {
        bench
            .build(&["--installer", name])
            .expect_failure(2, "--installer");
    }
    let mut command = bench.command(&["--installer", "uv"]);
    command.env("PATH", "/usr/bin:/bin");
    let outcome = Outcome::of(&mut command).expect_failure(1, "`uv` is not on the search path");
    assert!(
        outcome.stderr.contains("leave out `--installer uv`"),
        "{}",
        outcome.stderr
    );
    assert_eq!(bench.made("dist"), [""; 0]);
}
