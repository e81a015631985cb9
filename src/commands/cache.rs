//! `pkgctl cache`: what builds keep for the next build.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::kept_environments::KeptEnvironments;
use crate::config::Environment;
use crate::failure::Failure;
use crate::pep517::{EnvironmentCache, Kept};
use crate::terminal::{counted, data, note, size};

/// Show or remove the environments that builds keep
///
/// An isolated build keeps its environment, so that the next one with the same interpreter and requirements starts at
/// once. Nothing is lost when environments are removed: the next build makes them anew.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the kept environments with their sizes and ages, the last used first
    Info {
        #[command(flatten)]
        kept: KeptEnvironments,
    },
    /// Remove environments that are too old or too many, and what interrupted builds have left
    Prune {
        /// Remove all that no build uses now, and build logs and README records with it
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        kept: KeptEnvironments,
    },
}

/// Runs the verb: lists or removes.
///
/// # Errors
/// There is no folder for caches, or it can't be read or changed.
pub(super) fn run(arguments: Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    match arguments.action {
        Action::Info { kept } => {
            let shown = info(&cache(&kept, environment)?)?;
            for beside in besides(&kept, environment) {
                note(beside.described());
            }
            Ok(shown)
        }
        Action::Prune { all, kept } => {
            let pruned = prune(&cache(&kept, environment)?, all)?;
            for beside in besides(&kept, environment).iter().filter(|_| all) {
                beside.remove()?;
            }
            Ok(pruned)
        }
    }
}

/// What else lies in the program's folder for caches, of one kind. All of it can be missed.
struct Beside {
    what: &'static str,
    folder: PathBuf,
    entries: Vec<PathBuf>,
}

/// The logs of builds, and which READMEs are known to render. They keep themselves small, so only `--all` ends them.
fn besides(kept: &KeptEnvironments, environment: &Environment) -> Vec<Beside> {
    let Some(own) = kept.folder(environment) else {
        return Vec::new();
    };
    let log = |path: &Path| path.join("build.log").is_file();
    let record = |path: &Path| path.extension().is_some_and(|extension| extension == "json");
    vec![
        Beside::find("build log", own.join("build-logs"), log),
        Beside::find("README record", own.join("rendered"), record),
    ]
    .into_iter()
    .filter(|beside| !beside.entries.is_empty())
    .collect()
}

impl Beside {
    fn find(what: &'static str, folder: PathBuf, is_one: impl Fn(&Path) -> bool) -> Self {
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let entries = entries.map(|entry| entry.path()).filter(|path| is_one(path));
        Self {
            what,
            entries: entries.collect(),
            folder,
        }
    }

    /// `3 build logs in /home/alice/.cache/pkgctl/build-logs`
    fn described(&self) -> String {
        let number = counted(self.entries.len() as u64, self.what);
        format!("{number} in {}", self.folder.display())
    }

    fn remove(&self) -> Result<(), Failure> {
        for entry in &self.entries {
            let removed = if entry.is_dir() {
                fs::remove_dir_all(entry)
            } else {
                fs::remove_file(entry)
            };
            removed.map_err(|error| {
                Failure::new(format!("can't remove `{}`", entry.display()))
                    .caused_by(&error)
                    .hint("check the folder's permissions")
            })?;
        }
        note(format_args!("removed {}", self.described()));
        Ok(())
    }
}

fn cache(kept: &KeptEnvironments, environment: &Environment) -> Result<EnvironmentCache, Failure> {
    kept.cache(environment).ok_or_else(|| {
        Failure::usage("this system knows no folder for caches").hint("name one with `--cache-dir FOLDER`")
    })
}

fn info(cache: &EnvironmentCache) -> Result<ExitCode, Failure> {
    let kept = cache.kept().map_err(|error| {
        Failure::new(format!("can't read `{}`", cache.folder().display()))
            .caused_by(&error)
            .hint("check the folder's permissions, or name another one with `--cache-dir`")
    })?;
    let lines: String = kept.iter().map(line).collect();
    data(lines).map_err(|error| Failure::new("can't print the list").caused_by(&error))?;
    let bytes = kept.iter().map(|kept| kept.bytes).sum();
    let number = counted(kept.len() as u64, "environment");
    note(format_args!(
        "{number}, {}, in {}",
        size(bytes),
        cache.folder().display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// `12.30 MB  made 3 hours ago, used 5 minutes ago  Python 3.12.1  setuptools>=61, wheel`
fn line(kept: &Kept) -> String {
    let mut line = format!(
        "{}  made {} ago, used {} ago  {}",
        size(kept.bytes),
        rounded(kept.age),
        rounded(kept.unused),
        kept.interpreter
    );
    if !kept.requirements.is_empty() {
        // Writing to a String can't fail.
        let _ = write!(line, "  {}", kept.requirements.join(", "));
    }
    line.push('\n');
    line
}

fn prune(cache: &EnvironmentCache, all: bool) -> Result<ExitCode, Failure> {
    let pruned = if all { cache.clear() } else { cache.prune() }.map_err(|error| {
        Failure::new(format!(
            "can't remove everything from `{}`",
            cache.folder().display()
        ))
        .caused_by(&error)
        .hint("check the folder's permissions")
    })?;
    note(format_args!(
        "removed {}, {}",
        counted(pruned.environments as u64, "environment"),
        size(pruned.bytes)
    ));
    if pruned.in_use > 0 {
        let number = counted(pruned.in_use as u64, "environment");
        note(format_args!("left {number} that a build uses now"));
    }
    Ok(ExitCode::SUCCESS)
}

/// A duration in its largest unit.
fn rounded(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => counted(seconds, "second"),
        60..3600 => counted(seconds / 60, "minute"),
        3600..86400 => counted(seconds / 3600, "hour"),
        _ => counted(seconds / 86400, "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_one_unit() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "1 minute"),
            (7200, "2 hours"),
            (259_200, "3 days"),
        ] {
            assert_eq!(rounded(Duration::from_secs(seconds)), text);
        }
    }
}
