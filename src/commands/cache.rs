//! `pkgctl cache`: what builds keep for the next build.

use std::fmt::Write as _;
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
        /// Remove all that no build uses now
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
        Action::Info { kept } => info(&cache(&kept, environment)?),
        Action::Prune { all, kept } => prune(&cache(&kept, environment)?, all),
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
