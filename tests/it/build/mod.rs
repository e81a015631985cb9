//! `pkgctl build` through the real binary: real backends from the package registry, and one in the project's own tree
//! that misbehaves on demand.

mod cycles; // requirements that lead back to the project
mod display; // what is told while it lasts, and what is kept of it
mod failures; // backends that fail, lie or never end
mod hooks; // what a frontend owes a backend
mod interpreters; // which Python builds
mod kept_environments; // what the next build need not make
mod matrix; // each kind of backend, compared with the peer
mod peer; // the same source in the same world, built by both
mod real_backends; // what projects use, installed by pip, and by uv
mod real_projects; // published sdists, compared with the peer
mod refusals; // what makes no sense
mod remedies; // what is advised when real programs fail
mod reproducible; // twice the same bytes
mod setup_py; // the direct call of old guides
mod several; // projects side by side
mod stopping; // Ctrl-C and its like
mod targets; // what becomes of the output folder

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Outcome, Testbed};

const SDIST: &str = "dist/tree_lib-1.0.tar.gz";
const WHEEL: &str = "dist/tree_lib-1.0-py3-none-any.whl";
const TREE_BACKEND: &str = include_str!("tree_backend.py");

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

    /// Makes the project in the tree need what no registry has.
    fn require_what_is_nowhere(&self) {
        let pyproject = self.testbed.read("project/pyproject.toml");
        let pyproject = pyproject.replace("requires = []", "requires = ['no-such-thing == 1.0']");
        self.testbed.write("project/pyproject.toml", pyproject);
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
        self.testbed.script(relative, text)
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
