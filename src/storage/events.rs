//! The change events of Linux (inotify): an ordered queue that is read without waiting.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use inotify::{Event, EventMask, Inotify, WatchDescriptor, WatchMask, Watches};
use rustix::io::Errno;

use super::file_watches::FileWatches;
use super::folder::Folder;
use super::walk::{Found, Walk, is_unreachable};
use super::watch::{Collected, FileWatch, Phase};
use super::{Error, Root, StoreKey};

/// Room for about a thousand events at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// File systems whose content others can change without this machine's knowledge: numbers from `linux/magic.h` and
/// the file systems' own sources.
const NETWORK_FILE_SYSTEMS: [u32; 14] = [
    0x0000_6969, // NFS
    0x0000_517b, // SMB
    0xff53_4d42, // CIFS
    0xfe53_4d42, // SMB 2 and 3
    0x6573_5546, // FUSE, virtiofs
    0x0102_1997, // 9p
    0x5346_414f, // AFS
    0x6b41_4653, // AFS in the kernel
    0x7375_7245, // Coda
    0x00c3_6400, // Ceph
    0x0bd0_0bd0, // Lustre
    0x0116_1970, // GFS2
    0x7461_636f, // OCFS2
    0x786f_4256, // shared folders of VirtualBox
];

/// The queue, and what its numbers stand for.
pub(super) struct Events {
    inotify: Inotify,
    /// The same queue, for those who only want to know whether it is empty.
    queue: Arc<OwnedFd>,
    buffer: Box<[u8]>,
    folders: Folders,
    files: FileWatches,
}

/// Events after which a name may stand for another file.
const ANOTHER_FILE: EventMask = EventMask::CREATE
    .union(EventMask::MOVED_FROM)
    .union(EventMask::MOVED_TO)
    .union(EventMask::DELETE);

/// The folders that are watched. One has several places when one root lies in another.
type Folders = HashMap<WatchDescriptor, Vec<Place>>;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    root: Root,
    /// Empty for the root itself.
    below_root: Box<str>,
}

/// A change that concerns a folder and all that is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FolderEvent {
    /// It came, or may have become readable.
    Appeared { root: Root, below_root: Box<str> },
    /// It went.
    Vanished { root: Root, below_root: Box<str> },
}

/// Events were lost.
#[derive(Debug)]
pub(super) struct Lost;

/// Why a folder is not watched.
#[derive(Debug)]
pub(super) enum NotWatched {
    /// Events can't be had there.
    NoEvents(&'static str),
    /// It may work another time.
    Failed(Error),
}

impl From<Error> for NotWatched {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Events {
    /// A queue without a watch.
    pub(super) fn begin() -> io::Result<Self> {
        let inotify = Inotify::init()?;
        Ok(Self {
            queue: Arc::new(inotify.as_fd().try_clone_to_owned()?),
            inotify,
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            folders: Folders::new(),
            files: FileWatches::new(),
        })
    }

    /// The queue; nothing may be read from it.
    pub(super) fn queue(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.queue)
    }

    /// Watches the folder `below_root` and all that are in it, and tells of the files that are there.
    ///
    /// Each folder is watched before it is read, so that nothing can slip in between.
    pub(super) fn attach(
        &mut self,
        walk: &Walk<'_>,
        below_root: &str,
        collected: &mut Collected,
    ) -> Result<(), NotWatched> {
        let folder = match open_below(walk, below_root) {
            Ok(folder) => folder,
            // It went again, which has its own event.
            Err(error) if is_unreachable(&error) && !below_root.is_empty() => return Ok(()),
            Err(source) => {
                let folder = walk.path.to_owned();
                return Err(NotWatched::Failed(Error::Root { folder, source }));
            }
        };
        let mut device_with_events = None;
        let mut watches = self.inotify.watches();
        let folders = &mut self.folders;
        walk.below::<NotWatched>(folder, below_root, &mut |found| {
            match found {
                Found::Folder(below_root, folder) => {
                    check_device(folder, &mut device_with_events)?;
                    let place = Place {
                        root: walk.root,
                        below_root: below_root.into(),
                    };
                    add_watch(&mut watches, folders, folder, place)?;
                }
                Found::File(file) => collected.key(file.key),
                // A listing has to say what that means.
                Found::Unreachable => collected.everything(),
                Found::Hidden(..) => {}
            }
            Ok(())
        })
    }

    /// Watches one folder, whose names are known.
    pub(super) fn attach_one(&mut self, walk: &Walk<'_>, below_root: &str) -> Result<(), NotWatched> {
        let folder = open_below(walk, below_root).map_err(|source| {
            let folder = walk.path.to_owned();
            NotWatched::Failed(Error::Root { folder, source })
        })?;
        check_device(&folder, &mut None)?;
        let place = Place {
            root: walk.root,
            below_root: below_root.into(),
        };
        add_watch(&mut self.inotify.watches(), &mut self.folders, &folder, place)
    }

    /// The folders that are watched, each with its path below its root.
    pub(super) fn folders(&self) -> impl Iterator<Item = (Root, &str)> {
        let places = self.folders.values().flatten();
        places.map(|place| (place.root, &*place.below_root))
    }

    /// Watches a file that may be changed through a name outside the folders, until another file takes its name here.
    pub(super) fn watch_file(&mut self, key: &StoreKey, path: &Path) -> FileWatch {
        let is_folder = |descriptor: &WatchDescriptor| self.folders.contains_key(descriptor);
        self.files.add(&mut self.inotify.watches(), key, path, is_folder)
    }

    /// Ends the watch on a file, if there is one.
    pub(super) fn leave_file(&mut self, key: &StoreKey) {
        self.files.forget(&mut self.inotify.watches(), key);
    }

    /// Ends the watch on a folder and all that are in it.
    pub(super) fn forget(&mut self, root: Root, below_root: &str) {
        let mut watches = self.inotify.watches();
        self.files
            .forget_below(&mut watches, root, |path| is_at_or_below(path, below_root));
        self.folders.retain(|descriptor, places| {
            places.retain(|place| !(place.root == root && is_at_or_below(&place.below_root, below_root)));
            if places.is_empty() {
                // It fails when the system has ended the watch already.
                let _ = watches.remove(descriptor.clone());
            }
            !places.is_empty()
        });
    }

    /// Reads the queue to its end. Costs one system call when nothing happened.
    pub(super) fn take(&mut self, collected: &mut Collected) -> Result<Vec<FolderEvent>, Lost> {
        let mut folder_events = Vec::new();
        let mut watches = self.inotify.watches();
        loop {
            let events = match self.inotify.read_events(&mut self.buffer) {
                Ok(events) => events,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(folder_events),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Err(Lost),
            };
            for event in events {
                if event.mask.contains(EventMask::Q_OVERFLOW) {
                    return Err(Lost);
                }
                if is_of_a_file(&event, &mut self.files, collected) {
                    continue;
                }
                let taken = sort_out(&event, &mut self.folders, &mut folder_events, collected);
                taken.iter().for_each(|key| self.files.forget(&mut watches, key));
            }
        }
    }
}

/// Takes an event that tells of a single file and of no folder; tells whether it was one.
fn is_of_a_file(event: &Event<&OsStr>, files: &mut FileWatches, collected: &mut Collected) -> bool {
    let ended;
    let keys = if event.mask.contains(EventMask::IGNORED) {
        ended = files.ended(&event.wd);
        ended.as_deref()
    } else {
        files.keys_of(&event.wd)
    };
    for key in keys.into_iter().flatten() {
        collected.event(key.clone(), phase(event.mask));
    }
    keys.is_some()
}

/// Turns one event into what it means for keys and folders. Gives the keys under which there may be another file now.
fn sort_out(
    event: &Event<&OsStr>,
    folders: &mut Folders,
    folder_events: &mut Vec<FolderEvent>,
    collected: &mut Collected,
) -> Vec<StoreKey> {
    let mut taken = Vec::new();
    if event.mask.contains(EventMask::IGNORED) {
        // The system ended the watch: the folder was removed, or its file system unmounted. Something else may
        // stand in its place.
        for Place { root, below_root } in folders.remove(&event.wd).unwrap_or_default() {
            let appeared = FolderEvent::Appeared {
                root,
                below_root: below_root.clone(),
            };
            folder_events.extend([FolderEvent::Vanished { root, below_root }, appeared]);
        }
        return taken;
    }
    for place in folders.get(&event.wd).into_iter().flatten() {
        let Some(name) = event.name else {
            // The folder itself; what concerns one below the root is told by the folder above as well.
            if place.below_root.is_empty() {
                collected.everything();
            }
            continue;
        };
        let Some(key) = name.to_str().and_then(|name| place.key(name)) else {
            continue;
        };
        let root = place.root;
        if !event.mask.contains(EventMask::ISDIR) {
            if event.mask.intersects(ANOTHER_FILE) {
                taken.push(key.clone());
            }
            collected.event(key, phase(event.mask));
        } else if event.mask.intersects(EventMask::MOVED_FROM | EventMask::DELETE) {
            let below_root = key.path().into();
            folder_events.push(FolderEvent::Vanished { root, below_root });
        } else {
            let below_root = key.path().into();
            folder_events.push(FolderEvent::Appeared { root, below_root });
        }
    }
    taken
}

/// What an event says of how far the writing of its file has come.
fn phase(mask: EventMask) -> Option<Phase> {
    let ends_it = EventMask::CLOSE_WRITE | EventMask::MOVED_TO | EventMask::MOVED_FROM | EventMask::DELETE;
    if mask.intersects(ends_it) {
        Some(Phase::Finished)
    } else if mask.contains(EventMask::MODIFY) {
        Some(Phase::Written)
    } else if mask.contains(EventMask::CREATE) {
        Some(Phase::Created)
    } else {
        None
    }
}

impl Place {
    fn key(&self, name: &str) -> Option<StoreKey> {
        if self.below_root.is_empty() {
            return StoreKey::parse(self.root, name);
        }
        StoreKey::parse(self.root, &format!("{}/{name}", self.below_root))
    }
}

fn is_at_or_below(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn open_below(walk: &Walk<'_>, below_root: &str) -> io::Result<Folder> {
    let mut folder = Folder::open(walk.path)?;
    for name in below_root.split('/').filter(|name| !name.is_empty()) {
        folder = folder.child(name)?;
    }
    Ok(folder)
}

fn add_watch(
    watches: &mut Watches,
    folders: &mut Folders,
    folder: &Folder,
    place: Place,
) -> Result<(), NotWatched> {
    let mut mask = WatchMask::CREATE
        | WatchMask::MODIFY
        | WatchMask::CLOSE_WRITE
        | WatchMask::ATTRIB
        | WatchMask::MOVED_FROM
        | WatchMask::MOVED_TO
        | WatchMask::DELETE
        | WatchMask::EXCL_UNLINK
        | WatchMask::ONLYDIR;
    // The root may be a symlink, what is below may not.
    if !place.below_root.is_empty() {
        mask |= WatchMask::DONT_FOLLOW;
    }
    match watches.add(folder.path(), mask) {
        Ok(descriptor) => {
            let places = folders.entry(descriptor).or_default();
            if !places.contains(&place) {
                places.push(place);
            }
            Ok(())
        }
        Err(error) if is_unreachable(&error) && !place.below_root.is_empty() => Ok(()),
        Err(error) if error.raw_os_error() == Some(Errno::NOSPC.raw_os_error()) => Err(NotWatched::NoEvents(
            "more folders than the system's limit fs.inotify.max_user_watches allows",
        )),
        Err(source) => Err(NotWatched::Failed(Error::Io {
            action: "watch",
            path: folder.path().to_owned(),
            source,
        })),
    }
}

/// Refuses file systems on which others can make changes without this machine's knowledge.
fn check_device(folder: &Folder, device_with_events: &mut Option<u64>) -> Result<(), NotWatched> {
    let read = |errno: Errno| {
        NotWatched::Failed(Error::Io {
            action: "read",
            path: folder.path().to_owned(),
            source: errno.into(),
        })
    };
    let device = folder.status().map_err(read)?.st_dev;
    if *device_with_events == Some(device) {
        return Ok(());
    }
    // The numbers have 32 bits; the field's width differs between machines.
    let kind = rustix::fs::fstatfs(folder.descriptor()).map_err(read)?.f_type as u32;
    if NETWORK_FILE_SYSTEMS.contains(&kind) {
        return Err(NotWatched::NoEvents(
            "the file system can change without an event",
        ));
    }
    *device_with_events = Some(device);
    Ok(())
}
