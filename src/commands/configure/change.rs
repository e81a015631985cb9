//! What becomes of each file.

use super::answers::{Known, Login};
use super::arguments::Arguments;
use super::files::{Content, Files, Paths, Unchanged, Written};
use super::remarks;
use crate::config::ini::IniError;
use crate::config::netrc::Netrc;
use crate::config::pip_conf::{self, PipIndex, Standing};
use crate::config::pypirc::{self, PasswordEdit, RepositoryEdit};
use crate::config::tools::ToolRepository;
use crate::config::{Environment, HostLogin, IndexUrl};
use crate::failure::Failure;
use crate::packaging::public_index::PublicIndex;

/// What is to happen to the files.
pub(super) enum Change {
    Add(Box<Addition>),
    Remove(Box<Removal>),
}

impl Change {
    /// The name of the repository.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Add(addition) => &addition.name,
            Self::Remove(removal) => &removal.name,
        }
    }

    /// Whether `.netrc` is among the files.
    pub(super) fn takes_netrc(&self, arguments: &Arguments) -> Result<bool, Failure> {
        let addition = match self {
            Self::Add(addition) => addition,
            Self::Remove(removal) => return Ok(removal.known.username.is_some()),
        };
        let has_login = addition.host_login().is_some();
        if arguments.tools.netrc && !has_login {
            let failure =
                Failure::usage("there is no login to write to .netrc: it takes a user and a password");
            return Err(failure.hint("give --username and --password-stdin, or leave out --netrc"));
        }
        let is_asked = arguments.tools.netrc || arguments.tools.all && !arguments.login.keyring;
        Ok(is_asked && has_login)
    }

    pub(super) fn made_to(&self, files: &Files) -> Result<Written, Failure> {
        match self {
            Self::Add(addition) => addition.made_to(files),
            Self::Remove(removal) => removal.made_to(files),
        }
    }

    pub(super) fn unchanged(&self) -> Unchanged {
        match self {
            Self::Add(_) => Unchanged::Sound,
            Self::Remove(_) => Unchanged::Unknown,
        }
    }

    /// What the user should know.
    pub(super) fn remarks(&self, files: &Files, written: &Written, paths: &Paths, environment: &Environment) {
        match self {
            Self::Add(addition) => remarks::on_addition(addition, files, paths, environment),
            Self::Remove(removal) => remarks::on_removal(removal, files, written, environment),
        }
    }
}

/// A repository to write.
pub(super) struct Addition {
    pub(super) name: String,
    pub(super) url: IndexUrl,
    /// How pip is to know it; without a word the way it already does.
    pub(super) wanted: Option<Standing>,
    pub(super) login: Login,
    pub(super) known: Known,
}

impl Addition {
    pub(super) fn is_public(&self) -> bool {
        PublicIndex::named(&self.name).is_some() || self.url.is_public_upload()
    }

    pub(super) fn former(&self) -> Option<PipIndex> {
        self.known.url.as_ref().map(|url| url.for_pip(false))
    }

    /// The login for `.netrc`, if there is one.
    pub(super) fn host_login(&self) -> Option<HostLogin<'_>> {
        Some(HostLogin {
            host: self.url.host(),
            username: self.login.user(&self.known)?,
            password: self.login.secret(&self.known)?,
            former_username: self.known.username.as_deref(),
        })
    }

    /// How pip knows the index so far, at its new address or its former one.
    pub(super) fn standing(&self, files: &Files) -> Option<Standing> {
        let (now, former) = (self.url.for_pip(false), self.former());
        let mut urls = vec![now.url.as_str()];
        urls.extend(former.as_ref().map(|former| former.url.as_str()));
        files.standing(&urls)
    }

    pub(super) fn index(&self, files: &Files) -> PipIndex {
        let standing = self.wanted.or_else(|| self.standing(files));
        self.url.for_pip(standing == Some(Standing::Only))
    }

    fn made_to(&self, files: &Files) -> Result<Written, Failure> {
        let edit = RepositoryEdit {
            name: &self.name,
            url: self.url.as_str(),
            username: self.login.username.as_deref(),
            password: self.login.password_edit(&self.known),
        };
        let holds_new_secret = matches!(edit.password, PasswordEdit::Set(_));
        let pypirc = files.pypirc.parsed(|text| pypirc::set_repository(text, &edit))?;
        Ok(Written {
            pypirc: Content::private(pypirc, holds_new_secret),
            pip_confs: if self.is_public() {
                Vec::new()
            } else {
                self.in_pips_files(files)?
            },
            tools: self.in_tools_files(files)?,
            netrc: self.in_netrc(files)?,
        })
    }

    /// The index stands in one file alone, or an old address or another standing of it would count beside the new one.
    fn in_pips_files(&self, files: &Files) -> Result<Vec<Content>, Failure> {
        let (index, former) = (self.index(files), self.former());
        let chosen = files
            .pip_conf
            .parsed(|text| pip_conf::add_index(text, &index, former.as_ref()))?;
        let stale: Vec<IndexUrl> = [Some(&self.url), self.known.url.as_ref()]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let others = files
            .other_pip_confs
            .iter()
            .map(|file| file.parsed(|text| without_indexes(text, &stale)));
        let all = std::iter::once(Ok(chosen)).chain(others);
        all.map(|text| text.map(Content::open)).collect()
    }

    fn in_tools_files(&self, files: &Files) -> Result<Vec<Content>, Failure> {
        let index = self.index(files);
        let repository = ToolRepository {
            name: &self.name,
            upload_url: self.url.as_str(),
            simple_url: (!self.is_public()).then_some(index.url.as_str()),
            is_only: index.is_only,
            is_exposed: self.url.is_exposed(),
            username: self.login.user(&self.known),
            password: self.login.password_edit_elsewhere(&self.known),
        };
        let has_secret = matches!(repository.password, PasswordEdit::Set(_));
        let written = files.tools.iter().map(|(kind, file)| {
            let text = file.parsed(|text| kind.with_repository(text, &repository))?;
            let holds_new_secret = has_secret && kind.holds_password() && text != file.text;
            Ok(Content::private(text, holds_new_secret))
        });
        written.collect()
    }

    fn in_netrc(&self, files: &Files) -> Result<Option<Content>, Failure> {
        let (Some(file), Some(login)) = (&files.netrc, self.host_login()) else {
            return Ok(None);
        };
        let text = file.parsed(|text| Netrc::with_login(text, &login))?;
        Ok(Some(Content::netrc(text, true)))
    }
}

/// A repository to take out.
pub(super) struct Removal {
    pub(super) name: String,
    /// All addresses that it has, or is said to have.
    pub(super) urls: Vec<IndexUrl>,
    pub(super) known: Known,
    /// `.netrc` was named, so its login goes whatever its password is.
    pub(super) takes_any_netrc_login: bool,
}

impl Removal {
    fn made_to(&self, files: &Files) -> Result<Written, Failure> {
        let simple_urls: Vec<String> = self.urls.iter().map(|url| url.for_pip(false).url).collect();
        let pypirc = files
            .pypirc
            .parsed(|text| pypirc::remove_repository(text, &self.name))?;
        let pips = files
            .pip_confs()
            .map(|file| file.parsed(|text| without_indexes(text, &self.urls)));
        let tools = files
            .tools
            .iter()
            .map(|(kind, file)| file.parsed(|text| kind.without_repository(text, &self.name, &simple_urls)));
        Ok(Written {
            pypirc: Content::open(pypirc),
            pip_confs: pips
                .map(|text| text.map(Content::open))
                .collect::<Result<_, _>>()?,
            tools: tools
                .map(|text| text.map(Content::open))
                .collect::<Result<_, _>>()?,
            netrc: self.in_netrc(files)?,
        })
    }

    /// A login that another repository of the same host needs stays.
    fn in_netrc(&self, files: &Files) -> Result<Option<Content>, Failure> {
        let (Some(file), Some(username)) = (&files.netrc, &self.known.username) else {
            return Ok(None);
        };
        let password = self.known.password.as_ref();
        let mut text = file.text.clone();
        for url in &self.urls {
            let is_ours = self.takes_any_netrc_login || password.is_some();
            if is_ours && !self.known.shares_login(url.host(), username) {
                let password = password.filter(|_| !self.takes_any_netrc_login);
                text = file.parsed(|_| Netrc::without_login(&text, url.host(), username, password))?;
            }
        }
        // A file that never had the login needs no word.
        Ok((text != file.text).then(|| Content::netrc(text, false)))
    }
}

fn without_indexes(text: &str, urls: &[IndexUrl]) -> Result<String, IniError> {
    urls.iter().try_fold(text.to_owned(), |text, url| {
        pip_conf::remove_index(&text, &url.for_pip(false))
    })
}
