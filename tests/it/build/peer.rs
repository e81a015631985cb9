//! The same source in the same world, built by `pkgctl build` and by `python -m build`.
//!
//! Both get the same interpreter, uv as installer, and the registry as it was on one day, so that tomorrow's release of a
//! backend changes nothing. What uv downloads and the environments that pkgctl keeps stay under `target/test-tools/`, for the
//! next test and the next run.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::{Bench, names_in};
use crate::support::tools::Tool;
use crate::support::{Outcome, tools};

const COMPARE: &str = include_str!("compare.py");

/// Backends take any release of some of their own requirements: the one of this day.
const DAY: &str = "2026-11-01T00:00:00Z";

/// How much of two archives must be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Agreement {
    /// Each byte.
    Bytes,
    /// All but the times of an sdist's members: the backend writes the time of the build into it.
    SdistButForTimes,
}

/// A testbed in which both build.
pub(super) struct Peers {
    pub(super) bench: Bench,
    peer: Tool,
    uv: Tool,
    day: &'static str,
    has_cargo: bool,
}

/// What `compare.py` says of one name.
#[derive(Debug, Deserialize)]
pub(super) struct Compared {
    pub(super) name: String,
    pub(super) members: usize,
    pub(super) same_bytes: bool,
    differences: Vec<String>,
}

impl Peers {
    /// `None`, after a word about it, where a tool can't be had.
    pub(super) fn new(files: &[(&str, &str)]) -> Option<Self> {
        let (bench, peer, uv) = (Bench::new(files)?, tools::build().ok()?, tools::uv().ok()?);
        Some(Self {
            bench,
            peer,
            uv,
            day: DAY,
            has_cargo: false,
        })
    }

    /// With the registry as it was on another day.
    pub(super) fn on(self, day: &'static str) -> Self {
        Self { day, ..self }
    }

    /// With the toolchain of the machine, whose launchers look for it in the home folder.
    pub(super) fn with_cargo(self) -> Self {
        Self {
            has_cargo: true,
            ..self
        }
    }

    /// `pkgctl build` with these arguments.
    pub(super) fn ours(&self, arguments: &[&str]) -> Command {
        let mut command = self.bench.command(&["--python"]);
        command.arg(self.peer.interpreter()).args(arguments);
        self.settle(&mut command);
        command
    }

    /// `python -m build` with these arguments, in exactly the same environment.
    pub(super) fn theirs(&self, arguments: &[&str]) -> Command {
        let ours = self.ours(&[]);
        let mut command = Command::new(self.peer.interpreter());
        command.args(["-m", "build", "--installer", "uv"]).args(arguments);
        command.current_dir(self.bench.project()).env_clear();
        command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stdin(std::process::Stdio::null());
        command
    }

    fn settle(&self, command: &mut Command) {
        let path = command
            .get_envs()
            .find_map(|(name, path)| path.filter(|_| name == "PATH"))
            .unwrap()
            .to_owned();
        let folders = std::env::split_paths(&path).chain(std::iter::once(self.uv.folder().to_owned()));
        command
            .env("PATH", std::env::join_paths(folders).unwrap())
            .env("PKGCTL_INSTALLER", "uv")
            .env("PKGCTL_CACHE_DIR", shared("pkgctl-cache"))
            .env("UV_CACHE_DIR", shared("uv-cache"))
            .env("UV_EXCLUDE_NEWER", self.day)
            .env("SOURCE_DATE_EPOCH", "1700000000")
            // Debug information names the folder in which a compiler ran, and that is another one each time.
            .env("CFLAGS", "-g0");
        for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            if self.has_cargo {
                let set = std::env::var_os(name).map(PathBuf::from);
                let usual = std::env::home_dir().map(|home| home.join(folder));
                command.env(name, set.or(usual).unwrap());
            }
        }
    }

    /// Both build the project, and what they make agrees.
    #[track_caller]
    pub(super) fn agree(&self, arguments: &[&str], agreement: Agreement) -> Vec<Compared> {
        // Outside of the project: what the first makes must not be a part of it for the second.
        let with = |outdir| [&["--outdir", outdir], arguments].concat();
        Outcome::of(&mut self.ours(&with("../ours"))).expect_code(0);
        self.bench.expect_no_scratch();
        Outcome::of(&mut self.theirs(&with("../theirs"))).expect_code(0);
        let folder = |name: &str| self.bench.testbed.path(name);
        let compared = self.compared(&folder("ours"), &folder("theirs"));
        assert!(!compared.is_empty());
        for archive in &compared {
            archive.expect(agreement);
        }
        compared
    }

    /// The interpreter that both build with.
    pub(super) fn python(&self) -> Command {
        Command::new(self.peer.interpreter())
    }

    /// Compares the archives in two folders, name by name.
    pub(super) fn compared(&self, ours: &Path, theirs: &Path) -> Vec<Compared> {
        let outcome = Outcome::of(self.python().args(["-c", COMPARE]).args([ours, theirs])).expect_code(0);
        let lines = outcome.stdout.lines();
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The names of what pkgctl has made.
    pub(super) fn made(&self) -> Vec<String> {
        names_in(&self.bench.testbed.path("ours"))
    }
}

impl Compared {
    /// Panics with what differs.
    #[track_caller]
    pub(super) fn expect(&self, agreement: Agreement) {
        let differences = self.differences.join("\n");
        assert!(differences.is_empty(), "{}:\n{differences}", self.name);
        let excused = agreement == Agreement::SdistButForTimes && self.name.ends_with(".tar.gz");
        assert!(self.same_bytes || excused, "{}: other bytes", self.name);
    }
}

/// A folder that outlives the test.
fn shared(name: &str) -> PathBuf {
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-tools");
    tools.join(name)
}
