//! What `pkgctl publish` can fail of, once it knows where to.

use super::{Failure, Kind};
use crate::client::{Destination, Error, UploadError};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let hint = match &error {
            Error::NothingThere(_) => "check the path, or build first with `pkgctl build`",
            Error::NoDistributions { nearly, .. } if !nearly.is_empty() => {
                "build them again with `pkgctl build`: names and versions have to follow the standards"
            }
            Error::NoDistributions { .. } => "build them first with `pkgctl build`",
            Error::NotDistributions(_) => {
                "name only wheels (.whl) and sdists (.tar.gz or .zip), or the folder that holds them"
            }
            Error::SameName { .. } => "name only the one that you mean",
            Error::Unreadable { .. } => "check who may read it",
            Error::BadFiles(_) => {
                "nothing was sent; `pkgctl check` says what to do about each, and `pkgctl build` builds them again"
            }
            Error::Private { .. } => "nothing was sent; name a private index, or take the classifier away",
            Error::NotListed { .. } => {
                "nothing has to be sent again: look later, or name the index's list of projects with --check-url; \
                 --no-verify skips this check"
            }
            // A setting that is wrong, as a `.pypirc` that isn't there is one.
            Error::Certificate { .. } => {
                let named = Self {
                    kind: Kind::Usage,
                    ..Self::from_error(&error)
                };
                return named.hint("name a PEM file with --cert or --client-cert");
            }
            Error::Setup(_) => "check the certificates of this system, or name some with --cert",
            Error::Upload {
                destination, source, ..
            } => return Self::from_error(&error).hint(upload_hint(destination, source)),
        };
        Self::from_error(&error).hint(hint)
    }
}

/// The remedy for one file that was not uploaded.
fn upload_hint(destination: &Destination, error: &UploadError) -> String {
    let hint = match error {
        UploadError::Refused(answer) if answer.is_page_for_people() => {
            "that is a web page, not an index: check the address, and whether the server wants a sign-in first"
        }
        UploadError::Refused(answer) => return refusal_hint(destination, answer.status.as_u16()),
        UploadError::RanOut { .. } => "give the job a fresh identity: start it again",
        UploadError::Busy { .. } => "try again later; what is uploaded already is passed over",
        UploadError::Unreachable { .. } => {
            let url = &destination.url;
            return format!("check that a server runs at {url} and that the address is right");
        }
        UploadError::Tls(_) => {
            "check whether the address should begin with https, or name the server's certificate authority with \
             --cert"
        }
        UploadError::RedirectElsewhere { to, .. } => {
            return format!("if you trust the server at {to}, publish there");
        }
        UploadError::RedirectsInCircle(_) => "check the address of the repository",
        UploadError::OtherContent { .. } => {
            "a published file is not replaced: raise the version, and take the old files away"
        }
        UploadError::Hidden(_) => {
            "a name that was used once is often refused for good: raise the version; or name the index's list of \
             projects with --check-url"
        }
        UploadError::Unconfirmed { .. } => {
            "compare the two files, or pass --skip-existing to take the server's word"
        }
        UploadError::Changed => "wait until nothing writes to the file",
        UploadError::Unreadable(_) => "check that the file is still there",
    };
    hint.to_owned()
}

/// The remedy for an upload that the server answered with `status`.
fn refusal_hint(destination: &Destination, status: u16) -> String {
    let place = destination.repository.as_ref().unwrap_or(&destination.url);
    let hint = match (status, &destination.username) {
        (401 | 403, None) => {
            "name a user with --username and --password-stdin, or with PKGCTL_USERNAME and PKGCTL_PASSWORD, or in \
             ~/.pypirc by `pkgctl configure`"
        }
        (401, Some(user)) => {
            return format!("check the name and the password of `{user}`; `{place}` knows no such pair");
        }
        (403, Some(user)) => {
            return format!("check the password of `{user}`, and that `{user}` may upload to `{place}`");
        }
        (404 | 405 | 410, _) => "check the address: most indexes take uploads at `/`, some at `/legacy/`",
        (413, _) => "the file is larger than the index takes; whoever runs it can raise the limit",
        (507, _) => "the index is full; whoever runs it must make room",
        _ => "correct what the server objects to",
    };
    hint.to_owned()
}
