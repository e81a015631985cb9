//! What every request shares.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::{ArcSwap, Guard};
use axum::extract::FromRef;
use axum::http::{HeaderMap, HeaderValue, header};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::error::ApiError;
use super::extract::Visitor;
use super::metrics::Metrics;
use super::room::Room;
use super::{Access, Settings, TrustedProxies};
use crate::auth::policy::Access as Needs;
use crate::auth::{Action, Policy, Username};
use crate::index::Index;

/// An index with the settings that it is served by, which may change while it is served. Cloning gives another handle
/// to the same one.
#[derive(Clone)]
pub struct Live {
    now: Arc<ArcSwap<Current>>,
}

impl Live {
    /// An index that is served by these settings.
    #[must_use]
    pub fn new(settings: Settings, access: Access, index: Arc<Index>) -> Self {
        let shared = Shared {
            index,
            uploads: Semaphore::new(settings.limits.uploads),
            uploads_present: AtomicUsize::new(0),
            room: Room::default(),
            metrics: Metrics::default(),
        };
        let current = Current {
            file_cache_control: file_cache_control(&settings, &access.policy),
            settings,
            access,
            shared: Arc::new(shared),
        };
        Self {
            now: Arc::new(ArcSwap::from_pointee(current)),
        }
    }

    /// The settings of now, for a request that is answered at once.
    pub(super) fn now(&self) -> Guard<Arc<Current>> {
        self.now.load()
    }

    /// Whose word about clients is taken at the start; a change of it needs another start.
    pub(super) fn trusted_proxies(&self) -> TrustedProxies {
        self.now.load().settings.trusted_proxies.clone()
    }

    /// Serves requests that come from now on by other settings; those in flight are finished by the ones they began
    /// with. The bounds of connections and of uploads at a time stay what they were at the start.
    pub fn change(&self, settings: Settings, access: Access) {
        let shared = Arc::clone(&self.now.load().shared);
        self.now.store(Arc::new(Current {
            file_cache_control: file_cache_control(&settings, &access.policy),
            settings,
            access,
            shared,
        }));
    }
}

/// What one request sees from its beginning to its end; cloning is cheap.
#[derive(Clone)]
pub(super) struct State {
    current: Arc<Current>,
}

/// The settings of a time, and what is served by them.
pub(super) struct Current {
    settings: Settings,
    /// What a `Cache-Control` header says of downloads under these settings.
    file_cache_control: HeaderValue,
    access: Access,
    shared: Arc<Shared>,
}

/// What outlives a change of settings.
struct Shared {
    index: Arc<Index>,
    uploads: Semaphore,
    /// Uploads that hold a permit or wait for one.
    uploads_present: AtomicUsize,
    room: Room,
    metrics: Metrics,
}

impl FromRef<Live> for State {
    /// Taken once for each request.
    fn from_ref(live: &Live) -> Self {
        Self {
            current: live.now.load_full(),
        }
    }
}

impl Deref for State {
    type Target = Current;

    fn deref(&self) -> &Current {
        &self.current
    }
}

impl Current {
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn index(&self) -> &Arc<Index> {
        &self.shared.index
    }

    /// What uploads in flight still need.
    pub(super) fn room(&self) -> &Room {
        &self.shared.room
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// What the action asks of clients.
    pub(super) fn access(&self, action: Action) -> Needs {
        self.access.policy.access(action)
    }

    /// What a `Cache-Control` header says of downloads.
    pub(super) fn file_cache_control(&self) -> HeaderValue {
        self.file_cache_control.clone()
    }

    /// Whether the request may pass, where that can be told without waiting for anything: because the action is open
    /// to all, or because these credentials were right a moment ago. `None` says that [`Current::authorize`] is to be
    /// asked.
    pub(super) fn passes_at_once(&self, action: Action, headers: &HeaderMap) -> Option<Passed> {
        match (self.access.policy.access(action), &self.access.authenticator) {
            (Needs::Open, _) => Some(Passed { user: None }),
            (Needs::User, Some(users)) => {
                let user = users.recognize(headers.get(header::AUTHORIZATION)?.as_bytes())?;
                Some(Passed { user: Some(user) })
            }
            (Needs::User | Needs::Impossible, _) => None,
        }
    }

    /// Lets the request pass, with the user's name where the action needs one.
    ///
    /// Missing and wrong credentials are both answered 401 with a challenge: only that makes installers look for
    /// credentials. What nobody may do is 403.
    pub(super) async fn authorize(
        &self,
        action: Action,
        visitor: &Visitor,
    ) -> Result<Option<Username>, ApiError> {
        let authorization = visitor.authorization.as_ref().map(HeaderValue::as_bytes);
        let access = &self.access;
        match (access.policy.access(action), &access.authenticator) {
            (Needs::Open, _) => Ok(None),
            (Needs::User, Some(users)) => {
                let user = users.authenticate(authorization, visitor.address).await?;
                visitor.is_known_as(&user);
                Ok(Some(user))
            }
            (Needs::User | Needs::Impossible, _) if authorization.is_none() => {
                Err(ApiError::credentials_missing())
            }
            (Needs::User | Needs::Impossible, _) => Err(ApiError::switched_off(action)),
        }
    }

    /// Waits for the turn of an upload.
    ///
    /// # Errors
    /// 503 when too many wait already.
    pub(super) async fn upload_turn(&self) -> Result<UploadTurn<'_>, ApiError> {
        let limits = &self.settings.limits;
        let shared = &self.shared;
        let present = Present::enter(&shared.uploads_present);
        if present.others >= limits.uploads + limits.queued_uploads {
            return Err(ApiError::too_many_uploads());
        }
        // The semaphore is never closed, so a permit always comes.
        let permit = shared.uploads.acquire().await.ok();
        Ok(UploadTurn {
            _permit: permit,
            _present: present,
        })
    }
}

/// A request may pass.
pub(super) struct Passed {
    /// Who sent it, where the action needs a user.
    pub(super) user: Option<Username>,
}

/// How long clients may keep a file without asking. By default for ever, since a name never gets other bytes; where it
/// may, not at all. What only users with a password may download, no cache may give to others.
fn file_cache_control(settings: &Settings, policy: &Policy) -> HeaderValue {
    let whose = match policy.access(Action::Download) {
        Needs::Open => "public",
        Needs::User | Needs::Impossible => "private",
    };
    match settings.file_max_age_seconds {
        // Digits and letters are a sound header.
        Some(seconds) => HeaderValue::from_str(&format!("{whose}, max-age={seconds}"))
            .unwrap_or(HeaderValue::from_static("no-cache")),
        None if settings.files_may_change => HeaderValue::from_static("no-cache"),
        None => HeaderValue::from_static("max-age=31536000, immutable"),
    }
}

/// Held while an upload is read and judged.
pub(super) struct UploadTurn<'a> {
    _permit: Option<SemaphorePermit<'a>>,
    _present: Present<'a>,
}

/// Counts itself as long as it lives.
struct Present<'a> {
    count: &'a AtomicUsize,
    /// How many there were before this one.
    others: usize,
}

impl<'a> Present<'a> {
    fn enter(count: &'a AtomicUsize) -> Self {
        Self {
            count,
            others: count.fetch_add(1, Ordering::Relaxed),
        }
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}
