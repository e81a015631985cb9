//! `--setup-py`: the direct call of old guides, with an interpreter that has what it needs, or has not.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Bench, names_in};
use crate::support::{Outcome, tools};

const SETUP: &str = "import sys\nfrom setuptools import setup\nprint('called as', sys.argv[1:])\n\
                     setup(name='old-lib', version='3.1', py_modules=['old_lib'])\n";
const WHEEL: &str = "old_lib-3.1-py3-none-any.whl";
const SDIST: &str = "old_lib-3.1.tar.gz";

/// A project with a `setup.py`, and an environment that holds the wheels named and nothing else.
struct Direct {
    bench: Bench,
    python: PathBuf,
}

impl Direct {
    fn new(setup: &str, wheels: &[&str]) -> Option<Self> {
        let bench = Bench::new(&[("setup.py", setup), ("old_lib.py", "ANSWER = 42\n")])?;
        let (Ok(pip), Ok(wheelhouse)) = (tools::pip(), tools::wheelhouse()) else {
            return None;
        };
        let venv = bench.testbed.path("venv");
        let mut make = bench.testbed.program("python3");
        Outcome::of(make.args(["-m", "venv", "--without-pip"]).arg(&venv)).expect_code(0);
        let python = venv.join("bin/python");
        if !wheels.is_empty() {
            let mut install = pip.python(&bench.testbed);
            install.args(["-m", "pip", "--python"]).arg(&python);
            install
                .args(["install", "--no-index", "--find-links"])
                .arg(wheelhouse)
                .args(wheels);
            Outcome::of(&mut install).expect_code(0);
        }
        Some(Self { bench, python })
    }

    fn build(&self, flags: &[&str]) -> Outcome {
        let mut command = self.bench.command(&["--setup-py"]);
        // The bench's own choice is a variable, so no contradiction.
        Outcome::of(command.args(flags).arg("--python").arg(&self.python))
    }
}

#[test]
fn the_script_is_run_as_by_hand_and_its_artifacts_are_those_of_the_direct_call() {
    let Some(direct) = Direct::new(SETUP, &["setuptools"]) else {
        return;
    };
    let project = direct.bench.project();
    let mut by_hand = direct.bench.testbed.program(&direct.python);
    by_hand.args(["setup.py", "sdist", "bdist_wheel", "--dist-dir", "../by-hand"]);
    Outcome::of(by_hand.current_dir(&project)).expect_code(0);
    for (flags, called, made) in [
        (&[][..], "['sdist', '--dist-dir', ", &[WHEEL, SDIST][..]),
        (&["--sdist"], "['sdist', ", &[SDIST]),
        (&["--wheel"], "['bdist_wheel', ", &[WHEEL]),
        (&["--sdist", "--wheel"], "['sdist', ", &[WHEEL, SDIST]),
    ] {
        let outcome = direct.build(&[flags, &["-v"]].concat()).expect_code(0);
        assert!(
            outcome.stderr.contains(&format!("called as {called}")),
            "{}",
            outcome.stderr
        );
        assert!(
            !outcome.stderr.contains("creating an isolated"),
            "{}",
            outcome.stderr
        );
        assert_eq!(outcome.stdout.lines().count(), made.len());
        assert_eq!(direct.bench.made("dist"), made);
        fs::remove_dir_all(project.join("dist")).unwrap();
    }
    direct.build(&[]).expect_code(0);
    let by_hand = direct.bench.testbed.path("by-hand").join(WHEEL);
    assert_eq!(
        direct.bench.members(&project.join("dist").join(WHEEL)),
        direct.bench.members(&by_hand)
    );
    // From an sdist: unpacked, and the wheel alone.
    let sdist = project.join("dist").join(SDIST);
    let outcome = direct
        .build(&[sdist.to_str().unwrap(), "-o", "../from-sdist"])
        .expect_code(0);
    assert!(
        outcome.stderr.contains("`setup.py bdist_wheel`"),
        "{}",
        outcome.stderr
    );
    assert_eq!(names_in(&direct.bench.testbed.path("from-sdist")), [WHEEL]);
    direct.bench.expect_no_scratch();
}

#[test]
fn what_the_interpreter_lacks_is_named_with_the_interpreter() {
    let Some(direct) = Direct::new(SETUP, &[]) else {
        return;
    };
    let python = direct.python.display().to_string();
    let outcome = direct
        .build(&[])
        .expect_failure(1, "has no setuptools, which `setup.py` needs");
    let headline = format!("error: `{python}` (Python 3.");
    assert!(outcome.stderr.contains(&headline), "{}", outcome.stderr);
    assert!(
        outcome
            .stderr
            .contains(&format!("hint: `{python} -m pip install setuptools wheel`")),
        "{}",
        outcome.stderr
    );
    assert_eq!(direct.bench.made("dist"), [""; 0]);
    // setuptools from before it had the wheel command of its own, as a stand-in that knows no such command.
    let site = Direct::site_packages(&direct.python);
    fs::create_dir_all(site.join("setuptools")).unwrap();
    fs::write(
        site.join("setuptools/__init__.py"),
        "import sys\ndef setup(**_):\n    sys.exit(\"error: invalid command 'bdist_wheel'\")\n",
    )
    .unwrap();
    let outcome = direct
        .build(&[])
        .expect_failure(1, "has no wheel, which `setup.py` needs");
    assert!(
        outcome.stderr.contains("pip install setuptools wheel"),
        "{}",
        outcome.stderr
    );
    direct.bench.expect_no_scratch();
}

impl Direct {
    fn site_packages(python: &Path) -> PathBuf {
        let lib = python.parent().unwrap().with_file_name("lib");
        lib.join(&names_in(&lib)[0]).join("site-packages")
    }
}

#[test]
fn a_script_that_fails_or_makes_something_else_leaves_nothing() {
    let Some(direct) = Direct::new(SETUP, &["setuptools"]) else {
        return;
    };
    let cases = [
        (
            "raise ValueError('no luck')\n",
            "`setup.py sdist bdist_wheel` failed",
            "caused by: ValueError: no luck\n",
        ),
        (
            "import nowhere_to_be_found\n",
            "`setup.py sdist bdist_wheel` failed",
            "provides `nowhere_to_be_found`",
        ),
        ("", "`setup.py` made nothing, and an sdist was expected", "hint: "),
        (
            "import sys\nopen(sys.argv[-1] + '/old_lib-3.1.tar.gz', 'w').write('junk')\n\
             open(sys.argv[-1] + '/old_lib-3.1-py3-none-any.whl', 'w').write('junk')\n",
            "is not a sound distribution",
            "hint: ",
        ),
        (
            "import os\nos.abort()\n",
            "`setup.py sdist bdist_wheel` failed",
            "signal: 6",
        ),
    ];
    direct.bench.testbed.write("project/dist/notes.txt", "old");
    for (script, headline, also) in cases {
        direct.bench.testbed.write("project/setup.py", script);
        // With the script's own traceback.
        let outcome = direct.build(&[]);
        assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(headline), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(also), "{}", outcome.stderr);
        assert_eq!(direct.bench.made("dist"), ["notes.txt"]);
    }
    fs::remove_file(direct.bench.project().join("setup.py")).unwrap();
    direct
        .build(&[])
        .expect_failure(1, "there is no Python project in `");
    direct
        .bench
        .testbed
        .write("project/pyproject.toml", "[project]\nname = 'old-lib'\n");
    let outcome = direct.build(&[]).expect_failure(1, "there is no `setup.py` in `");
    assert!(
        outcome.stderr.contains("hint: leave out `--setup-py`"),
        "{}",
        outcome.stderr
    );
    direct.bench.expect_no_scratch();
}

#[test]
fn flags_that_contradict_the_direct_call_are_refused() {
    let Some(bench) = Bench::new(&[("setup.py", SETUP)]) else {
        return;
    };
    for flags in [
        &["-C", "a=b"][..],
        &["--no-isolation"],
        &["--skip-dependency-check"],
        &["--no-cache"],
    ] {
        let outcome = bench.build(&[&["--setup-py"], flags].concat());
        let outcome = outcome.expect_failure(2, "means nothing with `--setup-py`");
        assert!(
            outcome.stderr.contains("hint: leave out one of the two"),
            "{}",
            outcome.stderr
        );
    }
    let mut command = bench.command(&["--setup-py", "--installer", "uv"]);
    command.env_remove("PKGCTL_INSTALLER");
    Outcome::of(&mut command).expect_failure(2, "`--installer` means nothing with `--setup-py`");
    assert_eq!(bench.made("dist"), [""; 0]);
}
