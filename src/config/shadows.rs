//! What keeps settings in the user's files from counting: variables, other files, and keys of other sections.
//!
//! pip reads its global files, then the user's, then the environment's own, then the one that `PIP_CONFIG_FILE` names;
//! later ones win key by key. Then a command's section (`[install]`) wins over `[global]` wherever both stand, and
//! variables win over all files.

use std::fmt;
use std::path::{Path, PathBuf};

use super::Environment;
use super::pip_conf::{self, Platform};
use super::tools::Tool;

/// One thing that wins over a setting, or is hidden by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shadow {
    /// A variable wins over what the program finds in its files.
    Variable {
        /// The variable.
        name: String,
        /// Whose settings it wins over.
        program: &'static str,
    },
    /// A variable makes the program leave its settings files alone.
    FilesIgnored {
        /// The variable.
        name: &'static str,
        /// The program.
        program: &'static str,
    },
    /// A key of another file, or of another section, wins.
    Key {
        /// The file.
        path: PathBuf,
        /// The key, as `[section] key`.
        key: String,
    },
    /// The extra indexes of a file that comes first don't count beside a new list of them.
    HiddenList {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for Shadow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable { name, program } => {
                write!(f, "{name} is set and wins over the settings files of {program}")
            }
            Self::FilesIgnored { name, program } => {
                write!(f, "{name} is set, so {program} doesn't read its settings files")
            }
            Self::Key { path, key } => {
                write!(f, "`{key}` in `{}` wins over the new setting", path.display())
            }
            Self::HiddenList { path } => {
                let path = path.display();
                write!(
                    f,
                    "the extra indexes in `{path}` don't count beside those of your own file"
                )
            }
        }
    }
}

/// The settings whose shadows are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// The name of the repository.
    pub name: &'a str,
    /// Where it takes uploads.
    pub upload_url: &'a str,
    /// Who uploads, if that is known.
    pub username: Option<&'a str>,
    /// What pip is told; `None` when it is told nothing.
    pub pip: Option<PipSetting<'a>>,
    /// The tools that are told too.
    pub tools: &'a [Tool],
}

/// What pip is told.
#[derive(Debug, Clone, Copy)]
pub struct PipSetting<'a> {
    /// The address of the Simple API.
    pub simple_url: &'a str,
    /// The only index instead of one more.
    pub is_only: bool,
}

impl Settings<'_> {
    /// All shadows. `read` gives the text of a file, if there is one.
    pub fn shadows(
        &self,
        environment: &Environment,
        platform: Platform,
        read: impl Fn(&Path) -> Option<String>,
    ) -> Vec<Shadow> {
        let mut found = Vec::new();
        if let Some(pip) = &self.pip {
            pip.shadows(environment, platform, read, &mut found);
        }
        let other = |name: &str, expected: Option<&str>| {
            let value = environment.var_os(name)?;
            let is_same =
                expected.is_some_and(|expected| value.to_str().is_some_and(|value| is_same(value, expected)));
            (!is_same).then(|| name.to_owned())
        };
        let mut look = |program, variables: &[(String, Option<&str>)]| {
            let set = variables
                .iter()
                .filter_map(|(name, expected)| other(name, *expected));
            found.extend(set.map(|name| Shadow::Variable { name, program }));
        };
        let (url, name) = (Some(self.upload_url), Some(self.name));
        look(
            "twine",
            &[
                ("TWINE_REPOSITORY_URL".to_owned(), url),
                ("TWINE_REPOSITORY".to_owned(), name),
                ("TWINE_USERNAME".to_owned(), self.username),
                ("TWINE_PASSWORD".to_owned(), None),
            ],
        );
        for tool in self.tools {
            look(tool.program(), &self.variables_of(*tool));
        }
        if self.tools.contains(&Tool::Uv) && is_on(environment, "UV_NO_CONFIG") {
            found.push(Shadow::FilesIgnored {
                name: "UV_NO_CONFIG",
                program: "uv",
            });
        }
        found
    }

    /// The variables that a tool takes before its settings, with the values that would do no harm.
    fn variables_of(&self, tool: Tool) -> Vec<(String, Option<&str>)> {
        let (url, name) = (Some(self.upload_url), Some(self.name));
        let simple_url = self.pip.map(|pip| pip.simple_url);
        let is_only = self.pip.is_some_and(|pip| pip.is_only);
        let upper = variable_part(self.name);
        let mut variables = match tool {
            Tool::Uv => vec![("UV_PUBLISH_URL".to_owned(), url)],
            Tool::Poetry => vec![
                (format!("POETRY_REPOSITORIES_{upper}_URL"), url),
                (format!("POETRY_HTTP_BASIC_{upper}_USERNAME"), self.username),
                (format!("POETRY_HTTP_BASIC_{upper}_PASSWORD"), None),
            ],
            Tool::Pdm => vec![
                ("PDM_PUBLISH_REPO".to_owned(), name),
                ("PDM_PUBLISH_USERNAME".to_owned(), self.username),
                ("PDM_PUBLISH_PASSWORD".to_owned(), None),
            ],
            Tool::Hatch => vec![
                ("HATCH_INDEX_REPO".to_owned(), name),
                ("HATCH_INDEX_USER".to_owned(), self.username),
                ("HATCH_INDEX_AUTH".to_owned(), None),
            ],
        };
        if is_only && tool == Tool::Uv {
            variables.extend(["UV_DEFAULT_INDEX", "UV_INDEX_URL"].map(|name| (name.to_owned(), simple_url)));
        }
        if is_only && tool == Tool::Pdm {
            variables.push(("PDM_PYPI_URL".to_owned(), simple_url));
        }
        variables
    }
}

impl PipSetting<'_> {
    fn shadows(
        &self,
        environment: &Environment,
        platform: Platform,
        read: impl Fn(&Path) -> Option<String>,
        found: &mut Vec<Shadow>,
    ) {
        let variable = if self.is_only {
            "PIP_INDEX_URL"
        } else {
            "PIP_EXTRA_INDEX_URL"
        };
        let has_ours = |value: &str| {
            value
                .split_whitespace()
                .any(|item| is_same(item, self.simple_url))
        };
        if environment.var_os(variable).is_some() && !environment.var(variable).is_some_and(has_ours) {
            found.push(Shadow::Variable {
                name: variable.to_owned(),
                program: "pip",
            });
        }
        if is_on(environment, "PIP_NO_INDEX") {
            found.push(Shadow::Variable {
                name: "PIP_NO_INDEX".to_owned(),
                program: "pip",
            });
        }
        let config_file = environment.var_os("PIP_CONFIG_FILE").map(Path::new);
        if config_file.is_some_and(|path| path == null_device(platform)) {
            found.push(Shadow::FilesIgnored {
                name: "PIP_CONFIG_FILE",
                program: "pip",
            });
            return;
        }
        for path in global_files(environment, platform) {
            let Some(text) = read(&path) else { continue };
            if !self.is_only && pip_conf::has_other_extra_indexes(&text, self.simple_url) {
                found.push(Shadow::HiddenList { path: path.clone() });
            }
            self.keys(&path, pip_conf::shadowing_keys(&text, self.is_only), found);
        }
        let named = config_file.map(|path| environment.expand(path));
        for path in site_files(environment, platform).into_iter().chain(named) {
            let Some(text) = read(&path) else { continue };
            self.keys(
                &path,
                pip_conf::winning_keys(&text, self.is_only, self.simple_url),
                found,
            );
        }
    }

    fn keys(&self, path: &Path, keys: Vec<String>, found: &mut Vec<Shadow>) {
        found.extend(keys.into_iter().map(|key| Shadow::Key {
            path: path.to_owned(),
            key,
        }));
    }
}

/// A name as poetry has it in its variables.
#[must_use]
pub fn variable_part(name: &str) -> String {
    name.to_uppercase().replace(['-', '.'], "_")
}

pub(super) fn is_on(environment: &Environment, name: &str) -> bool {
    let value = environment.var(name).map(str::to_lowercase);
    value.is_some_and(|value| !matches!(value.as_str(), "0" | "false" | "no" | "off"))
}

fn is_same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

pub(super) fn null_device(platform: Platform) -> &'static Path {
    Path::new(match platform {
        Platform::Windows => "nul",
        Platform::Unix | Platform::MacOs => "/dev/null",
    })
}

/// The files of the machine, which pip reads before those of the user.
pub(super) fn global_files(environment: &Environment, platform: Platform) -> Vec<PathBuf> {
    match platform {
        Platform::Unix => {
            let folders = environment.var_os("XDG_CONFIG_DIRS");
            let folders: Vec<PathBuf> = match folders {
                Some(folders) => std::env::split_paths(folders).collect(),
                None => vec![PathBuf::from("/etc/xdg")],
            };
            let mut files: Vec<PathBuf> = folders
                .into_iter()
                .map(|folder| folder.join("pip").join("pip.conf"))
                .collect();
            files.push(PathBuf::from("/etc/pip.conf"));
            files
        }
        Platform::MacOs => vec![PathBuf::from("/Library/Application Support/pip/pip.conf")],
        Platform::Windows => {
            let folder = environment.var_os("PROGRAMDATA").map(PathBuf::from);
            folder
                .map(|folder| folder.join("pip").join("pip.ini"))
                .into_iter()
                .collect()
        }
    }
}

/// The files of the active environments, which pip reads after those of the user.
fn site_files(environment: &Environment, platform: Platform) -> Vec<PathBuf> {
    let name = match platform {
        Platform::Windows => "pip.ini",
        Platform::Unix | Platform::MacOs => "pip.conf",
    };
    let prefixes = ["CONDA_PREFIX", "VIRTUAL_ENV"].into_iter();
    prefixes
        .filter_map(|variable| environment.var_os(variable))
        .map(|prefix| Path::new(prefix).join(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "http://h/simple/";

    fn shadows(
        is_only: bool,
        tools: &[Tool],
        variables: &[(&str, &str)],
        files: &[(&str, &str)],
    ) -> Vec<String> {
        let environment = Environment::for_testing(Path::new("/home/alice"), variables);
        let settings = Settings {
            name: "my-index",
            upload_url: "http://h/",
            username: Some("alice"),
            pip: Some(PipSetting {
                simple_url: URL,
                is_only,
            }),
            tools,
        };
        let read = |path: &Path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| (*text).to_owned())
        };
        let found = settings.shadows(&environment, Platform::Unix, read);
        found.iter().map(ToString::to_string).collect()
    }

    fn assert_told(shadows: &[String], expected: &[&str]) {
        assert_eq!(shadows.len(), expected.len(), "{shadows:?}");
        for (shadow, expected) in shadows.iter().zip(expected) {
            assert!(shadow.contains(expected), "{shadow}");
        }
    }

    #[test]
    fn variables_win_over_pips_files_where_they_say_something_else() {
        let both = [
            ("PIP_INDEX_URL", "http://x/"),
            ("PIP_EXTRA_INDEX_URL", "http://y/"),
        ];
        assert_told(
            &shadows(true, &[], &both, &[]),
            &["PIP_INDEX_URL is set and wins"],
        );
        assert_told(&shadows(false, &[], &both, &[]), &["PIP_EXTRA_INDEX_URL is set"]);
        let ours = [("PIP_EXTRA_INDEX_URL", "http://y/ http://h/simple")];
        assert_told(&shadows(false, &[], &ours, &[]), &[]);
        assert_told(
            &shadows(false, &[], &[("PIP_NO_INDEX", "1")], &[]),
            &["PIP_NO_INDEX"],
        );
        assert_told(&shadows(false, &[], &[("PIP_NO_INDEX", "0")], &[]), &[]);
    }

    #[test]
    fn files_that_pip_reads_later_win_and_sections_of_commands_win_everywhere() {
        let environment = [("VIRTUAL_ENV", "/venv"), ("PIP_CONFIG_FILE", "/own.conf")];
        let files = [
            (
                "/etc/pip.conf",
                "[global]\nindex-url = http://x/\n[install]\nindex_url = http://x/\n",
            ),
            ("/venv/pip.conf", "[global]\nindex-url = http://x/\n"),
            ("/own.conf", "[global]\nindex-url = http://h/simple\n"),
        ];
        assert_told(
            &shadows(true, &[], &environment, &files),
            &[
                "`[install] index_url` in `/etc/pip.conf` wins",
                "`[global] index-url` in `/venv/pip.conf` wins",
            ],
        );
        let files = [("/etc/xdg/pip/pip.conf", "[global]\nextra-index-url = http://x/\n")];
        assert_told(
            &shadows(false, &[], &[], &files),
            &["in `/etc/xdg/pip/pip.conf` don't count"],
        );
        let null = [("PIP_CONFIG_FILE", "/dev/null"), ("VIRTUAL_ENV", "/venv")];
        assert_told(
            &shadows(false, &[], &null, &files),
            &["PIP_CONFIG_FILE is set, so pip doesn't read"],
        );
    }

    #[test]
    fn each_tool_has_variables_of_its_own() {
        let variables = [
            ("TWINE_REPOSITORY_URL", "http://h"),
            ("TWINE_REPOSITORY", "pypi"),
            ("TWINE_USERNAME", "alice"),
            ("UV_PUBLISH_URL", "http://x"),
            ("UV_DEFAULT_INDEX", "http://x"),
            ("UV_NO_CONFIG", "1"),
            ("POETRY_REPOSITORIES_MY_INDEX_URL", "http://x"),
            ("PDM_PUBLISH_PASSWORD", "x"),
            ("HATCH_INDEX_REPO", "other"),
        ];
        assert_told(
            &shadows(false, &[], &variables, &[]),
            &["TWINE_REPOSITORY is set"],
        );
        assert_told(
            &shadows(true, &Tool::ALL, &variables, &[]),
            &[
                "TWINE_REPOSITORY ",
                "UV_PUBLISH_URL",
                "UV_DEFAULT_INDEX",
                "POETRY_REPOSITORIES_MY_INDEX_URL",
                "PDM_PUBLISH_PASSWORD",
                "HATCH_INDEX_REPO",
                "UV_NO_CONFIG is set, so uv doesn't read",
            ],
        );
    }
}
