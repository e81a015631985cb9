//! `.pypirc`, the file in which twine, flit, hatch and maturin find upload repositories: read and edited.
//!
//! `[distutils] index-servers` lists the repositories, each with a section of its own. Values in `[server-login]` are
//! defaults for all of them.

use std::path::PathBuf;

use super::ini::{IniDocument, IniError};
use crate::auth::Secret;
use crate::packaging::public_index::{PUBLIC_INDEXES, PublicIndex};

const LIST_SECTION: &str = "distutils";
const LIST_KEY: &str = "index-servers";
const LOGIN_SECTION: &str = "server-login";

/// Why a `.pypirc` can't be read. It holds the number of the line, never the content.
pub type PypircError = IniError;

/// The repositories of a `.pypirc`.
#[derive(Debug, Clone)]
pub struct Pypirc {
    repositories: Vec<Repository>,
    /// Public indexes that the file doesn't mention; they exist without being written down.
    unmentioned: Vec<Repository>,
    warnings: Vec<String>,
}

/// One repository.
#[derive(Debug, Clone)]
pub struct Repository {
    /// The name of its section.
    pub name: String,
    /// Where to upload to, as written.
    pub url: Option<String>,
    /// Who uploads; empty text means: nobody, and don't ask.
    pub username: Option<String>,
    /// Its secret; empty text means: none, and don't ask.
    pub password: Option<Secret>,
    /// Certificates to trust, in PEM.
    pub ca_cert: Option<PathBuf>,
    /// A certificate and key to show, in one PEM file.
    pub client_cert: Option<PathBuf>,
    /// Whether `index-servers` names it; twine sees no others.
    pub listed: bool,
}

impl Pypirc {
    /// Reads the text of a `.pypirc`, by the rules of Python's `configparser`.
    ///
    /// # Errors
    /// A line is malformed or a duplicate, or the file begins with a byte-order mark.
    pub fn parse(text: &str) -> Result<Self, PypircError> {
        let document = IniDocument::parse(text)?;
        let mut warnings = Vec::new();
        let listed = listed_names(&document, &mut warnings);
        let mut repositories = Vec::new();
        for name in &listed {
            if document.has_section(name) || default_url(name).is_some() {
                repositories.push(Repository::read(&document, name, true));
            } else {
                warnings.push(format!(
                    "`index-servers` names `{name}`, but there is no section `[{name}]`"
                ));
            }
        }
        for name in document.section_names() {
            let is_repository = document.own_value(name, "repository").is_some();
            if is_repository && !listed.iter().any(|other| other == name) {
                repositories.push(Repository::read(&document, name, false));
            }
        }
        let unmentioned = PUBLIC_INDEXES
            .iter()
            .filter(|index| {
                !repositories
                    .iter()
                    .any(|repository| repository.name == index.name)
            })
            .map(|index| Repository::read(&document, index.name, false))
            .collect();
        Ok(Self {
            repositories,
            unmentioned,
            warnings,
        })
    }

    /// Those that `index-servers` names, in its order, then sections beside them that have a `repository`. Without
    /// `index-servers` those named are pypi and testpypi.
    pub fn repositories(&self) -> impl Iterator<Item = &Repository> {
        self.repositories.iter()
    }

    /// The repository of that name; pypi and testpypi are always there.
    #[must_use]
    pub fn repository(&self, name: &str) -> Option<&Repository> {
        let mut all = self.repositories.iter().chain(&self.unmentioned);
        all.find(|repository| repository.name == name)
    }

    /// What the owner of the file should know.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Repository {
    fn read(document: &IniDocument, name: &str, listed: bool) -> Self {
        let value = |key| document.value(name, key);
        let or_login = |key| value(key).or_else(|| document.value(LOGIN_SECTION, key));
        Self {
            name: name.to_owned(),
            url: value("repository").or(default_url(name)).map(str::to_owned),
            username: or_login("username").map(str::to_owned),
            password: or_login("password").map(Secret::new),
            ca_cert: value("ca_cert").map(PathBuf::from),
            client_cert: value("client_cert").map(PathBuf::from),
            listed,
        }
    }
}

fn default_url(name: &str) -> Option<&'static str> {
    PublicIndex::named(name).map(|index| index.upload_url)
}

fn listed_names(document: &IniDocument, warnings: &mut Vec<String>) -> Vec<String> {
    let Some(list) = document.value(LIST_SECTION, LIST_KEY) else {
        return PUBLIC_INDEXES.iter().map(|index| index.name.to_owned()).collect();
    };
    if list.contains(',') {
        warnings.push(
            "`index-servers` is separated by commas; twine wants white space and finds none of them".into(),
        );
    }
    let mut names: Vec<String> = Vec::new();
    for name in list.split(|character: char| character == ',' || character.is_whitespace()) {
        if !name.is_empty() && !names.iter().any(|other| other == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// What [`set_repository`] writes.
#[derive(Debug, Clone)]
pub struct RepositoryEdit<'a> {
    /// The name of the section.
    pub name: &'a str,
    /// Where to upload to.
    pub url: &'a str,
    /// Who uploads; what is there stays when it is `None`.
    pub username: Option<&'a str>,
    /// What happens to the password.
    pub password: PasswordEdit<'a>,
}

/// What happens to a stored password.
#[derive(Debug, Clone, Copy)]
pub enum PasswordEdit<'a> {
    /// It stays, if there is one.
    Keep,
    /// It is removed, if there is one.
    Remove,
    /// It becomes this one, which has one line without white space at its ends.
    Set(&'a Secret),
}

/// Writes a repository into the text of a `.pypirc` and names it in `index-servers`. A list that has to be made
/// names pypi and testpypi too, which twine knows without a list and forgets with one. All other bytes stay.
///
/// # Errors
/// The text can't be read, or not be changed without changing the meaning of other lines.
pub fn set_repository(text: &str, edit: &RepositoryEdit<'_>) -> Result<String, PypircError> {
    let mut document = IniDocument::parse(text)?;
    match document.value(LIST_SECTION, LIST_KEY) {
        None => {
            let mut names = vec!["pypi", "testpypi"];
            if !names.contains(&edit.name) {
                names.push(edit.name);
            }
            document.add_list(LIST_SECTION, LIST_KEY, &names)?;
        }
        Some(list) => {
            let is_named = list
                .split(|c: char| c == ',' || c.is_whitespace())
                .any(|name| name == edit.name);
            if !is_named {
                document.add_item(LIST_SECTION, LIST_KEY, edit.name)?;
            }
        }
    }
    document.set(edit.name, "repository", edit.url)?;
    if let Some(username) = edit.username {
        document.set(edit.name, "username", username)?;
    }
    match edit.password {
        PasswordEdit::Keep => {}
        PasswordEdit::Remove => document.remove_key(edit.name, "password")?,
        PasswordEdit::Set(password) => document.set(edit.name, "password", password.expose())?,
    }
    Ok(document.text().to_owned())
}

/// Takes a repository out of the text of a `.pypirc`: what [`set_repository`] wrote, and no more.
///
/// # Errors
/// The text can't be read, or not be changed without changing the meaning of other lines.
pub fn remove_repository(text: &str, name: &str) -> Result<String, PypircError> {
    let mut document = IniDocument::parse(text)?;
    for key in ["repository", "username", "password"] {
        document.remove_key(name, key)?;
    }
    document.remove_empty_section(name)?;
    document.remove_item(LIST_SECTION, LIST_KEY, name)?;
    // What is left of a list that was made here says what twine knows without it.
    let left: Vec<&str> = document
        .own_value(LIST_SECTION, LIST_KEY)
        .unwrap_or_default()
        .lines()
        .collect();
    if left == ["", "pypi", "testpypi"] {
        document.remove_key(LIST_SECTION, LIST_KEY)?;
    }
    document.remove_empty_section(LIST_SECTION)?;
    Ok(document.text().to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::ini_edit::tests::{ini_text, read_by_python, read_by_us, samples};
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Pypirc {
        Pypirc::parse(text).unwrap()
    }

    fn names(pypirc: &Pypirc) -> Vec<(&str, bool)> {
        pypirc
            .repositories()
            .map(|repository| (repository.name.as_str(), repository.listed))
            .collect()
    }

    #[test]
    fn listed_ones_come_first_then_sections_beside_them() {
        let pypirc = read(
            "[other]\nrepository: http://other/\n[distutils]\nindex-servers =\n  internal\n  pypi\n  ghost\n\
             [internal]\nRepository = http://localhost:8080/\nusername = alice\npassword = 100%; #really\n\
             ca_cert = /ca.pem\n[not-one]\nusername = x\n",
        );
        assert_eq!(
            names(&pypirc),
            [("internal", true), ("pypi", true), ("other", false)]
        );
        let internal = pypirc.repository("internal").unwrap();
        assert_eq!(internal.url.as_deref(), Some("http://localhost:8080/"));
        assert_eq!(internal.username.as_deref(), Some("alice"));
        assert_eq!(
            internal.password.as_ref().map(Secret::expose),
            Some("100%; #really")
        );
        assert_eq!(internal.ca_cert.as_deref(), Some(std::path::Path::new("/ca.pem")));
        assert_eq!(
            pypirc.repository("testpypi").unwrap().url.as_deref(),
            Some("https://test.pypi.org/legacy/")
        );
        assert!(pypirc.repository("not-one").is_none() && pypirc.repository("ghost").is_none());
        assert_eq!(pypirc.warnings().len(), 1);
    }

    #[test]
    fn without_a_list_there_are_pypi_and_testpypi() {
        assert_eq!(names(&read("")), [("pypi", true), ("testpypi", true)]);
        let pypirc = read("[pypi]\nrepository = http://mirror/\n[mine]\nrepository = http://mine/\n");
        assert_eq!(
            names(&pypirc),
            [("pypi", true), ("testpypi", true), ("mine", false)]
        );
        assert_eq!(
            pypirc.repository("pypi").unwrap().url.as_deref(),
            Some("http://mirror/")
        );
    }

    #[test]
    fn defaults_and_logins_fill_gaps_and_empty_values_do_not() {
        let pypirc = read(
            "[DEFAULT]\nusername = everybody\n[server-login]\nusername = login\npassword = pw\n\
             [distutils]\nindex-servers = a b c\n[a]\nrepository = x\nusername =\n[b]\nrepository=y\n[c]\nusername=c\n",
        );
        let credentials = |name: &str| {
            let repository = pypirc.repository(name).unwrap();
            (
                repository.username.clone(),
                repository
                    .password
                    .as_ref()
                    .map(|password| password.expose().to_owned()),
            )
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(credentials("a"), (text(""), text("pw")));
        assert_eq!(credentials("b"), (text("everybody"), text("pw")));
        assert_eq!(pypirc.repository("c").unwrap().url, None);
    }

    #[test]
    fn commas_are_taken_with_a_warning() {
        let pypirc = read("[distutils]\nindex-servers = a, b\n[a]\nrepository=x\n[b]\nrepository=y\n");
        assert_eq!(names(&pypirc), [("a", true), ("b", true)]);
        assert!(pypirc.warnings()[0].contains("commas"));
    }

    #[test]
    fn a_broken_file_is_told_by_its_line_alone() {
        let error = Pypirc::parse("[internal]\npassword = a\npassword = hunter2\n").unwrap_err();
        assert_eq!(error.line, 3);
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        assert_eq!(Pypirc::parse("\u{feff}[pypi]\n").unwrap_err().line, 1);
    }

    fn edit<'a>(url: &'a str, password: PasswordEdit<'a>) -> RepositoryEdit<'a> {
        RepositoryEdit {
            name: "internal",
            url,
            username: Some("alice"),
            password,
        }
    }

    #[test]
    fn a_new_file_is_what_the_guide_shows() {
        let secret = Secret::new("s3cret");
        let text = set_repository("", &edit("http://localhost:8080/", PasswordEdit::Set(&secret))).unwrap();
        let expected = "[distutils]\nindex-servers =\n    pypi\n    testpypi\n    internal\n\n\
                        [internal]\nrepository = http://localhost:8080/\nusername = alice\npassword = s3cret\n";
        assert_eq!(text, expected);
        assert_eq!(remove_repository(&text, "internal").unwrap(), "");
    }

    #[test]
    fn what_is_there_stays() {
        let text =
            "# mine\r\n[internal]\r\nca_cert = x\r\npassword=old\r\n\r\n[distutils]\r\nindex-servers: a\r\n";
        let written = set_repository(text, &edit("http://h/", PasswordEdit::Keep)).unwrap();
        let expected = "# mine\r\n[internal]\r\nca_cert = x\r\npassword=old\r\nrepository = http://h/\r\n\
                        username = alice\r\n\r\n[distutils]\r\nindex-servers: a internal\r\n";
        assert_eq!(written, expected);
        let forgotten = set_repository(&written, &edit("http://h/", PasswordEdit::Remove)).unwrap();
        assert_eq!(forgotten, expected.replace("password=old\r\n", ""));
    }

    #[test]
    fn python_reads_what_was_written_and_nothing_else_changed() {
        let secret = Secret::new("p%s; #x = [y]");
        let edit = edit("http://localhost:8080/", PasswordEdit::Set(&secret));
        let before = samples(&ini_text(), 1_500);
        let (before, after): (Vec<String>, Vec<String>) = before
            .into_iter()
            .filter_map(|text| set_repository(&text, &edit).ok().map(|written| (text, written)))
            .unzip();
        assert!(after.len() > 300, "{}", after.len());
        let Some(by_python) = read_by_python(&after) else {
            eprintln!("skipped: there is no python3");
            return;
        };
        for ((before, after), found) in before.iter().zip(&after).zip(by_python) {
            let mut found = found.unwrap();
            let internal = found.get_mut("internal").unwrap();
            assert_eq!(
                internal.remove("repository").as_deref(),
                Some("http://localhost:8080/"),
                "{after:?}"
            );
            assert_eq!(internal.remove("username").as_deref(), Some("alice"), "{after:?}");
            assert_eq!(
                internal.remove("password").as_deref(),
                Some("p%s; #x = [y]"),
                "{after:?}"
            );
            let list = found
                .get_mut("distutils")
                .and_then(|values| values.remove("index-servers"));
            let default = found["DEFAULT"].get("index-servers").cloned();
            let list = list.or(default).unwrap();
            assert!(
                list.split_whitespace().any(|name| name == "internal"),
                "{after:?}"
            );
            let mut expected = read_by_us(before).unwrap();
            for (section, keys) in [
                ("internal", &["repository", "username", "password"][..]),
                ("distutils", &["index-servers"]),
            ] {
                let values = expected.entry(section.to_owned()).or_default();
                keys.iter().for_each(|key| drop(values.remove(*key)));
            }
            found.entry("distutils".to_owned()).or_default();
            assert_eq!(found, expected, "{before:?}");
        }
    }

    proptest! {
        #[test]
        fn writing_is_idempotent_and_reversible(text in ini_text()) {
            let secret = Secret::new("pw");
            let edit = edit("http://h/", PasswordEdit::Set(&secret));
            if let Ok(once) = set_repository(&text, &edit) {
                prop_assert_eq!(&set_repository(&once, &edit).unwrap(), &once);
                let document = IniDocument::parse(text.clone()).unwrap();
                let is_new = !document.has_section("internal") && !document.has_section("distutils");
                let ends_well = text.is_empty() || text.ends_with(['\n', '\r']);
                if is_new && ends_well && !text.trim().is_empty() {
                    prop_assert_eq!(remove_repository(&once, "internal").unwrap(), text);
                }
            }
        }
    }
}
