//! `pkgctl completions`: prints the completion script of a shell.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

use crate::failure::Failure;

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
    /// The shell to print the script for
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script to stdout.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match io::stdout().write_all(&script(arguments.shell)) {
        // Whoever closed the pipe has read enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new("can't print the completion script").caused_by(&error))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// The whole script is made before a byte is printed: the generator itself would panic on a closed pipe.
fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::command(), "pkgctl", &mut script);
    script
}
