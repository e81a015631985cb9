//! As whom to publish: every place that may know a user or a password, in the order in which they are asked.

use std::path::Path;

use url::Url;

use super::Environment;
use super::keyring::Keyring;
use super::netrc::{self, Netrc};
use super::pypirc::Repository;
use super::repository::{Sourced, Wanted};
use crate::auth::credentials::Secret;
use crate::packaging::public_index::PublicIndex;

/// One place that may know the user or the password.
pub(super) struct Layer {
    source: String,
    pub(super) username: Option<String>,
    password: Option<Secret>,
    /// Given for this very run, so the password goes with whatever user; elsewhere it belongs to the user beside it.
    asked: bool,
}

/// The user and the password that stood in an address.
pub(super) type UserInUrl = (Option<String>, Option<Secret>);

/// All places, the one that is asked first in front.
pub(super) struct Layers(pub(super) Vec<Layer>);

impl Layer {
    pub(super) fn in_section(section: &Repository, file: &Path) -> Self {
        let username = section.username.clone().filter(|name| !name.is_empty());
        Self {
            source: format!("[{}] of {}", section.name, file.display()),
            // An empty password beside a user is one; beside nobody it is none.
            password: section
                .password
                .clone()
                .filter(|secret| username.is_some() || !secret.is_empty()),
            username,
            asked: false,
        }
    }

    pub(super) fn in_address((username, password): UserInUrl) -> Self {
        Self {
            source: "the address".to_owned(),
            username,
            password,
            asked: false,
        }
    }
}

impl Layers {
    /// Flags and variables.
    pub(super) fn asked_for(wanted: &Wanted, environment: &Environment) -> Self {
        let asked = |source: &str, username, password| Layer {
            source: source.to_owned(),
            username,
            password,
            asked: true,
        };
        let variables = |prefix: &str| {
            let variable = |name: &str| environment.var(&format!("{prefix}_{name}")).map(str::to_owned);
            asked(
                &format!("{prefix}_*"),
                variable("USERNAME"),
                variable("PASSWORD").map(Secret::new),
            )
        };
        Self(vec![
            asked(
                "the command line",
                wanted.username.clone(),
                wanted.password.clone(),
            ),
            variables("PKGCTL"),
            variables("TWINE"),
        ])
    }

    pub(super) fn asked(&self) -> impl Iterator<Item = &Layer> {
        self.0.iter().filter(|layer| layer.asked)
    }

    pub(super) fn credentials(
        mut self,
        url: &Url,
        environment: &Environment,
        notes: &mut Vec<String>,
    ) -> (Option<Sourced<String>>, Option<Sourced<Secret>>) {
        let is_public = PublicIndex::at(url).is_some();
        self.0.extend(netrc_layer(url, environment, notes));
        let username = self
            .0
            .iter()
            // The public index knows tokens only; a user in the file is of the time before them.
            .filter(|layer| layer.asked || !is_public)
            .find_map(|layer| sourced(layer.username.clone(), layer))
            .or_else(|| {
                is_public.then(|| Sourced {
                    value: "__token__".to_owned(),
                    source: "the public index's rules".to_owned(),
                })
            });
        let belongs = |layer: &&Layer| {
            layer.asked
                || is_public
                || match (&layer.username, &username) {
                    (Some(theirs), Some(ours)) => *theirs == ours.value,
                    _ => true,
                }
        };
        let password = self
            .0
            .iter()
            .filter(belongs)
            .find_map(|layer| sourced(layer.password.clone(), layer));
        match (username, password) {
            (Some(username), None) => {
                let password = in_keyring(url, &username.value, environment, notes);
                (Some(username), password)
            }
            (None, None) => login_in_keyring(url, environment, notes).unzip(),
            known => known,
        }
    }

    /// User and password as the files have them, where both are known.
    pub(super) fn in_files(
        mut self,
        url: &Url,
        environment: &Environment,
        notes: &mut Vec<String>,
    ) -> Option<(String, Secret)> {
        self.0.extend(netrc_layer(url, environment, notes));
        let complete = self.0.into_iter();
        complete
            .filter_map(|layer| Some((layer.username?, layer.password?)))
            .next()
    }
}

fn sourced<T>(value: Option<T>, layer: &Layer) -> Option<Sourced<T>> {
    value.map(|value| Sourced {
        value,
        source: layer.source.clone(),
    })
}

/// The password in the system's keyring, where there is a program to ask: under the address, as twine has it.
fn in_keyring(
    url: &Url,
    username: &str,
    environment: &Environment,
    notes: &mut Vec<String>,
) -> Option<Sourced<Secret>> {
    let keyring = Keyring::find(environment).ok()?;
    match keyring.password(url.as_str(), username) {
        Ok(password) => password.map(|value| Sourced {
            value,
            source: "the keyring".to_owned(),
        }),
        Err(error) => {
            notes.push(format!("the keyring was not asked: {error}"));
            None
        }
    }
}

/// User and password in the system's keyring, where it knows one for the address.
fn login_in_keyring(
    url: &Url,
    environment: &Environment,
    notes: &mut Vec<String>,
) -> Option<(Sourced<String>, Sourced<Secret>)> {
    let keyring = Keyring::find(environment).ok()?;
    match keyring.login(url.as_str()) {
        Ok(login) => login.map(|(username, password)| {
            let source = || "the keyring".to_owned();
            (
                Sourced {
                    value: username,
                    source: source(),
                },
                Sourced {
                    value: password,
                    source: source(),
                },
            )
        }),
        Err(error) => {
            notes.push(format!("the keyring was not asked: {error}"));
            None
        }
    }
}

fn netrc_layer(url: &Url, environment: &Environment, notes: &mut Vec<String>) -> Option<Layer> {
    let path = netrc::user_file(environment)?;
    let text = std::fs::read_to_string(&path).ok()?;
    match Netrc::parse(&text) {
        Ok(netrc) => netrc.entry(url.host_str()?).map(|entry| Layer {
            source: path.display().to_string(),
            username: entry.login.clone(),
            password: entry.password.clone(),
            asked: false,
        }),
        Err(error) => {
            notes.push(format!("`{}` was not read: {error}", path.display()));
            None
        }
    }
}
