//! Trusted publishing: a CI job trades the proof of its identity for a short-lived token of the index.
//!
//! An index offers this at `/_/oidc/audience` of its host, as the public ones do, or says elsewhere by the discovery
//! document of PEP 807 (`/.well-known/pytp`). The audience that it names goes into the job's identity token, and that
//! is exchanged for a token which is sent as the password of `__token__`.
//!
//! Everything here goes over HTTPS, or to this very machine. An index may not ask for an identity that another one
//! would accept: the audiences of the public indexes are theirs alone.

use std::time::{Duration, SystemTime};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use url::{Host, Url};

use super::answer::{Answer, media_type};
use super::{Client, accept, read_body};
use crate::auth::Secret;
use crate::causes::in_one_line;
use crate::packaging::public_index::{PUBLIC_INDEXES, PublicIndex};

/// The user of an upload that is authorized by a token.
pub const TOKEN_USER: &str = "__token__";

/// The media type of the discovery document.
const DISCOVERY: &str = "application/vnd.pypi.pytp.v1+json";

/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 256 << 10;

/// A token of the index.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token itself.
    pub secret: Secret,
    /// Its end, as the index has it; `None` when it doesn't say.
    pub expires: Option<SystemTime>,
}

/// Gives a proof of identity for an audience, or says why there is none.
pub type Identify = Box<dyn Fn(&str) -> Result<Secret, String> + Send + Sync>;

/// Where a job's proofs of identity come from.
pub enum Identities {
    /// GitHub Actions is asked over HTTP, with what a job finds in its environment.
    GitHub {
        /// What to ask.
        url: Url,
        /// The right to ask.
        bearer: Secret,
    },
    /// What gives a proof for an audience, or says why there is none. It may block for a moment.
    Other(Identify),
}

/// An index's offer to trade identities for tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What the identity token must be made out to.
    pub audience: String,
    /// Where it is exchanged.
    mint_url: Url,
}

/// Why there is no token.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TrustedError {
    /// An address to which no proof of identity may be sent.
    #[error("{0} is not safe: proofs of identity go over HTTPS only")]
    Unsafe(Url),
    /// The index wants its tokens to be fetched elsewhere.
    #[error("{index} names an address of another server, {other}")]
    Elsewhere {
        /// What was asked.
        index: Url,
        /// What it named.
        other: Url,
    },
    /// The audience is none, or another index's.
    #[error("{index} asks for an identity made out to `{audience}`, which is not its own to ask for")]
    Audience {
        /// What was asked.
        index: Url,
        /// What it wants.
        audience: String,
    },
    /// No answer.
    #[error("{url} can't be reached: {reason}")]
    Unreachable {
        /// What was asked.
        url: Url,
        /// Why not.
        reason: String,
    },
    /// The answer is no.
    #[error("{url}: {answer}")]
    Refused {
        /// What was asked.
        url: Url,
        /// What it said.
        answer: Answer,
    },
    /// The job can't prove who it is.
    #[error("{0}")]
    NoIdentity(String),
    /// The answer can't be understood.
    #[error("{0} answered something else than was asked for")]
    Malformed(Url),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Discovery {
    audience_endpoint: Url,
    token_mint_endpoint: Url,
}

#[derive(Deserialize)]
struct Audience {
    audience: String,
}

#[derive(Deserialize)]
struct Minted {
    token: String,
    /// Seconds since 1970, as a number of any kind.
    #[serde(default)]
    expires: serde_json::Value,
}

#[derive(Deserialize)]
struct Identity {
    value: String,
}

impl Client {
    /// Asks the index whether it trades identities for tokens. `None` when it doesn't, or can't be asked safely.
    ///
    /// # Errors
    /// [`TrustedError`] when its offer can't be taken.
    pub async fn token_offer(&self) -> Result<Option<Offer>, TrustedError> {
        let upload = &self.settings.url;
        if !is_safe(upload) {
            return Ok(None);
        }
        let at = |path: &str| {
            let mut url = upload.clone();
            url.set_path(path);
            url.set_query(None);
            url
        };
        let discovered = match PublicIndex::at(upload) {
            Some(_) => None,
            None => self.discover(at("/.well-known/pytp")).await?,
        };
        let (audience_url, mint_url) =
            discovered.unwrap_or_else(|| (at("/_/oidc/audience"), at("/_/oidc/mint-token")));
        let Some(response) = self.ask(audience_url.clone(), "application/json").await? else {
            return Ok(None);
        };
        let Some(Audience { audience }) = parsed(response, self).await else {
            return Ok(None);
        };
        let is_plain = (1..=255).contains(&audience.len())
            && !audience.starts_with('-')
            && !audience.chars().any(char::is_control);
        let is_anothers = PublicIndex::at(upload).is_none()
            && PUBLIC_INDEXES
                .iter()
                .any(|index| index.name.eq_ignore_ascii_case(&audience));
        if !is_plain || is_anothers {
            return Err(TrustedError::Audience {
                index: audience_url,
                audience,
            });
        }
        Ok(Some(Offer { audience, mint_url }))
    }

    /// Exchanges the proof of an identity for a token.
    ///
    /// # Errors
    /// The index refuses it, or can't be reached.
    pub async fn mint(&self, offer: &Offer, identity: &Secret) -> Result<Token, TrustedError> {
        let body = serde_json::json!({ "token": identity.expose() }).to_string();
        let request = self
            .http
            .post(offer.mint_url.clone())
            .headers(accept("application/json"))
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let response = self.await_answer(request, &offer.mint_url).await?;
        let mut expires = None;
        let minted = |minted: Minted| {
            expires = minted.expires.as_f64().and_then(moment);
            minted.token
        };
        let secret = self.secret_in(response, &offer.mint_url, minted).await?;
        Ok(Token { secret, expires })
    }

    /// A proof of the job's identity for what the offer asks for.
    ///
    /// # Errors
    /// The job has none.
    pub async fn identity(&self, identities: &Identities, offer: &Offer) -> Result<Secret, TrustedError> {
        match identities {
            Identities::GitHub { url, bearer } => self.github_identity(url, bearer, &offer.audience).await,
            Identities::Other(identify) => identify(&offer.audience).map_err(TrustedError::NoIdentity),
        }
    }

    /// The identity of a job of GitHub Actions: `url` and `bearer` are what the job finds in its environment.
    ///
    /// # Errors
    /// GitHub refuses, or can't be reached.
    async fn github_identity(
        &self,
        url: &Url,
        bearer: &Secret,
        audience: &str,
    ) -> Result<Secret, TrustedError> {
        if !is_safe(url) {
            return Err(TrustedError::Unsafe(url.clone()));
        }
        let mut asked = url.clone();
        asked.query_pairs_mut().append_pair("audience", audience);
        let request = self
            .http
            .get(asked)
            .headers(accept("application/json"))
            .bearer_auth(bearer.expose());
        let response = self.await_answer(request, url).await?;
        self.secret_in(response, url, |identity: Identity| identity.value)
            .await
    }

    /// The endpoints in the discovery document, for the path of the upload address.
    async fn discover(&self, mut url: Url) -> Result<Option<(Url, Url)>, TrustedError> {
        let key = utf8_percent_encode(self.settings.url.path(), NON_ALPHANUMERIC).to_string();
        url.set_query(Some(&format!("discover={key}")));
        let Some(response) = self.ask(url.clone(), DISCOVERY).await? else {
            return Ok(None);
        };
        let content_type = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        if media_type(content_type.unwrap_or_default()) != DISCOVERY {
            return Ok(None);
        }
        let Some(found): Option<Discovery> = parsed(response, self).await else {
            return Err(TrustedError::Malformed(url));
        };
        for endpoint in [&found.audience_endpoint, &found.token_mint_endpoint] {
            if endpoint.origin() != url.origin() {
                return Err(TrustedError::Elsewhere {
                    index: url,
                    other: endpoint.clone(),
                });
            }
        }
        Ok(Some((found.audience_endpoint, found.token_mint_endpoint)))
    }

    /// An answer with status 200; any other means that the index offers nothing there.
    async fn ask(&self, url: Url, media_type: &'static str) -> Result<Option<Response>, TrustedError> {
        let request = self.http.get(url.clone()).headers(accept(media_type));
        let response = self.await_answer(request, &url).await?;
        Ok((response.status() == StatusCode::OK).then_some(response))
    }

    async fn await_answer(
        &self,
        request: reqwest::RequestBuilder,
        url: &Url,
    ) -> Result<Response, TrustedError> {
        let unreachable = |reason: String| TrustedError::Unreachable {
            url: url.clone(),
            reason,
        };
        let stall = self.settings.timeouts.stall;
        match tokio::time::timeout(stall, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(unreachable(in_one_line(&error.without_url()))),
            Err(_) => Err(unreachable(format!("no answer within {} s", stall.as_secs_f64()))),
        }
    }

    /// The secret in an answer of success, or what the answer says instead.
    async fn secret_in<T: serde::de::DeserializeOwned>(
        &self,
        mut response: Response,
        url: &Url,
        secret: impl FnOnce(T) -> String,
    ) -> Result<Secret, TrustedError> {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = zeroize::Zeroizing::new(
            read_body(&mut response, MAX_ANSWER_BYTES, self.settings.timeouts.stall).await,
        );
        if !status.is_success() {
            let answer = Answer::read(status, &headers, None, &body, SystemTime::now());
            return Err(TrustedError::Refused {
                url: url.clone(),
                answer,
            });
        }
        let found = serde_json::from_slice(&body).map(secret).unwrap_or_default();
        // A line end in it would end the header that it goes into.
        if found.is_empty() || found.chars().any(char::is_control) {
            return Err(TrustedError::Malformed(url.clone()));
        }
        Ok(Secret::new(found))
    }
}

async fn parsed<T: serde::de::DeserializeOwned>(mut response: Response, client: &Client) -> Option<T> {
    let body = read_body(&mut response, MAX_ANSWER_BYTES, client.settings.timeouts.stall).await;
    serde_json::from_slice(&body).ok()
}

/// So many seconds after 1970; `None` for a time that no clock shows.
fn moment(seconds: f64) -> Option<SystemTime> {
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(since)
}

/// Whether nobody between here and there can read along.
fn is_safe(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || is_here
}
