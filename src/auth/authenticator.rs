//! Checks credentials against the live password file, within limits: slow hashing can't be used to stop the server,
//! and passwords can't be guessed by trying.
//!
//! A request goes through these steps: look at the file (one `stat`) → known to be right a moment ago? → too many
//! failures? → somebody else checking the very same credentials? → a place in the queue → one slow check. Only the
//! last one costs more than microseconds, and only it needs a place, so that a flood of wrong passwords can't stop
//! clients whose passwords are known.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};

use super::Error;
use super::credentials::{Basic, Secret, Username};
pub use super::failures::FailureLimits;
use super::failures::{Client, Failures};
use super::password_file::LivePasswordFile;
use super::scheme::{Limits, PasswordHash};
use super::success_cache::{Fingerprint, Fingerprinter, SuccessCache};

/// The largest password file that is read, in bytes; room for tens of thousands of users.
pub const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// What a client is told to wait when the queue is full.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(2);

/// The limits of an [`Authenticator`].
#[derive(Debug, Clone)]
pub struct Settings {
    /// How costly a check may be.
    pub scheme_limits: Limits,
    /// How many checks run at once; half of the cores, at least one, when not said.
    pub parallel_checks: NonZeroUsize,
    /// How many checks may wait for one that runs.
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
    file: Mutex<LivePasswordFile>,
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
    /// Short sections without an await inside; a std mutex is right.
    memory: Mutex<Memory>,
    /// Places for checks that run or wait.
    places: Arc<Semaphore>,
    /// Places for checks that run.
    running: Semaphore,
    checks: AtomicU64,
}

struct Memory {
    successes: SuccessCache,
    failures: Failures,
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
    fingerprint: Fingerprint,
    password: Secret,
    /// What it is checked against.
    stored: Option<PasswordHash>,
    /// Whether `stored` is the user's own; a check against another one is always wrong.
    is_known: bool,
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
            successes: SuccessCache::new(settings.remembered_for, settings.remembered_count),
            failures: Failures::new(settings.failures),
            under_way: HashMap::new(),
        };
        let shared = Shared {
            fingerprinter: Fingerprinter::new().map_err(Error::Randomness)?,
            memory: Mutex::new(memory),
            places: Arc::new(Semaphore::new(parallel + settings.waiting_checks)),
            running: Semaphore::new(parallel),
            checks: AtomicU64::new(0),
        };
        Ok(Self {
            file: Mutex::new(file),
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
        let question = self.question(&basic);
        let is_known = question.is_known;
        let mut verdict = {
            let now = Instant::now();
            let mut memory = self.shared.memory();
            if is_known && memory.successes.contains(&question.fingerprint, now) {
                return Ok(basic.username);
            }
            let client = memory.failures.client(basic.username.as_str(), client);
            if let Some(retry_after) = memory.failures.must_wait(client, now) {
                return Err(Denied::TooManyAttempts { retry_after });
            }
            self.shared.ask(&mut memory, question, client)?
        };
        let verdict = verdict.wait_for(|verdict| *verdict != Verdict::Pending).await;
        match verdict.map_or(Verdict::Unknown, |verdict| *verdict) {
            Verdict::Right => Ok(basic.username),
            Verdict::Wrong => Err(Denied::Wrong),
            Verdict::TooMany(retry_after) => Err(Denied::TooManyAttempts { retry_after }),
            Verdict::Pending | Verdict::Unknown => Err(Denied::Busy {
                retry_after: BUSY_RETRY_AFTER,
            }),
        }
    }

    /// How many passwords were really hashed since the start; for the operator's figures and for tests.
    #[must_use]
    pub fn checks(&self) -> u64 {
        self.shared.checks.load(Ordering::Relaxed)
    }

    /// How many users can log in now.
    #[must_use]
    pub fn user_count(&self) -> usize {
        lock(&self.file).users().user_count()
    }

    fn question(&self, basic: &Basic) -> Question {
        let users = lock(&self.file).users();
        let own = users.password_of(&basic.username);
        Question {
            fingerprint: self.shared.fingerprinter.of(basic, own),
            password: basic.password.clone(),
            stored: own.or_else(|| users.strongest()).cloned(),
            is_known: own.is_some(),
        }
    }
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        lock(&self.memory)
    }

    /// Joins a check of the same credentials that is under way, or starts one.
    fn ask(
        self: &Arc<Self>,
        memory: &mut Memory,
        question: Question,
        client: Client,
    ) -> Result<watch::Receiver<Verdict>, Denied> {
        if let Some(verdict) = memory.under_way.get(&question.fingerprint) {
            return Ok(verdict.clone());
        }
        let busy = Denied::Busy {
            retry_after: BUSY_RETRY_AFTER,
        };
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| busy)?;
        let (tell, verdict) = watch::channel(Verdict::Pending);
        let fingerprint = question.fingerprint;
        memory.under_way.insert(fingerprint, verdict.clone());
        let shared = Arc::clone(self);
        // A task of its own: a client that hangs up must not stop a check that others wait for.
        tokio::spawn(async move {
            let verdict = shared.check(question, client).await;
            shared.conclude(&fingerprint, client, verdict);
            tell.send_replace(verdict);
            drop(place);
        });
        Ok(verdict)
    }

    /// The slow part: waits for its turn, then hashes.
    async fn check(&self, question: Question, client: Client) -> Verdict {
        let Ok(_permit) = self.running.acquire().await else {
            return Verdict::Unknown;
        };
        if let Some(retry_after) = self.memory().failures.must_wait(client, Instant::now()) {
            return Verdict::TooMany(retry_after);
        }
        self.checks.fetch_add(1, Ordering::Relaxed);
        let Question {
            password,
            stored,
            is_known,
            ..
        } = question;
        let matches = tokio::task::spawn_blocking(move || {
            stored.is_some_and(|stored| stored.verify(password.expose().as_bytes()))
        });
        match matches.await {
            Ok(true) if is_known => Verdict::Right,
            Ok(_) => Verdict::Wrong,
            Err(_) => Verdict::Unknown,
        }
    }

    fn conclude(&self, fingerprint: &Fingerprint, client: Client, verdict: Verdict) {
        let now = Instant::now();
        let mut memory = self.memory();
        memory.under_way.remove(fingerprint);
        match verdict {
            Verdict::Right => memory.successes.insert(*fingerprint, now),
            Verdict::Wrong => memory.failures.record(client, now),
            Verdict::Pending | Verdict::TooMany(_) | Verdict::Unknown => {}
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
