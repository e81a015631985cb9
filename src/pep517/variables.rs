//! The environment variables of what a build runs: the user's, less what is none of a backend's business and what
//! would lead an installer astray.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

/// Variables that hold what publishing needs: no business of a build backend, which runs whatever code its author
/// wrote, and prints it when something fails.
const PUBLISH_CREDENTIALS: [&str; 14] = [
    "PKGCTL_",
    "TWINE_",
    "UV_PUBLISH_",
    "FLIT_USERNAME",
    "FLIT_PASSWORD",
    "HATCH_INDEX_",
    "PDM_PUBLISH_",
    "MATURIN_USERNAME",
    "MATURIN_PASSWORD",
    "MATURIN_PYPI_TOKEN",
    "POETRY_PYPI_TOKEN_",
    "ACTIONS_ID_TOKEN_REQUEST_",
    "CIRCLE_OIDC_TOKEN",
    "BUILDKITE_AGENT_ACCESS_TOKEN",
];

/// How the names of a GitLab job's identities end: `PYPI_ID_TOKEN`, with the audience before it.
const IDENTITY: &str = "_ID_TOKEN";

/// How the variables of installers begin; some of them hold addresses of indexes.
const INSTALLERS: [&str; 4] = ["PIP_", "UV_", "PDM_", "POETRY_"];

/// Variables that would send the installers, or Python itself, elsewhere than into the new environment.
const MISLEADING: [&str; 13] = [
    "PYTHONPATH",
    "PYTHONHOME",
    "__PYVENV_LAUNCHER__",
    "PIP_PYTHON",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_USER",
    "PIP_DRY_RUN",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_TARGET",
    "UV_PREFIX",
];

/// The environment variables of the build's children.
#[derive(Clone, Debug)]
pub struct Variables(BTreeMap<OsString, OsString>);

impl Variables {
    /// The user's variables without the credentials for publishing.
    pub fn without_credentials<'a>(variables: impl Iterator<Item = (&'a OsStr, &'a OsStr)>) -> Self {
        let is_credential = |name: &OsStr| {
            let name = name.to_string_lossy();
            name.ends_with(IDENTITY) || PUBLISH_CREDENTIALS.iter().any(|prefix| name.starts_with(prefix))
        };
        Self(
            variables
                .filter(|(name, _)| !is_credential(name))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    /// A variable's value; `None` when it is absent or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&OsStr> {
        self.0
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
            .filter(|value| !value.is_empty())
    }

    /// Those whose names begin with one of `prefixes`, in the order of their names.
    pub(crate) fn starting_with<'a>(
        &'a self,
        prefixes: &'a [&str],
    ) -> impl Iterator<Item = (&'a OsStr, &'a OsStr)> {
        let fits = |name: &OsStr| {
            let name = name.to_string_lossy();
            prefixes.iter().any(|prefix| name.starts_with(prefix))
        };
        self.0
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
            .filter(move |(name, _)| fits(name))
    }

    /// Makes these the only variables of `command`.
    pub(crate) fn apply_to(&self, command: &mut Command) {
        command.env_clear().envs(&self.0);
    }

    /// The same for programs that put their temporary files into `folder`.
    pub(crate) fn with_temporary_folder(&self, folder: &Path) -> Self {
        let mut variables = self.0.clone();
        variables.insert("TMPDIR".into(), folder.into());
        Self(variables)
    }

    /// The same for a backend: it runs whatever its author wrote and has no business with an index, so the addresses of
    /// indexes lose the logins in them.
    pub(crate) fn without_logins_to_indexes(&self) -> Self {
        let is_login = |name: &str| name.ends_with("_PASSWORD") || name.ends_with("_TOKEN");
        let of_installer = |name: &str| INSTALLERS.iter().any(|prefix| name.starts_with(prefix));
        let keep = |(name, value): (&OsString, &OsString)| {
            let text = name.to_string_lossy();
            if !of_installer(&text) {
                return Some((name.clone(), value.clone()));
            }
            let value = value
                .to_str()
                .map_or_else(|| value.clone(), |value| without_logins(value).into());
            (!is_login(&text)).then(|| (name.clone(), value))
        };
        Self(self.0.iter().filter_map(keep).collect())
    }

    /// The variables of what runs inside the environment in `folder`.
    pub(crate) fn inside(&self, folder: &Path) -> Self {
        let mut variables = self.0.clone();
        for name in MISLEADING {
            variables.remove(OsStr::new(name));
        }
        let mut path = folder.join("bin").into_os_string();
        if let Some(rest) = self.get("PATH") {
            path.push(":");
            path.push(rest);
        }
        variables.insert("PATH".into(), path);
        variables.insert("VIRTUAL_ENV".into(), folder.into());
        // One question less to the index; and nobody upgrades pip in an environment that vanishes.
        variables.insert("PIP_DISABLE_PIP_VERSION_CHECK".into(), "1".into());
        variables.insert("PIP_USER".into(), "0".into());
        Self(variables)
    }
}

/// `https://user:password@host` without user and password.
fn without_logins(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        kept.push_str(before);
        let end = after
            .find(|c: char| c == '/' || c.is_whitespace())
            .unwrap_or(after.len());
        let login_end = after[..end].rfind('@').map_or(0, |at| at + 1);
        rest = &after[login_end..];
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        Variables::without_credentials(
            pairs
                .iter()
                .map(|(name, value)| (OsStr::new(*name), OsStr::new(*value))),
        )
    }

    #[test]
    fn credentials_for_publishing_stay_here() {
        let given = [
            ("TWINE_PASSWORD", "secret"),
            ("TWINE_USERNAME", "alice"),
            ("PKGCTL_PASSWORD", "secret"),
            ("UV_PUBLISH_TOKEN", "secret"),
            ("HATCH_INDEX_AUTH", "secret"),
            ("POETRY_PYPI_TOKEN_INTERNAL", "secret"),
            ("PIP_INDEX_URL", "https://example.org/simple/"),
            ("SOURCE_DATE_EPOCH", "0"),
        ];
        let kept: Vec<OsString> = variables(&given).0.into_keys().collect();
        assert_eq!(kept, ["PIP_INDEX_URL", "SOURCE_DATE_EPOCH"]);
    }

    #[test]
    fn a_backend_gets_no_login_to_an_index() {
        let given = [
            ("PIP_INDEX_URL", "https://alice:s3c@ret@example.org/simple/"),
            (
                "PIP_EXTRA_INDEX_URL",
                "https://a:b@one/x@y\nhttps://two/ https://t0ken@three",
            ),
            ("UV_INDEX_INTERNAL_PASSWORD", "secret"),
            ("DATABASE_URL", "db://alice:secret@host"),
        ];
        let kept = variables(&given).without_logins_to_indexes();
        let expected = [
            ("DATABASE_URL", "db://alice:secret@host"),
            (
                "PIP_EXTRA_INDEX_URL",
                "https://one/x@y\nhttps://two/ https://three",
            ),
            ("PIP_INDEX_URL", "https://example.org/simple/"),
        ];
        assert_eq!(kept.0, variables(&expected).0);
    }

    #[test]
    fn inside_an_environment_its_scripts_come_first_and_python_path_is_gone() {
        let outer = variables(&[
            ("PATH", "/usr/bin"),
            ("PYTHONPATH", "/x"),
            ("VIRTUAL_ENV", "/old"),
            ("PIP_TARGET", "/y"),
        ]);
        let inside = outer.inside(Path::new("/tmp/env"));
        assert_eq!(inside.get("PATH"), Some(OsStr::new("/tmp/env/bin:/usr/bin")));
        assert_eq!(inside.get("VIRTUAL_ENV"), Some(OsStr::new("/tmp/env")));
        assert_eq!((inside.get("PYTHONPATH"), inside.get("PIP_TARGET")), (None, None));
    }
}
