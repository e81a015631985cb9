//! The `[build-system]` table of `pyproject.toml`: what to install before a build, and whom to call.
//!
//! Standard: the pyproject.toml specification (PEP 518), with the defaults of PEP 517 for what is left out.

use std::fmt;
use std::ops::Range;
use std::path::{Component, Path};

use thiserror::Error;
use toml::de::{DeTable, DeValue};

use super::name::{NameError, ProjectName};

/// What a project without a `[build-system]` table needs.
const LEGACY_REQUIREMENT: &str = "setuptools >= 40.8.0";
/// Who builds it: setuptools, in the mode that runs `setup.py` as it was once run by hand.
const LEGACY_BACKEND: &str = "setuptools.build_meta:__legacy__";
/// The keys that the standard knows.
const KNOWN_KEYS: [&str; 3] = ["requires", "build-backend", "backend-path"];

/// What to install before a build, and whom to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildSystem {
    /// What must be installed before the backend is asked anything, in the order of the file.
    pub requires: Vec<BuildRequirement>,
    /// Who builds.
    pub backend: BackendReference,
}

/// Where the build backend is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendReference {
    /// The module, and behind a colon the object in it: `flit_core.buildapi`, `setuptools.build_meta:__legacy__`.
    pub entry_point: Box<str>,
    /// The project's own folders that the backend is imported from, relative to the project; mostly none.
    pub paths: Vec<Box<str>>,
}

/// One requirement of a build: it begins with a project's name. The rest is left to the installer, which knows
/// more spellings than the standard has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuildRequirement {
    name: ProjectName,
    text: Box<str>,
}

/// Why a `pyproject.toml` says nothing usable about the build.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PyprojectError {
    /// The file is not TOML.
    #[error("line {line}: {message}")]
    Syntax {
        /// The line, counted from one.
        line: usize,
        /// What the parser stumbled on.
        message: String,
    },
    /// The table is there, but not its one mandatory key.
    #[error(
        "line {line}: the table `[build-system]` has no `requires`, the list of what to install before a build"
    )]
    MissingRequires {
        /// The line, counted from one.
        line: usize,
    },
    /// A value of the wrong type.
    #[error("line {line}: `{key}` must be {expected}, not {found}")]
    WrongType {
        /// The line, counted from one.
        line: usize,
        /// The key as the user would look for it, such as `build-system.requires`.
        key: String,
        /// The type that the standard wants.
        expected: &'static str,
        /// The type that stands there.
        found: &'static str,
    },
    /// A key that the standard does not have, so mostly a slip of the pen.
    #[error("line {line}: the table `[build-system]` has no key `{}`, only {}", .key.escape_debug(), KNOWN_KEYS.map(|known| format!("`{known}`")).join(", "))]
    UnknownKey {
        /// The line, counted from one.
        line: usize,
        /// The key that stands there.
        key: String,
    },
    /// A requirement that is none.
    #[error("line {line}: `{key}` holds no valid requirement")]
    Requirement {
        /// The line, counted from one.
        line: usize,
        /// The key with its place, such as `build-system.requires[0]`.
        key: String,
        /// What is wrong with it.
        #[source]
        source: RequirementError,
    },
    /// A backend that can't be imported by its form.
    #[error("line {line}: `build-system.build-backend` is `{}`; it must be `module` or `module:object`", .text.escape_debug())]
    BackendName {
        /// The line, counted from one.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// A folder of the backend that is not inside the project.
    #[error("line {line}: `build-system.backend-path` holds `{}`, which is not a folder inside the project", .text.escape_debug())]
    BackendPath {
        /// The line, counted from one.
        line: usize,
        /// What stands there.
        text: String,
    },
}

/// Why a text is no requirement.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RequirementError {
    /// It does not begin with a project's name.
    #[error("`{}` does not begin with a project's name", .text.escape_debug())]
    Name {
        /// What was given.
        text: String,
        /// What is wrong with the name.
        #[source]
        source: NameError,
    },
    /// Behind the name stands what no requirement can have there.
    #[error("`{}` must be a project's name, then extras, versions, a marker or `@` and an address", .text.escape_debug())]
    Form {
        /// What was given.
        text: String,
    },
    /// It holds a line break or another control character.
    #[error("`{}` holds a line break or another control character", .text.escape_debug())]
    Control {
        /// What was given.
        text: String,
    },
}

impl BuildSystem {
    /// What holds for a project without a `[build-system]` table, or without a `pyproject.toml` at all.
    #[must_use]
    pub fn legacy() -> Self {
        Self {
            requires: BuildRequirement::parse(LEGACY_REQUIREMENT).into_iter().collect(),
            backend: BackendReference::legacy(),
        }
    }

    /// Reads the text of a `pyproject.toml`. The other tables are not looked at.
    ///
    /// # Errors
    /// [`PyprojectError`] when the text is not TOML, or the table is not as the standard has it.
    pub fn parse(text: &str) -> Result<Self, PyprojectError> {
        let document = DeTable::parse(text).map_err(|error| PyprojectError::Syntax {
            line: line_of(text, &error.span().unwrap_or_default()),
            message: error.message().to_owned(),
        })?;
        match Key::find(document.get_ref(), text, "build-system") {
            None => Ok(Self::legacy()),
            Some(key) => Self::from_table(&key),
        }
    }

    fn from_table(table: &Key<'_>) -> Result<Self, PyprojectError> {
        let DeValue::Table(entries) = table.value else {
            return Err(table.wrong_type("a table"));
        };
        if let Some((unknown, _)) = entries
            .iter()
            .find(|(key, _)| !KNOWN_KEYS.contains(&key.get_ref().as_ref()))
        {
            return Err(PyprojectError::UnknownKey {
                line: line_of(table.text, &unknown.span()),
                key: unknown.get_ref().to_string(),
            });
        }
        let requires = Key::find(entries, table.text, "requires")
            .ok_or(PyprojectError::MissingRequires { line: table.line })?
            .within("build-system")
            .strings()?
            .into_iter()
            .map(|(item, text)| {
                BuildRequirement::parse(text).map_err(|source| PyprojectError::Requirement {
                    line: item.line,
                    key: item.name,
                    source,
                })
            })
            .collect::<Result<_, _>>()?;
        let mut backend = Key::find(entries, table.text, "build-backend").map_or_else(
            || Ok(BackendReference::legacy()),
            |key| BackendReference::parse(&key.within("build-system")),
        )?;
        if let Some(key) = Key::find(entries, table.text, "backend-path") {
            backend.paths = backend_paths(key.within("build-system"))?;
        }
        Ok(Self { requires, backend })
    }
}

impl BackendReference {
    fn legacy() -> Self {
        Self {
            entry_point: LEGACY_BACKEND.into(),
            paths: Vec::new(),
        }
    }

    fn parse(key: &Key<'_>) -> Result<Self, PyprojectError> {
        let text = key.string()?;
        let is_dotted_name = |part: &str| {
            part.split('.').all(|identifier| {
                !identifier.is_empty()
                    && !identifier.starts_with(|c: char| c.is_ascii_digit())
                    && identifier.chars().all(|c| c.is_alphanumeric() || c == '_')
            })
        };
        let (module, object) = text
            .split_once(':')
            .map_or((text, None), |(module, object)| (module, Some(object)));
        if !is_dotted_name(module) || !object.is_none_or(is_dotted_name) {
            return Err(PyprojectError::BackendName {
                line: key.line,
                text: text.to_owned(),
            });
        }
        Ok(Self {
            entry_point: text.into(),
            paths: Vec::new(),
        })
    }
}

/// Folders inside the project; whether they exist is for the build to see.
fn backend_paths(key: Key<'_>) -> Result<Vec<Box<str>>, PyprojectError> {
    key.strings()?
        .into_iter()
        .map(|(item, text)| {
            let mut depth = 0_usize;
            let inside = Path::new(text).components().all(|component| match component {
                Component::CurDir => true,
                Component::Normal(_) => {
                    depth += 1;
                    true
                }
                Component::ParentDir => {
                    let above = depth.checked_sub(1);
                    depth = above.unwrap_or_default();
                    above.is_some()
                }
                Component::Prefix(_) | Component::RootDir => false,
            });
            if !inside || text.is_empty() || text.contains('\0') {
                return Err(PyprojectError::BackendPath {
                    line: item.line,
                    text: text.to_owned(),
                });
            }
            Ok(text.into())
        })
        .collect()
}

impl BuildRequirement {
    /// Reads a requirement such as `setuptools >= 61; python_version < "3.12"`.
    ///
    /// # Errors
    /// It does not begin with a project's name, or could be read as more than one line.
    pub fn parse(text: &str) -> Result<Self, RequirementError> {
        let text = text.trim();
        if text.chars().any(char::is_control) {
            return Err(RequirementError::Control {
                text: text.to_owned(),
            });
        }
        let end = text
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
            .unwrap_or(text.len());
        let name = text[..end].parse().map_err(|source| RequirementError::Name {
            text: text.to_owned(),
            source,
        })?;
        let rest = text[end..].trim_start();
        if !rest.is_empty() && !rest.starts_with(|c: char| "[(<>=!~;@".contains(c)) {
            return Err(RequirementError::Form {
                text: text.to_owned(),
            });
        }
        Ok(Self {
            name,
            text: text.into(),
        })
    }

    /// The project that is required.
    #[must_use]
    pub fn name(&self) -> &ProjectName {
        &self.name
    }

    /// The requirement as it was written, without white space around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for BuildRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a `pyproject.toml` says of its project's name and version, word for word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    /// `name`, when it is a text.
    pub name: Option<String>,
    /// `version`, when it is a text; a dynamic one is not written down.
    pub version: Option<String>,
}

/// Reads name and version from `[project]`, else from poetry's table of before that. What is no TOML says nothing.
#[must_use]
pub fn stated_identity(text: &str) -> Stated {
    let Ok(document) = DeTable::parse(text) else {
        return Stated::default();
    };
    let within = |table: &DeTable<'_>, name: &str| -> Option<Stated> {
        let table = table.get(name)?.get_ref().as_table()?;
        let text = |key: &str| Some(table.get(key)?.get_ref().as_str()?.to_owned());
        Some(Stated {
            name: text("name"),
            version: text("version"),
        })
    };
    let document = document.get_ref();
    let poetry = || within(document.get("tool")?.get_ref().as_table()?, "poetry");
    within(document, "project")
        .filter(|stated| stated.name.is_some())
        .or_else(poetry)
        .unwrap_or_default()
}

/// A value with its name and line, for messages.
struct Key<'a> {
    name: String,
    line: usize,
    value: &'a DeValue<'a>,
    text: &'a str,
}

impl<'a> Key<'a> {
    fn find(table: &'a DeTable<'a>, text: &'a str, name: &str) -> Option<Self> {
        let (key, value) = table.iter().find(|(key, _)| key.get_ref() == name)?;
        Some(Self {
            name: name.to_owned(),
            line: line_of(text, &key.span()),
            value: value.get_ref(),
            text,
        })
    }

    fn within(mut self, table: &str) -> Self {
        self.name = format!("{table}.{}", self.name);
        self
    }

    fn string(&self) -> Result<&'a str, PyprojectError> {
        self.value.as_str().ok_or_else(|| self.wrong_type("a text"))
    }

    fn strings(self) -> Result<Vec<(Self, &'a str)>, PyprojectError> {
        let items = self
            .value
            .as_array()
            .ok_or_else(|| self.wrong_type("a list of texts"))?;
        items
            .iter()
            .enumerate()
            .map(|(at, item)| {
                let item = Self {
                    name: format!("{}[{at}]", self.name),
                    line: line_of(self.text, &item.span()),
                    value: item.get_ref(),
                    text: self.text,
                };
                let text = item.string()?;
                Ok((item, text))
            })
            .collect()
    }

    fn wrong_type(&self, expected: &'static str) -> PyprojectError {
        PyprojectError::WrongType {
            line: self.line,
            key: self.name.clone(),
            expected,
            found: match self.value {
                DeValue::String(_) => "a text",
                DeValue::Integer(_) | DeValue::Float(_) => "a number",
                DeValue::Boolean(_) => "true or false",
                DeValue::Datetime(_) => "a date",
                DeValue::Array(_) => "a list",
                DeValue::Table(_) => "a table",
            },
        }
    }
}

/// The line that a place in the text is on, counted from one.
fn line_of(text: &str, place: &Range<usize>) -> usize {
    let before = text.get(..place.start).unwrap_or(text);
    before.matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> String {
        BuildSystem::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn without_a_table_setuptools_builds_in_its_legacy_mode() {
        for text in ["", "[project]\nname = 'a'\n", "[tool.black]\n"] {
            let system = BuildSystem::parse(text).unwrap();
            assert_eq!(&*system.backend.entry_point, "setuptools.build_meta:__legacy__");
            assert_eq!(system.requires[0].as_str(), "setuptools >= 40.8.0");
        }
    }

    #[test]
    fn without_a_backend_the_requirements_stay() {
        let system = BuildSystem::parse("[build-system]\nrequires = ['setuptools', 'cython<3']\n").unwrap();
        assert_eq!(&*system.backend.entry_point, "setuptools.build_meta:__legacy__");
        let names: Vec<_> = system
            .requires
            .iter()
            .map(|requirement| requirement.name().as_str())
            .collect();
        assert_eq!(names, ["setuptools", "cython"]);
    }

    #[test]
    fn an_in_tree_backend_keeps_its_folders() {
        let text =
            "build-system = { requires = [], build-backend = 'b.c:d.e', backend-path = ['.', 'tools/../x'] }";
        let system = BuildSystem::parse(text).unwrap();
        assert_eq!(&*system.backend.entry_point, "b.c:d.e");
        assert_eq!(system.backend.paths, [".".into(), "tools/../x".into()]);
        assert!(system.requires.is_empty());
    }

    #[test]
    fn refusals_name_line_and_key() {
        let cases = [
            ("[build-system\n", "line 1: "),
            (
                "\n[build-system]\n",
                "line 2: the table `[build-system]` has no `requires`",
            ),
            (
                "[build-system]\nrequires = 'setuptools'",
                "line 2: `build-system.requires` must be a list of texts, not a text",
            ),
            (
                "[build-system]\nrequires = [\n'a',\n 3]",
                "line 4: `build-system.requires[1]` must be a text, not a number",
            ),
            (
                "[build-system]\nrequires = []\nbuild-backend = []",
                "line 3: `build-system.build-backend` must be a text, not a list",
            ),
            (
                "[build-system]\nrequires = []\nbuild-backend = 'a b'",
                "line 3: `build-system.build-backend` is `a b`",
            ),
            (
                "[build-system]\nrequires = []\nbuild-backend = 'a:'",
                "line 3: `build-system.build-backend` is `a:`",
            ),
            (
                "[build-system]\nrequires = []\nbackend-path = 'x'",
                "line 3: `build-system.backend-path` must be a list of texts, not a text",
            ),
            (
                "[build-system]\nrequires = []\nbuild_backend = 'x'",
                "line 3: the table `[build-system]` has no key `build_backend`",
            ),
            (
                "build-system = 1",
                "line 1: `build-system` must be a table, not a number",
            ),
            (
                "[build-system]\nrequires = ['--index-url=http://x']",
                "line 2: `build-system.requires[0]` holds no valid requirement",
            ),
        ];
        for (text, expected) in cases {
            let message = refused(text);
            assert!(message.starts_with(expected), "{text:?}: {message}");
        }
    }

    #[test]
    fn backends_stay_inside_the_project() {
        for outside in ["/usr", "..", "a/../..", "", "../x"] {
            let text =
                format!("[build-system]\nrequires = []\nbuild-backend = 'b'\nbackend-path = ['{outside}']");
            assert!(
                refused(&text).starts_with("line 4: `build-system.backend-path`"),
                "{outside:?}"
            );
        }
    }

    #[test]
    fn requirements_keep_their_text_and_know_their_name() {
        let given = " Setuptools_SCM[toml] >=6.2,!=7 ; python_version<'3.12' ";
        let requirement = BuildRequirement::parse(given).unwrap();
        assert_eq!(requirement.name().as_str(), "setuptools-scm");
        assert_eq!(requirement.as_str(), given.trim());
        let wheel = BuildRequirement::parse("foo @ https://example.org/foo-1.0-py3-none-any.whl").unwrap();
        assert_eq!(wheel.name().as_str(), "foo");
        for bad in [
            "",
            "-r x.txt",
            "./local",
            "a\n--index-url=http://x",
            "git+https://x",
            "a b",
            "a, b",
        ] {
            assert!(BuildRequirement::parse(bad).is_err(), "{bad:?} was accepted");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "(\\[build-system\\]\n)?(requires|build-backend|backend-path)? ?=? ?\\PC{0,40}") {
            let _ = BuildSystem::parse(&text);
        }

        #[test]
        fn a_requirement_is_always_one_line_that_begins_with_its_name(text in "\\PC{0,40}|[ -~\n]{0,40}") {
            if let Ok(requirement) = BuildRequirement::parse(&text) {
                prop_assert!(!requirement.as_str().contains(['\n', '\r']));
                prop_assert!(requirement.as_str().starts_with(|c: char| c.is_ascii_alphanumeric()));
            }
        }
    }
}
