//! Which index to publish to, and as whom: flag over environment over file.
//!
//! Nothing here ever leads to the public index by itself. Without a name or an address the one private repository of
//! `.pypirc` is meant, and if there are several, none.

mod error;
mod file;

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::Url;

use self::file::ConfigFile;
use super::Environment;
use super::login::{Layer, Layers, UserInUrl};
use super::pypirc::Repository;
use crate::auth::credentials::Secret;
use crate::packaging::public_index::PublicIndex;

pub use error::RepositoryError;

/// What the command line says.
#[derive(Debug, Default)]
pub struct Wanted {
    /// `--repository`.
    pub repository: Option<String>,
    /// `--repository-url`.
    pub repository_url: Option<String>,
    /// `--username`.
    pub username: Option<String>,
    /// The password of `--password-stdin` or `--password`.
    pub password: Option<Secret>,
    /// `--config-file`.
    pub config_file: Option<PathBuf>,
    /// `--cert`.
    pub ca_cert: Option<PathBuf>,
    /// `--client-cert`.
    pub client_cert: Option<PathBuf>,
}

/// A value and where it came from, for `--verbose`.
#[derive(Debug, Clone)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// A flag, a variable, or a file.
    pub source: String,
}

/// An index and what is known about the user.
#[derive(Debug, Clone)]
pub struct Target {
    /// The upload address, without user and password.
    pub url: Url,
    /// Where the address came from.
    pub source: String,
    /// The section of `.pypirc`, or `pypi`, when the index was found by a name.
    pub repository: Option<String>,
    /// The user.
    pub username: Option<Sourced<String>>,
    /// The password.
    pub password: Option<Sourced<Secret>>,
    /// The configuration says that there is no user: don't ask for one.
    pub anonymous: bool,
    /// Further certificate authorities.
    pub ca_cert: Option<PathBuf>,
    /// The client's certificate and key.
    pub client_cert: Option<PathBuf>,
    /// What the user ought to know about the configuration.
    pub notes: Vec<String>,
}

/// Finds the index and the credentials.
///
/// # Errors
/// [`RepositoryError`].
pub fn resolve(wanted: &Wanted, environment: &Environment) -> Result<Target, RepositoryError> {
    let choice = Choice::of(wanted, environment);
    let file = ConfigFile::read(wanted, environment, &choice)?;
    let mut notes = file.notes.clone();
    let found = choice.find(&file, &mut notes)?;
    let (url, user_in_url) = parse_url(&found.url, &found.source)?;
    let section = found.section.or_else(|| file.section_at(&url));
    notes.extend(section.and_then(|section| file.unlisted(section)));
    let mut layers = Layers::asked_for(wanted, environment);
    let in_address = Layer::in_address(user_in_url);
    let in_section = section.map(|section| Layer::in_section(section, &file.path));
    // Whoever types an address with a user in it means that user; in the file, the keys are there to be read.
    match choice {
        Choice::Url(..) => layers
            .0
            .extend([Some(in_address), in_section].into_iter().flatten()),
        _ => layers
            .0
            .extend([in_section, Some(in_address)].into_iter().flatten()),
    }
    let is_public = PublicIndex::at(&url).is_some();
    let anonymous = !is_public
        && layers.asked().all(|layer| layer.username.is_none())
        && section.is_some_and(|section| section.username.as_deref() == Some(""));
    let (username, password) = if anonymous {
        (None, None)
    } else {
        layers.credentials(&url, environment, &mut notes)
    };
    let variable_path = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| environment.var_os(name))
            .map(PathBuf::from)
    };
    Ok(Target {
        ca_cert: wanted
            .ca_cert
            .clone()
            .or_else(|| variable_path(&["PKGCTL_CERT", "TWINE_CERT"]))
            .or_else(|| section?.ca_cert.clone())
            .map(|path| environment.expand(&path)),
        client_cert: wanted
            .client_cert
            .clone()
            .or_else(|| variable_path(&["PKGCTL_CLIENT_CERT"]))
            .or_else(|| section?.client_cert.clone())
            .map(|path| environment.expand(&path)),
        url,
        source: found.source,
        repository: found.name,
        username,
        password,
        anonymous,
        notes,
    })
}

/// Where else an index is asked, and as whom.
#[derive(Debug)]
pub struct ReadingPlace {
    /// The address, without user and password.
    pub url: Url,
    /// A user with a password that is meant for this place.
    pub login: Option<(String, Secret)>,
    /// What the user ought to know about the configuration.
    pub notes: Vec<String>,
}

/// Takes the address of a list of projects apart, which `origin` gave. Its user is in the address or in `~/.netrc`.
///
/// # Errors
/// [`RepositoryError::BadUrl`].
pub fn reading_place(
    text: &str,
    origin: &str,
    environment: &Environment,
) -> Result<ReadingPlace, RepositoryError> {
    let (url, user_in_url) = parse_url(text, origin)?;
    let mut notes = Vec::new();
    let layers = Layers(vec![Layer::in_address(user_in_url)]);
    let login = layers.in_files(&url, environment, &mut notes);
    Ok(ReadingPlace { url, login, notes })
}

/// What picks the index.
enum Choice {
    Url(String, String),
    Name(String, String),
    Default,
}

/// An index that was picked.
struct Found<'a> {
    url: String,
    source: String,
    name: Option<String>,
    section: Option<&'a Repository>,
}

impl Choice {
    /// The first layer that says anything decides; within one, an address beats a name.
    fn of(wanted: &Wanted, environment: &Environment) -> Self {
        let variable = |name: &str| environment.var(name).map(str::to_owned);
        let layers = [
            (
                wanted.repository_url.clone(),
                "--repository-url",
                wanted.repository.clone(),
                "--repository",
            ),
            (
                variable("PKGCTL_REPOSITORY_URL"),
                "PKGCTL_REPOSITORY_URL",
                variable("PKGCTL_REPOSITORY"),
                "PKGCTL_REPOSITORY",
            ),
            (
                variable("TWINE_REPOSITORY_URL"),
                "TWINE_REPOSITORY_URL",
                variable("TWINE_REPOSITORY"),
                "TWINE_REPOSITORY",
            ),
        ];
        for (url, url_source, name, name_source) in layers {
            if let Some(url) = url {
                return Self::Url(url, url_source.to_owned());
            }
            if let Some(name) = name {
                return Self::Name(name, name_source.to_owned());
            }
        }
        Self::Default
    }

    fn find<'a>(&self, file: &'a ConfigFile, notes: &mut Vec<String>) -> Result<Found<'a>, RepositoryError> {
        let (name, source) = match self {
            Self::Url(url, source) => {
                return Ok(Found {
                    url: url.clone(),
                    source: source.clone(),
                    name: None,
                    section: None,
                });
            }
            Self::Name(name, source) => (name.clone(), source.clone()),
            Self::Default => (file.only_private(notes)?, file.path.display().to_string()),
        };
        let section = file.pypirc.as_ref().and_then(|pypirc| pypirc.repository(&name));
        let configured = section.and_then(|section| section.url.clone());
        let built_in = || PublicIndex::named(&name).map(|index| index.upload_url.to_owned());
        match configured.filter(|url| !url.is_empty()).or_else(built_in) {
            Some(url) => Ok(Found {
                url,
                source,
                name: Some(name),
                section,
            }),
            None if section.is_some() => Err(RepositoryError::NoUrl {
                name,
                path: file.path.clone(),
            }),
            None => Err(RepositoryError::Unknown {
                name,
                path: file.path.clone(),
                names: file.names(),
            }),
        }
    }
}

/// Takes an address apart. The public index is only ever asked over HTTPS.
fn parse_url(text: &str, origin: &str) -> Result<(Url, UserInUrl), RepositoryError> {
    let refuse = || RepositoryError::BadUrl {
        origin: origin.to_owned(),
        // Whatever stands before an `@` may be a password.
        shown: text
            .rsplit_once('@')
            .map_or(text.to_owned(), |(_, rest)| format!("***@{rest}")),
    };
    let mut url: Url = text.trim().parse().map_err(|_| refuse())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(refuse());
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let username = (!url.username().is_empty()).then(|| decoded(url.username()));
    let password = url.password().map(|password| Secret::new(decoded(password)));
    url.set_username("").map_err(|()| refuse())?;
    url.set_password(None).map_err(|()| refuse())?;
    url.set_fragment(None);
    if PublicIndex::at(&url).is_some() {
        url.set_scheme("https").map_err(|()| refuse())?;
    }
    Ok((url, (username, password)))
}

fn is_same_address(a: &Url, b: &Url) -> bool {
    a.origin() == b.origin()
        && a.path().trim_end_matches('/') == b.path().trim_end_matches('/')
        && a.query() == b.query()
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.repository {
            Some(name) => write!(f, "`{name}` ({})", self.url),
            None => write!(f, "{}", self.url),
        }
    }
}

#[cfg(test)]
mod tests;
