//! Users and passwords: the file they are in, asking for one, and who may do what.

use super::Failure;
use crate::auth;
use crate::auth::htpasswd::{LineProblem, LineWarning};
use crate::auth::policy::PolicyError;
use crate::auth::scheme::{HashProblem, MakeError};
use crate::terminal::prompt::PromptError;

impl From<auth::Error> for Failure {
    fn from(error: auth::Error) -> Self {
        let hint = match &error {
            auth::Error::Missing { .. } => {
                "make it with `pkgctl adduser NAME --file FILE`, or name another one"
            }
            auth::Error::Unreadable { .. } => "check that the server's user may read it",
            auth::Error::TooLarge { .. } => "name a passwords file; this is none",
            auth::Error::NotUtf8 { .. } | auth::Error::Malformed { .. } => {
                "mend or remove that line; `pkgctl adduser NAME` writes a sound one"
            }
            auth::Error::NoUsers { warnings, .. } => {
                let hint = if warnings.iter().any(is_about_weakness) {
                    "set each password again with `pkgctl adduser NAME --file FILE`; --allow-weak-passwords takes plain \
                     text and DES crypt as they are"
                } else {
                    "add a user with `pkgctl adduser NAME --file FILE`"
                };
                let mut failure = Self::from_error(&error).hint(hint);
                failure.causes.extend(warnings.iter().map(ToString::to_string));
                return failure;
            }
            auth::Error::Randomness(_) => "try again",
        };
        let failure = Self::from_error(&error).hint(hint);
        match &error {
            auth::Error::Unreadable { path, source } => failure.blame_rights(source.kind(), path),
            _ => failure,
        }
    }
}

fn is_about_weakness(warning: &LineWarning) -> bool {
    matches!(warning.problem, LineProblem::NotUsable(HashProblem::TooWeak(_)))
}

impl From<PolicyError> for Failure {
    fn from(error: PolicyError) -> Self {
        let hint = match error {
            PolicyError::OpenButProtected { .. } => {
                "use `-P . -a .` to let everybody in, or name a file with -P"
            }
            PolicyError::ProtectedByNothing => "use `-P . -a .` to let everybody in, or leave `-a .` out",
        };
        Self::usage(error.to_string()).hint(hint)
    }
}

impl From<MakeError> for Failure {
    fn from(error: MakeError) -> Self {
        let hint = match error {
            MakeError::TooLong { .. } => "choose a shorter one; 72 bytes are enough for any password",
            MakeError::Nul | MakeError::LineEnd => "choose one without it",
            MakeError::Randomness(_) | MakeError::Hashing(_) => "try again",
        };
        Self::new("can't store the password").caused_by(&error).hint(hint)
    }
}

impl From<PromptError> for Failure {
    fn from(error: PromptError) -> Self {
        match error {
            PromptError::NoTerminal { ref instead, .. } => {
                Self::usage(error.to_string()).hint(instead.clone())
            }
            PromptError::Interrupted => Self::interrupted("interrupted; nothing was written"),
            PromptError::Mismatch => Self::from_error(&error).hint("try again"),
            PromptError::NotUtf8 => Self::from_error(&error).hint("save it as UTF-8 and pipe it again"),
            PromptError::TooLong => Self::from_error(&error).hint("choose a shorter one"),
            PromptError::Terminal(_) | PromptError::Stdin(_) => {
                Self::from_error(&error).hint("set PKGCTL_PASSWORD, or pipe the password to --password-stdin")
            }
        }
    }
}
