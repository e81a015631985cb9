//! Build requirements that lead back to the project itself, found before an installer runs into them.
//!
//! Standard: PEP 517, "Build requirements": the graph of requirements must have no cycle, and a frontend should look
//! for one. What is looked at is what can be seen without building: the names that a project asks for, and, where it
//! asks for a folder by a `file:` address, what the project in that folder asks for in turn.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use pep508_rs::{Requirement, VerbatimUrl, VersionOrUrl};
use percent_encoding::percent_decode_str;
use url::Url;

use super::error::{Error, Reason};
use super::identity::Identity;
use super::source::Project;
use crate::packaging::pyproject::BuildRequirement;

/// Tells whether a requirement's marker holds; asked only where it matters, since it takes an interpreter's start.
pub(crate) type Applies<'a> = dyn Fn(&Requirement<VerbatimUrl>) -> Result<bool, Error> + 'a;

/// Refuses `requirements` of the project in `folder` when one of them leads back to it. `hook` names the hook that has
/// asked for them; `None` for those of pyproject.toml.
pub(crate) fn refuse(
    folder: &Path,
    requirements: &[BuildRequirement],
    hook: Option<&'static str>,
    applies: &Applies<'_>,
) -> Result<(), Error> {
    let mut search = Search {
        chain: vec![Station::at(folder)],
        finished: Vec::new(),
        applies,
    };
    if !search.leads_back(requirements)? {
        return Ok(());
    }
    let names: Vec<&str> = search
        .chain
        .iter()
        .map(|station| station.label.as_str())
        .collect();
    let steps = search.chain.iter().enumerate().filter_map(|(at, station)| {
        let requirement = station.follows.as_ref()?;
        let label = &station.label;
        Some(match hook.filter(|_| at == 0) {
            Some(hook) => format!("`{label}` asks for `{requirement}` in `{hook}`"),
            None => format!("`{label}` requires `{requirement}`"),
        })
    });
    Err(Error::RequirementCycle {
        project: names.first().copied().unwrap_or_default().to_owned(),
        steps: Reason(steps.collect::<Vec<_>>().join("\n")),
        chain: names.join(" -> "),
    })
}

struct Search<'a> {
    /// From the project that is built to the one that is looked at.
    chain: Vec<Station>,
    /// The folders from which no way leads back.
    finished: Vec<PathBuf>,
    applies: &'a Applies<'a>,
}

/// One project on the way.
struct Station {
    folder: PathBuf,
    identity: Identity,
    /// Its name, or where it lies.
    label: String,
    /// The requirement that leads on from here.
    follows: Option<BuildRequirement>,
}

impl Station {
    fn at(folder: &Path) -> Self {
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let identity = Identity::of_folder(&folder);
        Self {
            label: match &identity.name {
                Some(name) => name.to_string(),
                None => folder.display().to_string(),
            },
            folder,
            identity,
            follows: None,
        }
    }

    /// Whether `requirement`, from whatever index it comes, means this project as it lies here.
    fn is_meant_by(&self, requirement: &Requirement<VerbatimUrl>, name: &BuildRequirement) -> bool {
        if self.identity.name.as_ref() != Some(name.name()) {
            return false;
        }
        match (&requirement.version_or_url, &self.identity.version) {
            (None, _) => true,
            // What is somewhere else is something else.
            (Some(VersionOrUrl::Url(_)), _) => false,
            // An earlier release may be a wheel; one that is pinned down shows that somebody thought of that.
            (Some(VersionOrUrl::VersionSpecifier(range)), Some(version)) => version
                .to_string()
                .parse()
                .is_ok_and(|version: pep440_rs::Version| range.contains(&version)),
            (Some(VersionOrUrl::VersionSpecifier(range)), None) => {
                let range = range.to_string();
                !range.contains("==") && !range.contains('<')
            }
        }
    }
}

impl Search<'_> {
    /// Whether one of these requirements of the last station leads back; the chain then ends where it began.
    fn leads_back(&mut self, requirements: &[BuildRequirement]) -> Result<bool, Error> {
        for requirement in requirements {
            let Ok(parsed) = Requirement::from_str(requirement.as_str()) else {
                continue;
            };
            let folder = local_folder(requirement).and_then(|folder| fs::canonicalize(folder).ok());
            let met = self.chain.iter().find(|station| match &folder {
                Some(folder) => station.folder == *folder,
                None => station.is_meant_by(&parsed, requirement),
            });
            let met = met.map(|station| station.folder.clone());
            let Some(next) = met.clone().or(folder) else {
                continue;
            };
            if self.finished.contains(&next) || !(self.applies)(&parsed)? {
                continue;
            }
            if let Some(last) = self.chain.last_mut() {
                last.follows = Some(requirement.clone());
            }
            self.chain.push(Station::at(&next));
            // What can't be read there is for the installer to say.
            if met.is_some() {
                return Ok(true);
            }
            if let Ok(project) = Project::open(&next)
                && self.leads_back(&project.system.requires)?
            {
                return Ok(true);
            }
            self.chain.pop();
            self.finished.push(next);
        }
        Ok(false)
    }
}

/// The folder that a requirement names by a `file:` address. Archives are no folders.
fn local_folder(requirement: &BuildRequirement) -> Option<PathBuf> {
    let (_, address) = requirement.as_str().split_once('@')?;
    let address = Url::parse(address.split_whitespace().next()?).ok()?;
    let mut folder = address.to_file_path().ok()?;
    for part in address.fragment().unwrap_or_default().split('&') {
        if let Some(below) = part.strip_prefix("subdirectory=") {
            folder.push(&*percent_decode_str(below).decode_utf8().ok()?);
        }
    }
    folder.is_dir().then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Projects by name, version and requirements; `{}` in a requirement is the folder that holds them all.
    struct Projects(tempfile::TempDir);

    impl Projects {
        fn new(projects: &[(&str, &str, &[&str])]) -> Self {
            let root = tempfile::tempdir().unwrap();
            for (name, version, requires) in projects {
                let folder = root.path().join(name);
                fs::create_dir(&folder).unwrap();
                let requires: Vec<String> = requires
                    .iter()
                    .map(|text| text.replace("{}", root.path().to_str().unwrap()))
                    .collect();
                let text = format!(
                    "[build-system]\nrequires = {requires:?}\n[project]\nname = '{name}'\nversion = '{version}'\n"
                );
                fs::write(folder.join("pyproject.toml"), text).unwrap();
            }
            Self(root)
        }

        /// The chain, when there is a cycle.
        fn cycle(&self, name: &str) -> Option<String> {
            let folder = self.0.path().join(name);
            let requires = Project::open(&folder).unwrap().system.requires;
            match refuse(&folder, &requires, None, &|parsed| Ok(parsed.marker.is_true())) {
                Ok(()) => None,
                Err(Error::RequirementCycle { chain, .. }) => Some(chain),
                Err(other) => panic!("{other}"),
            }
        }
    }

    #[test]
    fn a_project_that_requires_itself_is_a_cycle() {
        for requirement in [
            "A.lib",
            "a_lib[extra]",
            "a-lib>=1",
            "a-lib == 2.0",
            "a-lib @ file://{}/a-lib",
        ] {
            let projects = Projects::new(&[("a-lib", "2.0", &["setuptools", requirement])]);
            assert_eq!(
                projects.cycle("a-lib").as_deref(),
                Some("a-lib -> a-lib"),
                "{requirement}"
            );
        }
    }

    #[test]
    fn another_release_or_another_platform_is_none() {
        for requirement in [
            "a-lib<2",
            "a-lib==1.9",
            "a-lib; sys_platform == 'none'",
            "a-lib-x",
            "a-lib @ https://example.org/a_lib-2.0-py3-none-any.whl",
            "a-lib @ file://{}/missing",
            "b @ file://{}/missing",
        ] {
            let projects = Projects::new(&[("a-lib", "2.0", &[requirement])]);
            assert_eq!(projects.cycle("a-lib"), None, "{requirement}");
        }
    }

    #[test]
    fn a_longer_cycle_is_followed_through_folders() {
        let projects = Projects::new(&[
            (
                "a",
                "1",
                &[
                    "setuptools",
                    "d @ file://{}/d",
                    "b @ file://localhost{}/b ; python_version > '0'",
                ],
            ),
            ("b", "1", &["c @ file:{}/c#egg=c"]),
            ("c", "1", &["d @ file://{}/d", "a >= 1"]),
            ("d", "1", &["e"]),
        ]);
        // The marker is not trivially true, so this stand-in takes it for false.
        assert_eq!(projects.cycle("a"), None);
        assert_eq!(projects.cycle("b"), None);
        let projects = Projects::new(&[
            (
                "a",
                "1",
                &["setuptools", "d @ file://{}/d", "b @ file://localhost{}/b"],
            ),
            ("b", "1", &["c @ file:{}/c#egg=c"]),
            ("c", "1", &["d @ file://{}/d", "a >= 1"]),
            ("d", "1", &["e"]),
        ]);
        assert_eq!(projects.cycle("a").as_deref(), Some("a -> b -> c -> a"));
        // One that does not hold the project itself ends no better.
        let projects = Projects::new(&[("a", "1", &["b @ file://{}/b"]), ("b", "1", &["b"])]);
        assert_eq!(projects.cycle("a").as_deref(), Some("a -> b -> b"));
    }

    #[test]
    fn addresses_lead_to_folders_or_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("with space/sub");
        fs::create_dir_all(&deep).unwrap();
        let root = folder.path().to_str().unwrap();
        let at = |address: &str| {
            let requirement = BuildRequirement::parse(&format!("x @ {address}")).unwrap();
            local_folder(&requirement)
        };
        assert_eq!(
            at(&format!("file://{root}/with%20space#egg=x&subdirectory=sub")),
            Some(deep.clone())
        );
        assert_eq!(at(&format!("file:{root}/with%20space/sub")), Some(deep));
        for address in [
            "https://example.org/",
            "file://host",
            "file:relative",
            "file:///%ff",
            "file:///%",
            "%",
        ] {
            assert_eq!(at(address), None, "{address}");
        }
    }
}
