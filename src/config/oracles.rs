//! What must hold of other programs' files when this one edits them. Fuzz targets (`tests/fuzz/`) and ordinary tests
//! ask these.

use std::collections::BTreeMap;
use std::path::Path;

use super::ini::IniDocument;
use super::netrc::Netrc;
use super::netrc_edit::HostLogin;
use super::pip_conf::{PipIndex, add_index, remove_index, standing};
use super::pypirc::{PasswordEdit, Pypirc, RepositoryEdit, remove_repository, set_repository};
use super::settings_file::SettingsFile;
use super::tools::{ToolFile, ToolRepository};
use crate::auth::Secret;

const URL: &str = "https://packages.example.org/upload/";

type Values = BTreeMap<(String, String), String>;

/// All values of a text in the INI format but those of `section`, and but the lists that edits may add to.
fn values_but(text: &str, section: &str, lists: &[&str]) -> Values {
    let mut values = Values::new();
    let Ok(document) = IniDocument::parse(text) else {
        return values;
    };
    let sections = document.section_names().chain(["DEFAULT"]);
    for name in sections.filter(|name| *name != section) {
        for key in document.keys(name).filter(|key| !lists.contains(key)) {
            let value = document.own_value(name, key).unwrap_or_default();
            values.insert((name.to_owned(), key.to_owned()), value.to_owned());
        }
    }
    values
}

/// `.pypirc`, read and edited: what was asked for is there, nothing else changed, and twice is as once.
pub fn pypirc(text: &str) {
    let password = Secret::new("s3cret%42");
    let edit = RepositoryEdit {
        name: "house",
        url: URL,
        username: Some("zoë"),
        password: PasswordEdit::Set(&password),
    };
    let Ok(edited) = set_repository(text, &edit) else {
        return;
    };
    let read = Pypirc::parse(&edited);
    let found = read.as_ref().ok().and_then(|read| read.repository("house"));
    let found = found.map(|found| {
        let password = found.password.as_ref().map(Secret::expose);
        (
            found.url.as_deref(),
            found.username.as_deref(),
            password,
            found.listed,
        )
    });
    let wanted = (Some(URL), Some("zoë"), Some("s3cret%42"), true);
    assert_eq!(found, Some(wanted), "{edited:?}");
    let lists = ["index-servers"];
    assert_eq!(
        values_but(text, "house", &lists),
        values_but(&edited, "house", &lists),
        "{edited:?}"
    );
    assert_eq!(set_repository(&edited, &edit).as_deref(), Ok(edited.as_str()));
    let Ok(removed) = remove_repository(&edited, "house") else {
        return;
    };
    let document = IniDocument::parse(removed.as_str());
    assert!(
        document.is_ok_and(|document| document.own_value("house", "password").is_none()),
        "{removed:?}"
    );
    assert_eq!(
        values_but(text, "house", &lists),
        values_but(&removed, "house", &lists)
    );
}

/// `pip.conf`: the index is there afterwards as it was asked for, everything else stays, twice is as once.
pub fn pip_conf(text: &str) {
    for is_only in [false, true] {
        let index = PipIndex {
            url: "http://packages.example.org:8080/simple/".to_owned(),
            trusted_host: Some("packages.example.org:8080".to_owned()),
            is_only,
        };
        let Ok(edited) = add_index(text, &index, None) else {
            continue;
        };
        let is_there = standing(&edited, &index.url);
        assert!(is_there.is_some(), "{edited:?}");
        assert_eq!(
            values_but(text, "global", &[]),
            values_but(&edited, "global", &[]),
            "{edited:?}"
        );
        assert_eq!(add_index(&edited, &index, None).as_deref(), Ok(edited.as_str()));
        let Ok(removed) = remove_index(&edited, &index) else {
            continue;
        };
        assert_eq!(standing(&removed, &index.url), None, "{removed:?}");
        assert_eq!(
            values_but(text, "global", &[]),
            values_but(&removed, "global", &[])
        );
    }
}

/// `.netrc`: as above; what is shown of it never holds the password.
pub fn netrc(text: &str) {
    let password = Secret::new("s3cret-and-long");
    let login = HostLogin {
        host: "packages.example.org",
        username: "zoe",
        password: &password,
        former_username: None,
    };
    let Ok(edited) = Netrc::with_login(text, &login) else {
        return;
    };
    assert!(Netrc::parse(&edited).is_ok_and(|read| read.entry(login.host).is_some()));
    assert_eq!(Netrc::with_login(&edited, &login).as_deref(), Ok(edited.as_str()));
    if !text.contains(password.expose()) {
        assert!(!Netrc::masked(&edited, Some(text)).contains(password.expose()));
    }
}

/// The TOML files of other tools: the repository is there, twice is as once, and it can be taken out again.
pub fn tool_files(text: &str) {
    let password = Secret::new("s3cret-and-long");
    let repository = ToolRepository {
        name: "house",
        upload_url: URL,
        simple_url: Some("https://packages.example.org/simple/"),
        is_only: false,
        is_exposed: false,
        username: Some("zoë"),
        password: PasswordEdit::Set(&password),
    };
    for file in [
        ToolFile::Uv,
        ToolFile::PoetryConfig,
        ToolFile::PoetryAuth,
        ToolFile::Pdm,
        ToolFile::Hatch,
    ] {
        let Ok(edited) = file.with_repository(text, &repository) else {
            continue;
        };
        // Hatch has no list of repositories, only the login of the last one.
        assert!(file.names(&edited, "house"), "{file:?} {edited:?}");
        let again = file.with_repository(&edited, &repository);
        assert_eq!(again.as_deref().ok(), Some(edited.as_str()), "{file:?}");
        let urls = ["https://packages.example.org/simple/".to_owned()];
        let removed = file.without_repository(&edited, "house", &urls);
        // Keys of others may keep a table alive that was there before.
        if !file.names(text, "house") {
            let is_gone = removed
                .as_ref()
                .is_ok_and(|removed| !file.names(removed, "house"));
            assert!(is_gone, "{file:?} {removed:?}");
        }
    }
}

/// `pkgctl.toml`: entries stand in lines that there are, each key once.
pub fn settings(text: &str) {
    let Ok(file) = SettingsFile::parse(Path::new("pkgctl.toml"), text) else {
        return;
    };
    let lines = text.lines().count();
    let mut keys = Vec::new();
    for entry in &file.entries {
        assert!(
            (1..=lines).contains(&entry.line),
            "line {} of {lines}",
            entry.line
        );
        assert!(file.entry(&entry.key).is_some());
        keys.push(entry.key.clone());
    }
    keys.sort_unstable();
    assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "{keys:?}");
}
