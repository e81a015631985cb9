//! What can be wrong with a form.

use thiserror::Error;

use super::read::ACTIONS;
use crate::packaging::digest::DigestError;
use crate::packaging::name::NameError;

/// What is wrong with a form. Each message is one sentence that an uploader can show.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FormError {
    /// Nothing is asked for.
    #[error("the form has no `:action` field; this index knows {}", known_actions())]
    NoAction,
    /// Something unknown is asked for.
    #[error("the action `{}` is not known; this index knows {}", shortened(.0), known_actions())]
    UnknownAction(String),
    /// A field without which the release to be removed is not known.
    #[error("the field `{0}` is missing: `remove_pkg` needs `name` and `version`")]
    Missing(&'static str),
    /// A protocol that does not exist.
    #[error("protocol version `{}` is not supported, only 1 is", shortened(.0))]
    Protocol(String),
    /// A field that can have one value has two.
    #[error("the field `{0}` is given twice, with different values")]
    Contradiction(&'static str),
    /// The project's name is not one.
    #[error("the field `name` is not valid: {0}")]
    Name(NameError),
    /// A digest is not one.
    #[error("the field `{field}` is not valid: {reason}")]
    Digest {
        /// Which digest.
        field: &'static str,
        /// What is wrong with it.
        reason: DigestError,
    },
    /// Something that this index does not take is announced.
    #[error(
        "the file type `{}` is not accepted, only `bdist_wheel`, `sdist` and `bdist_egg` are; build a wheel instead",
        shortened(.0)
    )]
    Filetype(String),
}

fn known_actions() -> String {
    let names: Vec<String> = ACTIONS.iter().map(|(name, _)| format!("`{name}`")).collect();
    names.join(", ")
}

/// Enough of a bad value to recognize it by, safe to show.
fn shortened(value: &str) -> String {
    value.chars().take(80).flat_map(char::escape_debug).collect()
}
