//! What is wrong with the words typed, told as all other failures are: what clap found, and one remedy.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Command;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use crate::config::Environment;
use crate::failure::Failure;

/// Words that people try, and the verb that they are looking for.
const VERB_MEANT: [(&str, &str); 18] = [
    ("config", "configure"),
    ("htpasswd", "adduser"),
    ("init", "configure"),
    ("install", "configure"),
    ("login", "configure"),
    ("package", "build"),
    ("passwd", "adduser"),
    ("password", "adduser"),
    ("push", "publish"),
    ("pypi-server", "serve"),
    ("pypiserver", "serve"),
    ("sdist", "build"),
    ("server", "serve"),
    ("start", "serve"),
    ("twine", "publish"),
    ("upload", "publish"),
    ("useradd", "adduser"),
    ("wheel", "build"),
];

/// Answers what clap did not take for a command: help and the version are printed, all else is a failure.
///
/// # Errors
/// The words make no sense.
pub(super) fn answer(error: &Error, program: &Command, words: &[OsString]) -> Result<ExitCode, Failure> {
    match error.kind() {
        ErrorKind::DisplayVersion => {
            // The verb's own name in front of it would tell nobody anything.
            let version = format!("{} {}\n", program.get_name(), env!("CARGO_PKG_VERSION"));
            crate::terminal::data(version)
                .map_err(|error| Failure::new("can't print the version").caused_by(&error))?;
            Ok(ExitCode::SUCCESS)
        }
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // A closed pipe while help is printed is no failure.
            let _ = error.print();
            Ok(ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)))
        }
        _ => Err(failure(error, program, words)),
    }
}

/// The failure that is behind the error.
pub(super) fn failure(error: &Error, program: &Command, words: &[OsString]) -> Failure {
    let verb = words
        .get(1)
        .and_then(|word| word.to_str())
        .and_then(|word| program.find_subcommand(word));
    let rendered = error.render().to_string();
    let headline = rendered.split("\n\n").next().unwrap_or_default();
    let headline = headline.strip_prefix("error: ").unwrap_or(headline);
    let mut failure = Failure::usage(headline.trim_end());
    if let Some(variable) = verb.and_then(|verb| variable_behind(error, verb, words)) {
        failure = failure.because(format!("that is what the variable {variable} says"));
    }
    let help = verb.map_or_else(
        || "pkgctl --help".to_owned(),
        |verb| format!("pkgctl {} --help", verb.get_name()),
    );
    let remedy = suggestion(error).unwrap_or_else(|| format!("see `{help}`"));
    failure.hint(remedy)
}

/// What was probably meant.
fn suggestion(error: &Error) -> Option<String> {
    if let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand)
        && let Some((_, verb)) = VERB_MEANT.iter().find(|(tried, _)| tried == word)
    {
        return Some(format!("did you mean `pkgctl {verb}`?"));
    }
    let kinds = [
        (ContextKind::SuggestedSubcommand, "pkgctl "),
        (ContextKind::SuggestedArg, ""),
        (ContextKind::SuggestedValue, ""),
    ];
    kinds.into_iter().find_map(|(kind, before)| {
        let words = match error.get(kind)? {
            ContextValue::String(word) => vec![word.clone()],
            ContextValue::Strings(words) => words.clone(),
            _ => return None,
        };
        // The likeliest comes last.
        words.last().map(|word| format!("did you mean `{before}{word}`?"))
    })
}

/// The variable that a refused value came from, when it did not stand among the words.
fn variable_behind(error: &Error, verb: &Command, words: &[OsString]) -> Option<String> {
    let (Some(ContextValue::String(option)), Some(ContextValue::String(value))) = (
        error.get(ContextKind::InvalidArg),
        error.get(ContextKind::InvalidValue),
    ) else {
        return None;
    };
    let is_typed = words
        .iter()
        .any(|word| word.to_string_lossy().contains(value.as_str()));
    let long = option.split([' ', '=']).next()?.strip_prefix("--")?;
    let variable = verb
        .get_arguments()
        .find(|argument| argument.get_long() == Some(long))?
        .get_env()?
        .to_str()?;
    let environment = Environment::from_process().ok()?;
    let says_so = environment.var(variable)?.contains(value.as_str());
    (says_so && !is_typed).then(|| variable.to_owned())
}
