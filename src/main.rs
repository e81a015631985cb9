//! The `pkgctl` program: hands the arguments to the library and exits with what it answers.

use std::process::ExitCode;

fn main() -> ExitCode {
    pkgctl::run(std::env::args_os())
}
