//! `--live`: whether a server is alive, for the health checks of containers.

use std::process::ExitCode;
use std::time::Duration;

use crate::client::alive::{self, NotAlive};
use crate::config::mask_urls;
use crate::failure::Failure;

/// Health checks are asked often and must never pile up.
const PATIENCE: Duration = Duration::from_secs(3);

/// Exits with 0 and no word when the server at `url` answers that it is alive.
///
/// # Errors
/// It does not, or the address makes no sense.
pub(super) fn check(url: &str) -> Result<ExitCode, Failure> {
    let shown = mask_urls(url);
    let failed =
        |error: &NotAlive| Failure::new(format!("the server at {shown} is not alive")).caused_by(error);
    match alive::check(url, PATIENCE) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(NotAlive::Address) => {
            Err(Failure::usage("that is not the address of a server")
                .hint("write it like http://127.0.0.1:8080"))
        }
        Err(error) => Err(failed(&error).hint("look at the server's log")),
    }
}
