//! `pkgctl build`: an sdist and a wheel of a project, or of several.

mod arguments;
mod several;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) use arguments::Arguments;

use crate::config::Environment;
use crate::failure::Failure;
use crate::packaging::DistFilename;
use crate::pep517::{self, Artifact, Built, Event, Interrupt};
use crate::terminal::{data, note, size};

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
    let Some(request) = requests.pop() else {
        return Ok(ExitCode::SUCCESS);
    };
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
    let artifacts: Vec<serde_json::Value> = built.artifacts.iter().map(document).collect();
    let older: Vec<_> = built.older.iter().map(|path| path.to_string_lossy()).collect();
    let key = if cleared { "removed" } else { "older" };
    let text = format!("{:#}\n", serde_json::json!({"artifacts": artifacts, key: older}));
    data(text).map_err(|error| Failure::new("can't print the artifacts").caused_by(&error))
}

/// What a script may want to know about one artifact.
fn document(artifact: &Artifact) -> serde_json::Value {
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
}
