//! The sole reader of environment variables, the home folder and the working directory.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// The process's surroundings, read once at the start and passed down.
#[derive(Debug, Clone)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    home: Option<PathBuf>,
    config_dir: Option<PathBuf>,
    cache: Option<PathBuf>,
    working_dir: PathBuf,
}

impl Environment {
    /// Reads the surroundings of this process.
    ///
    /// # Errors
    /// The working directory was removed or can't be read.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads them")]
    pub fn from_process() -> io::Result<Self> {
        Ok(Self {
            variables: std::env::vars_os().collect(),
            home: dirs::home_dir(),
            config_dir: dirs::config_dir(),
            cache: dirs::cache_dir(),
            working_dir: std::env::current_dir()?,
        })
    }

    /// Surroundings made up for a test.
    #[must_use]
    pub fn for_testing(home: &Path, variables: &[(&str, &str)]) -> Self {
        let variables = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self {
            variables,
            home: Some(home.to_owned()),
            config_dir: Some(home.join(".config")),
            cache: Some(home.join(".cache")),
            working_dir: home.to_owned(),
        }
    }

    /// A variable's value; `None` when it is absent, empty or not Unicode. An empty variable counts as absent
    /// because CI systems set undefined secrets to the empty text.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&str> {
        self.var_os(name).and_then(OsStr::to_str)
    }

    /// A variable's value as the system gave it; `None` when it is absent or empty.
    #[must_use]
    pub fn var_os(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
            .filter(|value| !value.is_empty())
    }

    /// Whether the variable is there at all, be it empty.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.variables.contains_key(OsStr::new(name))
    }

    /// All variables, for the environment of a child process.
    pub fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// The user's home folder; `None` when the system knows none.
    #[must_use]
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// The user's folder for what can be made again; `None` when the system knows none.
    #[must_use]
    pub fn cache_folder(&self) -> Option<&Path> {
        self.cache.as_deref()
    }

    /// A program on the `PATH`, by its plain name.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        let file_name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        let folders = std::env::split_paths(self.var_os("PATH")?);
        folders
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(&file_name))
            .find(|path| path.is_file())
    }

    /// The folder of the user's configuration files (`~/.config` on Linux); `None` when the system knows none.
    #[must_use]
    pub fn config_dir(&self) -> Option<&Path> {
        self.config_dir.as_deref()
    }

    /// The folder that relative paths start from.
    #[must_use]
    pub fn working_dir(&self) -> &Path {
        &self.working_dir
    }

    /// Replaces a leading `~` by the home folder, and makes the path absolute.
    #[must_use]
    pub fn expand(&self, path: &Path) -> PathBuf {
        let expanded = match (path.strip_prefix("~"), &self.home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path.to_owned(),
        };
        self.working_dir.join(expanded)
    }
}

/// Whether this process has the variable, with a value; for what must be known before there is an [`Environment`].
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads them")]
pub fn is_given(name: &OsStr) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_tilde_is_the_home_folder() {
        let environment = Environment::for_testing(Path::new("/home/alice"), &[("EMPTY", ""), ("SET", "x")]);
        assert_eq!(
            environment.expand(Path::new("~/packages")),
            Path::new("/home/alice/packages")
        );
        assert_eq!(
            environment.expand(Path::new("dist")),
            Path::new("/home/alice/dist")
        );
        assert_eq!(environment.expand(Path::new("/srv")), Path::new("/srv"));
        assert_eq!(
            (environment.var("EMPTY"), environment.var("SET")),
            (None, Some("x"))
        );
        assert!(environment.is_set("EMPTY"));
    }
}
