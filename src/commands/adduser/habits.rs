//! What fingers type that know htpasswd: told what to type here, or why not.

use std::path::Path;

use super::Arguments;
use crate::auth::shell_word::quoted;
use crate::config::Environment;
use crate::failure::Failure;

/// Refuses the flags and words of htpasswd that are not safe, or mean something else here.
pub(super) fn refuse_unsafe_ones(arguments: &Arguments, environment: &Environment) -> Result<(), Failure> {
    refuse_user_of_list(arguments)?;
    refuse_file_before_user(arguments, environment)?;
    refuse_several_users(arguments)?;
    refuse_visible_password(arguments)?;
    refuse_guessable_schemes(arguments)
}

/// `adduser --list FILE`, or a name that somebody wants to have looked up.
fn refuse_user_of_list(arguments: &Arguments) -> Result<(), Failure> {
    let Some(user) = arguments.user.as_deref().filter(|_| arguments.action.list) else {
        return Ok(());
    };
    let failure = Failure::usage(format!(
        "`--list` tells all users, so it takes no name such as `{}`",
        user.escape_debug()
    ));
    Err(failure.hint("leave it out; if it is the file, put it behind `-f`"))
}

/// `htpasswd FILE USER`: what looks like a password among the arguments is the user then.
fn refuse_file_before_user(arguments: &Arguments, environment: &Environment) -> Result<(), Failure> {
    let (Some(first), Some(user)) = (arguments.user.as_deref(), arguments.habits.surplus.first()) else {
        return Ok(());
    };
    let is_file = first.contains(std::path::is_separator) || environment.expand(Path::new(first)).is_file();
    if !is_file && !arguments.habits.create {
        return Ok(());
    }
    let action = match &arguments.action {
        action if action.delete => "--delete ",
        action if action.verify => "--verify ",
        _ => "",
    };
    let command = format!("pkgctl adduser -f {} {action}{}", quoted(first), quoted(user));
    let mut hint = format!("run `{command}`");
    if arguments.habits.surplus.len() > 1 {
        hint.push_str(
            ", which asks for the password; choose another one than that of this command, which is in your shell's \
             history now",
        );
    }
    let failure = Failure::usage(format!(
        "`{}` looks like the passwords file, which goes behind `-f`",
        first.escape_debug()
    ));
    Err(failure.hint(hint))
}

/// `adduser --delete alice bob`: nothing here is a password.
fn refuse_several_users(arguments: &Arguments) -> Result<(), Failure> {
    let Some(second) = arguments.habits.surplus.first() else {
        return Ok(());
    };
    if !arguments.action.delete && !arguments.action.list {
        return Ok(());
    }
    let failure = Failure::usage(format!("`{}` is one word too many", second.escape_debug()));
    Err(failure.hint("remove one user at a time; the file goes behind `-f`"))
}

fn refuse_visible_password(arguments: &Arguments) -> Result<(), Failure> {
    let shown = arguments.habits.password.is_some() || !arguments.habits.surplus.is_empty();
    if !shown && !arguments.habits.batch {
        return Ok(());
    }
    let failure =
        Failure::usage("the password can't be an argument: every user of this machine can read it there");
    Err(failure.hint(if shown {
        "leave it out and type it when asked, or use --password-stdin or PKGCTL_PASSWORD; \
         choose another password than this one, which is in your shell's history now"
    } else {
        "leave `-b` out and type it when asked, or use --password-stdin or PKGCTL_PASSWORD"
    }))
}

fn refuse_guessable_schemes(arguments: &Arguments) -> Result<(), Failure> {
    let (flag, scheme) = match &arguments.habits {
        habits if habits.apr1 => ("-m", "apr1"),
        habits if habits.des_crypt => ("-d", "DES crypt"),
        _ => return Ok(()),
    };
    let failure = Failure::usage(format!(
        "`{flag}` would store the password with {scheme}, which is easily guessed once the file is stolen"
    ));
    Err(failure.hint(format!(
        "leave `{flag}` out: Apache, nginx and pypiserver read bcrypt too"
    )))
}
