//! Wheels and sdists that are not sound.

use super::Failure;
use crate::archive::{Error, Rule};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let hint = match &error {
            Error::Read(_) => "check that the file is complete and that you may read it",
            Error::Write { .. } => "check that there is space left and that you may write there",
            Error::Metadata { .. } => "correct the project's metadata and build it again",
            Error::Refused(finding) if finding.rule == Rule::UnsupportedKind => {
                "build a wheel (.whl) or an sdist (.tar.gz) instead"
            }
            Error::Refused(_) => "build the distribution again with `pkgctl build`",
        };
        Self::from_error(&error).hint(hint)
    }
}
