//! Builds of one run that share an output folder must not replace each other's files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::delivery::Staged;
use super::error::Error;

/// The files that the builds of one run have made or are about to. Clones share one list.
#[derive(Clone, Debug, Default)]
pub struct Claims(Arc<Mutex<BTreeMap<PathBuf, PathBuf>>>);

impl Claims {
    /// Takes the names of all `staged` files in `folder` for the build of `source`, or none of them.
    pub(crate) fn take(&self, staged: &[Staged], folder: &Path, source: &Path) -> Result<(), Error> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for file in staged {
            if let Some(other) = taken.get(&folder.join(file.filename.as_str())) {
                return Err(Error::Claimed {
                    filename: file.filename.to_string(),
                    other: other.clone(),
                });
            }
        }
        for file in staged {
            taken.insert(folder.join(file.filename.as_str()), source.to_owned());
        }
        Ok(())
    }

    /// Whether a build of this run makes that file.
    pub(crate) fn hold(&self, path: &Path) -> bool {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.contains_key(path)
    }
}
