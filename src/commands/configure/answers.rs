//! What `configure` is told: by a flag, a variable, the file as it is, or at the terminal; in this order.

use std::path::{Path, PathBuf};

use super::arguments::Arguments;
use super::files::TextFile;
use crate::auth::htpasswd::{self, Listed};
use crate::auth::{Secret, Username};
use crate::config::index_url::IndexUrlError;
use crate::config::pypirc::PasswordEdit;
use crate::config::{Dotfile, Environment, IndexUrl, Pypirc};
use crate::failure::Failure;
use crate::packaging::public_index::PublicIndex;
use crate::terminal::prompt::{self, Question};

const DEFAULT_NAME: &str = "internal";
const DEFAULT_URL: &str = "http://localhost:8080";
const USERNAME_HINT: &str = "use up to 255 letters, digits, `-`, `_`, `.` and `@`";

/// What `.pypirc` says of the repository so far.
pub(super) struct Known {
    pub(super) url: Option<IndexUrl>,
    pub(super) username: Option<String>,
    pub(super) password: Option<Secret>,
    /// Certificate authorities for its server, as written.
    pub(super) ca_cert: Option<PathBuf>,
    /// The certificate to show there, as written.
    pub(super) client_cert: Option<PathBuf>,
    /// Host and user of the other repositories.
    others: Vec<(String, String)>,
}

impl Known {
    pub(super) fn read(file: &TextFile, name: &str) -> Result<Self, Failure> {
        let pypirc = file.parsed(Pypirc::parse)?;
        let repository = pypirc.repository(name);
        Ok(Self {
            url: repository.and_then(|repository| parse_url(repository.url.as_deref()?).ok()),
            username: repository.and_then(|repository| repository.username.clone()),
            password: repository.and_then(|repository| repository.password.clone()),
            ca_cert: repository.and_then(|repository| repository.ca_cert.clone()),
            client_cert: repository.and_then(|repository| repository.client_cert.clone()),
            others: pypirc
                .repositories()
                .filter(|other| other.name != name)
                .filter_map(|other| {
                    let url: IndexUrl = other.url.as_deref()?.parse().ok()?;
                    Some((url.host().to_owned(), other.username.clone()?))
                })
                .collect(),
        })
    }

    /// Whether another repository has the same login for the same host.
    pub(super) fn shares_login(&self, host: &str, username: &str) -> bool {
        let mut others = self.others.iter();
        others.any(|(other_host, other_username)| other_host == host && other_username == username)
    }
}

/// The name of the repository.
pub(super) fn repository_name(arguments: &Arguments, environment: &Environment) -> Result<String, Failure> {
    let name = arguments
        .index
        .name
        .as_deref()
        .or_else(|| environment.var("PKGCTL_REPOSITORY"))
        .unwrap_or(DEFAULT_NAME);
    let is_word = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let shown = name.escape_debug();
    if matches!(name, "distutils" | "server-login" | "DEFAULT") {
        let failure = Failure::usage(format!(
            "`{shown}` can't be the name of a repository: .pypirc keeps that name for itself"
        ));
        return Err(failure.hint("choose another name"));
    }
    if name.is_empty() || !name.chars().all(is_word) {
        let failure = Failure::usage(format!("`{shown}` can't be the name of a repository"));
        return Err(failure.hint("use letters, digits, `-`, `_` and `.`"));
    }
    Ok(name.to_owned())
}

/// The address: said, known, asked for, or the default; in this order.
pub(super) fn address(
    arguments: &Arguments,
    environment: &Environment,
    name: &str,
    known: &Known,
) -> Result<IndexUrl, Failure> {
    if let Some(said) = said_address(arguments, environment) {
        return parse_url(said);
    }
    let default = known
        .url
        .as_ref()
        .map_or(default_address(name), |url| url.as_str().trim_end_matches('/'));
    if !prompt::is_interactive() {
        return parse_url(default);
    }
    let question = Question {
        wanted: "the address of the index",
        prompt: "Address of the index",
        instead: "use --url or set PKGCTL_REPOSITORY_URL",
    };
    parse_url(&prompt::prompt_line(question, Some(default))?)
}

/// The addresses that the repository has or is said to have; the default one is that of no other name.
pub(super) fn addresses_to_remove(
    arguments: &Arguments,
    environment: &Environment,
    name: &str,
    known: &Known,
) -> Result<Vec<IndexUrl>, Failure> {
    let said = said_address(arguments, environment).map(parse_url).transpose()?;
    let mut addresses: Vec<IndexUrl> = known.url.iter().cloned().chain(said).collect();
    addresses.dedup();
    if addresses.is_empty() && name == DEFAULT_NAME {
        addresses.push(parse_url(DEFAULT_URL)?);
    }
    Ok(addresses)
}

fn said_address<'a>(arguments: &'a Arguments, environment: &'a Environment) -> Option<&'a str> {
    let flag = arguments.index.url.as_deref();
    flag.or_else(|| environment.var("PKGCTL_REPOSITORY_URL"))
}

fn default_address(name: &str) -> &'static str {
    PublicIndex::named(name).map_or(DEFAULT_URL, |index| index.upload_url)
}

fn parse_url(text: &str) -> Result<IndexUrl, Failure> {
    text.parse().map_err(|error: IndexUrlError| {
        let hint = match error {
            IndexUrlError::Credentials => "leave them out; name the user with --username".to_owned(),
            IndexUrlError::Query => "leave out what begins with `?` or `#`".to_owned(),
            _ => format!("write it like {DEFAULT_URL}"),
        };
        Failure::usage(format!("`{}` can't be the address of an index", shown_url(text)))
            .caused_by(&error)
            .hint(hint)
    })
}

/// An address with stars for all that may be a secret; it may be no URL at all.
fn shown_url(text: &str) -> String {
    const STARS: &str = "********";
    let (scheme, rest) = text
        .find("://")
        .map_or(("", text), |at| text.split_at(at + "://".len()));
    let (user, rest) = match rest.rfind('@') {
        Some(at) => (STARS, &rest[at..]),
        None => ("", rest),
    };
    let (rest, query) = match rest.find(['?', '#']) {
        Some(at) => (&rest[..=at], STARS),
        None => (rest, ""),
    };
    format!("{scheme}{user}{rest}{query}").escape_debug().to_string()
}

/// Who uploads, as far as it was said.
pub(super) struct Login {
    pub(super) username: Option<String>,
    pub(super) password: Option<Secret>,
    forgets_password: bool,
    /// The password goes into the keyring, and into no file.
    pub(super) is_for_keyring: bool,
}

impl Login {
    /// What happens to the password in `.pypirc`.
    pub(super) fn password_edit(&self, known: &Known) -> PasswordEdit<'_> {
        match &self.password {
            _ if self.is_for_keyring => PasswordEdit::Remove,
            Some(password) => PasswordEdit::Set(password),
            None if self.forgets_password || self.is_other_user(known) => PasswordEdit::Remove,
            None => PasswordEdit::Keep,
        }
    }

    /// What happens to the password in the files of other tools, which may not have it yet.
    pub(super) fn password_edit_elsewhere<'a>(&'a self, known: &'a Known) -> PasswordEdit<'a> {
        match (self.password_edit(known), &known.password) {
            (PasswordEdit::Keep, Some(password)) => PasswordEdit::Set(password),
            (edit, _) => edit,
        }
    }

    /// The user from now on.
    pub(super) fn user<'a>(&'a self, known: &'a Known) -> Option<&'a str> {
        let user = self.username.as_deref().or(known.username.as_deref());
        user.filter(|user| !user.is_empty())
    }

    /// The user's password from now on, wherever it is kept.
    pub(super) fn secret<'a>(&'a self, known: &'a Known) -> Option<&'a Secret> {
        let kept = || {
            let is_kept = !self.forgets_password && !self.is_other_user(known);
            known.password.as_ref().filter(|_| is_kept)
        };
        self.password.as_ref().or_else(kept)
    }

    /// A stored password belongs to the user it was stored with.
    fn is_other_user(&self, known: &Known) -> bool {
        self.username.is_some() && known.username.is_some() && self.username != known.username
    }
}

/// User and password: said, or asked for where there is a terminal.
pub(super) fn login(
    arguments: &Arguments,
    environment: &Environment,
    url: &IndexUrl,
    known: &Known,
) -> Result<Login, Failure> {
    let said = arguments
        .login
        .username
        .as_deref()
        .or_else(|| environment.var("PKGCTL_USERNAME"));
    // Variables for CI name the password, they don't hold it.
    let asks = prompt::is_interactive();
    let asks_password = asks && (!arguments.doing.print_env || arguments.doing.print_password);
    let username = match said {
        Some(said) => said.to_owned(),
        None if asks && !arguments.login.password_stdin => {
            let proposed = known
                .username
                .clone()
                .or_else(|| only_user_here(url, environment));
            let question = Question {
                wanted: "the user",
                prompt: if proposed.is_some() {
                    "User"
                } else {
                    "User (Enter for none)"
                },
                instead: "use --username or set PKGCTL_USERNAME",
            };
            prompt::prompt_line(question, proposed.as_deref())?
        }
        None => String::new(),
    };
    let username = (!username.is_empty()).then_some(username);
    if let Some(name) = &username {
        let checked: Result<Username, _> = name.parse();
        checked.map_err(|error| {
            let failure = Failure::usage(format!("`{}` can't be the name of a user", name.escape_debug()));
            failure.caused_by(&error).hint(USERNAME_HINT)
        })?;
    }
    let has_user = username.is_some() || known.username.is_some();
    let password = password(
        arguments,
        environment,
        asks_password && has_user,
        known.password.is_some(),
    )?;
    if password.is_some() && !has_user {
        return Err(Failure::usage("there is a password but no user").hint("name the user with --username"));
    }
    Ok(Login {
        username,
        password,
        forgets_password: arguments.login.no_password,
        is_for_keyring: arguments.login.keyring,
    })
}

/// The only user of an index on this machine, where its passwords are in the file that `adduser` and `serve` take
/// unasked: who has just been added is whom uploads are for.
fn only_user_here(url: &IndexUrl, environment: &Environment) -> Option<String> {
    if !url.is_loopback() {
        return None;
    }
    let named = environment
        .var_os("PKGCTL_PASSWORDS")
        .map(|path| environment.expand(Path::new(path)));
    let usual = || Some(environment.home()?.join("packages").join(".htaccess"));
    let file = Dotfile::open(&named.or_else(usual)?).ok()?;
    let [only] = <[Listed; 1]>::try_from(htpasswd::list(file.content()).users).ok()?;
    Some(only.user.to_string())
}

fn password(
    arguments: &Arguments,
    environment: &Environment,
    asks: bool,
    is_known: bool,
) -> Result<Option<Secret>, Failure> {
    let password = if arguments.login.no_password {
        return Ok(None);
    } else if arguments.login.password_stdin {
        prompt::secret_from_stdin()?
    } else if let Some(password) = environment.var("PKGCTL_PASSWORD") {
        return storable(Secret::new(password)).map(Some);
    } else if asks {
        prompt::prompt_secret(Question {
            wanted: "the password",
            prompt: if is_known {
                "Password (Enter to keep it)"
            } else {
                "Password (Enter for none)"
            },
            instead: "use --password-stdin or set PKGCTL_PASSWORD",
        })?
    } else {
        return Ok(None);
    };
    let password = Secret::new(password.as_str());
    if password.is_empty() {
        if arguments.login.password_stdin {
            let failure = Failure::usage("the password is empty");
            return Err(failure.hint("pipe one to stdin, or store none with --no-password"));
        }
        return Ok(None);
    }
    storable(password).map(Some)
}

/// A value of an INI file has one line, and its readers trim it.
fn storable(password: Secret) -> Result<Secret, Failure> {
    let text = password.expose();
    let fits = text.trim_matches(|c: char| c.is_whitespace() || c.is_control()) == text
        && !text.chars().any(char::is_control);
    if !fits {
        return Err(Failure::usage(
            "this password can't be stored: it begins or ends with white space, or has several lines",
        )
        .hint("use --no-password, and give it with PKGCTL_PASSWORD when you publish"));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_may_be_a_secret() {
        for (text, shown) in [
            ("http://alice:hunter2@h/x", "http://********@h/x"),
            ("alice:hunter2@h", "********@h"),
            ("http://alice:hun/ter@2@h", "http://********@h"),
            ("https://h/?token=hunter2", "https://h/?********"),
            ("h\n", "h\\n"),
        ] {
            assert_eq!(shown_url(text), shown);
        }
    }
}
