//! One file on its way to the index: attempts, pauses, redirects, and what to make of "it is already there".

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use hyper::ext::ReasonPhrase;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use thiserror::Error;
use url::Url;

use super::answer::{Answer, Stored, Verdict};
use super::body::{BodyFault, Form, Pulse};
use super::confirm::Listed;
use super::distribution::Distribution;
use super::progress::{Outcome, Progress};
use super::trusted::TrustedError;
use super::{Client, Timeouts, accept, read_body, retry};
use crate::causes::chain;
use crate::packaging::digest::NamedDigest;

/// What is read of an answer; a sentence is in its beginning or nowhere.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Redirects that are followed for one request.
const MAX_HOPS: usize = 5;

/// What upload answers may look like, those with a message for people first.
const ACCEPT: &str =
    "application/problem+json, application/json;q=0.9, text/plain;q=0.8, text/html;q=0.7, */*;q=0.1";

/// Why one file was not uploaded.
#[derive(Debug, Error)]
pub enum UploadError {
    /// The server said no.
    #[error("{0}")]
    Refused(Answer),
    /// The token has ended before the last file was sent.
    #[error("{answer}\nits token could not be renewed: {reason}")]
    RanOut {
        /// What the server said.
        answer: Answer,
        /// Why there is no other one.
        reason: Box<TrustedError>,
    },
    /// The server asked for patience until ours was at its end.
    #[error("{answer}, {}{}", after(*attempts), asked_pause(answer))]
    Busy {
        /// Its last answer.
        answer: Answer,
        /// Requests in total.
        attempts: u32,
    },
    /// The server can't be reached, or the connection breaks every time.
    #[error("{reason}, {}", after(*attempts))]
    Unreachable {
        /// What the last attempt failed of.
        reason: String,
        /// Requests in total.
        attempts: u32,
    },
    /// No safe connection can be made. Trying again would not help.
    #[error("no secure connection can be made: {0}")]
    Tls(String),
    /// The server sends us to another origin, which gets neither file nor credentials.
    #[error("{from} redirects to another server, {to}")]
    RedirectElsewhere {
        /// What was asked.
        from: Url,
        /// Where it points.
        to: String,
    },
    /// Redirects without end.
    #[error("{0} redirects in a circle")]
    RedirectsInCircle(Url),
    /// The index has a file of that name with other bytes.
    #[error("the index has another file of that name\nours:   sha256 {ours}\ntheirs: {} {}", .theirs.algorithm.name(), .theirs.hex())]
    OtherContent {
        /// The digest of the file at hand.
        ours: String,
        /// The digest that the index lists.
        theirs: NamedDigest,
    },
    /// The index has a file of that name, and whether it is ours can't be told.
    #[error("{answer}\nwhether it has the same bytes can't be told: {reason}")]
    Unconfirmed {
        /// What the server said.
        answer: Answer,
        /// Why it can't be told.
        reason: String,
    },
    /// The server says that it has a file of that name, and the index does not list it.
    #[error("{0}\nand yet the index does not list the file")]
    Hidden(Answer),
    /// The file is not what it was when it was checked.
    #[error("the file changed while it was sent; the index did not get it")]
    Changed,
    /// The file is gone or can't be read any more.
    #[error("the file can't be read any more")]
    Unreadable(#[source] std::io::Error),
}

impl From<BodyFault> for UploadError {
    fn from(fault: BodyFault) -> Self {
        match fault {
            BodyFault::Changed => Self::Changed,
            BodyFault::Unreadable(source) => Self::Unreadable(source),
        }
    }
}

fn after(attempts: u32) -> String {
    let plural = if attempts == 1 { "" } else { "s" };
    format!("after {attempts} attempt{plural}")
}

/// Why it was given up so soon, where the server has asked for more than one waits.
fn asked_pause(answer: &Answer) -> String {
    let asked = answer.asked_pause().map(|pause| pause.as_secs());
    asked.map_or_else(String::new, |seconds| {
        format!("; it asks for {seconds} s of patience")
    })
}

/// How one attempt ended, when it is not the end of the matter.
enum Attempt {
    Answered(Answer),
    /// No answer came. The server may have stored the file nevertheless, unless it was never reached.
    Broken {
        reason: String,
        reached: bool,
    },
}

impl Client {
    /// Uploads one file, with as many attempts as the settings allow.
    ///
    /// A lost answer is no failure: when a repetition is told that the file is already there, or the last attempt
    /// brings no answer either, the index is asked whether it lists the digest at hand.
    ///
    /// # Errors
    /// [`UploadError`].
    pub async fn upload(
        &self,
        distribution: &Distribution,
        progress: &Arc<dyn Progress>,
    ) -> Result<Outcome, UploadError> {
        let form = Form::of(distribution);
        let mut in_doubt = false;
        let mut attempt = 1;
        let mut may_renew = true;
        loop {
            self.freshen().await;
            let generation = self.session.generation();
            progress.begin(distribution.filename(), distribution.size_bytes, attempt);
            let ended = self.attempt(&form, distribution, progress).await?;
            let (asked, reason) = match &ended {
                Attempt::Answered(answer) => match answer.verdict() {
                    // In doubt it was an earlier attempt of this run that stored it.
                    Verdict::Stored(Stored::Before) if !in_doubt => return Ok(Outcome::AlreadyThere),
                    Verdict::Stored(Stored::Replaced) => return Ok(Outcome::Replaced),
                    Verdict::Stored(_) => return Ok(Outcome::Uploaded),
                    Verdict::Duplicate => return self.settle(distribution, answer.clone(), in_doubt).await,
                    Verdict::Busy(asked) => {
                        in_doubt |= answer.leaves_doubt();
                        (asked, answer.to_string())
                    }
                    Verdict::Refused if may_renew && self.has_run_out(answer) => {
                        may_renew = false;
                        let renewed = self.renew(generation).await;
                        renewed.map_err(|reason| UploadError::RanOut {
                            answer: answer.clone(),
                            reason: Box::new(reason),
                        })?;
                        continue;
                    }
                    Verdict::Redirect(_) | Verdict::Refused => {
                        return Err(UploadError::Refused(answer.clone()));
                    }
                },
                Attempt::Broken { reason, reached } => {
                    in_doubt |= reached;
                    (None, reason.clone())
                }
            };
            let Some(pause) = self.settings.retry.delay(attempt, asked, retry::chance()) else {
                return self.give_up(distribution, ended, attempt, in_doubt).await;
            };
            progress.pausing(distribution.filename(), pause, &reason);
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// The server says that it has the file: is it ours?
    async fn settle(
        &self,
        distribution: &Distribution,
        answer: Answer,
        in_doubt: bool,
    ) -> Result<Outcome, UploadError> {
        match self.look_up(distribution).await {
            // An earlier attempt of this run got through, only its answer did not.
            Listed::Same | Listed::SameByMd5 if in_doubt => Ok(Outcome::Uploaded),
            listed @ (Listed::Same | Listed::SameByMd5) => Ok(listed.already_there()),
            Listed::Other(theirs) => Err(UploadError::OtherContent {
                ours: distribution.sha256.to_string(),
                theirs,
            }),
            // What it refuses is not what it lists: a name that was used before, or another spelling.
            Listed::Absent => Err(UploadError::Hidden(answer)),
            Listed::Unknown(_) if self.settings.skip_existing => Ok(Outcome::AlreadyThereUnverified),
            Listed::Unknown(reason) => Err(UploadError::Unconfirmed { answer, reason }),
        }
    }

    /// All attempts failed; but did one of them get through?
    async fn give_up(
        &self,
        distribution: &Distribution,
        ended: Attempt,
        attempts: u32,
        in_doubt: bool,
    ) -> Result<Outcome, UploadError> {
        if in_doubt && let Listed::Same | Listed::SameByMd5 = self.look_up(distribution).await {
            return Ok(Outcome::Uploaded);
        }
        Err(match ended {
            Attempt::Answered(answer) => UploadError::Busy { answer, attempts },
            Attempt::Broken { reason, .. } => UploadError::Unreachable { reason, attempts },
        })
    }

    /// Sends the file once, following redirects within the origin.
    async fn attempt(
        &self,
        form: &Form,
        distribution: &Distribution,
        progress: &Arc<dyn Progress>,
    ) -> Result<Attempt, UploadError> {
        let mut url = self.settings.url.clone();
        for hop in 0..=MAX_HOPS {
            if hop > 0 {
                progress.begin(distribution.filename(), distribution.size_bytes, 1);
            }
            let ended = self.request(&url, form, distribution, progress).await?;
            let Attempt::Answered(answer) = &ended else {
                return Ok(ended);
            };
            let Verdict::Redirect(location) = answer.verdict() else {
                return Ok(ended);
            };
            match url.join(&location) {
                Ok(target) if target.origin() == url.origin() => url = without_userinfo(target),
                Ok(target) => {
                    return Err(UploadError::RedirectElsewhere {
                        from: url,
                        to: without_userinfo(target).to_string(),
                    });
                }
                Err(_) => return Ok(ended),
            }
        }
        Err(UploadError::RedirectsInCircle(url))
    }

    async fn request(
        &self,
        url: &Url,
        form: &Form,
        distribution: &Distribution,
        progress: &Arc<dyn Progress>,
    ) -> Result<Attempt, UploadError> {
        let pulse = Arc::new(Pulse::new());
        let body = form.stream(distribution, Arc::clone(progress), Arc::clone(&pulse));
        let request = self
            .http
            .post(url.clone())
            .headers(accept(ACCEPT))
            .header(CONTENT_TYPE, form.content_type())
            .header(CONTENT_LENGTH, form.length_bytes())
            .timeout(self.settings.timeouts.total)
            .body(reqwest::Body::wrap_stream(body));
        let sending = self.with_credentials(request, url).send();
        let sent = tokio::select! {
            sent = sending => sent,
            reason = stalled(&pulse, self.settings.timeouts) => {
                return Ok(Attempt::Broken { reason, reached: true });
            }
        };
        if let Some(fault) = pulse.take_fault() {
            return Err(fault.into());
        }
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => return broken(error),
        };
        let body = read_body(&mut response, MAX_ANSWER_BYTES, self.settings.timeouts.stall).await;
        let reason = response.extensions().get::<ReasonPhrase>();
        let answer = Answer::read(
            response.status(),
            response.headers(),
            reason,
            &body,
            SystemTime::now(),
        );
        Ok(Attempt::Answered(answer))
    }
}

/// Ends when the request has shown no sign of life for too long, and says so.
async fn stalled(pulse: &Pulse, timeouts: Timeouts) -> String {
    loop {
        let (last, finished) = pulse.read();
        let limit = if finished { timeouts.answer } else { timeouts.stall };
        let quiet = last.elapsed();
        if quiet >= limit {
            let what = if finished {
                "no answer came"
            } else {
                "the connection took no byte"
            };
            return format!("{what} for {} seconds", limit.as_secs_f64());
        }
        let next = Instant::now() + (limit - quiet).min(Duration::from_secs(5));
        tokio::time::sleep_until(next.into()).await;
    }
}

/// A request without an answer: hopeless, or worth another attempt.
fn broken(error: reqwest::Error) -> Result<Attempt, UploadError> {
    let reached = !error.is_connect();
    let error = error.without_url();
    if let Some(reason) = tls_cause(&error) {
        return Err(UploadError::Tls(reason));
    }
    let what = if reached {
        "the connection broke"
    } else {
        "the server can't be reached"
    };
    let reason = format!("{what}: {}", root_cause(&error));
    Ok(Attempt::Broken { reason, reached })
}

/// The innermost reason, which is the one that says something.
pub(super) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

/// The text of a TLS error, wherever it is wrapped. I/O errors may hold one another, and don't count what they hold
/// among their sources.
pub(super) fn tls_cause(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls.to_string());
        }
        let held = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        next = match held {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// An address as it may be shown and asked; a server has no say in who we are.
fn without_userinfo(mut url: Url) -> Url {
    // Both can fail only for addresses that have no host, which can't be redirected to.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}
