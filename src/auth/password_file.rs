//! The password file on disk, read again whenever it changed.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::{ArcSwap, Guard};

use super::Error;
use super::authenticator::MAX_FILE_BYTES;
use super::htpasswd::PasswordFile;
use super::remarks::log_remarks;
use super::scheme::Limits;

/// A change within this span after the last one may leave the time of change as it was, because file systems count
/// time in ticks of a few milliseconds. A file that young is read again on each use.
const TICK: Duration = Duration::from_millis(100);

/// How long a file that was cut to nothing in place is taken for one that is just being rewritten. A file that was
/// replaced by an empty one is what it is at once.
const REWRITE_GRACE: Duration = Duration::from_secs(1);

/// Reads a password file once, as a server would at its start, but also one with which nobody could log in.
///
/// # Errors
/// It is missing, unreadable, too large, not UTF-8 or malformed.
pub fn examine(path: &Path, limits: &Limits) -> Result<PasswordFile, Error> {
    let (_, content) = read(path)?;
    parse(path, &content, limits)
}

/// The users of a file, as of now. Shared by all requests.
pub(super) struct LivePasswordFile {
    path: PathBuf,
    limits: Limits,
    /// Read by every request and changed after a change of the file.
    current: ArcSwap<Current>,
    /// Whoever reads the file again holds it, so that a change is read once.
    reader: Mutex<Reader>,
}

/// What was read last.
#[derive(Clone)]
pub(super) struct Current {
    seen: Seen,
    pub(super) users: Arc<PasswordFile>,
    /// The file was cut to nothing a moment ago, so `users` are those from before.
    is_awaiting_content: bool,
}

/// What one reading has to know of those before.
#[derive(Default)]
struct Reader {
    emptied_since: Option<Instant>,
    /// The state of the file that was last complained about in the log.
    complained_about: Option<Seen>,
}

/// What was found at the last look.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    File(Stamp),
    Nothing(io::ErrorKind),
}

/// Differs whenever the file was written or replaced, but for changes within one tick of the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size_bytes: u64,
    identity: Identity,
    changed: Option<(i64, i64)>,
}

/// Device and number of the file, where the system has them.
type Identity = Option<(u64, u64)>;

impl LivePasswordFile {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// It is missing, unreadable, not UTF-8 or malformed, or nobody could log in with it.
    pub(super) fn open(path: &Path, limits: Limits) -> Result<Self, Error> {
        let (stamp, content) = read(path)?;
        let users = parse(path, &content, &limits)?;
        if users.user_count() == 0 {
            let warnings = users.warnings().to_vec();
            return Err(Error::NoUsers {
                path: path.to_owned(),
                warnings,
            });
        }
        log_remarks(path, &users, None);
        Ok(Self {
            path: path.to_owned(),
            limits,
            current: ArcSwap::from_pointee(Current {
                seen: Seen::File(stamp),
                users: Arc::new(users),
                is_awaiting_content: false,
            }),
            reader: Mutex::new(Reader::default()),
        })
    }

    /// The users as of now. Costs one `stat` and no lock when nothing changed. A file that can't be used any more
    /// leaves the last good users in place and is complained about once in the log.
    pub(super) fn users(&self) -> Arc<PasswordFile> {
        Arc::clone(&self.now().users)
    }

    /// The same without a share in them, for a look that is over soon.
    pub(super) fn now(&self) -> Guard<Arc<Current>> {
        let found = look(&self.path);
        let current = self.current.load();
        if current.is_as(&found) {
            return current;
        }
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let before = Current::clone(&self.current.load());
        let now = reader.read(&self.path, &self.limits, before);
        self.current.store(Arc::new(now));
        self.current.load()
    }
}

impl Current {
    /// Whether the file is sure to hold what was read.
    fn is_as(&self, found: &Seen) -> bool {
        self.seen == *found && found.is_settled() && !self.is_awaiting_content
    }
}

impl Reader {
    fn read(&mut self, path: &Path, limits: &Limits, mut current: Current) -> Current {
        let (stamp, content) = match read(path) {
            Ok(read) => read,
            Err(error) => {
                // Not remembered by its stamp: the reason may pass without a change of the file.
                current.seen = match &error {
                    Error::Unreadable { source, .. } => Seen::Nothing(source.kind()),
                    _ => look(path),
                };
                self.complain(&error, &current.seen);
                return current;
            }
        };
        current.is_awaiting_content = self.is_being_rewritten(&stamp, &current.seen);
        current.seen = Seen::File(stamp);
        if current.is_awaiting_content {
            return current;
        }
        match parse(path, &content, limits) {
            Ok(users) => {
                self.accept(path, &users, &current);
                current.users = Arc::new(users);
            }
            Err(error) => self.complain(&error, &current.seen),
        }
        current
    }

    fn is_being_rewritten(&mut self, stamp: &Stamp, before: &Seen) -> bool {
        if stamp.size_bytes > 0 {
            self.emptied_since = None;
            return false;
        }
        let replaced = !matches!(before, Seen::File(seen) if seen.identity == stamp.identity);
        if self.emptied_since.is_none() && replaced {
            return false;
        }
        let since = *self.emptied_since.get_or_insert_with(Instant::now);
        let is_young = since.elapsed() < REWRITE_GRACE;
        if !is_young {
            self.emptied_since = None;
        }
        is_young
    }

    fn accept(&mut self, path: &Path, users: &PasswordFile, current: &Current) {
        if users.user_count() == 0 {
            // Whoever empties the file means it: nobody gets in, rather than people who were removed.
            let error = Error::NoUsers {
                path: path.to_owned(),
                warnings: users.warnings().to_vec(),
            };
            self.complain(&error, &current.seen);
        } else if self.complained_about.take().is_some() {
            tracing::info!(path = %path.display(), "the passwords file is sound again");
        }
        log_remarks(path, users, Some(&current.users));
    }

    fn complain(&mut self, error: &Error, seen: &Seen) {
        if self.complained_about.as_ref() == Some(seen) {
            return;
        }
        let cause = std::error::Error::source(error)
            .map(ToString::to_string)
            .unwrap_or_default();
        if matches!(error, Error::NoUsers { .. }) {
            tracing::error!(%cause, "{error}: nobody can log in");
        } else {
            tracing::error!(%cause, "{error}: the users it held before still count");
        }
        self.complained_about = Some(seen.clone());
    }
}

impl Seen {
    /// Whether any later change is sure to look different.
    fn is_settled(&self) -> bool {
        let Self::File(stamp) = self else { return true };
        // A clock that was set back leaves files from the future, which are never settled: slower, but never wrong.
        let age = stamp.modified.and_then(|modified| modified.elapsed().ok());
        age.is_some_and(|age| age > TICK)
    }
}

impl Stamp {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self {
            modified: metadata.modified().ok(),
            size_bytes: metadata.len(),
            identity: Some((metadata.dev(), metadata.ino())),
            changed: Some((metadata.ctime(), metadata.ctime_nsec())),
        }
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
        Self {
            modified: metadata.modified().ok(),
            size_bytes: metadata.len(),
            identity: None,
            changed: None,
        }
    }
}

fn look(path: &Path) -> Seen {
    match std::fs::metadata(path) {
        Ok(metadata) => Seen::File(Stamp::of(&metadata)),
        Err(error) => Seen::Nothing(error.kind()),
    }
}

/// Reads the whole file in one state of it: a change while reading is noticed and read again.
fn read(path: &Path) -> Result<(Stamp, Vec<u8>), Error> {
    const TRIES: usize = 20;
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => Error::Missing {
            path: path.to_owned(),
        },
        _ => Error::Unreadable {
            path: path.to_owned(),
            source,
        },
    };
    for _ in 0..TRIES {
        let file = File::open(path).map_err(unreadable)?;
        let before = Stamp::of(&file.metadata().map_err(unreadable)?);
        let mut content = Vec::new();
        (&file)
            .take(MAX_FILE_BYTES + 1)
            .read_to_end(&mut content)
            .map_err(unreadable)?;
        let size_bytes = content.len() as u64;
        if size_bytes > MAX_FILE_BYTES {
            return Err(Error::TooLarge {
                path: path.to_owned(),
                max_bytes: MAX_FILE_BYTES,
            });
        }
        let after = Stamp::of(&file.metadata().map_err(unreadable)?);
        // The size is compared too: within one tick of the clock a file can be cut and filled again.
        if before == after && after.size_bytes == size_bytes {
            return Ok((after, content));
        }
    }
    let source = io::Error::new(io::ErrorKind::ResourceBusy, "it changes all the time");
    Err(Error::Unreadable {
        path: path.to_owned(),
        source,
    })
}

fn parse(path: &Path, content: &[u8], limits: &Limits) -> Result<PasswordFile, Error> {
    let text = std::str::from_utf8(content).map_err(|error| {
        let line_ends = content[..error.valid_up_to()]
            .iter()
            .filter(|&&byte| byte == b'\n');
        Error::NotUtf8 {
            path: path.to_owned(),
            line: line_ends.count() + 1,
        }
    })?;
    PasswordFile::parse(text, limits).map_err(|source| Error::Malformed {
        path: path.to_owned(),
        source,
    })
}
