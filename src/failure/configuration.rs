//! The user's own files, and what they say about indexes.

use super::{Failure, Kind};
use crate::config::dotfile::DotfileError;
use crate::config::repository::RepositoryError;

impl From<DotfileError> for Failure {
    fn from(error: DotfileError) -> Self {
        let hint = match error {
            DotfileError::Read { .. } => "check that you may read it and the folders above it",
            DotfileError::Write { .. } => {
                "check that you may write into its folder and that the disk is not full"
            }
            DotfileError::NotAFile { .. } => "move it away, or name another file",
            DotfileError::Owner { .. } => "run the command as the owner of the file",
            DotfileError::Appeared { .. } => "run the command again",
        };
        Self::from_error(&error).hint(hint)
    }
}

impl From<RepositoryError> for Failure {
    fn from(error: RepositoryError) -> Self {
        let failure = Self {
            kind: Kind::Usage,
            ..Self::from_error(&error)
        };
        match &error {
            RepositoryError::Unreadable { .. } => {
                failure.hint("check that the file exists and that you may read it")
            }
            RepositoryError::Malformed { .. } => {
                failure.hint("correct that line; `pkgctl configure` writes the file for you")
            }
            RepositoryError::None { .. } => {
                failure.hint("run `pkgctl configure`, or name an index with --repository or --repository-url")
            }
            RepositoryError::Several { names } => {
                let first = names.first().map_or("NAME", |name| name.trim_matches('`'));
                failure.hint(format!("pick one, as in `pkgctl publish --repository {first}`"))
            }
            RepositoryError::Unknown { .. } => {
                failure.hint("check the spelling, or add it with `pkgctl configure`")
            }
            RepositoryError::NoUrl { name, .. } => failure.hint(format!(
                "add a line `repository = http://localhost:8080/` to `[{name}]`, or run `pkgctl configure`"
            )),
            RepositoryError::BadUrl { .. } => failure.hint("write it like `http://localhost:8080/`"),
        }
    }
}
