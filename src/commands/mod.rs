//! The verbs: one file or folder each with its arguments, its help and a short `run`; this file only picks one.
//!
//! What is the same for all verbs: `variables.rs` says how help names an option's environment variable, and what an
//! empty one means; `usage.rs` says what is wrong with words that make no sense. `kept_environments.rs` has the options
//! that `build` and `cache` share, `distribution_files.rs` what `check` and `publish` are given.

mod adduser;
mod build;
mod cache;
mod check;
mod completions;
mod configure;
mod distribution_files;
mod doctor;
mod kept_environments;
mod publish;
mod serve;
mod usage;
mod variables;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::config::Environment;
use crate::failure::Failure;

/// Run a private Python package index: the server, its users, the clients' set-up, builds and uploads.
#[derive(Debug, Parser)]
#[command(name = "pkgctl", version, propagate_version = false, max_term_width = 100)]
#[command(arg_required_else_help = true, subcommand_required = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Serve(Box<serve::Arguments>),
    Adduser(adduser::Arguments),
    Configure(configure::Arguments),
    Doctor(doctor::Arguments),
    Build(Box<build::Arguments>),
    Cache(cache::Arguments),
    Check(check::Arguments),
    Publish(Box<publish::Arguments>),
    Completions(completions::Arguments),
}

/// The whole command line as clap sees it; man pages and completions are made from it.
#[must_use]
pub fn command() -> clap::Command {
    variables::apply_rules(Cli::command())
}

/// Runs the command line `arguments` (the program's name first) and gives the exit code: 0 done, 1 failed,
/// 2 bad usage or settings, 130 interrupted.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match answer(arguments.into_iter().collect()) {
        Ok(code) => code,
        Err(failure) => {
            // When stderr is gone there is nobody left to tell.
            let _ = anstream::stderr().write_all(failure.render().as_bytes());
            failure.exit_code()
        }
    }
}

fn answer(typed: Vec<OsString>) -> Result<ExitCode, Failure> {
    let program = command();
    let words = serve::Words::translate(typed, &program)?;
    let cli = program
        .clone()
        .try_get_matches_from(&words.words)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    match cli {
        Ok(cli) => dispatch(cli, words),
        Err(error) => usage::answer(&error, &program, &words.words),
    }
}

fn dispatch(cli: Cli, words: serve::Words) -> Result<ExitCode, Failure> {
    let environment = Environment::from_process().map_err(|error| {
        Failure::new("can't tell the current folder")
            .caused_by(&error)
            .hint("change to a folder that exists")
    })?;
    match cli.verb {
        // It reads its words once more, with its settings file beneath them.
        Verb::Serve(_) => serve::run(words, environment),
        Verb::Adduser(arguments) => adduser::run(arguments, &environment),
        Verb::Configure(arguments) => configure::run(arguments, &environment),
        Verb::Doctor(arguments) => doctor::run(arguments, &environment),
        Verb::Build(arguments) => build::run(*arguments, &environment),
        Verb::Cache(arguments) => cache::run(arguments, &environment),
        Verb::Check(arguments) => check::run(&arguments, &environment),
        Verb::Publish(arguments) => publish::run(&arguments, &environment),
        Verb::Completions(arguments) => completions::run(arguments),
    }
}
