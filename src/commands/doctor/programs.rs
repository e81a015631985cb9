//! Python, and the programs around it.

use std::ffi::OsStr;
use std::path::PathBuf;

use super::report::Section;
use crate::config::Environment;
use crate::failure::Failure;
use crate::pep517::{self, Interrupt, OLDEST_PYTHON, Variables};

/// Programs that work with an index but that nothing of ours needs.
const OTHERS: [(&str, &str); 4] = [
    ("uv", "`pkgctl build` installs build requirements faster with it"),
    ("twine", "`pkgctl publish` does its work"),
    ("poetry", "only projects that use it need it"),
    (
        "keyring",
        "only passwords that are kept in the system's keyring need it",
    ),
];

/// Which of the programs are here.
pub(super) fn look(environment: &Environment) -> Section {
    let mut section = Section::new("Programs");
    let variables = Variables::without_credentials(environment.variables());
    match pep517::find_interpreter(&variables, &Interrupt::default()) {
        Ok((python, own)) => {
            section.good(format!("{python} at {}", python.executable.display()));
            match &own.pip {
                Some(version) => section.good(format!("pip {version}, which goes with it")),
                None => section.problem(
                    "this Python has no pip, so nothing can be installed with it",
                    format!("install it: {} -m ensurepip --user", python.executable.display()),
                ),
            }
        }
        Err(error) => {
            let [major, minor] = OLDEST_PYTHON;
            let failure = Failure::from(error);
            let hint = format!(
                "install Python {major}.{minor} or newer; only building and installing packages need it"
            );
            section.failure(&failure.hint(hint));
        }
    }
    for (name, why) in OTHERS {
        match first_on_path(name, &variables) {
            Some(path) => section.good(format!("{name} at {}", path.display())),
            None => section.note(format!("{name} is not installed: {why}")),
        }
    }
    section
}

fn first_on_path(name: &str, variables: &Variables) -> Option<PathBuf> {
    pep517::programs_on_path(OsStr::new(name), variables)
        .into_iter()
        .next()
}
