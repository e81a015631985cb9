//! Plain folders that the user owns.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rustix::fs::{Access, StatVfs};
use rustix::io::Errno;
use tokio::sync::{mpsc, oneshot};

use crate::storage::claim::Claim;
use crate::storage::folder::{Folder, FolderIdentity};
use crate::storage::glance::Glance;
use crate::storage::health::Health;
use crate::storage::links::{self, LinkRule, Linked, Sight, has_other_names};
use crate::storage::place::{self, Existing};
use crate::storage::spool::SpoolFile;
use crate::storage::unfinished::Unfinished;
use crate::storage::walk::{Found, Walk, is_unreachable};
use crate::storage::watch::{FileWatch, Watch};
use crate::storage::{Bookmark, Changes, Entry, Error, Object, Placed, Root, Spool, Stamp, Store, StoreKey};
use crate::storage::{read_error, spool, write_error};

/// What a [`LocalStore`] is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The served folders; the first receives uploads. Each may be a symlink to a folder.
    pub roots: Vec<PathBuf>,
    /// The folder for what is ours. It need not exist, and is not served where it lies within a root.
    pub state_dir: PathBuf,
    /// So many bytes of the disk are left alone by uploads.
    pub reserve_free_bytes: u64,
    /// So many hundredths of the disk are left alone by uploads, when that is more.
    pub reserve_free_percent: u8,
    /// Whether the system's change events are used where they can be had. Without them folders are compared by
    /// their times, which costs one look at each folder whenever changes are asked for.
    pub watch: bool,
    /// A file that is open for writing is listed when it is closed, or when nobody has written to it for so long.
    pub quiet_for: Duration,
}

impl Settings {
    /// Settings with the defaults: 512 MiB or 5 % of the disk in reserve, events where they can be had.
    #[must_use]
    pub fn new(roots: Vec<PathBuf>, state_dir: PathBuf) -> Self {
        Self {
            roots,
            state_dir,
            reserve_free_bytes: 512 * 1024 * 1024,
            reserve_free_percent: 5,
            watch: true,
            quiet_for: Duration::from_secs(10),
        }
    }

    fn incoming(&self) -> PathBuf {
        self.state_dir.join("incoming")
    }
}

/// A store on one or more local folders.
///
/// An object may be replaced or removed by anyone at any time; the promises hold all the same. Uploads go into
/// folders that exist already, in the first root's case the root itself. Symlinked files are served, symlinked folders
/// are not; `links.rs` has the rule.
pub struct LocalStore {
    shared: Arc<Shared>,
    sees_content_changes: AtomicBool,
}

/// How many files a piece of a listing holds: enough to be worth the handing over, and little to hold.
const PIECE_FILES: usize = 4096;

/// Why a listing ends before its end.
enum Stop {
    /// Nobody wants the rest.
    IsEnough,
    /// The rest can't be read.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What blocking threads need.
struct Shared {
    settings: Settings,
    watch: Mutex<Watch>,
    glance: Arc<Glance>,
    unfinished: Arc<Unfinished>,
    linked: Linked,
    /// Whether something was met that may change without a change in its folder: see `bookmark.rs`.
    is_loose: AtomicBool,
    goes_on: bool,
    health: Arc<Health>,
    /// Held for as long as the store is open.
    claim: Claim,
}

impl LocalStore {
    /// Opens the store and begins to watch. Removes what interrupted uploads have left, and nothing else.
    ///
    /// A state folder that can't be written to is no obstacle: reading goes on, and uploads are refused with
    /// [`Error::NotWritable`].
    ///
    /// # Errors
    /// [`Error::Root`] when a root isn't a readable folder, or when there is none.
    pub fn open(settings: Settings) -> Result<Self, Error> {
        Self::open_at(settings, None)
    }

    /// As [`LocalStore::open`], without reading the folders when they stand where `bookmark` says; then the store
    /// [goes on](Store::goes_on) from there.
    ///
    /// # Errors
    /// As [`LocalStore::open`].
    pub fn open_at(settings: Settings, bookmark: Option<&Bookmark>) -> Result<Self, Error> {
        check_roots(&settings.roots)?;
        if let Err(error) = spool::create_private_folder(&settings.incoming()) {
            tracing::warn!(folder = %settings.state_dir.display(), %error,
                "the state folder can't be written to; uploads will be refused");
        }
        spool::clear_stale(&settings.incoming());
        let (watch, goes_on) = Watch::begin(&settings, bookmark);
        if !goes_on {
            // A copy that was left after the bookmark would have moved it on.
            clear_stale_copies(&settings);
        }
        Ok(Self {
            sees_content_changes: AtomicBool::new(watch.sees_content_changes()),
            shared: Arc::new(Shared {
                unfinished: watch.unfinished(),
                glance: watch.glance(),
                watch: Mutex::new(watch),
                linked: Linked::default(),
                is_loose: AtomicBool::new(false),
                goes_on,
                health: Arc::new(Health::new()),
                claim: Claim::stake(&settings.state_dir),
                settings,
            }),
        })
    }

    /// Runs `work` on a blocking thread.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let shared = Arc::clone(&self.shared);
        match tokio::task::spawn_blocking(move || work(&shared)).await {
            Ok(result) => result,
            Err(error) => Err(read_error(
                "work on",
                self.shared.first_root(),
                io::Error::other(error),
            )),
        }
    }
}

#[async_trait]
impl Store for LocalStore {
    async fn spool(&self) -> Result<Spool, Error> {
        self.blocking(Shared::spool).await
    }

    async fn put_new(&self, key: &StoreKey, spool: Spool) -> Result<Stamp, Error> {
        let placed = self.place(key, spool, Existing::Wins).await?;
        let stamp = placed.stamp;
        placed.kept().await.map(|()| stamp)
    }

    async fn place_new(&self, key: &StoreKey, spool: Spool) -> Result<Placed, Error> {
        self.place(key, spool, Existing::Wins).await
    }

    async fn replace(&self, key: &StoreKey, spool: Spool) -> Result<Stamp, Error> {
        let placed = self.place(key, spool, Existing::IsReplaced).await?;
        let stamp = placed.stamp;
        placed.kept().await.map(|()| stamp)
    }

    async fn head(&self, key: &StoreKey) -> Result<Stamp, Error> {
        let key = key.clone();
        self.blocking(move |shared| shared.head(&key)).await
    }

    async fn open(&self, key: &StoreKey) -> Result<Object, Error> {
        let key = key.clone();
        self.blocking(move |shared| shared.open(&key)).await
    }

    async fn list(&self) -> Result<Vec<Entry>, Error> {
        self.blocking(Shared::list).await
    }

    async fn list_in_pieces(&self, pieces: mpsc::Sender<Vec<Entry>>) -> Result<(), Error> {
        self.blocking(move |shared| shared.list_in_pieces(&mut |piece| pieces.blocking_send(piece).is_ok()))
            .await
    }

    async fn delete(&self, key: &StoreKey) -> Result<(), Error> {
        let key = key.clone();
        self.blocking(move |shared| shared.delete(&key)).await
    }

    fn take_changes(&self) -> Changes {
        let mut watch = self.shared.watch();
        let changes = watch.take();
        if changes != Changes::None {
            self.sees_content_changes
                .store(watch.sees_content_changes(), Ordering::Release);
        }
        changes
    }

    fn is_unchanged(&self) -> bool {
        self.shared.glance.finds_nothing()
    }

    fn sees_content_changes(&self) -> bool {
        self.sees_content_changes.load(Ordering::Acquire)
    }

    fn sees_changes_of(&self, key: &StoreKey) -> bool {
        self.sees_content_changes() && !self.shared.linked.may_change_unseen(key)
    }

    async fn heads(&self, keys: Vec<StoreKey>) -> Vec<Result<Stamp, Error>> {
        let count = keys.len();
        let heads = self.blocking(move |shared| Ok(keys.iter().map(|key| shared.head(key)).collect()));
        heads.await.unwrap_or_else(|error: Error| {
            let broken = || {
                read_error(
                    "work on",
                    self.shared.first_root(),
                    io::Error::other(error.to_string()),
                )
            };
            (0..count).map(|_| Err(broken())).collect()
        })
    }

    fn unfinished(&self) -> Vec<StoreKey> {
        self.shared.unfinished.keys()
    }

    fn bookmark(&self) -> Option<Bookmark> {
        let is_loose = self.shared.is_loose.load(Ordering::Acquire);
        let watch = self.shared.watch();
        watch.bookmark().filter(|_| !is_loose)
    }

    fn goes_on(&self) -> bool {
        self.shared.goes_on
    }

    async fn free_bytes(&self) -> Option<u64> {
        let free = self.blocking(|shared| Ok(shared.free_bytes())).await;
        free.ok().flatten()
    }
}

impl LocalStore {
    /// Gives a spool its final name, and goes on to make that durable.
    async fn place(&self, key: &StoreKey, mut spool: Spool, existing: Existing) -> Result<Placed, Error> {
        spool.finish().await?;
        spool.synced().await?;
        let spool = spool.into_file();
        let (key, shared) = (key.clone(), Arc::clone(&self.shared));
        let (placed, is_placed) = oneshot::channel();
        // One thread for both: it has what it needs at hand.
        let work = tokio::task::spawn_blocking(move || {
            let (folder, stamp) = match shared.put(&key, spool, existing) {
                Ok(put) => put,
                Err(error) => {
                    let _ = placed.send(Err(error));
                    return Ok(());
                }
            };
            // Whoever stops waiting leaves it there, and it is kept all the same.
            let _ = placed.send(Ok(stamp));
            place::keep(&folder, &key, stamp, existing, &shared.health)
        });
        let lost = {
            let root = self.shared.first_root().to_owned();
            move |error: io::Error| read_error("work on", &root, error)
        };
        match is_placed.await {
            Ok(Ok(stamp)) => Ok(Placed::until(stamp, async move {
                work.await.unwrap_or_else(|error| Err(lost(error.into())))
            })),
            Ok(Err(error)) => Err(error),
            Err(gone) => Err(lost(io::Error::other(gone))),
        }
    }
}

impl Shared {
    fn first_root(&self) -> &Path {
        self.settings
            .roots
            .first()
            .map_or(Path::new(""), PathBuf::as_path)
    }

    /// The folder that a key's root stands for.
    fn root(&self, key: &StoreKey) -> Result<&Path, Error> {
        let root = self.settings.roots.get(usize::from(key.root().0));
        root.map(PathBuf::as_path)
            .ok_or_else(|| Error::NotFound(key.clone()))
    }

    /// Puts a spool in place, and gives the folder, whose names are to be made durable.
    fn put(&self, key: &StoreKey, spool: SpoolFile, existing: Existing) -> Result<(Folder, Stamp), Error> {
        let root = self.root(key)?;
        self.health.check(&self.settings.incoming())?;
        let folder = Folder::of_key(root, key).map_err(|source| write_error("open", root, source))?;
        let _ours = self.unfinished.placing(key);
        let stamp = place::put(&folder, key, &spool, existing, &self.health)?;
        // Its other name goes before the folder is synced, so that file systems keep both changes at once.
        drop(spool);
        self.watch().look();
        self.unfinished.finished(key);
        Ok((folder, stamp))
    }

    fn links(&self) -> LinkRule {
        LinkRule::new(&self.settings.state_dir)
    }

    fn spool(&self) -> Result<Spool, Error> {
        // A first root that can't be written to is better found out before the bytes come than after.
        let root = self.first_root();
        rustix::fs::access(root, Access::WRITE_OK).map_err(|errno| match errno {
            Errno::NOENT => Error::Root {
                folder: root.to_owned(),
                source: errno.into(),
            },
            _ => write_error("write to", root, errno.into()),
        })?;
        self.health.check(&self.settings.incoming())?;
        if self.free_bytes() == Some(0) {
            return Err(Error::NoSpace {
                folder: root.to_owned(),
            });
        }
        let spool = Spool::create(&self.settings.incoming(), Arc::clone(&self.health))?;
        self.claim.renew();
        Ok(spool)
    }

    fn head(&self, key: &StoreKey) -> Result<Stamp, Error> {
        let root = self.root(key)?;
        let look = || {
            let folder = Folder::of_key(root, key)?;
            let stat = folder.look_at(key.filename())?;
            if let Some(stamp) = Stamp::of_file(&stat) {
                let is_linked = has_other_names(&stat);
                return Ok(Sight {
                    stamp,
                    is_linked,
                    is_symlink: false,
                });
            }
            self.is_loose.store(true, Ordering::Release);
            let target = self.links().target(&folder.path().join(key.filename()));
            let (folder, name) = target.ok_or(io::ErrorKind::NotFound)?;
            let stamp = Stamp::of_file(&folder.look_at(name)?).ok_or(io::ErrorKind::NotFound)?;
            Ok(Sight {
                stamp,
                is_linked: true,
                is_symlink: true,
            })
        };
        let look = || look().map_err(|source: io::Error| not_found_or(key, root, source));
        let mut sight = look()?;
        let mut changes = sight.is_linked.then_some(links::Changes::Unseen);
        if sight.is_linked && !sight.is_symlink {
            let watched = self.watch().watch_file(key, &key.below(root));
            match watched {
                FileWatch::Failed => {}
                FileWatch::IsThere => changes = Some(links::Changes::Told),
                FileWatch::IsNew => {
                    // What happened before it was watched is not told of.
                    sight = look()?;
                    let is_same = sight.is_linked && !sight.is_symlink;
                    changes = is_same.then_some(links::Changes::Told);
                    if !is_same {
                        self.watch().leave_file(key);
                    }
                }
            }
        }
        if self.linked.note(key, changes) {
            self.watch().leave_file(key);
        }
        let Sight { stamp, .. } = sight;
        self.refuse_unfinished(key)?;
        Ok(stamp)
    }

    fn open(&self, key: &StoreKey) -> Result<Object, Error> {
        let root = self.root(key)?;
        let open = || {
            let folder = Folder::of_key(root, key)?;
            match folder.open_file(key.filename()) {
                Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
                    let target = self.links().target(&folder.path().join(key.filename()));
                    let (folder, name) = target.ok_or(io::ErrorKind::NotFound)?;
                    folder.open_file(name)
                }
                other => other,
            }
        };
        let (file, stamp) = open().map_err(|source: io::Error| not_found_or(key, root, source))?;
        self.refuse_unfinished(key)?;
        Ok(Object {
            stamp,
            reader: Box::new(file),
        })
    }

    fn list(&self) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        self.list_in_pieces(&mut |piece| {
            entries.extend(piece);
            true
        })?;
        entries.retain(|entry| !self.unfinished.contains(&entry.key));
        Ok(entries)
    }

    /// Gives what is there to `take`, piece by piece, until that says that it has enough.
    fn list_in_pieces(&self, take: &mut dyn FnMut(Vec<Entry>) -> bool) -> Result<(), Error> {
        let links = self.links();
        let mut piece = Vec::with_capacity(PIECE_FILES);
        let mut linked = HashSet::new();
        let mut is_loose = false;
        for walk in walks(&self.settings) {
            let outcome = walk.run::<Stop>(&mut |found| {
                let file = match found {
                    Found::File(file) => file,
                    Found::Folder(..) | Found::Hidden(..) => return Ok(()),
                    Found::Unreachable => {
                        is_loose = true;
                        return Ok(());
                    }
                };
                let sight = links.look_at(file.folder, file.name);
                is_loose |= sight.as_ref().is_none_or(|sight| sight.is_symlink);
                if let Some(Sight { stamp, is_linked, .. }) = sight {
                    if is_linked {
                        linked.insert(file.key.clone());
                    }
                    piece.push(Entry { key: file.key, stamp });
                }
                if piece.len() < PIECE_FILES {
                    return Ok(());
                }
                let full = std::mem::replace(&mut piece, Vec::with_capacity(PIECE_FILES));
                self.give(full, take)
            });
            match outcome {
                Ok(()) => {}
                Err(Stop::IsEnough) => return Ok(()),
                Err(Stop::Failed(error)) => return Err(error),
            }
        }
        self.linked.replace(linked);
        self.claim.renew();
        self.is_loose.store(is_loose, Ordering::Release);
        // Nobody is left to be stopped.
        let _ = self.give(piece, take);
        Ok(())
    }

    /// Gives a piece without what someone is writing.
    fn give(&self, mut piece: Vec<Entry>, take: &mut dyn FnMut(Vec<Entry>) -> bool) -> Result<(), Stop> {
        self.watch().look();
        piece.retain(|entry| !self.unfinished.contains(&entry.key));
        match piece.is_empty() || take(piece) {
            true => Ok(()),
            false => Err(Stop::IsEnough),
        }
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses what someone is writing. Asked after the looking, so that the events of all that was seen are in.
    fn refuse_unfinished(&self, key: &StoreKey) -> Result<(), Error> {
        self.watch().look();
        match self.unfinished.contains(key) {
            true => Err(Error::Unfinished(key.clone())),
            false => Ok(()),
        }
    }

    fn delete(&self, key: &StoreKey) -> Result<(), Error> {
        let root = self.root(key)?;
        let refuse = |source: io::Error| match is_absent(&source) {
            true => Error::NotFound(key.clone()),
            false => write_error("delete from", root, source),
        };
        let folder = Folder::of_key(root, key).map_err(refuse)?;
        folder
            .unlink(key.filename())
            .map_err(|errno| refuse(errno.into()))?;
        self.health.sync_folder(&folder)
    }

    /// The room that is left beside the reserve, on the fuller of the two file systems.
    fn free_bytes(&self) -> Option<u64> {
        let left = |disk: StatVfs| {
            let total = disk.f_blocks.saturating_mul(disk.f_frsize);
            let percent = u64::from(self.settings.reserve_free_percent);
            let reserve = self.settings.reserve_free_bytes.max(total / 100 * percent);
            disk.f_bavail
                .saturating_mul(disk.f_frsize)
                .saturating_sub(reserve)
        };
        [self.first_root(), &self.settings.incoming()]
            .into_iter()
            .filter_map(|folder| rustix::fs::statvfs(folder).ok())
            // Some file systems keep no account.
            .filter(|disk| disk.f_blocks > 0)
            .map(left)
            .min()
    }
}

/// One walk for each root; a folder that was named twice is walked once.
pub(super) fn walks(settings: &Settings) -> impl Iterator<Item = Walk<'_>> {
    let state = FolderIdentity::at(&settings.state_dir);
    let mut seen = Vec::new();
    (0..)
        .map(Root)
        .zip(&settings.roots)
        .filter_map(move |(root, path)| {
            let identity = FolderIdentity::at(path);
            if identity.is_some() && seen.contains(&identity) {
                return None;
            }
            seen.push(identity);
            Some(Walk { root, path, state })
        })
}

/// Removes copies that a crash has left beside the distributions.
fn clear_stale_copies(settings: &Settings) {
    for walk in walks(settings) {
        let cleared = walk.run::<Error>(&mut |found| {
            if let Found::Hidden(folder, name) = found
                && let Ok(name) = name.to_str()
                && spool::is_spool_name(name, place::COPY_NAME_START)
            {
                spool::remove_if_stale(folder, name);
            }
            Ok(())
        });
        if let Err(error) = cleared {
            tracing::debug!(%error, "could not look for what an interrupted upload may have left");
        }
    }
}

/// Whether these can be the roots of a store: between 1 and 65535 folders that can be read. Blocks.
///
/// # Errors
/// [`Error::Root`].
pub fn check_roots(roots: &[PathBuf]) -> Result<(), Error> {
    if roots.is_empty() || roots.len() > usize::from(u16::MAX) {
        return Err(Error::Root {
            folder: PathBuf::new(),
            source: io::Error::new(
                io::ErrorKind::InvalidInput,
                "between 1 and 65535 folders can be served",
            ),
        });
    }
    for root in roots {
        check_readable(root)?;
    }
    Ok(())
}

fn check_readable(root: &Path) -> Result<(), Error> {
    Folder::open(root)
        .and_then(|folder| Ok(folder.names().map(drop)?))
        .map_err(|source| Error::Root {
            folder: root.to_owned(),
            source,
        })
}

/// Whether the failure says that there is no such object.
fn is_absent(error: &io::Error) -> bool {
    is_unreachable(error) && error.kind() != io::ErrorKind::PermissionDenied
}

fn not_found_or(key: &StoreKey, root: &Path, source: io::Error) -> Error {
    match is_absent(&source) {
        true => Error::NotFound(key.clone()),
        false => read_error("read", &key.below(root), source),
    }
}

#[cfg(test)]
mod tests;
