//! `pkgctl check`: judges distributions as `publish` does, without sending them.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueHint};
use serde::Serialize;

use super::distribution_files::selected;
use super::kept_environments::own_folder;
use crate::causes::in_one_line;
use crate::checks::{self, Checker, Judgement, Problem, Severity, Verdict};
use crate::config::Environment;
use crate::failure::Failure;
use crate::pep517::Variables;
use crate::terminal;

/// Check distributions before they are published
///
/// Looks at each file as `pkgctl publish` does before it sends anything: the archive and its RECORD, the metadata and
/// whether they agree with the file's name, the license, and whether the README will show on an index.
///
/// A line for each file goes to stdout, what is wrong and what to do about it to stderr.
#[derive(Debug, Args)]
#[command(after_long_help = "\
A README in reStructuredText is rendered by readme_renderer or docutils, whichever the active virtual environment, \
twine or the Python on the PATH has. Where there is neither, only the usual mistakes are looked for, and a warning \
says so.

Exit code: 0 all passed, 1 some failed, 2 bad usage.")]
pub(super) struct Arguments {
    /// Files, folders (their wheels and sdists) or patterns [default: dist/]
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,

    /// Count warnings as errors
    #[arg(long)]
    strict: bool,

    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the verb: finds the files, judges each and says what was found.
///
/// # Errors
/// There is nothing to check, or stdout can't be written.
pub(super) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let files = selected(&arguments.paths)?.files.into_iter();
    let files: Vec<_> = files.map(|file| (file.path, file.filename)).collect();
    let checker = checker(environment);
    let mut judgements = checker.judge(&files);
    checks::add_stale(&mut judgements);
    let told = if arguments.json {
        tell_program(&judgements, arguments.strict)
    } else {
        tell_person(&judgements, arguments.strict)
    };
    told.map_err(|error| Failure::new("can't print the verdicts").caused_by(&error))?;
    let has_failed = judgements
        .iter()
        .any(|judgement| judgement.verdict(arguments.strict) >= Verdict::FailedDueToWarnings);
    Ok(ExitCode::from(u8::from(has_failed)))
}

/// A judge that finds Python as the user would, and remembers in the user's folder for such things.
pub(super) fn checker(environment: &Environment) -> Checker {
    let memory = own_folder(None, environment).map(|folder| folder.join("rendered"));
    Checker::new(Variables::without_credentials(environment.variables()), memory)
}

/// A line for each file, and below it what is wrong with it.
fn tell_person(judgements: &[Judgement], strict: bool) -> std::io::Result<()> {
    for judgement in judgements {
        let path = judgement.path.display();
        let word = word(judgement.verdict(strict));
        terminal::report(&format!("{path}: {word}\n"))?;
        for problem in &judgement.problems {
            let text = format!("`{path}`: {}", in_one_line(problem));
            match problem.severity() {
                Severity::Error => terminal::error(text),
                Severity::Warning => terminal::warning(text),
            }
            terminal::note(format!("hint: {}", problem.remedy()));
        }
    }
    Ok(())
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "\x1b[32mPASSED\x1b[0m",
        Verdict::PassedWithWarnings => "\x1b[33mPASSED with warnings\x1b[0m",
        Verdict::FailedDueToWarnings => "\x1b[31mFAILED due to warnings\x1b[0m",
        Verdict::Failed => "\x1b[31mFAILED\x1b[0m",
    }
}

fn tell_program(judgements: &[Judgement], strict: bool) -> std::io::Result<()> {
    let files: Vec<FileReport> = judgements
        .iter()
        .map(|judgement| FileReport::of(judgement, strict))
        .collect();
    let mut text = serde_json::to_string_pretty(&Told { files })?;
    text.push('\n');
    terminal::data(text)
}

/// The whole of `--json`. Fields may be added, none is taken away.
#[derive(Serialize)]
struct Told<'a> {
    files: Vec<FileReport<'a>>,
}

#[derive(Serialize)]
struct FileReport<'a> {
    path: String,
    filename: &'a str,
    verdict: &'static str,
    problems: Vec<ProblemReport>,
}

#[derive(Serialize)]
struct ProblemReport {
    severity: &'static str,
    code: &'static str,
    cause: String,
    remedy: &'static str,
}

impl<'a> FileReport<'a> {
    fn of(judgement: &'a Judgement, strict: bool) -> Self {
        let verdict = match judgement.verdict(strict) {
            Verdict::Passed => "passed",
            Verdict::PassedWithWarnings => "passed-with-warnings",
            Verdict::FailedDueToWarnings => "failed-due-to-warnings",
            Verdict::Failed => "failed",
        };
        Self {
            path: judgement.path.display().to_string(),
            filename: judgement.filename.as_str(),
            verdict,
            problems: judgement.problems.iter().map(ProblemReport::of).collect(),
        }
    }
}

impl ProblemReport {
    fn of(problem: &Problem) -> Self {
        Self {
            severity: match problem.severity() {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            code: problem.code(),
            cause: in_one_line(problem),
            remedy: problem.remedy(),
        }
    }
}
