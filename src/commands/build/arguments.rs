//! The words of `pkgctl build`, and the requests that they mean.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

use crate::commands::kept_environments::KeptEnvironments;
use crate::config::pip_conf::Platform;
use crate::config::tools::ToolFile;
use crate::config::{Environment, PipSettings};
use crate::failure::Failure;
use crate::packaging::Sha256;
use crate::pep517::{
    self, Claims, ConfigSettings, EnvironmentCache, IndexSettings, InstallerChoice, Isolation, Plan,
    PythonRequest, Request, Source, Variables,
};

/// Build an sdist and a wheel of a Python project
///
/// Works with every project that has a pyproject.toml (any build backend) or a setup.py. Without --sdist and
/// --wheel the sdist is built first, and then the wheel from it. Needs a Python interpreter.
///
/// The artifacts appear complete and together, or not at all. Their paths are printed on stdout, one a line.
#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// Folders of projects, or sdists to build wheels from; several are built side by side
    #[arg(value_name = "SOURCE", default_value = ".")]
    pub(super) sources: Vec<PathBuf>,

    /// Build only the sdist; with --wheel, both from the project's folder
    #[arg(short, long)]
    sdist: bool,

    /// Build only the wheel, from the project's folder; with --sdist, both
    #[arg(short, long)]
    wheel: bool,

    /// Folder for the artifacts [default: dist in SOURCE, or beside the sdist]
    #[arg(short, long, value_name = "FOLDER", env = "PKGCTL_OUTDIR")]
    outdir: Option<PathBuf>,

    /// When all is built, remove this project's other distributions from that folder
    #[arg(long, env = "PKGCTL_CLEAR", value_parser = FalseyValueParser::new())]
    pub(super) clear: bool,

    /// Print a JSON document about the artifacts instead of their paths
    #[arg(long)]
    pub(super) json: bool,

    /// Tell the build backend a setting; a repeated key makes a list
    #[arg(short = 'C', long = "config-setting", value_name = "KEY[=VALUE]")]
    config_settings: Vec<String>,

    /// Interpreter to build with: a path, a version such as 3.12, or a program's name [default: that of the
    /// active virtual environment, else python3, else python]
    #[arg(long, value_name = "PATH|VERSION", env = "PKGCTL_PYTHON")]
    python: Option<PathBuf>,

    /// Program that installs the build requirements; auto is uv when there is one, else pip
    #[arg(
        long,
        value_name = "NAME",
        env = "PKGCTL_INSTALLER",
        default_value_t,
        value_enum
    )]
    installer: InstallerName,

    /// Build in the interpreter's own environment, which must hold the build requirements
    #[arg(short, long, env = "PKGCTL_NO_ISOLATION", value_parser = FalseyValueParser::new())]
    no_isolation: bool,

    /// With --no-isolation, do not check that the build requirements are met
    #[arg(short = 'x', long, env = "PKGCTL_SKIP_DEPENDENCY_CHECK", value_parser = FalseyValueParser::new())]
    skip_dependency_check: bool,

    /// Build everything twice and compare byte for byte; what differs is told, and nothing is written then
    #[arg(long, env = "PKGCTL_REPRODUCIBLE", value_parser = FalseyValueParser::new())]
    reproducible: bool,

    /// Projects to build at a time [default: the number of cores]
    #[arg(short, long, value_name = "N", env = "PKGCTL_BUILD_JOBS", value_parser = parse_jobs)]
    pub(super) jobs: Option<NonZeroUsize>,

    /// Run `python setup.py sdist bdist_wheel` in the interpreter's own environment, without a build backend
    #[arg(long, env = "PKGCTL_SETUP_PY", value_parser = FalseyValueParser::new())]
    setup_py: bool,

    /// Make a new environment, and keep none
    #[arg(long, env = "PKGCTL_NO_CACHE", value_parser = FalseyValueParser::new())]
    no_cache: bool,

    /// Show the output of the build backend and the installer also when all is well
    #[arg(short, long, env = "PKGCTL_VERBOSE", value_parser = FalseyValueParser::new())]
    pub(super) verbose: bool,

    #[command(flatten)]
    pub(super) kept: KeptEnvironments,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum InstallerName {
    #[default]
    Auto,
    Pip,
    Uv,
}

/// What all projects of a run have in common.
struct Shared {
    settings: ConfigSettings,
    variables: Variables,
    indexes: IndexSettings,
    cache: Option<EnvironmentCache>,
    claims: Claims,
}

impl Arguments {
    fn refuse_contradictions(&self, environment: &Environment) -> Result<(), Failure> {
        if self.setup_py {
            return self.refuse_with_setup_py(environment);
        }
        if self.skip_dependency_check && !self.no_isolation {
            return Err(
                Failure::usage("`--skip-dependency-check` means nothing without `--no-isolation`")
                    .hint("add `--no-isolation`, or leave it out: isolated builds install what they need"),
            );
        }
        Ok(())
    }

    /// The direct call knows no backend and no isolated environment. What a variable says for all builds alike is no
    /// contradiction.
    fn refuse_with_setup_py(&self, environment: &Environment) -> Result<(), Failure> {
        let is_named = |variable: &str| {
            environment
                .variables()
                .any(|(name, value)| name == variable && !value.is_empty())
        };
        let uv_or_pip = !matches!(self.installer, InstallerName::Auto);
        let contradictions = [
            (
                "--config-setting",
                !self.config_settings.is_empty(),
                "",
                "there is no build backend to tell it to",
            ),
            (
                "--installer",
                uv_or_pip,
                "PKGCTL_INSTALLER",
                "nothing is installed",
            ),
            (
                "--no-isolation",
                self.no_isolation,
                "PKGCTL_NO_ISOLATION",
                "it is without isolation anyway",
            ),
            (
                "--skip-dependency-check",
                self.skip_dependency_check,
                "PKGCTL_SKIP_DEPENDENCY_CHECK",
                "no requirements are looked at",
            ),
            (
                "--no-cache",
                self.no_cache,
                "PKGCTL_NO_CACHE",
                "no environment is made",
            ),
        ];
        for (flag, is_given, variable, reason) in contradictions {
            if is_given && !is_named(variable) {
                return Err(
                    Failure::usage(format!("`{flag}` means nothing with `--setup-py`"))
                        .because(reason)
                        .hint(format!("leave out one of the two: `{flag}` or `--setup-py`")),
                );
            }
        }
        Ok(())
    }

    /// What is to be built, for each source.
    ///
    /// # Errors
    /// The words make no sense, or there is nothing to build.
    pub(super) fn requests(&self, environment: &Environment) -> Result<Vec<Request>, Failure> {
        self.refuse_contradictions(environment)?;
        let shared = Shared {
            settings: config_settings(&self.config_settings)?,
            variables: Variables::without_credentials(environment.variables()),
            indexes: index_settings(environment),
            cache: (!self.no_cache).then(|| self.kept.cache(environment)).flatten(),
            claims: Claims::default(),
        };
        self.sources
            .iter()
            .map(|source| self.request(source, environment, &shared))
            .collect()
    }

    fn request(&self, source: &Path, environment: &Environment, shared: &Shared) -> Result<Request, Failure> {
        // Without the `.` that it may end with, for messages.
        let source: PathBuf = environment.expand(source).components().collect();
        let source = Source::at(&source)?;
        if let Source::Sdist { path, .. } = &source
            && self.sdist
        {
            return Err(pep517::Error::SdistOfSdist { path: path.clone() }.into());
        }
        let output_folder = self.outdir.as_deref().map_or_else(
            || source.default_output_folder(),
            |folder| environment.expand(folder),
        );
        Ok(Request {
            output_folder,
            source,
            plan: match (self.sdist, self.wheel) {
                (false, false) => Plan::SdistThenWheel,
                (true, false) => Plan::Sdist,
                (false, true) => Plan::Wheel,
                (true, true) => Plan::Both,
            },
            python: match self.python.as_deref().map(python_request).transpose()? {
                Some(PythonRequest::Path(path)) => PythonRequest::Path(environment.expand(&path)),
                Some(request) => request,
                None => PythonRequest::Any,
            },
            isolation: if self.setup_py {
                Isolation::SetupPy
            } else if self.no_isolation {
                Isolation::Unisolated {
                    check: !self.skip_dependency_check,
                }
            } else {
                Isolation::Isolated(match self.installer {
                    InstallerName::Auto => InstallerChoice::Auto,
                    InstallerName::Pip => InstallerChoice::Pip,
                    InstallerName::Uv => InstallerChoice::Uv,
                })
            },
            clear: self.clear,
            reproducible: self.reproducible,
            settings: shared.settings.clone(),
            variables: shared.variables.clone(),
            indexes: shared.indexes.clone(),
            cache: shared.cache.clone(),
            claims: shared.claims.clone(),
            leftovers: None,
        })
    }
}

/// What stands behind `--python`. What looks like a version and is none is no program's name either.
fn python_request(python: &Path) -> Result<PythonRequest, Failure> {
    let request = PythonRequest::parse(python.as_os_str());
    let looks_like_a_version =
        |text: &str| text.is_empty() || text.starts_with(|c: char| "0123456789<>=~!^.".contains(c));
    match &request {
        PythonRequest::Program(name) if name.to_str().is_some_and(looks_like_a_version) => {
            Err(Failure::usage(format!(
                "`--python {}` is neither a version nor a program",
                name.display()
            ))
            .hint(
                "a version is written like `3`, `3.12` or `3.12.4`; an interpreter by its path or its name",
            ))
        }
        _ => Ok(request),
    }
}

/// What pip knows of indexes, unless the user's file for uv says something of its own about them.
fn index_settings(environment: &Environment) -> IndexSettings {
    let pip = PipSettings::read(environment);
    let certificates = pip.value("cert").map(str::to_owned);
    let fingerprint = Sha256::of(pip.texts.concat()).to_string();
    let own = ToolFile::Uv
        .path(environment, Platform::current())
        .and_then(|path| std::fs::read_to_string(path).ok())
        .unwrap_or_default();
    let fingerprint = format!("{fingerprint} {}", Sha256::of(&own));
    if own.lines().any(names_indexes) {
        return IndexSettings {
            certificates,
            fingerprint,
            ..IndexSettings::default()
        };
    }
    IndexSettings {
        index_url: pip.value("index-url").map(str::to_owned),
        extra_index_urls: pip.list("extra-index-url"),
        trusted_hosts: pip.list("trusted-host"),
        find_links: pip.list("find-links"),
        no_index: pip.is_on("no-index"),
        certificates,
        fingerprint,
    }
}

/// Whether a line of `uv.toml` is about where packages come from.
fn names_indexes(line: &str) -> bool {
    let line = line.trim_start_matches(['[', ' ', '\t']);
    ["index", "extra-index-url", "find-links", "no-index"]
        .iter()
        .any(|key| line.starts_with(key))
}

fn parse_jobs(text: &str) -> Result<NonZeroUsize, String> {
    let jobs: usize = text.parse().map_err(|_| "not a number".to_owned())?;
    NonZeroUsize::new(jobs)
        .filter(|jobs| jobs.get() <= 256)
        .ok_or_else(|| "must be from 1 to 256".to_owned())
}

fn config_settings(texts: &[String]) -> Result<ConfigSettings, Failure> {
    let mut settings = ConfigSettings::default();
    for text in texts {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        if key.is_empty() {
            return Err(Failure::usage(format!("the setting `{text}` has no key"))
                .hint("write it as `--config-setting KEY=VALUE`"));
        }
        settings.add(key, value);
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_need_a_key_but_no_value() {
        let texts = ["--flag", "a=b=c"].map(str::to_owned);
        let mut expected = ConfigSettings::default();
        expected.add("--flag", "");
        expected.add("a", "b=c");
        assert_eq!(config_settings(&texts).unwrap(), expected);
        assert!(config_settings(&["=x".to_owned()]).is_err());
    }
}
