//! What is advised when real programs fail: pip and uv at real indexes, setuptools with real compilers.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::Bench;
use crate::support::distributions::wheel;
use crate::support::{Outcome, tools};

const INSTALLERS: [&str; 2] = ["pip", "uv"];
const SETUPTOOLS: &str = "[build-system]\nrequires = ['setuptools==84.2.1']\nbuild-backend = 'setuptools.build_meta'\n\
                          [project]\nname = 'my-lib'\nversion = '1.2'\n";
const EXTENSION: &str =
    "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('my_lib', ['my_lib.c'])])\n";

/// A build with this installer alone; `None` where it can't be had.
fn build_with(bench: &Bench, installer: &str, arguments: &[&str]) -> Option<Command> {
    let mut command = bench.command(arguments);
    command.env("PKGCTL_INSTALLER", installer);
    if installer == "uv" {
        let uv = tools::uv().ok()?;
        let program = uv.interpreter().with_file_name("uv");
        let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-tools/uv-cache");
        command
            .env("PATH", path_with(bench, &[("uv", program)]))
            .env("UV_CACHE_DIR", cache)
            .env("UV_HTTP_RETRIES", "0");
    }
    // Each complaint once is enough.
    command.env("PIP_RETRIES", "1");
    Some(command)
}

/// The machine's search path behind a folder with these programs.
fn path_with(bench: &Bench, programs: &[(&str, PathBuf)]) -> std::ffi::OsString {
    let folder = folder_of(bench, "bin", programs);
    let path = bench
        .command(&[])
        .get_envs()
        .find_map(|(name, path)| path.filter(|_| name == "PATH"))
        .unwrap()
        .to_owned();
    std::env::join_paths(std::iter::once(folder).chain(std::env::split_paths(&path))).unwrap()
}

fn folder_of(bench: &Bench, name: &str, programs: &[(&str, PathBuf)]) -> PathBuf {
    let folder = bench.testbed.path(name);
    fs::create_dir_all(&folder).unwrap();
    for (name, program) in programs {
        let link = folder.join(name);
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(program, link).unwrap();
    }
    folder
}

/// Fails with this hint; the transcript of the program that failed may hold a traceback.
#[track_caller]
fn expect_hint(command: &mut Command, needed: &[&str]) -> Outcome {
    let outcome = Outcome::of(command);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert_eq!(
        outcome.stderr.matches("\nhint: ").count(),
        1,
        "one remedy: {}",
        outcome.stderr
    );
    let (_, hint) = outcome.stderr.rsplit_once("\nhint: ").unwrap();
    for text in needed {
        assert!(
            hint.contains(text),
            "`{text}` is not advised:\n{}",
            outcome.stderr
        );
    }
    assert_eq!(outcome.stdout, "");
    outcome
}

fn requiring(requirement: &str) -> Option<Bench> {
    let pyproject = format!(
        "[build-system]\nrequires = ['{requirement}']\nbuild-backend = 'flit_core.buildapi'\n\
         [project]\nname = 'my-lib'\nversion = '1.2'\ndescription = 'x'\n"
    );
    Bench::new(&[("pyproject.toml", &pyproject), ("my_lib.py", "")])
}

#[test]
fn a_missing_requirement_is_told_with_the_index_that_was_asked() {
    let Some(bench) = requiring("no-such-thing==1.0") else {
        return;
    };
    fs::create_dir(bench.testbed.path("packages")).unwrap();
    let server = bench.testbed.serve(["--disable-fallback", "packages"]);
    let index = format!("{}/simple/", server.url);
    for installer in INSTALLERS {
        let Some(mut command) = build_with(&bench, installer, &[]) else {
            continue;
        };
        command.env("PIP_INDEX_URL", &index);
        let asked = format!("{installer} asked `{index}`");
        expect_hint(&mut command, &["check its name and version", &asked]);
    }
}

#[test]
fn a_requirement_for_another_python_is_told_as_such() {
    let Some(bench) = requiring("newer==1.0") else {
        return;
    };
    wheel("newer", "1.0")
        .requires_python(">=3.99")
        .build()
        .write_into(bench.testbed.path("packages"));
    let server = bench.testbed.serve(["--disable-fallback", "packages"]);
    for installer in INSTALLERS {
        let Some(mut command) = build_with(&bench, installer, &[]) else {
            continue;
        };
        command.env("PIP_INDEX_URL", format!("{}/simple/", server.url));
        expect_hint(
            &mut command,
            &["build with a Python that is >=3.99: `--python VERSION`"],
        );
    }
}

#[test]
fn an_index_that_does_not_answer_is_told_from_one_that_lacks_something() {
    let Some(bench) = requiring("flit_core==4.2.0") else {
        return;
    };
    // Nobody listens on a port that was just given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for installer in INSTALLERS {
        let Some(mut command) = build_with(&bench, installer, &["--no-cache"]) else {
            continue;
        };
        command.env(
            "PIP_INDEX_URL",
            format!("http://alice:s3cretword@127.0.0.1:{port}/simple/"),
        );
        command
            .env("UV_CACHE_DIR", bench.testbed.path("uv-cache"))
            .env("PIP_CACHE_DIR", bench.testbed.path("pip-cache"));
        let asked = format!("{installer} asked `http://alice:********@127.0.0.1:{port}/simple/`");
        let outcome = expect_hint(&mut command, &["the index does not answer", &asked]);
        assert!(!outcome.stderr.contains("s3cretword"), "{}", outcome.stderr);
    }
}

#[test]
fn an_index_that_wants_a_password_is_told_as_such() {
    let Some(bench) = requiring("private==1.0") else {
        return;
    };
    wheel("private", "1.0")
        .build()
        .write_into(bench.testbed.path("packages"));
    bench.testbed.write(
        "passwords",
        crate::support::index::password_line("alice", "s3cret"),
    );
    let server = bench.testbed.serve([
        "-P",
        "passwords",
        "-a",
        "update,download,list",
        "--disable-fallback",
        "packages",
    ]);
    let address = |login: &str| format!("{}/simple/", server.url.replace("://", &format!("://{login}")));
    let refused = &["the index wants a user and a password", "pkgctl configure"][..];
    // pip takes a refusal for an empty index, and says nothing of it.
    let unsure = &["an index that wants a password"][..];
    for (installer, login, needed) in [
        ("pip", "", unsure),
        ("pip", "alice:wr0ngword@", unsure),
        ("uv", "", refused),
        ("uv", "alice:wr0ngword@", refused),
    ] {
        let Some(mut command) = build_with(&bench, installer, &[]) else {
            continue;
        };
        command.env("PIP_INDEX_URL", address(login));
        let outcome = expect_hint(&mut command, needed);
        assert!(!outcome.stderr.contains("wr0ngword"), "{}", outcome.stderr);
    }
}

#[test]
fn a_missing_compiler_is_told_as_such() {
    let files = [
        ("pyproject.toml", SETUPTOOLS),
        ("setup.py", EXTENSION),
        ("my_lib.c", "#include <Python.h>\n"),
    ];
    let (Some(bench), Some(python)) = (Bench::new(&files), super::python()) else {
        return;
    };
    for installer in INSTALLERS {
        let Some(mut command) = build_with(&bench, installer, &[]) else {
            continue;
        };
        let mut programs = vec![("python3", python.clone())];
        if let (true, Ok(uv)) = (installer == "uv", tools::uv()) {
            programs.push(("uv", uv.interpreter().with_file_name("uv")));
        }
        command.env("PATH", folder_of(&bench, installer, &programs));
        let outcome = expect_hint(&mut command, &["install a compiler", "`CC`"]);
        assert!(
            outcome.stderr.contains("that sdist is kept as `"),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn what_a_compiler_finds_is_told_first() {
    let files = [
        ("pyproject.toml", SETUPTOOLS),
        ("setup.py", EXTENSION),
        ("my_lib.c", "int f(void) { return x; }\n"),
    ];
    let Some(bench) = Bench::new(&files) else { return };
    if Command::new("cc").arg("--version").output().is_err() {
        eprintln!("skipped: there is no compiler");
        return;
    }
    expect_hint(
        &mut bench.command(&["--wheel"]),
        &["correct what the compiler found first: my_lib.c:1:"],
    );
    bench
        .testbed
        .write("project/my_lib.c", "#include <surely_not_there.h>\n");
    expect_hint(
        &mut bench.command(&["--wheel"]),
        &["development files", "`surely_not_there.h`"],
    );
    // A Python without its header files: the compiler is not told where they are.
    bench.testbed.write("project/my_lib.c", "#include <Python.h>\n");
    let script = "#!/bin/sh\nfor word do\n  shift\n  case $word in -I*) ;; *) set -- \"$@\" \"$word\" ;; esac\ndone\nexec cc \"$@\"\n";
    let compiler = bench.script("compiler", script);
    let mut command = bench.command(&["--wheel"]);
    command.env("CC", &compiler);
    expect_hint(
        &mut command,
        &["install the header files of this Python", "python3-dev"],
    );
}

#[test]
fn mistakes_in_a_setuptools_project_are_told_where_they_are() {
    let Some(bench) = Bench::new(&[("pyproject.toml", SETUPTOOLS)]) else {
        return;
    };
    let fails = |files: &[(&str, &str)], needed: &[&str]| {
        for (name, text) in files {
            bench.testbed.write(&format!("project/{name}"), text);
        }
        expect_hint(&mut bench.command(&[]), needed);
        for (name, _) in files {
            fs::remove_file(bench.project().join(name)).unwrap();
        }
        bench.testbed.write("project/pyproject.toml", SETUPTOOLS);
    };
    fails(
        &[(
            "setup.py",
            "from setuptools import setup\nsetup(name='x' version='1')\n",
        )],
        &["mend line 2 of `setup.py`"],
    );
    let reads = "from setuptools import setup\nsetup(install_requires=open('needed.txt').read())\n";
    fails(
        &[("setup.py", reads), ("needed.txt", "")],
        &[
            "the sdist has no `needed.txt`",
            "`include needed.txt` in MANIFEST.in",
        ],
    );
    fails(
        &[("one/__init__.py", ""), ("two/__init__.py", "")],
        &["`[tool.setuptools] packages ="],
    );
    let version = SETUPTOOLS.replace("'1.2'", "'one'");
    fails(
        &[("pyproject.toml", &version)],
        &["correct `project.version` in pyproject.toml: `project.version` must be pep440"],
    );
    let backend = SETUPTOOLS.replace("'setuptools.build_meta'", "'not_there.api'");
    fails(
        &[("pyproject.toml", &backend)],
        &["add what provides `not_there` to `requires`"],
    );
}

#[test]
fn a_project_that_hatchling_does_not_understand_is_told_what_to_name() {
    let pyproject = "[build-system]\nrequires = ['hatchling==1.33.0']\nbuild-backend = 'hatchling.build'\n\
                     [project]\nname = 'my-lib'\nversion = '1.2'\n";
    let Some(bench) = Bench::new(&[("pyproject.toml", pyproject), ("other.py", "")]) else {
        return;
    };
    expect_hint(
        &mut bench.command(&[]),
        &["[tool.hatch.build.targets.wheel] packages"],
    );
}
