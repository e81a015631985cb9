//! A snapshot of each `-h` and `--help`, as the real binary prints them into a pipe, and rules that all of them keep.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::blessed::assert_folder;
use crate::support::{Outcome, Testbed};

#[test]
fn help_is_as_last_reviewed() {
    let testbed = Testbed::new();
    let mut texts = BTreeMap::new();
    for verb in verbs() {
        for flag in ["-h", "--help"] {
            let outcome = testbed.run(arguments(&verb, flag)).expect_code(0);
            assert_eq!(outcome.stderr, "", "help is data: it goes to stdout");
            let name = if verb.is_empty() { "pkgctl" } else { &verb };
            texts.insert(format!("{name}{flag}.txt"), outcome.stdout);
        }
    }
    assert_folder("tests/it/snapshots/help", &texts);
}

#[test]
fn help_fits_a_narrow_terminal_and_tells_no_secret() {
    let testbed = Testbed::new();
    for verb in verbs() {
        let mut command = testbed.pkgctl(arguments(&verb, "--help"));
        for variable in ["PKGCTL_PASSWORD", "TWINE_PASSWORD"] {
            command.env(variable, "hunter2-in-the-environment");
        }
        let outcome = Outcome::of(&mut command).expect_code(0);
        assert!(
            !outcome.stdout.contains("hunter2"),
            "`{verb}` prints a variable's value"
        );
        for line in outcome.stdout.lines() {
            assert!(
                line.chars().count() <= 100,
                "`pkgctl {verb} --help`, too wide: {line}"
            );
        }
    }
}

#[test]
fn every_argument_is_explained() {
    let mut program = pkgctl::command();
    program.build();
    for verb in program.get_subcommands() {
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        let says_what_to_do = about
            .split(' ')
            .next()
            .is_some_and(|word| !word.is_empty() && !word.ends_with('s'));
        assert!(
            says_what_to_do,
            "`{}` is to be told to do something: {about}",
            verb.get_name()
        );
        for argument in verb.get_arguments() {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            let named = format!("`{} {}`", verb.get_name(), argument.get_id());
            assert!(!help.is_empty(), "{named} has no help");
            assert!(!help.ends_with('.'), "{named} ends with a full stop: {help}");
        }
    }
}

#[test]
fn help_is_the_same_whatever_its_variables_hold() {
    let testbed = Testbed::new();
    let variables = variables_in_help();
    assert!(variables.len() > 20, "{variables:?}");
    for verb in verbs() {
        let usual = testbed.run(arguments(&verb, "--help"));
        for value in ["", "8081"] {
            let mut command = testbed.pkgctl(arguments(&verb, "--help"));
            command.envs(variables.iter().map(|name| (name, value)));
            assert_eq!(Outcome::of(&mut command).stdout, usual.stdout, "`{value}`");
        }
    }
}

/// CI systems set what is undefined to the empty text.
#[test]
fn an_empty_variable_counts_as_absent_in_every_verb() {
    let testbed = Testbed::new();
    for words in [
        &["serve", "nowhere"][..],
        &["adduser", "nobody", "--delete"],
        &["configure", "--dry-run"],
        &["build", "nowhere"],
        &["publish", "nowhere", "--repository-url", "http://127.0.0.1:9/"],
    ] {
        let usual = testbed.run(words);
        let mut command = testbed.pkgctl(words);
        command.envs(variables_in_help().iter().map(|name| (name, "")));
        let outcome = Outcome::of(&mut command);
        assert_eq!(
            (outcome.code, &outcome.stdout, &outcome.stderr),
            (usual.code, &usual.stdout, &usual.stderr),
            "{words:?}"
        );
        assert_ne!(usual.code, Some(2), "{words:?}: {}", usual.stderr);
    }
}

/// Every variable that some help names.
fn variables_in_help() -> BTreeSet<String> {
    let program = pkgctl::command();
    let texts = program
        .get_subcommands()
        .flat_map(clap::Command::get_arguments)
        .filter_map(|argument| argument.get_help().map(ToString::to_string));
    texts
        .flat_map(|text| {
            let words = text.split(|character: char| !character.is_ascii_uppercase() && character != '_');
            let variables = words.filter(|word| word.starts_with("PKGCTL_"));
            variables.map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// `-V` and a bare call are answered too.
#[test]
fn the_version_is_data_and_a_bare_call_is_bad_usage() {
    let testbed = Testbed::new();
    let outcome = testbed.run(["--version"]).expect_code(0);
    assert_eq!(
        outcome.stdout,
        concat!("pkgctl ", env!("CARGO_PKG_VERSION"), "\n")
    );
    let outcome = testbed.run([""; 0]).expect_code(2);
    assert!(outcome.stderr.contains("Usage:") && outcome.stdout.is_empty());
    testbed.run(["upload"]).expect_code(2);
}

/// The empty text stands for the program itself.
fn verbs() -> Vec<String> {
    let program = pkgctl::command();
    let verbs = program.get_subcommands().map(|verb| verb.get_name().to_owned());
    std::iter::once(String::new()).chain(verbs).collect()
}

fn arguments(verb: &str, flag: &str) -> Vec<String> {
    [verb, flag]
        .into_iter()
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
