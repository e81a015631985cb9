//! The files in which this user's tools keep indexes and passwords.

use std::path::{Path, PathBuf};

use super::report::Section;
use crate::auth::shell_word;
use crate::config::ini::IniDocument;
use crate::config::netrc::Netrc;
use crate::config::pip_conf::{self, Platform};
use crate::config::pypirc::Pypirc;
use crate::config::{Dotfile, Environment};
use crate::failure::Failure;

/// What was read of the files that other sections need.
pub(super) struct ClientFiles {
    pub(super) section: Section,
    /// The names of the repositories in `.pypirc`, in their order; none when it can't be read.
    pub(super) repositories: Vec<String>,
}

/// Whether the files are sound, and whether they keep their secrets.
pub(super) fn look(environment: &Environment) -> ClientFiles {
    let mut section = Section::new("Configuration files");
    let named = environment.var_os("PKGCTL_PYPIRC").map(Path::new);
    let repositories = look_at_pypirc(
        &mut section,
        &environment.expand(named.unwrap_or(Path::new("~/.pypirc"))),
    );
    look_at_pip(&mut section, environment);
    let netrc = environment.var_os("NETRC").map(Path::new);
    look_at_netrc(
        &mut section,
        &environment.expand(netrc.unwrap_or(Path::new("~/.netrc"))),
    );
    ClientFiles {
        section,
        repositories,
    }
}

/// The text of a file; `None` when there is none, or when it can't be read, which is told.
fn text_of(section: &mut Section, path: &Path) -> Option<(Dotfile, String)> {
    match Dotfile::open(path) {
        Ok(file) if !file.exists() => None,
        Ok(file) => match std::str::from_utf8(file.content()).map(ToOwned::to_owned) {
            Ok(text) => Some((file, text)),
            Err(_) => {
                section.problem(format!("`{}` is not UTF-8", path.display()), "save it as UTF-8");
                None
            }
        },
        Err(error) => {
            section.failure(&Failure::from(error));
            None
        }
    }
}

fn look_at_pypirc(section: &mut Section, path: &Path) -> Vec<String> {
    let Some((file, text)) = text_of(section, path) else {
        section.note(format!(
            "there is no `{}`; `pkgctl configure` writes one",
            path.display()
        ));
        return Vec::new();
    };
    let pypirc = match Pypirc::parse(&text) {
        Ok(pypirc) => pypirc,
        Err(error) => {
            malformed(section, path, &error);
            return Vec::new();
        }
    };
    let listed: Vec<String> = pypirc
        .repositories()
        .map(|repository| repository.name.clone())
        .collect();
    section.good(format!("`{}` names {}", path.display(), listed.join(", ")));
    for warning in pypirc.warnings() {
        section.note(warning);
    }
    let has_password = pypirc
        .repositories()
        .any(|repository| repository.password.is_some());
    tell_privacy(section, &file, has_password);
    listed
}

fn look_at_pip(section: &mut Section, environment: &Environment) {
    let Some(files) = pip_conf::user_files(environment, Platform::current(), |path| path.is_file()) else {
        return;
    };
    let mut found = false;
    let all: Vec<PathBuf> = std::iter::once(files.path).chain(files.others).collect();
    for path in &all {
        let Some((_, text)) = text_of(section, path) else {
            continue;
        };
        found = true;
        match IniDocument::parse(text) {
            Ok(document) => section.good(format!("`{}` {}", path.display(), pip_indexes(&document))),
            Err(error) => malformed(section, path, &error),
        }
    }
    if !found {
        section.note("pip has no configuration file of yours, so it asks the public index alone");
    }
}

/// What a pip configuration says of indexes, for one line.
fn pip_indexes(document: &IniDocument) -> String {
    let value = |key| {
        document
            .own_value("global", key)
            .filter(|value| !value.trim().is_empty())
    };
    let masked = |text: &str| crate::config::mask_secrets(text, None);
    match (value("index-url"), value("extra-index-url")) {
        (None, None) => "names no index".to_owned(),
        (Some(only), None) => format!("sends pip to {}", masked(only)),
        (only, Some(extra)) => {
            let extra: Vec<String> = extra.split_whitespace().map(masked).collect();
            let first = only.map_or_else(|| "the public index".to_owned(), masked);
            format!("sends pip to {first} and also to {}", extra.join(", "))
        }
    }
}

fn look_at_netrc(section: &mut Section, path: &Path) {
    let Some((file, text)) = text_of(section, path) else {
        return;
    };
    match Netrc::parse(&text) {
        Ok(_) => section.good(format!("`{}` is sound", path.display())),
        Err(error) => malformed(section, path, &error),
    }
    tell_privacy(section, &file, true);
}

fn malformed(section: &mut Section, path: &Path, error: &dyn std::fmt::Display) {
    section.problem(format!("`{}`: {error}", path.display()), "correct that line");
}

fn tell_privacy(section: &mut Section, file: &Dotfile, has_password: bool) {
    if has_password && file.is_open_to_others() {
        let path = file.path();
        section.problem(
            format!(
                "other users of this machine may read or write `{}`, which holds a password",
                path.display()
            ),
            format!(
                "keep it to yourself: chmod 600 {}",
                shell_word::quoted(&path.to_string_lossy())
            ),
        );
    }
}
