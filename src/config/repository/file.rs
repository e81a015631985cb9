//! The configuration file of uploaders, and which of its sections is meant.

use std::io;
use std::path::{Path, PathBuf};

use url::Url;

use super::{Choice, RepositoryError, Wanted, is_same_address, parse_url};
use crate::config::Environment;
use crate::config::pypirc::{Pypirc, Repository};
use crate::packaging::public_index::PublicIndex;

/// `.pypirc`, or nothing where there is none.
pub(super) struct ConfigFile {
    pub(super) path: PathBuf,
    /// `None` where it makes no sense but isn't needed.
    pub(super) pypirc: Option<Pypirc>,
    pub(super) notes: Vec<String>,
}

impl ConfigFile {
    pub(super) fn read(
        wanted: &Wanted,
        environment: &Environment,
        choice: &Choice,
    ) -> Result<Self, RepositoryError> {
        let named = wanted
            .config_file
            .as_deref()
            .or_else(|| environment.var_os("PKGCTL_PYPIRC").map(Path::new));
        let path = environment.expand(named.unwrap_or(Path::new("~/.pypirc")));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => String::new(),
            Err(source) => return Err(RepositoryError::Unreadable { path, source }),
        };
        match Pypirc::parse(&text) {
            Ok(pypirc) => Ok(Self {
                notes: pypirc.warnings().to_vec(),
                path,
                pypirc: Some(pypirc),
            }),
            // The address is known; only credentials could have been in the file.
            Err(error) if matches!(choice, Choice::Url(..)) && named.is_none() => Ok(Self {
                notes: vec![format!("`{}` was not read: {error}", path.display())],
                path,
                pypirc: None,
            }),
            Err(source) => Err(RepositoryError::Malformed { path, source }),
        }
    }

    fn sections(&self) -> impl Iterator<Item = &Repository> {
        self.pypirc.iter().flat_map(Pypirc::repositories)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.sections()
            .map(|section| format!("`{}`", section.name))
            .collect()
    }

    /// The section whose address is this one.
    pub(super) fn section_at(&self, url: &Url) -> Option<&Repository> {
        self.sections().find(|section| {
            let configured = section.url.as_deref().and_then(|text| parse_url(text, "").ok());
            configured.is_some_and(|(configured, _)| is_same_address(&configured, url))
        })
    }

    /// What to say of a section that other programs would overlook.
    pub(super) fn unlisted(&self, section: &Repository) -> Option<String> {
        let overlooked = !section.listed && PublicIndex::named(&section.name).is_none();
        overlooked.then(|| {
            format!(
                "`{}` is not in the `index-servers` of `{}`; twine would not find it",
                section.name,
                self.path.display()
            )
        })
    }

    /// The one private repository; listed ones are preferred.
    pub(super) fn only_private(&self, notes: &mut Vec<String>) -> Result<String, RepositoryError> {
        let is_private = |section: &&Repository| {
            let url = section.url.as_deref().and_then(|text| parse_url(text, "").ok());
            match url {
                Some((url, _)) => PublicIndex::at(&url).is_none(),
                None => PublicIndex::named(&section.name).is_none() && section.name != "server-login",
            }
        };
        let private: Vec<&Repository> = self.sections().filter(is_private).collect();
        let listed: Vec<&Repository> = private.iter().copied().filter(|section| section.listed).collect();
        let candidates = if listed.is_empty() { private } else { listed };
        match candidates[..] {
            [] => Err(RepositoryError::None {
                path: self.path.clone(),
            }),
            [one] => {
                notes.push(format!(
                    "publishing to `{}`, the only private repository configured",
                    one.name
                ));
                Ok(one.name.clone())
            }
            _ => Err(RepositoryError::Several {
                names: candidates
                    .iter()
                    .map(|section| format!("`{}`", section.name))
                    .collect(),
            }),
        }
    }
}
