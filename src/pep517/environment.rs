//! The environment that a backend runs in: an isolated one that holds what the build asked for and nothing else,
//! or, without isolation, the interpreter's own.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::cache::Lease;
use super::error::Error;
use super::interpreter::Interpreter;
use super::progress::Step;
use super::runner::Runner;
use super::variables::Variables;
use super::workshop::Workshop;
use crate::packaging::pyproject::BuildRequirement;

/// An environment that a backend can run in.
#[derive(Debug)]
pub(crate) struct BuildEnvironment {
    /// The interpreter inside.
    pub(crate) python: PathBuf,
    /// The variables of what runs inside.
    pub(crate) variables: Variables,
    holds: BTreeSet<BuildRequirement>,
    /// Has the backend of the last hook imported. It goes before the lease does.
    pub(crate) runner: RefCell<Option<Runner>>,
    /// Kept for other builds too, so that nothing may be added to it.
    lease: Option<Lease>,
}

impl BuildEnvironment {
    /// The interpreter's own environment, as it is.
    pub(crate) fn unisolated(interpreter: &Interpreter, variables: &Variables) -> Self {
        Self {
            python: interpreter.executable.clone(),
            variables: variables.clone(),
            holds: BTreeSet::new(),
            runner: RefCell::default(),
            lease: None,
        }
    }

    /// One in a folder of its own.
    pub(super) fn in_folder(folder: &Path, workshop: &Workshop<'_>) -> Self {
        Self {
            python: folder.join("bin/python"),
            variables: workshop.variables.inside(folder),
            holds: BTreeSet::new(),
            runner: RefCell::default(),
            lease: None,
        }
    }

    /// One of the cache, which `requirements` were installed into.
    pub(super) fn kept(lease: Lease, workshop: &Workshop<'_>, requirements: &[BuildRequirement]) -> Self {
        let mut environment = Self::in_folder(&lease.folder, workshop);
        environment.holds.extend(requirements.iter().cloned());
        environment.lease = Some(lease);
        environment
    }

    /// Whether it is as it was made. One that is not kept is the build's own business.
    pub(crate) fn is_untouched(&self) -> bool {
        self.lease.as_ref().is_none_or(Lease::is_untouched)
    }

    /// Whether the next build starts with it.
    pub(crate) fn is_kept(&self) -> bool {
        self.lease.is_some()
    }

    /// Installs what is not there yet of `requirements`.
    pub(crate) fn add(
        &mut self,
        workshop: &Workshop<'_>,
        requirements: &[BuildRequirement],
    ) -> Result<(), Error> {
        let missing: Vec<BuildRequirement> = requirements
            .iter()
            .filter(|requirement| !self.holds.contains(requirement))
            .cloned()
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        workshop.supervisor.begin(&Step::Install {
            requirements: &missing,
        });
        // It may have imported what is replaced now.
        self.runner.take();
        workshop.install(self, &missing)?;
        self.holds.extend(missing);
        Ok(())
    }

    /// Whether all of `requirements` were installed here.
    pub(crate) fn holds_all(&self, requirements: &[BuildRequirement]) -> bool {
        requirements
            .iter()
            .all(|requirement| self.holds.contains(requirement))
    }

    /// Whether adding to this environment can make it hold exactly `requirements`.
    pub(crate) fn can_become(&self, requirements: &[BuildRequirement]) -> bool {
        let wanted: BTreeSet<&BuildRequirement> = requirements.iter().collect();
        self.holds.iter().all(|held| wanted.contains(held))
            && (self.lease.is_none() || self.holds_all(requirements))
    }

    /// Its Python, with the right variables for a backend.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.python);
        self.variables.without_logins_to_indexes().apply_to(&mut command);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_may_grow_but_not_shrink() {
        let requirement = |text: &str| BuildRequirement::parse(text).unwrap();
        let environment = BuildEnvironment {
            python: PathBuf::new(),
            variables: Variables::without_credentials(std::iter::empty()),
            holds: BTreeSet::from([requirement("a"), requirement("b")]),
            runner: RefCell::default(),
            lease: None,
        };
        assert!(environment.can_become(&[requirement("b"), requirement("a")]));
        assert!(environment.can_become(&[requirement("b"), requirement("a"), requirement("c")]));
        assert!(!environment.can_become(&[requirement("a")]));
    }
}
