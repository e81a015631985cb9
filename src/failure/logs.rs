//! The operator's log.

use super::Failure;
use crate::logging::Error;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let hint = match &error {
            Error::File { .. } => {
                "check that its folder is there and that you may write into it, or name another file"
            }
            Error::Thread(_) => "raise the limit of processes, or end some",
        };
        Self::from_error(&error).hint(hint)
    }
}
