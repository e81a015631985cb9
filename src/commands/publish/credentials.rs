//! As whom to publish: what the configuration knows, else what a CI job's identity is worth, else what the user says.

use std::fmt::Write as _;

use tokio::runtime::Runtime;

use super::arguments::Arguments;
use crate::auth::credentials::{Basic, Secret};
use crate::causes::in_one_line;
use crate::client::Client;
use crate::client::trusted::{Identities, Offer, TOKEN_USER, Token};
use crate::config::Environment;
use crate::config::ambient::Ambient;
use crate::config::repository::{Sourced, Target};
use crate::failure::Failure;
use crate::terminal;
use crate::terminal::prompt::{PromptError, Question, is_interactive, prompt_line, prompt_secret};

/// A user with a password, and where both came from.
pub(super) struct Login {
    pub(super) credentials: Option<Basic>,
    pub(super) username_source: String,
    pub(super) password_source: String,
    /// What brings the next token, where the password is one that runs out.
    pub(super) trade: Option<(Token, Offer, Identities)>,
}

impl Login {
    fn nobody() -> Self {
        Self {
            credentials: None,
            username_source: String::new(),
            password_source: String::new(),
            trade: None,
        }
    }

    /// Where address, user and password were found.
    pub(super) fn provenance(&self, target: &Target) -> String {
        let mut text = format!("the address is from {}", target.source);
        // Writing to a String can't fail.
        let _ = match &self.credentials {
            Some(credentials) => write!(
                text,
                "; the user `{}` from {}; the password from {}",
                credentials.username, self.username_source, self.password_source
            ),
            None => write!(text, "; there is no user"),
        };
        text
    }
}

/// Looks for credentials, in the end by asking where that is possible. Without any nothing is sent with the files.
pub(super) struct Search<'a> {
    pub(super) arguments: &'a Arguments,
    pub(super) target: &'a Target,
    pub(super) environment: &'a Environment,
    pub(super) client: &'a Client,
    pub(super) runtime: &'a Runtime,
}

impl Search<'_> {
    pub(super) fn find(&self) -> Result<Login, Failure> {
        let target = self.target;
        if target.anonymous {
            return Ok(Login::nobody());
        }
        if let Some(login) = self.of_the_job()? {
            return Ok(login);
        }
        let may_ask = !self.is_non_interactive() && is_interactive();
        let Some(username) = self.username(may_ask)? else {
            return Ok(Login::nobody());
        };
        let name = username.value.parse().map_err(|error| {
            Failure::usage("that user can't be sent to an index")
                .caused_by(&error)
                .hint("check the name in --username, the environment, or the configuration file")
        })?;
        let Some(password) = self.password(&username.value, may_ask)? else {
            return Ok(Login::nobody());
        };
        Ok(Login {
            credentials: Some(Basic {
                username: name,
                password: password.value,
            }),
            username_source: username.source,
            password_source: password.source,
            trade: None,
        })
    }

    fn username(&self, may_ask: bool) -> Result<Option<Sourced<String>>, Failure> {
        let target = self.target;
        match &target.username {
            Some(known) => Ok(Some(known.clone())),
            None if may_ask => {
                let said = prompt_line(
                    Question {
                        wanted: "the user",
                        prompt: &format!("User for {target} (empty for none)"),
                        instead: "name the user with --username or PKGCTL_USERNAME",
                    },
                    None,
                );
                let said = said.map_err(unanswered)?;
                Ok((!said.is_empty()).then(|| Sourced {
                    value: said,
                    source: "the terminal".to_owned(),
                }))
            }
            None if target.password.is_some() => Err(Failure::usage(format!(
                "there is a password but no user for {target}"
            ))
            .hint("name the user with --username or PKGCTL_USERNAME")),
            // Perhaps the index wants none. Its answer will tell.
            None => Ok(None),
        }
    }

    fn password(&self, username: &str, may_ask: bool) -> Result<Option<Sourced<Secret>>, Failure> {
        let target = self.target;
        match &target.password {
            Some(known) => Ok(Some(known.clone())),
            None if may_ask => {
                let password = prompt_secret(Question {
                    wanted: "the password",
                    prompt: &format!("Password of `{username}` for {target}"),
                    instead: "give it with --password-stdin or in PKGCTL_PASSWORD",
                });
                Ok(Some(Sourced {
                    value: Secret::new(password.map_err(unanswered)?.as_str()),
                    source: "the terminal".to_owned(),
                }))
            }
            None if target.client_cert.is_some() => Ok(None),
            None => Err(
                Failure::usage(format!("there is no password for `{username}` at {target}"))
                    .hint("give it with --password-stdin or in PKGCTL_PASSWORD"),
            ),
        }
    }

    /// The token for a CI job's identity, where nothing else is known and the index offers one.
    fn of_the_job(&self) -> Result<Option<Login>, Failure> {
        let target = self.target;
        let is_free = target
            .username
            .as_ref()
            .is_none_or(|user| user.value == TOKEN_USER);
        if target.password.is_some() || !is_free {
            return Ok(None);
        }
        let Some(detected) = Ambient::detect(self.environment) else {
            return Ok(None);
        };
        let offer = match self.runtime.block_on(self.client.token_offer()) {
            Ok(Some(offer)) => offer,
            Ok(None) => return Ok(None),
            Err(error) => {
                terminal::warning(format!("the identity of this job is not used: {error}"));
                return Ok(None);
            }
        };
        let failed = || Failure::new(format!("the identity of this job is of no use at {target}"));
        let ambient =
            detected.map_err(|lack| failed().hint(format!("{lack}; or give a user and a password")))?;
        let name = ambient.name();
        let identities = self.identities(ambient);
        let identity = self.runtime.block_on(self.client.identity(&identities, &offer));
        let identity = identity.map_err(|cause| {
            failed().caused_by(&cause).hint(format!(
                "let the job have a token for the audience `{}`",
                offer.audience
            ))
        })?;
        let minted = self.runtime.block_on(self.client.mint(&offer, &identity));
        let token = minted.map_err(|error| {
            failed()
                .caused_by(&error)
                .hint("register this repository and workflow as a trusted publisher of the project")
        })?;
        let source = format!("the identity of this {name} job");
        let username = TOKEN_USER.parse().map_err(|error| failed().caused_by(&error))?;
        Ok(Some(Login {
            credentials: Some(Basic {
                username,
                password: token.secret.clone(),
            }),
            username_source: source.clone(),
            password_source: source,
            trade: Some((token, offer, identities)),
        }))
    }

    fn identities(&self, ambient: Ambient) -> Identities {
        if let Ambient::GitHub { url, bearer } = ambient {
            return Identities::GitHub { url, bearer };
        }
        let environment = self.environment.clone();
        Identities::Other(Box::new(move |audience| {
            let identity = ambient.identity(&environment, audience);
            let identity = identity.ok_or_else(|| "the job has no identity".to_owned())?;
            identity.map_err(|error| in_one_line(&error))
        }))
    }

    /// As twine reads its variable: `0`, `false` and `no` mean no.
    fn is_non_interactive(&self) -> bool {
        let variable = ["PKGCTL_NON_INTERACTIVE", "TWINE_NON_INTERACTIVE"]
            .iter()
            .find_map(|name| self.environment.var(name));
        let says_no = |value: &str| ["0", "false", "no"].contains(&value.to_ascii_lowercase().as_str());
        self.arguments.non_interactive || variable.is_some_and(|value| !says_no(value))
    }
}

/// A question that was left without an answer.
pub(super) fn unanswered(error: PromptError) -> Failure {
    match error {
        PromptError::Interrupted => Failure::interrupted("interrupted; nothing was uploaded"),
        error => error.into(),
    }
}
