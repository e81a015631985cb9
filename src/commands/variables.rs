//! The environment variables behind options, by the same two rules in every verb: each is named in its option's help
//! as `[env: PKGCTL_NAME]`, whatever its value, and an empty one counts as absent.
//!
//! CI systems set undefined secrets and parameters to the empty text; clap alone would take that for a value.

use clap::builder::Resettable;
use clap::{Arg, Command};

use crate::config::environment::is_given;

/// Applies the rules to every option, of the program and its verbs, that names a variable by clap's `env`.
pub(super) fn apply_rules(program: Command) -> Command {
    program.mut_args(apply_rules_to).mut_subcommands(apply_rules)
}

fn apply_rules_to(option: Arg) -> Arg {
    let Some(variable) = option.get_env().map(ToOwned::to_owned) else {
        return option;
    };
    // clap's own note would show the value, and would be gone with a variable that is empty.
    let option = named_in_help(option, &variable.to_string_lossy()).hide_env(true);
    if is_given(&variable) {
        option
    } else {
        option.env(Resettable::Reset)
    }
}

/// Names the variable in the first paragraph, before a default that is told there.
fn named_in_help(option: Arg, variable: &str) -> Arg {
    let with_note = |text: String| {
        let (what, rest) = text.split_at(text.find(" [default: ").unwrap_or(text.len()));
        format!("{what} [env: {variable}]{rest}")
    };
    let help = option.get_help().map(ToString::to_string).unwrap_or_default();
    let long_help = option.get_long_help().map(ToString::to_string);
    let option = option.help(with_note(help));
    match long_help {
        Some(text) => {
            let (first, rest) = text.split_at(text.find("\n\n").unwrap_or(text.len()));
            option.long_help(with_note(first.to_owned()) + rest)
        }
        None => option,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_the_variable_where_a_reader_looks_for_it() {
        let short_and_long = |option: Arg| {
            let option = apply_rules_to(option.env("PKGCTL_X"));
            assert!(option.is_hide_env_set());
            [option.get_help(), option.get_long_help()].map(|text| text.map(ToString::to_string))
        };
        assert_eq!(
            short_and_long(Arg::new("x").help("Do x")),
            [Some("Do x [env: PKGCTL_X]".to_owned()), None]
        );
        assert_eq!(
            short_and_long(
                Arg::new("x")
                    .help("Do x [default: y]")
                    .long_help("Do x [default: y]\n\nBecause.")
            ),
            [
                Some("Do x [env: PKGCTL_X] [default: y]".to_owned()),
                Some("Do x [env: PKGCTL_X] [default: y]\n\nBecause.".to_owned())
            ]
        );
        let without = apply_rules_to(Arg::new("x").help("Do x"));
        assert_eq!(
            without.get_help().map(ToString::to_string).as_deref(),
            Some("Do x")
        );
    }
}
