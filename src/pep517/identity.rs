//! What a project is called, as far as its files tell without running anything.

use std::fs;
use std::path::Path;

use super::source::Source;
use crate::packaging::pyproject::{self, Stated};
use crate::packaging::{ProjectName, Version};

/// The name and the version of what will be built, where they are written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The project's name; `None` when only a backend could tell.
    pub name: Option<ProjectName>,
    /// Its version; `None` when only a backend could tell.
    pub version: Option<Version>,
}

impl Identity {
    /// Looks at a source: pyproject.toml first, then setup.cfg. What can't be read tells nothing.
    #[must_use]
    pub fn of(source: &Source) -> Self {
        match source {
            Source::Folder(folder) => Self::of_folder(folder),
            Source::Sdist { filename, .. } => Self {
                name: Some(filename.project().clone()),
                version: filename.version().to_string().parse().ok(),
            },
        }
    }

    pub(crate) fn of_folder(folder: &Path) -> Self {
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        let stated = pyproject::stated_identity(&read("pyproject.toml"));
        let stated = if stated.name.is_none() {
            from_setup_cfg(&read("setup.cfg"))
        } else {
            stated
        };
        Self {
            name: stated.name.and_then(|name| name.parse().ok()),
            version: stated.version.and_then(|version| version.parse().ok()),
        }
    }
}

/// `name` and `version` of the section `[metadata]`. A version that is to be fetched from elsewhere (`attr:`, `file:`)
/// is none by its form.
fn from_setup_cfg(text: &str) -> Stated {
    let mut stated = Stated::default();
    let mut is_in_metadata = false;
    for line in text.lines() {
        if let Some(section) = line.trim_end().strip_prefix('[') {
            is_in_metadata = section == "metadata]";
        } else if let Some((key, value)) = line.split_once(['=', ':']).filter(|_| is_in_metadata) {
            let value = value.trim().to_owned();
            match key.trim_end() {
                "name" => stated.name = Some(value),
                "version" => stated.version = Some(value),
                _ => {}
            }
        }
    }
    stated
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(files: &[(&str, &str)]) -> (Option<String>, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let identity = Identity::of(&Source::Folder(folder.path().to_owned()));
        (
            identity.name.map(|name| name.to_string()),
            identity.version.map(|version| version.to_string()),
        )
    }

    #[test]
    fn names_and_versions_are_found_where_they_are_written_down() {
        let some = |text: &str| Some(text.to_owned());
        let project = "[project]\nname = 'My.Lib'\nversion = '1.0'\n";
        let poetry = "[tool.poetry]\nname = 'my-lib'\nversion = '2'\n";
        let cfg = "[options]\nname = other\n[metadata]\nname = cfg_lib\nversion = 3\n[x]\nname = y\n";
        assert_eq!(
            identity(&[("pyproject.toml", project), ("setup.cfg", cfg)]),
            (some("my-lib"), some("1.0"))
        );
        assert_eq!(
            identity(&[("pyproject.toml", poetry)]),
            (some("my-lib"), some("2"))
        );
        assert_eq!(
            identity(&[("pyproject.toml", ""), ("setup.cfg", cfg)]),
            (some("cfg-lib"), some("3"))
        );
        assert_eq!(
            identity(&[("setup.cfg", "[metadata]\nname: a\nversion = attr: a.VERSION\n")]),
            (some("a"), None)
        );
        assert_eq!(
            identity(&[("pyproject.toml", "[project]\nname = 'a'\ndynamic = ['version']\n")]),
            (some("a"), None)
        );
    }

    #[test]
    fn what_can_not_be_read_tells_nothing() {
        for text in [
            "not toml = = ",
            "project = 1\n",
            "[project]\nname = 1\nversion = []\n",
            "[project]\nname = '-'\n",
            "[tool]\npoetry = 2\n",
        ] {
            assert_eq!(identity(&[("pyproject.toml", text)]), (None, None), "{text}");
        }
        assert_eq!(identity(&[]), (None, None));
        assert_eq!(
            Identity::of(&Source::Folder("/nowhere".into())),
            Identity::default()
        );
    }
}
