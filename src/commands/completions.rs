//! `pkgctl completions`: prints the completion script of a shell.

use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

use crate::failure::Failure;
use crate::terminal::data;

/// Print the script that completes pkgctl's commands and options in a shell
///
/// Where each shell looks for it:
///
///   bash        pkgctl completions bash > ~/.local/share/bash-completion/completions/pkgctl
///   zsh         pkgctl completions zsh > a folder of $fpath, as _pkgctl
///   fish        pkgctl completions fish > ~/.config/fish/completions/pkgctl.fish
///   powershell  pkgctl completions powershell | Out-String | Invoke-Expression   (in $PROFILE)
///   elvish      eval (pkgctl completions elvish | slurp)                         (in rc.elv)
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// Shell to print the script for
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the verb: prints the script.
///
/// # Errors
/// stdout can't be written.
pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    data(script(arguments.shell))
        .map_err(|error| Failure::new("can't print the completion script").caused_by(&error))?;
    Ok(ExitCode::SUCCESS)
}

/// The whole script is made before a byte is printed: the generator itself would panic on a closed pipe.
fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::command(), "pkgctl", &mut script);
    script
}
