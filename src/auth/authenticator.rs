//! Checks credentials against the live password file, within limits: slow hashing can't be used to stop the server,
//! and passwords can't be guessed by trying.
//!
//! A request goes through these steps: look at the file (one `stat`) → known to be right a moment ago? → too many
//! failures of this user from there? → somebody else checking the very same credentials? → a place in the queue
//! (`turns.rs`) → one slow check. Only the last one costs more than microseconds, and only it needs a place, so that
//! a flood of wrong passwords can't stop clients whose passwords are known.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::Error;
use super::credentials::{Basic, Username};
pub use super::failures::FailureLimits;
use super::failures::{Client, Failures};
use super::htpasswd::PasswordFile;
use super::network::Network;
use super::password_file::LivePasswordFile;
use super::scheme::{Limits, PasswordHash};
use super::success_cache::{Fingerprint, Fingerprinter, SuccessCache};
use super::turns::{Standing, Ticket, Turns};

/// The largest password file that is read, in bytes; room for tens of thousands of users.
pub const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// What a client is told to wait when the queue is full.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(2);

/// How long a user is known at a network after a right password.
const KNOWN_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// How many users at networks are known at most; a few dozen bytes each.
const KNOWN_COUNT: usize = 8_192;

/// The limits of an [`Authenticator`].
#[derive(Debug, Clone)]
pub struct Settings {
    /// How costly a check may be.
    pub scheme_limits: Limits,
    /// How many checks run at once; half of the cores, at least one, when not said.
    pub parallel_checks: NonZeroUsize,
    /// How many checks may wait for one that runs; as many again for users who were right from there before.
    pub waiting_checks: usize,
    /// How long credentials that were right need no further check.
    pub remembered_for: Duration,
    /// How many such credentials are remembered.
    pub remembered_count: usize,
    /// When wrong passwords are too many.
    pub failures: FailureLimits,
}

impl Default for Settings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            scheme_limits: Limits::default(),
            parallel_checks: NonZeroUsize::new(cores / 2).unwrap_or(NonZeroUsize::MIN),
            waiting_checks: 64,
            remembered_for: Duration::from_secs(10 * 60),
            remembered_count: 1_024,
            failures: FailureLimits::default(),
        }
    }
}

/// Why a request does not get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It brought no credentials: 401.
    #[error("credentials are needed")]
    Missing,
    /// Its `Authorization` header is no Basic credentials of a possible user: 401.
    #[error("the credentials are malformed")]
    Malformed,
    /// Unknown user or wrong password, which is not told apart: 401.
    #[error("wrong user or password")]
    Wrong,
    /// Too many wrong ones came before: 429.
    #[error("too many wrong passwords")]
    TooManyAttempts {
        /// When the next attempt is let in.
        retry_after: Duration,
    },
    /// Too many checks wait already: 429.
    #[error("too many logins at once")]
    Busy {
        /// When to ask again.
        retry_after: Duration,
    },
}

/// The users of a password file, for the server. Shared by all its connections.
pub struct Authenticator {
    file: LivePasswordFile,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Authenticator")
    }
}

/// What the tasks that check a password need.
struct Shared {
    fingerprinter: Fingerprinter,
    /// Read by every request, written after slow checks alone.
    successes: RwLock<SuccessCache<Fingerprint>>,
    /// Short sections without an await inside; a std mutex is right.
    memory: Mutex<Memory>,
    turns: Arc<Turns>,
    checks: AtomicU64,
}

struct Memory {
    failures: Failures,
    known: SuccessCache<Client>,
    /// Checks under way, so that fifty connections of one client cost one.
    under_way: HashMap<Fingerprint, watch::Receiver<Verdict>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pending,
    Right,
    Wrong,
    /// Not checked: other passwords turned out wrong while this one waited for its turn.
    TooMany(Duration),
    /// Not checked: the check died, or the program is ending.
    Unknown,
}

/// One question: is this the password?
struct Question {
    basic: Basic,
    users: Arc<PasswordFile>,
    fingerprint: Fingerprint,
    /// Who fails when it is wrong.
    client: Client,
    /// Who is known when it is right, whatever is stored for the user.
    origin: Client,
    standing: Standing,
}

impl Authenticator {
    /// Reads the password file for the first time.
    ///
    /// # Errors
    /// It is missing, unreadable, not UTF-8 or malformed, or nobody could log in with it.
    pub fn open(path: &Path, settings: Settings) -> Result<Self, Error> {
        let file = LivePasswordFile::open(path, settings.scheme_limits)?;
        let parallel = settings.parallel_checks.get();
        let memory = Memory {
            failures: Failures::new(settings.failures),
            known: SuccessCache::new(KNOWN_FOR, KNOWN_COUNT),
            under_way: HashMap::new(),
        };
        let successes = SuccessCache::new(settings.remembered_for, settings.remembered_count);
        let shared = Shared {
            fingerprinter: Fingerprinter::new().map_err(Error::Randomness)?,
            successes: RwLock::new(successes),
            memory: Mutex::new(memory),
            turns: Turns::new(parallel, settings.waiting_checks),
            checks: AtomicU64::new(0),
        };
        Ok(Self {
            file,
            shared: Arc::new(shared),
        })
    }

    /// Tells who sent the request. `authorization` is the value of its header, `client` the address it came from.
    ///
    /// Must be called within a tokio runtime. Every change of the password file that ended before the call counts.
    ///
    /// # Errors
    /// The credentials are missing, malformed or wrong, or there were too many.
    pub async fn authenticate(
        &self,
        authorization: Option<&[u8]>,
        client: IpAddr,
    ) -> Result<Username, Denied> {
        let header = authorization.ok_or(Denied::Missing)?;
        let basic = Basic::from_header(header).map_err(|_| Denied::Malformed)?;
        let users = self.file.users();
        let own = users.password_of(&basic.username);
        let fingerprint = self.shared.fingerprinter.of(&basic, own);
        if own.is_some() && self.shared.was_right(&fingerprint) {
            return Ok(basic.username);
        }
        let user = basic.username.clone();
        let mut verdict = self.shared.ask(basic, users, fingerprint, Network::of(client))?;
        let verdict = verdict.wait_for(|verdict| *verdict != Verdict::Pending).await;
        match verdict.map_or(Verdict::Unknown, |verdict| *verdict) {
            Verdict::Right => Ok(user),
            Verdict::Wrong => Err(Denied::Wrong),
            Verdict::TooMany(retry_after) => Err(Denied::TooManyAttempts { retry_after }),
            Verdict::Pending | Verdict::Unknown => Err(Denied::Busy {
                retry_after: BUSY_RETRY_AFTER,
            }),
        }
    }

    /// Tells who sent the request, when that needs no waiting: these credentials were right a moment ago, and the
    /// password file says of that user what it said then. `None` says that [`Authenticator::authenticate`] is to be
    /// asked.
    #[must_use]
    pub fn recognize(&self, authorization: &[u8]) -> Option<Username> {
        let basic = Basic::from_header(authorization).ok()?;
        let now = self.file.now();
        let own = now.users.password_of(&basic.username);
        let fingerprint = self.shared.fingerprinter.of(&basic, own);
        (own.is_some() && self.shared.was_right(&fingerprint)).then_some(basic.username)
    }

    /// How many passwords were really hashed since the start; for the operator's figures and for tests.
    #[must_use]
    pub fn checks(&self) -> u64 {
        self.shared.checks.load(Ordering::Relaxed)
    }

    /// How many users can log in now.
    #[must_use]
    pub fn user_count(&self) -> usize {
        self.file.users().user_count()
    }
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        lock(&self.memory)
    }

    fn was_right(&self, fingerprint: &Fingerprint) -> bool {
        let successes = self.successes.read().unwrap_or_else(PoisonError::into_inner);
        successes.contains(fingerprint, Instant::now())
    }

    /// Joins a check of the same credentials that is under way, or starts one.
    fn ask(
        self: &Arc<Self>,
        basic: Basic,
        users: Arc<PasswordFile>,
        fingerprint: Fingerprint,
        network: Network,
    ) -> Result<watch::Receiver<Verdict>, Denied> {
        let now = Instant::now();
        let mut memory = self.memory();
        let name = basic.username.as_str();
        let stored = users.password_of(&basic.username).map_or("", PasswordHash::text);
        let client = memory.failures.client(name, stored, network);
        let origin = memory.failures.client(name, "", network);
        if let Some(retry_after) = memory.failures.must_wait(client, now) {
            return Err(Denied::TooManyAttempts { retry_after });
        }
        if let Some(verdict) = memory.under_way.get(&fingerprint) {
            return Ok(verdict.clone());
        }
        // One may have ended between the first look and this one. It is remembered before it is taken off the list.
        if self.was_right(&fingerprint) {
            return Ok(watch::channel(Verdict::Right).1);
        }
        let standing = match memory.known.contains(&origin, now) {
            true => Standing::Known,
            false => Standing::Stranger,
        };
        let ticket = self.turns.enter(standing, network).ok_or(Denied::Busy {
            retry_after: BUSY_RETRY_AFTER,
        })?;
        let question = Question {
            basic,
            users,
            fingerprint,
            client,
            origin,
            standing,
        };
        let (tell, verdict) = watch::channel(Verdict::Pending);
        memory.under_way.insert(fingerprint, verdict.clone());
        let shared = Arc::clone(self);
        // A task of its own: a client that hangs up must not stop a check that others wait for.
        tokio::spawn(async move { tell.send_replace(shared.answer(question, ticket).await) });
        Ok(verdict)
    }

    /// Checks when its turn comes, and remembers what came of it before the next one has its turn.
    async fn answer(&self, question: Question, ticket: Ticket) -> Verdict {
        let Question {
            fingerprint,
            client,
            origin,
            ..
        } = question;
        let turn = ticket.turn().await;
        let verdict = match &turn {
            Some(_) => self.check(question).await,
            None => Verdict::Unknown,
        };
        let now = Instant::now();
        if verdict == Verdict::Right {
            let mut successes = self.successes.write().unwrap_or_else(PoisonError::into_inner);
            successes.insert(fingerprint, now);
        }
        let mut memory = self.memory();
        memory.under_way.remove(&fingerprint);
        match verdict {
            Verdict::Right => memory.known.insert(origin, now),
            Verdict::Wrong => memory.failures.record(client, now),
            Verdict::Pending | Verdict::TooMany(_) | Verdict::Unknown => {}
        }
        verdict
    }

    /// The slow part.
    async fn check(&self, question: Question) -> Verdict {
        if question.standing == Standing::Stranger {
            let slot = self.memory().failures.slot(Instant::now());
            tokio::time::sleep_until(slot.into()).await;
        }
        let must_wait = |memory: &mut Memory| memory.failures.must_wait(question.client, Instant::now());
        if let Some(retry_after) = must_wait(&mut self.memory()) {
            return Verdict::TooMany(retry_after);
        }
        self.checks.fetch_add(1, Ordering::Relaxed);
        let Question { basic, users, .. } = question;
        let matches = tokio::task::spawn_blocking(move || {
            users.verify(&basic.username, basic.password.expose().as_bytes())
        });
        match matches.await {
            Ok(true) => Verdict::Right,
            Ok(false) => Verdict::Wrong,
            Err(_) => Verdict::Unknown,
        }
    }
}

/// A panic while the lock was held leaves data that are still whole: every section only inserts or removes.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "authenticator_tests.rs"]
mod tests;
