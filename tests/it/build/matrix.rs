//! Each kind of backend, in a pinned version, builds what it builds for `python -m build`.

use std::process::Command;

use super::peer::{Agreement, Peers};

const SETUPTOOLS: &str =
    "[build-system]\nrequires = ['setuptools==84.2.1']\nbuild-backend = 'setuptools.build_meta'\n";

/// Builds the project by both; the names of what is made follow from `stem`.
#[track_caller]
fn agrees(files: &[(&str, &str)], stem: &str, agreement: Agreement) {
    let Some(peers) = Peers::new(files) else { return };
    peers.agree(&[], agreement);
    let made = peers.made();
    assert_eq!(made.len(), 2, "{made:?}");
    assert!(made.contains(&format!("{stem}.tar.gz")), "{made:?}");
    assert!(
        made[0].starts_with(&format!("{stem}-")) && made[0].ends_with(".whl"),
        "{made:?}"
    );
}

#[test]
fn setuptools_by_pyproject() {
    let project = "[project]\nname = 'My.Lib'\nversion = '1.2'\nreadme = 'README.md'\ndependencies = ['idna>=3']\n\
                   [project.scripts]\nmine = 'my_lib:main'\n[tool.setuptools.package-data]\nmy_lib = ['*.txt']\n";
    let files = [
        ("pyproject.toml", &*format!("{SETUPTOOLS}{project}")),
        ("README.md", "# My lib\n\nCafé.\n"),
        ("LICENSE", "None.\n"),
        ("src/my_lib/__init__.py", "def main(): pass\n"),
        ("src/my_lib/data.txt", "data\n"),
        ("tests/test_it.py", ""),
    ];
    agrees(&files, "my_lib-1.2", Agreement::SdistButForTimes);
}

#[test]
fn setuptools_by_setup_cfg_alone() {
    let setup =
        "[metadata]\nname = cfg-lib\nversion = attr: cfg_lib.VERSION\n[options]\npy_modules = cfg_lib\n";
    // The peer wants one of two other files; an empty one says nothing.
    let files = [
        ("setup.cfg", setup),
        ("pyproject.toml", ""),
        ("cfg_lib.py", "VERSION = '3'\n"),
    ];
    agrees(&files, "cfg_lib-3", Agreement::SdistButForTimes);
}

#[test]
fn setuptools_by_a_bare_setup_py_that_imports_from_the_project() {
    let setup = "from setuptools import setup\nimport my_other_lib\n\
                 setup(name='my-other-lib', version=my_other_lib.VERSION, packages=['my_other_lib'])\n";
    let files = [
        ("setup.py", setup),
        ("my_other_lib/__init__.py", "VERSION = '2.0'\n"),
    ];
    agrees(&files, "my_other_lib-2.0", Agreement::SdistButForTimes);
}

/// A table without `build-backend` means the legacy backend, with the requirements of the table.
#[test]
fn a_table_without_a_backend() {
    let setup = "from setuptools import setup\nimport sys\nassert '' in sys.path[0:2] or sys.path[0]\n\
                 setup(name='half', version='1', py_modules=['half'])\n";
    let files = [
        (
            "pyproject.toml",
            "[build-system]\nrequires = ['setuptools==80.9.0', 'wheel']\n",
        ),
        ("setup.py", setup),
        ("half.py", ""),
    ];
    agrees(&files, "half-1", Agreement::SdistButForTimes);
}

#[test]
fn setuptools_with_an_extension_in_c() {
    if Command::new("cc").arg("--version").output().is_err() {
        eprintln!("skipped: there is no C compiler");
        return;
    }
    let project = "[project]\nname = 'fast'\nversion = '0.1'\n\
                   [tool.setuptools]\next-modules = [{name = 'fast', sources = ['fast.c'], depends = ['fast.h']}]\n";
    let code = "#include <Python.h>\n#include \"fast.h\"\n\
                static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, \"fast\", NULL, ANSWER, NULL};\n\
                PyMODINIT_FUNC PyInit_fast(void) { return PyModule_Create(&module); }\n";
    let files = [
        ("pyproject.toml", &*format!("{SETUPTOOLS}{project}")),
        ("MANIFEST.in", "include fast.h\n"),
        ("fast.c", code),
        ("fast.h", "#define ANSWER 42\n"),
    ];
    agrees(&files, "fast-0.1", Agreement::SdistButForTimes);
}

#[test]
fn hatchling() {
    let pyproject = "[build-system]\nrequires = ['hatchling==1.33.0']\nbuild-backend = 'hatchling.build'\n\
                     [project]\nname = 'my.lib'\ndynamic = ['version']\nrequires-python = '>=3.8'\n\
                     [tool.hatch.version]\npath = 'my_lib/__init__.py'\n";
    let files = [
        ("pyproject.toml", pyproject),
        (".gitignore", "*.log\n"),
        ("noise.log", "not in any archive"),
        ("my_lib/__init__.py", "__version__ = '1.2'\n"),
        ("tests/test_it.py", ""),
    ];
    agrees(&files, "my_lib-1.2", Agreement::Bytes);
}

/// The hook asks for a requirement that is nowhere else: a plug-in of the build.
#[test]
fn hatchling_with_dynamic_requirements() {
    let pyproject = "[build-system]\nrequires = ['hatchling==1.33.0']\nbuild-backend = 'hatchling.build'\n\
                     [project]\nname = 'my-lib'\nversion = '1'\n\
                     [tool.hatch.build.targets.sdist]\ninclude = ['*.py']\n\
                     [tool.hatch.build.hooks.custom]\ndependencies = ['semantic-version==2.10.0']\n";
    let hook = "from hatchling.builders.hooks.plugin.interface import BuildHookInterface\n\
                class Hook(BuildHookInterface):\n\
                \x20   def initialize(self, version, build_data):\n\
                \x20       import semantic_version\n\
                \x20       assert semantic_version\n";
    let files = [
        ("pyproject.toml", pyproject),
        ("hatch_build.py", hook),
        ("my_lib/__init__.py", ""),
    ];
    agrees(&files, "my_lib-1", Agreement::Bytes);
}

#[test]
fn flit_core() {
    let pyproject = "[build-system]\nrequires = ['flit_core==4.2.0']\nbuild-backend = 'flit_core.buildapi'\n\
                     [project]\nname = 'flit-lib'\ndynamic = ['version', 'description']\nreadme = 'README.rst'\n\
                     [project.entry-points.group]\nname = 'flit_lib'\n";
    let files = [
        ("pyproject.toml", pyproject),
        ("README.rst", "Flit lib\n========\n"),
        (
            "flit_lib/__init__.py",
            "\"\"\"A library.\"\"\"\n__version__ = '4'\n",
        ),
        ("flit_lib/data.json", "{}"),
    ];
    agrees(&files, "flit_lib-4", Agreement::Bytes);
}

#[test]
fn poetry_core() {
    let pyproject = "[build-system]\nrequires = ['poetry-core==2.5.0']\nbuild-backend = 'poetry.core.masonry.api'\n\
                     [tool.poetry]\nname = 'Poetic-Lib'\nversion = '1.0rc1'\ndescription = 'x'\nauthors = ['A <a@b.c>']\n\
                     packages = [{include = 'poetic', from = 'src'}]\n\
                     [tool.poetry.dependencies]\npython = '^3.8'\nidna = '^3'\n";
    let files = [
        ("pyproject.toml", pyproject),
        ("src/poetic/__init__.py", ""),
        ("src/poetic/verse.py", "LINES = 14\n"),
    ];
    agrees(&files, "poetic_lib-1.0rc1", Agreement::Bytes);
}

#[test]
fn pdm_backend() {
    let pyproject = "[build-system]\nrequires = ['pdm-backend==2.5.0']\nbuild-backend = 'pdm.backend'\n\
                     [project]\nname = 'pdm-lib'\nversion = '5.0.post1'\n\
                     [tool.pdm.build]\nsource-includes = ['tests']\n";
    let files = [
        ("pyproject.toml", pyproject),
        ("src/pdm_lib/__init__.py", ""),
        ("tests/test_it.py", ""),
    ];
    agrees(&files, "pdm_lib-5.0.post1", Agreement::SdistButForTimes);
}

/// A backend that is no Python: it runs cargo in the hook's folder, by the hook's variables. Its bill of materials names
/// the folder in which it ran, and that is another one each time.
#[test]
fn maturin() {
    if Command::new("cargo").arg("--version").output().is_err() {
        eprintln!("skipped: there is no cargo");
        return;
    }
    let pyproject = "[build-system]\nrequires = ['maturin==1.16.0']\nbuild-backend = 'maturin'\n\
                     [project]\nname = 'rusty'\nversion = '0.3'\n[tool.maturin]\nbindings = 'bin'\n[tool.maturin.sbom]\nrust = false\n";
    let manifest = "[package]\nname = 'rusty'\nversion = '0.3.0'\nedition = '2021'\n[profile.release]\nopt-level = 0\nstrip = true\n";
    let lock = "version = 4\n\n[[package]]\nname = \"rusty\"\nversion = \"0.3.0\"\n";
    let files = [
        ("pyproject.toml", pyproject),
        ("Cargo.toml", manifest),
        ("Cargo.lock", lock),
        ("src/main.rs", "fn main() {}\n"),
    ];
    let Some(peers) = Peers::new(&files) else { return };
    peers.with_cargo().agree(&[], Agreement::Bytes);
}

/// The files that a project needs to build itself, and the backend wrapped around another one.
#[test]
fn a_backend_in_the_tree_around_setuptools() {
    let pyproject = "[build-system]\nrequires = ['setuptools==84.2.1']\nbuild-backend = 'backend:wrapped.inner'\n\
                     backend-path = ['_custom', '_more']\n[project]\nname = 'wrapped'\nversion = '1'\n";
    let backend = "import helper\nfrom setuptools import build_meta\n\
                   class wrapped:\n    class inner:\n\
                   \x20       build_wheel = staticmethod(build_meta.build_wheel)\n\
                   \x20       build_sdist = staticmethod(build_meta.build_sdist)\n\
                   \x20       get_requires_for_build_wheel = staticmethod(lambda settings=None: helper.NEEDS)\n";
    let files = [
        ("pyproject.toml", pyproject),
        ("MANIFEST.in", "graft _custom\ngraft _more\n"),
        ("_custom/backend.py", backend),
        ("_more/helper.py", "NEEDS = ['semantic-version==2.10.0']\n"),
        ("wrapped.py", ""),
    ];
    agrees(&files, "wrapped-1", Agreement::SdistButForTimes);
}

#[test]
fn settings_reach_setuptools_as_they_reach_it_from_the_peer() {
    let files = [
        (
            "pyproject.toml",
            &*format!("{SETUPTOOLS}[project]\nname = 'set'\nversion = '1'\n"),
        ),
        ("set.py", ""),
    ];
    let Some(peers) = Peers::new(&files) else { return };
    let settings = [
        "-C--build-option=--build-number=7",
        "-C--build-option=--python-tag=py31",
    ];
    peers.agree(&settings, Agreement::SdistButForTimes);
    assert_eq!(peers.made()[0], "set-1-7-py31-none-any.whl");
}
