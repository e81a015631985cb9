//! Which index to publish to, and as whom: flag over environment over file.
//!
//! Nothing here ever leads to the public index by itself. Without a name or an address the one private repository of
//! `.pypirc` is meant, and if there are several, none.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use thiserror::Error;
use url::Url;

use super::Environment;
use super::login::{Layer, Layers, UserInUrl};
use super::pypirc::{Pypirc, PypircError, Repository};
use crate::auth::credentials::Secret;
use crate::packaging::public_index::PublicIndex;

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

/// Why there is no index to publish to.
#[derive(Debug, Error)]
pub enum RepositoryError {
    /// The configuration file can't be read.
    #[error("can't read `{}`", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The configuration file makes no sense.
    #[error("`{}` is not a valid configuration file", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: PypircError,
    },
    /// Neither flag nor variable nor file names an index.
    #[error("there is no repository to publish to: `{}` names no private one", .path.display())]
    None {
        /// The file that was read, or would have been.
        path: PathBuf,
    },
    /// The file names several, and none was picked.
    #[error("several repositories are configured: {}", .names.join(", "))]
    Several {
        /// Their names.
        names: Vec<String>,
    },
    /// The name that was picked is not in the file.
    #[error("there is no repository `{name}` in `{}`{}", .path.display(), known(.names))]
    Unknown {
        /// What was picked.
        name: String,
        /// The file.
        path: PathBuf,
        /// What is there.
        names: Vec<String>,
    },
    /// The section has no address.
    #[error("the section `[{name}]` of `{}` has no `repository` line", .path.display())]
    NoUrl {
        /// The section.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// The address is not one.
    #[error("{origin} is not the address of an index: `{shown}`")]
    BadUrl {
        /// What gave it.
        origin: String,
        /// The address, without user and password.
        shown: String,
    },
}

fn known(names: &[String]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!(", only {}", names.join(", "))
    }
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

/// `.pypirc`, or nothing where there is none.
struct ConfigFile {
    path: PathBuf,
    /// `None` where it makes no sense but isn't needed.
    pypirc: Option<Pypirc>,
    notes: Vec<String>,
}

impl ConfigFile {
    fn read(wanted: &Wanted, environment: &Environment, choice: &Choice) -> Result<Self, RepositoryError> {
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

    fn names(&self) -> Vec<String> {
        self.sections()
            .map(|section| format!("`{}`", section.name))
            .collect()
    }

    /// The section whose address is this one.
    fn section_at(&self, url: &Url) -> Option<&Repository> {
        self.sections().find(|section| {
            let configured = section.url.as_deref().and_then(|text| parse_url(text, "").ok());
            configured.is_some_and(|(configured, _)| is_same_address(&configured, url))
        })
    }

    /// What to say of a section that other programs would overlook.
    fn unlisted(&self, section: &Repository) -> Option<String> {
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
    fn only_private(&self, notes: &mut Vec<String>) -> Result<String, RepositoryError> {
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
mod tests {
    use super::*;

    struct Home {
        folder: tempfile::TempDir,
    }

    const INTERNAL: &str = "[distutils]\nindex-servers = internal\n\n[internal]\n\
        repository = http://localhost:8080/\nusername = alice\npassword = s3cret%x\n";

    impl Home {
        fn with(files: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            for (name, text) in files {
                std::fs::write(folder.path().join(name), text).unwrap();
            }
            Self { folder }
        }

        fn resolve(&self, wanted: &Wanted, variables: &[(&str, &str)]) -> Result<Target, RepositoryError> {
            resolve(wanted, &Environment::for_testing(self.folder.path(), variables))
        }
    }

    fn named(name: &str) -> Wanted {
        Wanted {
            repository: Some(name.to_owned()),
            ..Wanted::default()
        }
    }

    fn at(url: &str) -> Wanted {
        Wanted {
            repository_url: Some(url.to_owned()),
            ..Wanted::default()
        }
    }

    fn who(target: &Target) -> (Option<&str>, Option<&str>) {
        (
            target.username.as_ref().map(|user| user.value.as_str()),
            target.password.as_ref().map(|secret| secret.value.expose()),
        )
    }

    #[test]
    fn the_only_private_repository_is_taken() {
        let text = format!("{INTERNAL}\n[pypi]\nusername = __token__\npassword = public\n");
        let target = Home::with(&[(".pypirc", &text)])
            .resolve(&Wanted::default(), &[])
            .unwrap();
        assert_eq!(target.url.as_str(), "http://localhost:8080/");
        assert_eq!(target.repository.as_deref(), Some("internal"));
        assert_eq!(who(&target), (Some("alice"), Some("s3cret%x")));
    }

    #[test]
    fn between_several_and_from_none_nothing_is_guessed() {
        let several = format!(
            "{}\n[second]\nrepository = http://other/\n",
            INTERNAL.replace("internal\n\n", "internal second\n\n")
        );
        let error = Home::with(&[(".pypirc", &several)])
            .resolve(&Wanted::default(), &[])
            .unwrap_err();
        assert!(
            matches!(&error, RepositoryError::Several { names } if names.len() == 2),
            "{error:?}"
        );
        let public = "[distutils]\nindex-servers = pypi testpypi\n[pypi]\nusername = __token__\n\
                      [testpypi]\nrepository = https://test.pypi.org/legacy/\n";
        for text in ["", public] {
            let error = Home::with(&[(".pypirc", text)])
                .resolve(&Wanted::default(), &[])
                .unwrap_err();
            assert!(matches!(error, RepositoryError::None { .. }), "{error:?}");
        }
        let error = Home::with(&[]).resolve(&Wanted::default(), &[]).unwrap_err();
        assert!(matches!(error, RepositoryError::None { .. }), "{error:?}");
    }

    #[test]
    fn the_public_index_needs_its_name_spelt_out_and_gets_a_token_user() {
        let text = "[pypi]\nusername = old\npassword = pypi-token\n";
        let target = Home::with(&[(".pypirc", text)])
            .resolve(&named("pypi"), &[])
            .unwrap();
        assert_eq!(target.url.as_str(), "https://upload.pypi.org/legacy/");
        assert_eq!(who(&target), (Some("__token__"), Some("pypi-token")));
        let plain = Home::with(&[])
            .resolve(&at("http://upload.pypi.org/legacy/"), &[])
            .unwrap();
        assert_eq!(plain.url.scheme(), "https");
    }

    #[test]
    fn flag_beats_our_variable_beats_twines_beats_file() {
        let home = Home::with(&[(".pypirc", INTERNAL)]);
        let twine = [("TWINE_USERNAME", "tina"), ("TWINE_PASSWORD", "t")];
        let both = [
            ("TWINE_USERNAME", "tina"),
            ("TWINE_PASSWORD", "t"),
            ("PKGCTL_USERNAME", "paul"),
            ("PKGCTL_PASSWORD", "p"),
        ];
        let who_with = |wanted: &Wanted, variables: &[(&str, &str)]| {
            let target = home.resolve(wanted, variables).unwrap();
            let (user, password) = who(&target);
            (user.map(str::to_owned), password.map(str::to_owned))
        };
        let pair = |user: &str, password: &str| (Some(user.to_owned()), Some(password.to_owned()));
        assert_eq!(who_with(&Wanted::default(), &twine), pair("tina", "t"));
        assert_eq!(who_with(&Wanted::default(), &both), pair("paul", "p"));
        let flags = Wanted {
            username: Some("fred".to_owned()),
            password: Some(Secret::new("f".to_owned())),
            ..Wanted::default()
        };
        assert_eq!(who_with(&flags, &both), pair("fred", "f"));
        assert_eq!(
            who_with(&Wanted::default(), &[("TWINE_USERNAME", "")]),
            pair("alice", "s3cret%x")
        );
        let urls = [
            ("TWINE_REPOSITORY_URL", "http://twine/"),
            ("PKGCTL_REPOSITORY", "internal"),
        ];
        assert_eq!(
            home.resolve(&Wanted::default(), &urls)
                .unwrap()
                .repository
                .as_deref(),
            Some("internal")
        );
        assert_eq!(
            home.resolve(&at("http://flag/"), &urls).unwrap().url.as_str(),
            "http://flag/"
        );
    }

    #[test]
    fn a_password_of_one_user_is_not_sent_as_anothers() {
        let home = Home::with(&[
            (".pypirc", INTERNAL),
            (".netrc", "machine localhost login carol password n"),
        ]);
        let as_user = |name: &str| {
            let wanted = Wanted {
                username: Some(name.to_owned()),
                ..named("internal")
            };
            home.resolve(&wanted, &[]).unwrap()
        };
        assert_eq!(who(&as_user("bob")), (Some("bob"), None));
        assert_eq!(who(&as_user("carol")), (Some("carol"), Some("n")));
        assert_eq!(who(&as_user("alice")), (Some("alice"), Some("s3cret%x")));
    }

    #[test]
    fn credentials_are_found_by_address_in_the_address_and_in_netrc() {
        let home = Home::with(&[(".pypirc", INTERNAL)]);
        assert_eq!(
            who(&home.resolve(&at("http://localhost:8080"), &[]).unwrap()),
            (Some("alice"), Some("s3cret%x"))
        );
        assert_eq!(
            who(&home.resolve(&at("http://localhost:8081"), &[]).unwrap()),
            (None, None)
        );
        let in_url = home.resolve(&at("http://b%40b:p%3Aw@other/x"), &[]).unwrap();
        assert_eq!(
            (in_url.url.as_str(), who(&in_url)),
            ("http://other/x", (Some("b@b"), Some("p:w")))
        );
        let netrc = Home::with(&[(".netrc", "machine other login nora password n")]);
        assert_eq!(
            who(&netrc.resolve(&at("http://other/"), &[]).unwrap()),
            (Some("nora"), Some("n"))
        );
        let broken = Home::with(&[(".netrc", "machine other pasword geheim")]);
        let target = broken.resolve(&at("http://other/"), &[]).unwrap();
        assert!(
            target.notes.iter().any(|note| note.contains("line 1"))
                && !target.notes.concat().contains("geheim")
        );
    }

    #[test]
    fn an_empty_user_in_the_file_means_nobody() {
        let text =
            "[distutils]\nindex-servers = open\n[open]\nrepository = http://open/\nusername =\npassword =\n";
        let home = Home::with(&[(".pypirc", text), (".netrc", "default login x password y")]);
        let target = home.resolve(&Wanted::default(), &[]).unwrap();
        assert!(target.anonymous && who(&target) == (None, None));
        let asked = home
            .resolve(&Wanted::default(), &[("PKGCTL_USERNAME", "u")])
            .unwrap();
        assert!(!asked.anonymous);
    }

    #[test]
    fn what_is_missing_or_malformed_is_named_without_secrets() {
        let home = Home::with(&[(
            ".pypirc",
            &format!(
                "{}[empty]\nusername = x\n",
                INTERNAL.replace("= internal", "= internal empty")
            ),
        )]);
        let text = |wanted: &Wanted| home.resolve(wanted, &[]).unwrap_err().to_string();
        assert!(text(&named("nosuch")).contains("`nosuch`") && text(&named("nosuch")).contains("`internal`"));
        assert!(text(&named("empty")).contains("[empty]"));
        for bad in [
            "ftp://host/",
            "localhost:8080",
            "http://",
            "/dist",
            "https://u:geheim@",
        ] {
            let message = text(&at(bad));
            assert!(
                message.contains("--repository-url") && !message.contains("geheim"),
                "{message}"
            );
        }
        let missing = Wanted {
            config_file: Some("nosuch.ini".into()),
            ..Wanted::default()
        };
        assert!(text(&missing).contains("nosuch.ini"));
    }

    #[test]
    fn the_variable_of_configure_names_the_file_here_too_below_the_flag() {
        let home = Home::with(&[("team.ini", INTERNAL), (".pypirc", "geheim ohne Sinn\n")]);
        let variables = |file| [("PKGCTL_PYPIRC", file)];
        let target = home
            .resolve(&Wanted::default(), &variables("~/team.ini"))
            .unwrap();
        assert_eq!(target.repository.as_deref(), Some("internal"));
        let missing = home.resolve(&at("http://localhost/"), &variables("nosuch.ini"));
        assert!(
            matches!(missing, Err(RepositoryError::Unreadable { path, .. }) if path.ends_with("nosuch.ini"))
        );
        let flag = Wanted {
            config_file: Some("team.ini".into()),
            ..Wanted::default()
        };
        assert!(home.resolve(&flag, &variables("nosuch.ini")).is_ok());
        assert!(
            home.resolve(&at("http://localhost/"), &variables("")).is_ok(),
            "empty is absent"
        );
    }

    #[test]
    fn a_malformed_file_stops_only_those_who_need_it() {
        let home = Home::with(&[(".pypirc", "geheim ohne Sinn\n")]);
        assert!(matches!(
            home.resolve(&named("internal"), &[]),
            Err(RepositoryError::Malformed { .. })
        ));
        let target = home.resolve(&at("http://localhost/"), &[]).unwrap();
        assert!(target.notes[0].contains(".pypirc"), "{:?}", target.notes);
        assert!(!target.notes.concat().contains("geheim"), "{:?}", target.notes);
    }
}
