//! Without isolation: whether the interpreter's environment meets the build requirements, and theirs in turn.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;

use pep508_rs::{ExtraName, MarkerEnvironment, PackageName, Requirement, VerbatimUrl, VersionOrUrl};
use serde::Deserialize;

use super::environment::BuildEnvironment;
use super::error::Error;
use super::process::{RunError, Supervisor};
use crate::packaging::pyproject::BuildRequirement;

const QUERY: &str = include_str!("installed.py");

/// What an environment holds, and the values of its markers.
#[derive(Debug)]
pub(crate) struct Installed {
    markers: MarkerEnvironment,
    distributions: BTreeMap<PackageName, Distribution>,
}

#[derive(Debug)]
struct Distribution {
    version: String,
    requires: Vec<String>,
}

/// What the query prints.
#[derive(Deserialize)]
struct Answer {
    markers: MarkerEnvironment,
    distributions: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    version: String,
    requires: Vec<String>,
}

impl Installed {
    /// Asks the environment's interpreter.
    pub(crate) fn query(environment: &BuildEnvironment, supervisor: &Supervisor<'_>) -> Result<Self, Error> {
        let mut command = environment.command();
        command.args(["-c", QUERY]);
        let failed = |source| Error::System {
            doing: format!("list what is installed for `{}`", environment.python.display()),
            source,
        };
        let finished = supervisor.run_silently(command).map_err(|error| match error {
            RunError::Interrupted => Error::Interrupted,
            RunError::Io(source) => failed(source),
        })?;
        let line = finished.transcript.last_lines(1).pop().unwrap_or_default();
        let answer: Answer = serde_json::from_str(&line).map_err(|error| failed(error.into()))?;
        Ok(answer.into())
    }

    /// Whether the requirement's marker holds here.
    pub(crate) fn applies(&self, requirement: &Requirement<VerbatimUrl>) -> bool {
        requirement.evaluate_markers(&self.markers, &[])
    }

    /// One line for each of `requirements`, and of what they require in turn, that is not met.
    pub(crate) fn unmet(&self, requirements: &[BuildRequirement]) -> Vec<String> {
        let mut unmet = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for requirement in requirements {
            match Requirement::from_str(requirement.as_str()) {
                Ok(parsed) => self.check(&parsed, &[], &mut seen, &mut unmet),
                Err(_) => {
                    unmet.insert(format!("`{requirement}` is not a requirement by the standard"));
                }
            }
        }
        unmet.into_iter().collect()
    }

    fn check(
        &self,
        requirement: &Requirement,
        extras: &[ExtraName],
        seen: &mut BTreeSet<String>,
        unmet: &mut BTreeSet<String>,
    ) {
        if !requirement.evaluate_markers(&self.markers, extras) || !seen.insert(requirement.to_string()) {
            return;
        }
        let Some(distribution) = self.distributions.get(&requirement.name) else {
            unmet.insert(format!("`{requirement}` is not installed"));
            return;
        };
        if !is_met(requirement, &distribution.version) {
            let version = &distribution.version;
            unmet.insert(format!("`{requirement}` is not met by the installed {version}"));
            return;
        }
        // What an installed distribution says about itself in another spelling is not this build's concern.
        for text in &distribution.requires {
            if let Ok(next) = Requirement::from_str(text) {
                self.check(&next, &requirement.extras, seen, unmet);
            }
        }
    }
}

impl From<Answer> for Installed {
    fn from(answer: Answer) -> Self {
        let mut distributions = BTreeMap::new();
        for listed in answer.distributions {
            if let Ok(name) = PackageName::new(listed.name) {
                // The first on the import path is the one that is imported.
                distributions.entry(name).or_insert(Distribution {
                    version: listed.version,
                    requires: listed.requires,
                });
            }
        }
        Self {
            markers: answer.markers,
            distributions,
        }
    }
}

/// Whether the version is in the range. One that can't be read meets only what asks for no version.
fn is_met(requirement: &Requirement, version: &str) -> bool {
    match &requirement.version_or_url {
        // Where it once came from is not known.
        None | Some(VersionOrUrl::Url(_)) => true,
        Some(VersionOrUrl::VersionSpecifier(range)) => version
            .parse::<pep440_rs::Version>()
            .is_ok_and(|version| range.contains(&version)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed() -> Installed {
        let answer: Answer = serde_json::from_value(serde_json::json!({
            "markers": {
                "implementation_name": "cpython", "implementation_version": "3.11.7", "os_name": "posix",
                "platform_machine": "x86_64", "platform_python_implementation": "CPython",
                "platform_release": "6", "platform_system": "Linux", "platform_version": "#1",
                "python_full_version": "3.11.7", "python_version": "3.11", "sys_platform": "linux"
            },
            "distributions": [
                {"name": "Setup.Tools", "version": "70.1", "requires": []},
                {"name": "setup-tools", "version": "1.0", "requires": []},
                {"name": "a", "version": "1.0rc1", "requires": ["b>=2", "missing; python_version<'3'", "c; extra=='x'"]},
                {"name": "b", "version": "1.5", "requires": ["a"]},
                {"name": "odd", "version": "not-a-version", "requires": ["!!!"]}
            ]
        }))
        .unwrap();
        answer.into()
    }

    fn unmet(texts: &[&str]) -> Vec<String> {
        let requirements: Vec<BuildRequirement> = texts
            .iter()
            .map(|text| BuildRequirement::parse(text).unwrap())
            .collect();
        installed().unmet(&requirements)
    }

    #[test]
    fn what_is_there_in_the_right_version_is_met() {
        assert!(unmet(&["setup_tools>=61,<80", "odd", "nothing; sys_platform=='win32'"]).is_empty());
    }

    #[test]
    fn what_is_missing_or_of_another_version_is_named() {
        assert_eq!(unmet(&["nothing>1"]), ["`nothing>1` is not installed"]);
        assert_eq!(
            unmet(&["setup-tools>=80"]),
            ["`setup-tools>=80` is not met by the installed 70.1"]
        );
        assert_eq!(unmet(&["odd>=1"]).len(), 1);
        assert_eq!(
            unmet(&["a @@ b"]),
            ["`a @@ b` is not a requirement by the standard"]
        );
    }

    #[test]
    fn requirements_of_requirements_count_and_circles_end() {
        assert_eq!(
            unmet(&["a[x]>=1.0rc1"]),
            [
                "`b>=2` is not met by the installed 1.5",
                "`c ; extra == 'x'` is not installed"
            ]
        );
    }
}
