//! `pkgctl build` through the real binary: real backends from the package registry, and one in the project's own tree
//! that misbehaves on demand.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Outcome, Testbed, tools};

const SDIST: &str = "dist/tree_lib-1.0.tar.gz";
const WHEEL: &str = "dist/tree_lib-1.0-py3-none-any.whl";
const TREE_BACKEND: &str = include_str!("build/tree_backend.py");

/// A testbed with one project in `project/`.
struct Bench {
    testbed: Testbed,
}

impl Bench {
    /// `None` on a machine without Python, where there is nothing to build with.
    fn new(files: &[(&str, &str)]) -> Option<Self> {
        python()?;
        let testbed = Testbed::new();
        for (name, content) in files {
            testbed.write(&format!("project/{name}"), content);
        }
        Some(Self { testbed })
    }

    /// The project whose backend is in its own tree; `table` is added to `[build-system]`.
    fn in_tree(table: &str) -> Option<Self> {
        let pyproject = format!(
            "[build-system]\nrequires = []\nbuild-backend = 'tree_backend'\nbackend-path = ['tools']\n{table}"
        );
        Self::new(&[
            ("pyproject.toml", &pyproject),
            ("tools/tree_backend.py", TREE_BACKEND),
            ("tree_lib.py", "ANSWER = 42\n"),
        ])
    }

    fn project(&self) -> PathBuf {
        self.testbed.path("project")
    }

    /// `pkgctl build` in the project's folder.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.testbed.pkgctl(["build"]);
        command.args(arguments).current_dir(self.project());
        command.env("PKGCTL_INSTALLER", "pip");
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-tools/pip-cache");
        command.env("PIP_CACHE_DIR", cache);
        command
    }

    fn build(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(&mut self.command(arguments))
    }

    /// A build that must fail while `dist/` holds old files: they stay, nothing joins them, no scratch folder is left.
    #[track_caller]
    fn fail(&self, arguments: &[&str], code: i32, names: &str) -> Outcome {
        self.testbed.write(&format!("project/{SDIST}"), "old");
        let outcome = self.build(arguments);
        assert_eq!(outcome.code, Some(code), "{}", outcome.stderr);
        for needed in ["error: ", "hint: ", names] {
            assert!(
                outcome.stderr.contains(needed),
                "no `{needed}` in:\n{}",
                outcome.stderr
            );
        }
        assert!(!outcome.stderr.contains("panicked at"), "{}", outcome.stderr);
        assert_eq!(outcome.stdout, "");
        self.expect_untouched();
        outcome
    }

    #[track_caller]
    fn expect_untouched(&self) {
        assert_eq!(self.made("dist"), ["tree_lib-1.0.tar.gz"]);
        assert_eq!(self.testbed.read(&format!("project/{SDIST}")), "old");
        self.expect_no_scratch();
    }

    #[track_caller]
    fn expect_no_scratch(&self) {
        assert_eq!(names_in(&self.testbed.root().join("tmp")), [""; 0]);
    }

    /// The names in a folder of the project, sorted.
    fn made(&self, folder: &str) -> Vec<String> {
        names_in(&self.project().join(folder))
    }

    /// Members and their bytes of an archive, by the standard library of Python.
    fn members(&self, archive: &Path) -> BTreeMap<String, String> {
        let mut python = self.testbed.program("python3");
        let outcome = Outcome::of(python.args(["-c", LIST_MEMBERS]).arg(archive)).expect_code(0);
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    /// What the in-tree backend logged, a line for each hook.
    fn log(&self) -> Vec<serde_json::Value> {
        let text = self.testbed.read("log");
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// An executable script.
    fn script(&self, relative: &str, text: &str) -> PathBuf {
        let path = self.testbed.write(relative, text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

const LIST_MEMBERS: &str = r#"
import hashlib, json, sys, tarfile, zipfile
path, members = sys.argv[1], {}
if path.endswith(".whl"):
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            members[name] = hashlib.sha256(archive.read(name)).hexdigest()
else:
    with tarfile.open(path) as archive:
        for member in archive:
            content = archive.extractfile(member).read() if member.isfile() else b""
            members[member.name] = hashlib.sha256(content).hexdigest()
print(json.dumps(members))
"#;

/// The interpreter of this machine; without one the test says so and is skipped.
fn python() -> Option<PathBuf> {
    let probe = Command::new("python3")
        .args(["-c", "import sys, venv; print(sys.executable)"])
        .stdin(Stdio::null())
        .output();
    match probe {
        Ok(output) if output.status.success() => {
            Some(String::from_utf8(output.stdout).unwrap().trim_end().into())
        }
        _ => {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            let _ = writeln!(
                std::io::stderr(),
                "skipped: {test}: there is no python3 with venv"
            );
            None
        }
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

// ---- Real backends ----------------------------------------------------------------------------------------------

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

// ---- What a frontend owes a backend -----------------------------------------------------------------------------

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
    let verbose = bench.build(&["--wheel", "-v"]).expect_code(0);
    assert!(
        verbose.stderr.contains("\nthis is build_wheel\n"),
        "{}",
        verbose.stderr
    );
    assert_eq!(verbose.stdout, quiet.stdout);
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
    // The sdist needs nothing, so its environment may grow into the wheel's.
    assert_eq!(outcome.stderr.matches("creating an isolated").count(), 1);
    let tiny: Vec<bool> = bench.log().iter().map(|line| line["tiny"].is_number()).collect();
    assert_eq!(tiny, [false, false, false, true]);
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

// ---- Backends that fail -----------------------------------------------------------------------------------------

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
        assert!(!outcome.stderr.contains("hook_runner"), "{}", outcome.stderr);
        let tells_of_the_sdist = outcome.stderr.contains("that sdist is not kept either");
        assert_eq!(tells_of_the_sdist, hook.ends_with("wheel"), "{}", outcome.stderr);
    }
}

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

#[test]
fn ctrl_c_stops_the_whole_group_and_leaves_dist_alone() {
    let Some(bench) = Bench::in_tree("") else { return };
    bench.testbed.write(&format!("project/{SDIST}"), "old");
    let mut command = bench.command(&["-v", "-C", "build_wheel=wait"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let (mut line, mut talk) = (String::new(), String::new());
    while !line.starts_with("waiting in ") {
        line.clear();
        assert_ne!(
            stderr.read_line(&mut line).unwrap(),
            0,
            "ended too early:\n{talk}"
        );
        talk.push_str(&line);
    }
    let pids: Vec<u32> = line
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    assert_eq!(pids.len(), 2, "{line}");
    let kill = Command::new("kill")
        .arg("-INT")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(kill.success());
    stderr.read_to_string(&mut talk).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{talk}");
    assert!(
        talk.contains("error: interrupted; the output folder is as it was"),
        "{talk}"
    );
    for pid in pids {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(stat.is_empty() || stat.contains(") Z"), "{pid} lives on: {stat}");
    }
    bench.expect_untouched();
}

// ---- Projects and settings that make no sense -------------------------------------------------------------------

#[test]
fn what_is_no_project_is_refused_with_a_remedy() {
    let Some(bench) = Bench::new(&[("README.md", "")]) else {
        return;
    };
    let refuse = |arguments: &[&str], code, names: &str| bench.build(arguments).expect_failure(code, names);
    refuse(&[], 1, "there is no Python project in `");
    refuse(&["../missing"], 1, "missing`");
    refuse(
        &["README.md"],
        1,
        "README.md` is neither a project's folder nor an sdist",
    );
    bench.testbed.write("project/my_lib-1.0.tar.gz", "not an archive");
    refuse(
        &["my_lib-1.0.tar.gz"],
        1,
        "`my_lib-1.0.tar.gz` is not a sound distribution",
    );
    refuse(
        &["my_lib-1.0.tar.gz", "--sdist"],
        2,
        "my_lib-1.0.tar.gz` is an sdist already",
    );
    refuse(&["--skip-dependency-check"], 2, "--skip-dependency-check");
    refuse(&["-C", "=x"], 2, "`=x` has no key");
    bench.testbed.write(
        "project/pyproject.toml",
        "[build-system]\nrequires = 'setuptools'\n",
    );
    let outcome = refuse(&[], 1, "pyproject.toml` says nothing usable about the build");
    let cause = "caused by: line 2: `build-system.requires` must be a list of texts, not a text\n";
    assert!(outcome.stderr.contains(cause), "{}", outcome.stderr);
    bench.testbed.write("project/pyproject.toml", b"# caf\xe9\n");
    refuse(&[], 1, "can't read `");
    assert_eq!(bench.made("dist"), [""; 0]);
    bench.expect_no_scratch();
}

#[test]
fn an_output_folder_that_can_not_be_is_refused_before_the_build() {
    let Some(bench) = Bench::in_tree("") else { return };
    let outcome = bench.build(&["--outdir", "tree_lib.py/dist"]);
    let outcome = outcome.expect_failure(1, "can't write to the output folder `");
    assert!(!outcome.stderr.contains("creating"), "{}", outcome.stderr);
}

#[test]
fn requirements_that_can_not_be_installed_are_named() {
    let Some(bench) = Bench::in_tree("") else { return };
    let pyproject = bench.testbed.read("project/pyproject.toml");
    bench.testbed.write(
        "project/pyproject.toml",
        pyproject.replace("requires = []", "requires = ['no-such-thing == 1.0']"),
    );
    let mut command = bench.command(&[]);
    command.env("PIP_NO_INDEX", "1");
    let outcome = Outcome::of(&mut command).expect_failure(
        1,
        "`pip` can't install the build requirements: no-such-thing == 1.0",
    );
    let cause = "No matching distribution found for no-such-thing==1.0";
    assert!(outcome.stderr.contains(cause), "{}", outcome.stderr);
    bench.expect_no_scratch();
}

// ---- Interpreters -----------------------------------------------------------------------------------------------

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
