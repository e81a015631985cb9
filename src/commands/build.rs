//! `pkgctl build`: an sdist and a wheel of a project.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

use super::kept_environments::KeptEnvironments;
use crate::config::pip_conf::Platform;
use crate::config::tools::ToolFile;
use crate::config::{Environment, PipSettings};
use crate::failure::Failure;
use crate::packaging::{DistFilename, Sha256};
use crate::pep517::{
    self, Artifact, Built, ConfigSettings, Event, IndexSettings, InstallerChoice, Interrupt, Isolation, Plan,
    PythonRequest, Request, Source, Variables,
};
use crate::terminal::{data, note, size};

/// Build an sdist and a wheel of a Python project
///
/// Works with every project that has a pyproject.toml (any build backend) or a setup.py. Without --sdist and
/// --wheel the sdist is built first, and then the wheel from it. Needs a Python interpreter.
///
/// The artifacts appear complete and together, or not at all. Their paths are printed on stdout, one a line.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folder of the project, or an sdist to build a wheel from
    #[arg(value_name = "SOURCE", default_value = ".")]
    source: PathBuf,

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
    clear: bool,

    /// Print a JSON document about the artifacts instead of their paths
    #[arg(long)]
    json: bool,

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

    /// Make a new environment, and keep none
    #[arg(long, env = "PKGCTL_NO_CACHE", value_parser = FalseyValueParser::new())]
    no_cache: bool,

    /// Show the output of the build backend and the installer also when all is well
    #[arg(short, long, env = "PKGCTL_VERBOSE", value_parser = FalseyValueParser::new())]
    verbose: bool,

    #[command(flatten)]
    kept: KeptEnvironments,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum InstallerName {
    #[default]
    Auto,
    Pip,
    Uv,
}

/// Runs the verb: builds, and prints the artifacts' paths.
///
/// # Errors
/// The arguments make no sense, the project can't be built, or the user pressed Ctrl-C; then there are no artifacts.
pub(super) fn run(arguments: Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let request = arguments.request(environment)?;
    let interrupt = interrupt_on_signals()?;
    let watcher = |event: Event<'_>| match event {
        Event::Step(step) => note(format_args!("* {step}")),
        Event::Output(bytes) if arguments.verbose => show(bytes),
        Event::Output(_) => {}
    };
    let built = pep517::build(&request, &interrupt, &watcher).map_err(|error| {
        if let Some(transcript) = error.unrepeated_transcript().filter(|_| !arguments.verbose) {
            show(&with_gutter(&transcript));
        }
        Failure::from(error)
    })?;
    for artifact in &built.artifacts {
        note(format_args!("* made {}", described(artifact)));
    }
    if !built.older.is_empty() {
        note(told_of_older(&built.older, arguments.clear));
    }
    if arguments.json {
        print_json(&built, arguments.clear)?;
    } else {
        list(&built.artifacts, environment.working_dir())?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn request(&self, environment: &Environment) -> Result<Request, Failure> {
        if self.skip_dependency_check && !self.no_isolation {
            return Err(
                Failure::usage("`--skip-dependency-check` means nothing without `--no-isolation`")
                    .hint("add `--no-isolation`, or leave it out: isolated builds install what they need"),
            );
        }
        // Without the `.` that it may end with, for messages.
        let source: PathBuf = environment.expand(&self.source).components().collect();
        let source = Source::at(&source)?;
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
            python: match self
                .python
                .as_ref()
                .map(|python| PythonRequest::parse(python.as_os_str()))
            {
                Some(PythonRequest::Path(path)) => PythonRequest::Path(environment.expand(&path)),
                Some(request) => request,
                None => PythonRequest::Any,
            },
            isolation: if self.no_isolation {
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
            settings: config_settings(&self.config_settings)?,
            variables: Variables::without_credentials(environment.variables()),
            indexes: index_settings(environment),
            clear: self.clear,
            cache: (!self.no_cache).then(|| self.kept.cache(environment)).flatten(),
        })
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

/// Ctrl-C, and the signals by which systems end programs, stop the build in an orderly way.
fn interrupt_on_signals() -> Result<Interrupt, Failure> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let interrupt = Interrupt::default();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, interrupt.flag())
            .map_err(|error| Failure::new("can't watch for Ctrl-C").caused_by(&error))?;
    }
    Ok(interrupt)
}

/// Prints the paths, relative to the current folder when they are inside it.
fn list(artifacts: &[Artifact], working_dir: &Path) -> Result<(), Failure> {
    let mut lines = String::new();
    for artifact in artifacts {
        let path = artifact.path.strip_prefix(working_dir).unwrap_or(&artifact.path);
        // Writing to a String can't fail.
        let _ = writeln!(lines, "{}", path.display());
    }
    data(&lines).map_err(|error| Failure::new("can't print the artifacts' paths").caused_by(&error))
}

/// One document with all that a script may want to know.
fn print_json(built: &Built, cleared: bool) -> Result<(), Failure> {
    let artifacts: Vec<serde_json::Value> = built
        .artifacts
        .iter()
        .map(|artifact| {
            serde_json::json!({
                "path": artifact.path.to_string_lossy(),
                "filename": artifact.filename.as_str(),
                "kind": match artifact.filename {
                    DistFilename::Wheel(_) => "wheel",
                    DistFilename::Sdist(_) | DistFilename::Legacy(_) => "sdist",
                },
                "name": artifact.filename.project().as_str(),
                "version": artifact.filename.version().to_string(),
                "size_bytes": artifact.size_bytes,
                "sha256": artifact.sha256.to_string(),
            })
        })
        .collect();
    let older: Vec<_> = built.older.iter().map(|path| path.to_string_lossy()).collect();
    let key = if cleared { "removed" } else { "older" };
    let text = format!("{:#}\n", serde_json::json!({"artifacts": artifacts, key: older}));
    data(text).map_err(|error| Failure::new("can't print the artifacts").caused_by(&error))
}

/// One line about the files of the project that were there before.
fn told_of_older(older: &[PathBuf], cleared: bool) -> String {
    let names: Vec<String> = older
        .iter()
        .map(|path| path.file_name().unwrap_or_default().display().to_string())
        .collect();
    let names = names.join(", ");
    if cleared {
        format!("* removed {names}")
    } else {
        format!("* still there from before: {names} (--clear removes them)")
    }
}

/// `my_lib-1.0.0.tar.gz (3.20 kB)`, and its digest on a line of its own, for which there is room on any screen.
fn described(artifact: &Artifact) -> String {
    let name = artifact.path.file_name().unwrap_or_default().display();
    format!(
        "{name} ({})\n  sha256 {}",
        size(artifact.size_bytes),
        artifact.sha256
    )
}

/// Sets another program's output apart from ours.
fn with_gutter(output: &[u8]) -> Vec<u8> {
    let mut shown = Vec::with_capacity(output.len() + output.len() / 8);
    let mut lines: Vec<&[u8]> = output.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    for line in lines {
        shown.extend_from_slice(b"  | ");
        shown.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        shown.push(b'\n');
    }
    shown
}

/// Another program's bytes go out as they came: they need not be text, so nothing may look for colours in them.
fn show(bytes: &[u8]) {
    // When stderr is gone there is nobody left to tell.
    let _ = io::stderr().write_all(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_of_others_is_set_apart_whatever_its_bytes() {
        assert_eq!(
            with_gutter(b"a\n\xff\r\n\nlast"),
            b"  | a\n  | \xff\n  | \n  | last\n"
        );
        assert_eq!(with_gutter(b""), b"");
    }

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
