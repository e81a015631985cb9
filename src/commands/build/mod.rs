//! `pkgctl build`: an sdist and a wheel of a project, or of several.

mod arguments;
mod several;
mod stop_signals;
mod telling;

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

pub(super) use arguments::Arguments;

use self::stop_signals::StopSignals;
use self::telling::{Talk, described, print_json, step_style, told_of_older};
use crate::config::{Environment, OutputMask};
use crate::failure::Failure;
use crate::pep517::{self, Artifact, Error, Request};
use crate::terminal::steps::StepBoard;
use crate::terminal::{data, note};

/// Runs the verb: builds, and prints the artifacts' paths.
///
/// # Errors
/// The arguments make no sense, the project can't be built, or the user pressed Ctrl-C; then there are no artifacts.
pub(super) fn run(arguments: Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let mut requests = arguments.requests(environment)?;
    if requests.len() > 1 {
        return several::run(&arguments, requests, environment);
    }
    // clap fills in `.` where no source is named.
    let Some(mut request) = requests.pop() else {
        return Ok(ExitCode::SUCCESS);
    };
    let signals = StopSignals::watch()?;
    let mask = OutputMask::new(environment, request.indexes.addresses());
    let board = StepBoard::new(step_style(environment, arguments.verbose));
    let cache_folder = arguments.kept.folder(environment);
    let talk = Talk::begin(&board, None, &mask, cache_folder.as_deref(), arguments.verbose);
    request.leftovers = talk.folder();
    let outcome = pep517::build(&request, signals.interrupt(), &|event| talk.hear(&event));
    if let Err(error) = &outcome {
        talk.end_with(error);
    }
    // The spinner goes before the result comes.
    drop(talk);
    let built = outcome.map_err(|error| {
        let failure = failure_of(&error, &request, &mask);
        match signals.number() {
            Some(number) => failure.by_signal(number),
            None => failure,
        }
    })?;
    for artifact in &built.artifacts {
        note(format_args!("* made {}", described(artifact, arguments.verbose)));
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

/// What the user reads of a failed build: with the index that was asked, and without secrets.
fn failure_of(error: &Error, request: &Request, mask: &OutputMask) -> Failure {
    let asked = |installer: &str| request.indexes.asked_by(installer, &request.variables);
    Failure::of_build(error, &asked).map_texts(|text| mask.apply_to_text(text))
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
