//! Where a build gets its environments: a kept one where there is one that fits, else a new one.

use std::cell::OnceCell;
use std::io;
use std::path::Path;

use super::cache::{Checkout, EnvironmentCache, KeyParts};
use super::environment::BuildEnvironment;
use super::error::Error;
use super::index_settings::IndexSettings;
use super::installer::{Installer, InstallerChoice};
use super::interpreter::{Interpreter, OwnPip};
use super::process::Supervisor;
use super::progress::Step;
use super::variables::Variables;
use crate::packaging::pyproject::BuildRequirement;

/// Where environments come from: one interpreter, one installer, one folder that vanishes with the build.
pub(crate) struct Workshop<'a> {
    pub(crate) interpreter: &'a Interpreter,
    pub(crate) choice: InstallerChoice,
    /// Looked for when the first environment is made: a build that finds a kept one needs none.
    pub(crate) tools: OnceCell<Tools>,
    pub(crate) indexes: &'a IndexSettings,
    pub(crate) cache: Option<&'a EnvironmentCache>,
    /// The user's variables without the credentials for publishing.
    pub(crate) variables: &'a Variables,
    pub(crate) supervisor: &'a Supervisor<'a>,
    /// Environments that are not kept are made below this folder.
    pub(crate) folder: &'a Path,
}

/// What environments are made with.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(super) installer: Installer,
    pub(super) own_pip: OwnPip,
}

impl Workshop<'_> {
    /// An environment that holds `requirements` and what they need: a kept one where there is one and it may be used,
    /// else a new one, which is kept for the next build if it may. `name` is that of the folder of one that is not.
    pub(crate) fn environment(
        &self,
        requirements: &[BuildRequirement],
        name: &str,
    ) -> Result<BuildEnvironment, Error> {
        if let Some(cache) = self.cache
            && let Some(environment) = self.kept_environment(cache, requirements)?
        {
            return Ok(environment);
        }
        self.new_environment(&self.folder.join(name), requirements)
    }

    /// `None` when none can be kept for these requirements, or not now.
    fn kept_environment(
        &self,
        cache: &EnvironmentCache,
        requirements: &[BuildRequirement],
    ) -> Result<Option<BuildEnvironment>, Error> {
        let parts = KeyParts {
            interpreter: self.interpreter,
            installer: self.choice,
            indexes: self.indexes,
            variables: self.variables,
            requirements,
        };
        let Some(key) = parts.key() else { return Ok(None) };
        let unusable = |error: io::Error| {
            let (folder, reason) = (cache.folder(), &error.to_string());
            self.supervisor.begin(&Step::CacheUnusable { folder, reason });
        };
        let mut is_new = false;
        // Twice, since another build may remove what this one has made, before it is checked out.
        for _ in 0..2 {
            match cache.check_out(&key, self.supervisor.interrupt) {
                Ok(Checkout::Ready(lease)) => {
                    if !is_new {
                        self.supervisor.begin(&Step::ReuseEnvironment {
                            interpreter: self.interpreter,
                            requirements,
                        });
                    }
                    return Ok(Some(BuildEnvironment::kept(lease, self, requirements)));
                }
                Ok(Checkout::Missing(making)) => {
                    self.new_environment(&making.folder, requirements)?;
                    is_new = true;
                    if let Err(error) = making.finish(&parts) {
                        unusable(error);
                        return Ok(None);
                    }
                    // What is too much goes while time was spent anyway; it is no failure of this build if it stays.
                    let _ = cache.prune_beside(&key);
                }
                Ok(Checkout::Busy) => return Ok(None),
                Err(_) if self.supervisor.interrupt.is_set() => return Err(Error::Interrupted),
                Err(error) => {
                    unusable(error);
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    fn new_environment(
        &self,
        folder: &Path,
        requirements: &[BuildRequirement],
    ) -> Result<BuildEnvironment, Error> {
        self.supervisor.begin(&Step::CreateEnvironment {
            interpreter: self.interpreter,
            installer: &self.tools()?.installer,
        });
        self.create(folder)?;
        let mut environment = BuildEnvironment::in_folder(folder, self);
        environment.add(self, requirements)?;
        Ok(environment)
    }

    pub(super) fn tools(&self) -> Result<&Tools, Error> {
        if let Some(tools) = self.tools.get() {
            return Ok(tools);
        }
        let installer = Installer::choose(self.choice, self.variables, self.supervisor)?;
        let own_pip = match installer {
            Installer::Uv(_) => OwnPip::default(),
            Installer::Pip => self.interpreter.own_pip(self.variables, self.supervisor)?,
        };
        Ok(self.tools.get_or_init(|| Tools { installer, own_pip }))
    }
}
