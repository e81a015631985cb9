//! As whom an index is talked to, and how a token that runs out is replaced while files are on their way.
//!
//! Tokens for an identity last minutes, uploads may take hours. A token is renewed shortly before its end, and when the
//! index says that it has ended; once, whoever of the uploads notices it first, and for all of them.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use super::Client;
use super::answer::Answer;
use super::trusted::{Identities, Offer, Token, TrustedError};
use crate::auth::credentials::Basic;

/// How long before its end a token is renewed: an upload that begins now may be judged only when it is through.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// The credentials of one client.
pub(super) struct Session {
    current: RwLock<Current>,
    trade: Option<Trade>,
}

/// Who we are at the moment.
#[derive(Clone, Default)]
struct Current {
    credentials: Option<Basic>,
    /// From when on the token is to be replaced.
    renew_from: Option<SystemTime>,
    /// How often it was replaced.
    generation: u64,
}

/// What brings a new token.
struct Trade {
    offer: Offer,
    identities: Identities,
    /// Held by whoever fetches a token; the others wait for it.
    renewal: tokio::sync::Mutex<Option<TrustedError>>,
}

impl Session {
    pub(super) fn of(credentials: Option<Basic>) -> Self {
        let current = Current {
            credentials,
            ..Current::default()
        };
        Self {
            current: RwLock::new(current),
            trade: None,
        }
    }

    /// With a token, and what brings the next one.
    pub(super) fn trusted(credentials: Basic, token: &Token, offer: Offer, identities: Identities) -> Self {
        let current = Current {
            credentials: Some(credentials),
            renew_from: renew_from(token, SystemTime::now()),
            generation: 0,
        };
        Self {
            current: RwLock::new(current),
            trade: Some(Trade {
                offer,
                identities,
                renewal: tokio::sync::Mutex::new(None),
            }),
        }
    }

    /// What to send now.
    pub(super) fn credentials(&self) -> Option<Basic> {
        self.current().credentials
    }

    /// Which of its tokens this is.
    pub(super) fn generation(&self) -> u64 {
        self.current().generation
    }

    fn current(&self) -> Current {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn replace(&self, token: &Token) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.generation += 1;
        current.renew_from = renew_from(token, SystemTime::now());
        if let Some(credentials) = &mut current.credentials {
            credentials.password = token.secret.clone();
        }
    }
}

/// When a token of now is to be replaced: in time, but not in the first half of its life. An end that is over already
/// tells of two clocks, not of the token.
fn renew_from(token: &Token, now: SystemTime) -> Option<SystemTime> {
    let life = token.expires?.duration_since(now).ok()?;
    Some(now + (life / 2).max(life.saturating_sub(MARGIN)))
}

impl Client {
    /// Sees to it that the token lasts for one more upload. One that can't be renewed is used up to its end.
    pub(super) async fn freshen(&self) {
        let current = self.session.current();
        if current.renew_from.is_some_and(|from| from <= SystemTime::now()) {
            // Why it failed is told when the index does not take the old one any more.
            let _ = self.renew(current.generation).await;
        }
    }

    /// Whether an answer says that the token has ended, which another one would help.
    pub(super) fn has_run_out(&self, answer: &Answer) -> bool {
        let is_refusal = matches!(answer.status.as_u16(), 401 | 403);
        let is_due = self
            .session
            .current()
            .renew_from
            .is_some_and(|from| from <= SystemTime::now());
        self.session.trade.is_some() && is_refusal && (is_due || answer.says_expired())
    }

    /// Replaces the token that was number `generation`, unless that was done meanwhile.
    ///
    /// # Errors
    /// There is no new one. Nobody asks for it again then.
    pub(super) async fn renew(&self, generation: u64) -> Result<(), TrustedError> {
        let Some(trade) = &self.session.trade else {
            return Ok(());
        };
        let mut renewal = trade.renewal.lock().await;
        if self.session.generation() != generation {
            return Ok(());
        }
        if let Some(error) = &*renewal {
            return Err(error.clone());
        }
        let renewed = match self.identity(&trade.identities, &trade.offer).await {
            Ok(identity) => self.mint(&trade.offer, &identity).await,
            Err(error) => Err(error),
        };
        match renewed {
            Ok(token) => {
                self.session.replace(&token);
                Ok(())
            }
            Err(error) => {
                *renewal = Some(error.clone());
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Secret;

    #[test]
    fn tokens_are_renewed_in_time_but_not_in_their_first_half() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let after = |seconds: u64| {
            let token = Token {
                secret: Secret::new("x"),
                expires: Some(now + Duration::from_secs(seconds)),
            };
            renew_from(&token, now).map(|from| from.duration_since(now).unwrap().as_secs())
        };
        assert_eq!(after(15 * 60), Some(10 * 60));
        assert_eq!(after(60), Some(30));
        let past = Token {
            secret: Secret::new("x"),
            expires: Some(now - Duration::from_secs(1)),
        };
        assert_eq!(renew_from(&past, now), None);
        assert_eq!(
            renew_from(
                &Token {
                    expires: None,
                    ..past
                },
                now
            ),
            None
        );
    }
}
