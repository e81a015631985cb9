//! The distributions that `check` and `publish` are given.

use std::path::{Path, PathBuf};

use crate::client::{self, Selection};
use crate::failure::Failure;
use crate::terminal;

/// What is meant when nothing is named.
const DEFAULT_FOLDER: &str = "dist";

/// The files that `named` means; those that were passed over are mentioned.
///
/// # Errors
/// Something named is not there, or there is no distribution in it.
pub(super) fn selected(named: &[PathBuf]) -> Result<Selection, Failure> {
    let named = match named {
        [] if !Path::new(DEFAULT_FOLDER).exists() => {
            return Err(client::Error::NoDistributions {
                folder: DEFAULT_FOLDER.into(),
                nearly: Vec::new(),
            }
            .into());
        }
        [] => vec![PathBuf::from(DEFAULT_FOLDER)],
        named => named.to_vec(),
    };
    let selection = client::select(&named)?;
    for ignored in &selection.ignored {
        let reason = ignored.reason.as_deref().unwrap_or("not a distribution");
        terminal::note(format!("ignored `{}`: {reason}", ignored.path.display()));
    }
    Ok(selection)
}
