//! What an environment is asked for by.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::str::FromStr as _;

use pep508_rs::{Requirement, VersionOrUrl};
use serde_json::json;

use crate::packaging::Sha256;
use crate::packaging::pyproject::BuildRequirement;
use crate::pep517::index_settings::IndexSettings;
use crate::pep517::installer::InstallerChoice;
use crate::pep517::interpreter::Interpreter;
use crate::pep517::variables::Variables;

/// Raised when environments are made in another way, so that older ones are not taken for those.
const GENERATION: u32 = 1;

/// Files named by these variables narrow down what is installed.
const CONSTRAINTS: [&str; 5] = [
    "PIP_CONSTRAINT",
    "PIP_BUILD_CONSTRAINT",
    "UV_CONSTRAINT",
    "UV_BUILD_CONSTRAINT",
    "UV_OVERRIDE",
];

/// The name of an environment: equal for all builds that may share one, and fit for a file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key(String);

impl Key {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// All that makes a difference to what is in an environment.
pub(crate) struct KeyParts<'a> {
    pub(crate) interpreter: &'a Interpreter,
    pub(crate) installer: InstallerChoice,
    pub(crate) indexes: &'a IndexSettings,
    pub(crate) variables: &'a Variables,
    pub(crate) requirements: &'a [BuildRequirement],
}

impl KeyParts<'_> {
    /// `None` when what the requirements bring is not told by their text, so that nothing may be kept.
    pub(crate) fn key(&self) -> Option<Key> {
        let mut requirements = BTreeSet::new();
        for requirement in self.requirements {
            let parsed = Requirement::<pep508_rs::VerbatimUrl>::from_str(requirement.as_str()).ok()?;
            if matches!(parsed.version_or_url, Some(VersionOrUrl::Url(_))) {
                // What is at an address may change at any time.
                return None;
            }
            requirements.insert(parsed.to_string());
        }
        let installer_variables: Vec<String> = self
            .variables
            .starting_with(&["PIP_", "UV_"])
            .filter(|(name, _)| !is_without_effect(name))
            .map(|(name, value)| format!("{}={}", name.display(), value.display()))
            .collect();
        let constraints: Vec<String> = CONSTRAINTS
            .into_iter()
            .filter_map(|name| self.variables.get(name)?.to_str())
            .flat_map(str::split_whitespace)
            .map(|path| fs::read(path).map_or_else(|_| path.to_owned(), |text| Sha256::of(text).to_string()))
            .collect();
        let text = json!([
            GENERATION,
            self.interpreter.identity(),
            format!("{:?}", self.installer),
            format!("{:?}", self.indexes),
            installer_variables,
            constraints,
            requirements,
        ])
        .to_string();
        let mut name = Sha256::of(text).to_string();
        name.truncate(32);
        Some(Key(name))
    }

    /// Whether each requirement names one version.
    pub(crate) fn are_pinned(&self) -> bool {
        self.requirements.iter().all(|requirement| {
            let text = requirement.as_str();
            let text = text.split(';').next().unwrap_or(text);
            text.contains("==") && !text.contains(['*', ','])
        })
    }
}

/// Settings that change how something is installed, or what is said about it, but not what.
fn is_without_effect(name: &OsStr) -> bool {
    const WITHOUT_EFFECT: [&str; 9] = [
        "PIP_CACHE_DIR",
        "PIP_NO_CACHE_DIR",
        "PIP_DISABLE_PIP_VERSION_CHECK",
        "PIP_DEFAULT_TIMEOUT",
        "PIP_TIMEOUT",
        "PIP_RETRIES",
        "PIP_PROGRESS_BAR",
        "UV_CACHE_DIR",
        "UV_NO_PROGRESS",
    ];
    WITHOUT_EFFECT.iter().any(|known| name == *known)
}
