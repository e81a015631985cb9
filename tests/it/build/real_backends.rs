//! Backends that projects use, from the package registry, in the ways that [`super::matrix`] doesn't take: installed by
//! pip, and told of.

use std::fs;

use super::{Bench, names_in};
use crate::support::{Outcome, tools};

const FLIT: [(&str, &str); 2] = [
    (
        "pyproject.toml",
        "[build-system]\nrequires = ['flit_core==4.2.0']\nbuild-backend = 'flit_core.buildapi'\n\
         [project]\nname = 'flit-lib'\nversion = '4'\nrequires-python = '>=3.8'\ndescription = 'x'\n",
    ),
    ("flit_lib.py", ""),
];

#[test]
fn what_a_bare_setup_py_is_built_with_is_told() {
    let setup = "from setuptools import setup\nsetup(name='bare', version='2', py_modules=['bare'])\n";
    let Some(bench) = Bench::new(&[("setup.py", setup), ("bare.py", "")]) else {
        return;
    };
    let outcome = bench.build(&[]).expect_code(0);
    assert_eq!(bench.made("dist"), ["bare-2-py3-none-any.whl", "bare-2.tar.gz"]);
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
    let Some(bench) = Bench::new(&FLIT) else { return };
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
    let (Some(bench), Ok(uv)) = (Bench::new(&FLIT), tools::uv()) else {
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
