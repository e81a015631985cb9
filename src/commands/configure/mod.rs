//! `pkgctl configure`: makes an index known to pip, to uploaders, and to whatever else installs and publishes.
//!
//! | question | file |
//! |---|---|
//! | which flags are there | `arguments.rs` |
//! | what was asked for, and what is known already | `answers.rs` |
//! | which files are meant, and how they are written together | `files.rs` |
//! | what becomes of each file | `change.rs` |
//! | what the user should know about it | `remarks.rs` |
//! | which passwords go into the keyring | `secrets.rs` |
//! | what CI gets instead of files | `exports.rs` |
//! | what the server says | `check.rs` |

mod answers;
mod arguments;
mod change;
mod check;
mod exports;
mod files;
mod remarks;
mod secrets;

use std::process::ExitCode;

use self::answers::Known;
pub(super) use self::arguments::Arguments;
use self::change::{Addition, Change, Removal};
use self::files::{Files, Paths};
use crate::config::Environment;
use crate::failure::Failure;
use crate::terminal::note;

/// Runs the verb.
///
/// # Errors
/// The arguments make no sense, the user gave up, or a file can't be read or written; then none was changed.
pub(super) fn run(arguments: Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    if arguments.login.password.is_some() {
        let failure =
            Failure::usage("the password can't be an argument: every user of this machine can read it there");
        return Err(
            failure.hint("leave it out and type it when asked, or use --password-stdin or PKGCTL_PASSWORD")
        );
    }
    let name = answers::repository_name(&arguments, environment)?;
    let change = asked_for(&arguments, environment, name)?;
    if arguments.doing.print_env
        && let Change::Add(addition) = &change
    {
        exports::print(addition, arguments.doing.print_password)?;
        return Ok(ExitCode::SUCCESS);
    }
    let paths = Paths::choose(&arguments, environment, change.takes_netrc(&arguments)?)?;
    if arguments.login.keyring && !arguments.doing.dry_run {
        // First made sure that all files can be changed, then the keyring, which may take a person to unlock.
        let files = Files::open(&paths, change.name())?;
        change.made_to(&files)?;
        let tools = files.tools();
        drop(files);
        secrets::carry_out(&change, &tools, environment)?;
    }
    let files = Files::open(&paths, change.name())?;
    let written = change.made_to(&files)?;
    change.remarks(&files, &written, &paths, environment);
    if arguments.doing.dry_run {
        files::show(&files, &written)?;
        if arguments.login.keyring {
            note("the keyring would be changed too");
        }
        return Ok(ExitCode::SUCCESS);
    }
    files::write(files, written, change.unchanged())?;
    if let Change::Add(addition) = &change
        && !arguments.doing.offline
    {
        check::ask_server(addition, environment);
    }
    Ok(ExitCode::SUCCESS)
}

/// What is to happen, by flags, variables, files and answers.
fn asked_for(arguments: &Arguments, environment: &Environment, name: String) -> Result<Change, Failure> {
    // Looked at before the questions and again after them: nobody is kept waiting while somebody types.
    let paths = Paths::choose(arguments, environment, false)?;
    let known = Known::read(&Files::open(&paths, &name)?.pypirc, &name)?;
    if arguments.doing.remove {
        let urls = answers::addresses_to_remove(arguments, environment, &name, &known)?;
        return Ok(Change::Remove(Box::new(Removal {
            name,
            urls,
            known,
            takes_any_netrc_login: arguments.tools.netrc,
        })));
    }
    let url = answers::address(arguments, environment, &name, &known)?;
    let login = answers::login(arguments, environment, &url, &known)?;
    Ok(Change::Add(Box::new(Addition {
        wanted: arguments.standing(),
        name,
        url,
        login,
        known,
    })))
}
