//! The verbs: one file or folder each with its arguments, its help and a short `run`; this file only picks one.
//!
//! `variables.rs` has what is the same for all: how help names an option's environment variable, and what an empty
//! one means.

mod adduser;
mod build;
mod completions;
mod configure;
mod doctor;
mod publish;
mod serve;
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
    Build(build::Arguments),
    Publish(publish::Arguments),
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
    let cli = match command()
        .try_get_matches_from(arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches))
    {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe while help is printed is no failure.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match dispatch(cli) {
        Ok(code) => code,
        Err(failure) => {
            // When stderr is gone there is nobody left to tell.
            let _ = anstream::stderr().write_all(failure.render().as_bytes());
            failure.exit_code()
        }
    }
}

fn dispatch(cli: Cli) -> Result<ExitCode, Failure> {
    let environment = Environment::from_process().map_err(|error| {
        Failure::new("can't tell the current folder")
            .caused_by(&error)
            .hint("change to a folder that exists")
    })?;
    match cli.verb {
        Verb::Serve(arguments) => serve::run(*arguments, &environment),
        Verb::Adduser(arguments) => adduser::run(arguments, &environment),
        Verb::Configure(arguments) => configure::run(arguments, &environment),
        Verb::Doctor(arguments) => doctor::run(arguments, &environment),
        Verb::Build(arguments) => build::run(arguments, &environment),
        Verb::Publish(arguments) => publish::run(arguments, &environment),
        Verb::Completions(arguments) => completions::run(arguments),
    }
}
