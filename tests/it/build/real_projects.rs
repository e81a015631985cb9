//! Published sdists, built by `pkgctl build` and by `python -m build`: from the sdist, and from the tree in it.
//!
//! By default a few of each kind are built; `PKGCTL_TEST_ALL_PROJECTS=1` builds all of them, which takes some minutes. The
//! sdists are downloaded once, to `target/test-tools/sdists/`. What backends the projects get is settled by the day: the
//! registry is asked for what it had on that day.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::names_in;
use super::peer::{Agreement, Peers};
use crate::support::{Outcome, tools};

const DAY: &str = "2025-06-01T00:00:00Z";

/// A release, and what can be expected of its backend.
struct Published {
    requirement: &'static str,
    agreement: Agreement,
    of_tree: OfTree,
    /// Built by default.
    is_quick: bool,
}

/// What can be made of the tree that lies in the published sdist.
#[derive(Clone, Copy, PartialEq)]
enum OfTree {
    /// Both archives, alike.
    Both,
    /// The wheel; the sdist is refused with these words.
    NoSdist(&'static str),
    /// The wheel; what the sdist holds of the build is told in the list.
    OtherSdist,
}

const fn exact(requirement: &'static str) -> Published {
    Published {
        requirement,
        agreement: Agreement::Bytes,
        of_tree: OfTree::Both,
        is_quick: false,
    }
}

/// The times of the build, or of the unpacked files, are in its sdists.
const fn timed(requirement: &'static str) -> Published {
    Published {
        requirement,
        agreement: Agreement::SdistButForTimes,
        of_tree: OfTree::Both,
        is_quick: false,
    }
}

const fn quick(published: Published) -> Published {
    Published {
        is_quick: true,
        ..published
    }
}

const fn with_tree(of_tree: OfTree, published: Published) -> Published {
    Published { of_tree, ..published }
}

/// hatchling puts the metadata that it makes beside those that lie in the tree already.
const TWO_METADATA: OfTree = OfTree::NoSdist("PKG-INFO` occurs more than once");

const PROJECTS: [Published; 32] = [
    // setuptools: by setup.py, setup.cfg and pyproject.toml, with the version from somewhere else too.
    quick(timed("six==1.17.0")),
    timed("certifi==2025.1.31"),
    timed("requests==2.32.3"),
    timed("toolz==1.0.0"),
    timed("python-dateutil==2.9.0.post0"),
    timed("h11==0.14.0"),
    quick(timed("pluggy==1.5.0")),
    timed("charset-normalizer==3.4.1"),
    // The same with an extension in C.
    quick(timed("markupsafe==3.0.2")),
    timed("simplejson==3.20.1"),
    timed("wrapt==1.17.2"),
    timed("msgpack==1.1.0"),
    timed("zope.interface==7.2"),
    timed("xxhash==3.5.0"),
    // With a backend of its own around it.
    // Its sdist takes up the bytecode of that backend, in which the path of the tree is.
    with_tree(OfTree::OtherSdist, timed("pyyaml==6.0.2")),
    // flit
    quick(exact("idna==3.10")),
    exact("click==8.1.8"),
    exact("packaging==24.2"),
    exact("tomli==2.2.1"),
    exact("jinja2==3.1.5"),
    exact("typing-extensions==4.12.2"),
    // hatchling, with plug-ins.
    quick(exact("iniconfig==2.0.0")),
    with_tree(TWO_METADATA, exact("attrs==25.3.0")),
    exact("urllib3==2.3.0"),
    exact("platformdirs==4.3.6"),
    exact("colorama==0.4.6"),
    with_tree(TWO_METADATA, exact("pygments==2.19.1")),
    // poetry-core
    quick(exact("tomlkit==0.13.2")),
    exact("rich==13.9.4"),
    // pdm-backend, which leaves the times of files in its sdists.
    quick(timed("findpython==0.6.3")),
    // Backends that build themselves.
    exact("flit-core==3.12.0"),
    timed("pdm-backend==2.4.4"),
];

#[test]
fn published_projects_come_out_as_from_the_peer() {
    let Some(_) = Peers::new(&[]) else { return };
    let all = all_are_wanted();
    let projects: Vec<&Published> = PROJECTS
        .iter()
        .filter(|project| all || project.is_quick)
        .collect();
    let (next, report) = (AtomicUsize::new(0), Mutex::new(String::new()));
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(project) = projects.get(next.fetch_add(1, Ordering::SeqCst)) {
                    // One that differs must not hide the others.
                    match std::panic::catch_unwind(|| compare(project)) {
                        Ok(Some(line)) => report.lock().unwrap().push_str(&line),
                        Ok(None) => {}
                        Err(_) => failures.lock().unwrap().push(project.requirement),
                    }
                }
            });
        }
    });
    let _ = write!(std::io::stderr(), "{}", report.into_inner().unwrap());
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{failures:?}");
}

/// Builds it four times, and gives a line for the table; `None` when the sdist can't be had.
fn compare(project: &Published) -> Option<String> {
    let sdist = sdist(project.requirement)?;
    let peers = Peers::new(&[])?.on(DAY);
    let unpacked = |name: &str| unpack(&peers, name, &sdist);
    let path = |name: &str| peers.bench.testbed.path(name);
    let mut took = [Duration::ZERO; 2];
    let mut run = |side: usize, command: &mut Command, source: &Path, out: &str, flags: &[&str]| {
        command.arg(source).arg("--outdir").arg(path(out)).args(flags);
        command.current_dir(path(""));
        let start = Instant::now();
        Outcome::of(command).expect_code(0);
        took[side] += start.elapsed();
    };
    // From the sdist: the peer takes folders alone.
    run(0, &mut peers.ours(&[]), &sdist, "ours-sdist", &[]);
    run(
        1,
        &mut peers.theirs(&[]),
        &unpacked("a"),
        "theirs-sdist",
        &["--wheel"],
    );
    // From the tree, each from one that nobody has built in.
    let (wanted, archives): (&[&str], _) = match project.of_tree {
        OfTree::Both => (&[], 2),
        OfTree::NoSdist(_) | OfTree::OtherSdist => (&["--wheel"], 1),
    };
    run(0, &mut peers.ours(&[]), &unpacked("b"), "ours", wanted);
    run(1, &mut peers.theirs(&[]), &unpacked("c"), "theirs", wanted);
    if let OfTree::NoSdist(refusal) = project.of_tree {
        let mut command = peers.ours(&["--sdist", "--outdir"]);
        command.arg(path("refused")).arg(unpacked("d"));
        command.current_dir(path(""));
        Outcome::of(&mut command).expect_failure(1, refusal);
    }

    let mut line = format!("{:28}", project.requirement);
    for (ours, theirs, archives) in [("ours-sdist", "theirs-sdist", 1), ("ours", "theirs", archives)] {
        let compared = peers.compared(&path(ours), &path(theirs));
        assert_eq!(compared.len(), archives, "{:?}", names_in(&path(ours)));
        for archive in compared {
            archive.expect(project.agreement);
            let kind = if archive.name.ends_with(".whl") {
                "wheel"
            } else {
                "sdist"
            };
            let bytes = if archive.same_bytes {
                "same bytes"
            } else {
                "but for times"
            };
            let _ = write!(line, "  {kind} of {:3}: {bytes:13}", archive.members);
        }
    }
    let [ours, theirs] = took.map(|duration| duration.as_secs_f64());
    let _ = writeln!(line, "  {ours:5.1} s, the peer {theirs:5.1} s");
    Some(line)
}

/// The project's folder in the sdist, below a new folder, unpacked as the peer unpacks its own.
fn unpack(peers: &Peers, into: &str, sdist: &Path) -> PathBuf {
    const UNPACK: &str =
        "import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2], filter='data')";
    let into = peers.bench.testbed.path(into);
    let mut python = peers.python();
    Outcome::of(python.args(["-c", UNPACK]).arg(sdist).arg(&into)).expect_code(0);
    into.join(&names_in(&into)[0])
}

/// The release's sdist, downloaded once.
fn sdist(requirement: &str) -> Option<PathBuf> {
    let pip = tools::pip().ok()?;
    let name = requirement.split("==").next().unwrap_or(requirement);
    let folder = tools::install_once(&format!("sdists/{name}"), &[requirement], |folder| {
        let mut download = Command::new(pip.interpreter());
        download
            .args([
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--no-binary",
                name,
                "--dest",
            ])
            .arg(folder)
            .arg(requirement);
        tools::succeed(&mut download)
    });
    let folder = folder.inspect_err(tools::tell).ok()?;
    Some(folder.join(&names_in(&folder)[0]))
}

#[expect(
    clippy::disallowed_methods,
    reason = "asks the developer's environment, not the program's"
)]
fn all_are_wanted() -> bool {
    std::env::var_os("PKGCTL_TEST_ALL_PROJECTS").is_some_and(|value| !value.is_empty() && value != "0")
}
