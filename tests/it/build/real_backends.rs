//! Backends that projects use, from the package registry, compared with `python -m build`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Stdio};

use super::{Bench, names_in};
use crate::support::{Outcome, tools};

/// Builds with pkgctl and with `python -m build`, and compares names, members and their bytes.
fn agrees_with_the_peer(files: &[(&str, &str)], project: &str) {
    let (Some(bench), Ok(peer)) = (Bench::new(files), tools::build()) else {
        return;
    };
    let outcome = bench.build(&[]).expect_code(0);
    let names = [
        format!("{project}-1.2-py3-none-any.whl"),
        format!("{project}-1.2.tar.gz"),
    ];
    assert_eq!(bench.made("dist"), names);
    assert_eq!(outcome.stdout, format!("dist/{}\ndist/{}\n", names[1], names[0]));
    bench.expect_no_scratch();
    let mut build = bench.command(&[]);
    let mut theirs = Command::new(peer.interpreter());
    theirs.args(["-m", "build", "--outdir", "theirs"]);
    theirs.current_dir(bench.project()).env_clear();
    for (name, value) in build.stdin(Stdio::null()).get_envs() {
        theirs.env(name, value.unwrap());
    }
    Outcome::of(&mut theirs).expect_code(0);
    for name in names {
        let ours = bench.members(&bench.project().join("dist").join(&name));
        let theirs = bench.members(&bench.project().join("theirs").join(&name));
        let names = |members: &BTreeMap<String, String>| members.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(names(&ours), names(&theirs), "{name}");
        assert_eq!(ours, theirs, "{name}");
    }
}

#[test]
fn setuptools_by_pyproject_gives_what_the_peer_gives() {
    let pyproject = "[build-system]\nrequires = ['setuptools==84.2.1']\nbuild-backend = 'setuptools.build_meta'\n\
                     [project]\nname = 'my-lib'\nversion = '1.2'\n[project.scripts]\nmine = 'my_lib:main'\n";
    agrees_with_the_peer(
        &[
            ("pyproject.toml", pyproject),
            ("README.md", "# My lib\n"),
            ("src/my_lib/__init__.py", "def main(): pass\n"),
        ],
        "my_lib",
    );
}

#[test]
fn hatchling_gives_what_the_peer_gives() {
    let pyproject = "[build-system]\nrequires = ['hatchling==1.33.0']\nbuild-backend = 'hatchling.build'\n\
                     [project]\nname = 'my.lib'\nversion = '1.2'\nrequires-python = '>=3.8'\n";
    agrees_with_the_peer(
        &[
            ("pyproject.toml", pyproject),
            ("my_lib/__init__.py", ""),
            ("tests/test_it.py", ""),
        ],
        "my_lib",
    );
}

#[test]
fn a_bare_setup_py_builds() {
    let setup = "from setuptools import setup\nimport my_other_lib\n\
                 setup(name='my-other-lib', version=my_other_lib.VERSION, packages=['my_other_lib'])\n";
    let files = [
        ("setup.py", setup),
        ("my_other_lib/__init__.py", "VERSION = '2.0'\n"),
    ];
    let Some(bench) = Bench::new(&files) else { return };
    let outcome = bench.build(&[]).expect_code(0);
    let made = ["my_other_lib-2.0-py3-none-any.whl", "my_other_lib-2.0.tar.gz"];
    assert_eq!(bench.made("dist"), made);
    assert!(
        outcome.stderr.contains("setuptools >= 40.8.0"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_setup_cfg_without_setup_py_builds() {
    let setup = "[metadata]\nname = cfg-lib\nversion = 3\n[options]\npy_modules = cfg_lib\n";
    let Some(bench) = Bench::new(&[("setup.cfg", setup), ("cfg_lib.py", "")]) else {
        return;
    };
    bench.build(&["--wheel"]).expect_code(0);
    assert_eq!(bench.made("dist"), ["cfg_lib-3-py3-none-any.whl"]);
}

#[test]
fn flit_builds_from_an_sdist_and_replaces_what_was_there() {
    let pyproject = "[build-system]\nrequires = ['flit_core==4.2.0']\nbuild-backend = 'flit_core.buildapi'\n\
                     [project]\nname = 'flit-lib'\nversion = '4'\nrequires-python = '>=3.8'\ndescription = 'x'\n";
    let Some(bench) = Bench::new(&[("pyproject.toml", pyproject), ("flit_lib.py", "")]) else {
        return;
    };
    bench.build(&["--sdist", "-o", "../out"]).expect_code(0);
    let wheel = bench.testbed.write("out/flit_lib-4-py3-none-any.whl", "old");
    let sdist = bench.testbed.path("out/flit_lib-4.tar.gz");
    let outcome = bench.build(&[sdist.to_str().unwrap()]).expect_code(0);
    assert_eq!(outcome.stdout, format!("{}\n", wheel.display()));
    assert!(bench.members(&wheel).contains_key("flit_lib.py"));
    assert_eq!(
        names_in(&bench.testbed.path("out")),
        ["flit_lib-4-py3-none-any.whl", "flit_lib-4.tar.gz"]
    );
    assert_eq!(bench.made("dist"), [""; 0]);
}

#[test]
fn uv_installs_when_it_is_on_the_path() {
    let pyproject = "[build-system]\nrequires = ['flit_core==4.2.0']\nbuild-backend = 'flit_core.buildapi'\n\
                     [project]\nname = 'flit-lib'\nversion = '4'\nrequires-python = '>=3.8'\ndescription = 'x'\n";
    let files = [("pyproject.toml", pyproject), ("flit_lib.py", "")];
    let (Some(bench), Ok(uv)) = (Bench::new(&files), tools::uv()) else {
        return;
    };
    let folder = bench.testbed.path("bin");
    fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(uv.interpreter().with_file_name("uv"), folder.join("uv")).unwrap();
    let mut command = bench.command(&[]);
    let path = command
        .get_envs()
        .find(|(name, _)| *name == "PATH")
        .and_then(|(_, path)| path)
        .unwrap()
        .to_owned();
    let path = std::env::join_paths(std::iter::once(folder).chain(std::env::split_paths(&path))).unwrap();
    command
        .env("PATH", path)
        .env("PKGCTL_INSTALLER", "")
        .env("UV_CACHE_DIR", bench.testbed.path("uv-cache"));
    let outcome = Outcome::of(&mut command);
    // An empty variable counts as absent, so this is `auto`.
    let outcome = outcome.expect_code(0);
    assert!(outcome.stderr.contains(", uv\n"), "{}", outcome.stderr);
    assert_eq!(
        bench.made("dist"),
        ["flit_lib-4-py3-none-any.whl", "flit_lib-4.tar.gz"]
    );
}
