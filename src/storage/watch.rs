//! What changed in the roots since it was last asked.
//!
//! Each root is watched in one of two ways. On Linux the system queues an event for every change before the call
//! that made the change returns; reading that queue is all it takes to know everything. Where there are no such
//! events (other systems, network file systems, more folders than may be watched) the times of folders are
//! compared, which tells everything but changes made inside a file that stays.
//!
//! # What events don't tell
//! Writing through a memory map; a file system that is mounted over a folder below a root; changes of what a symlink
//! leads to, and through another name of the file outside the roots (a hard link). The last two are known beforehand:
//! files with other names are watched by themselves (`file_watches.rs`), what symlinks lead to is looked at when it is
//! asked for (`links.rs`). Unknown is a hard link that was made after the file was last looked at. The state of a file
//! that is opened is always looked at afresh.
//!
//! # What times don't tell
//! Who is writing: a file that is still being copied is there as soon as its name is, in the state of that instant.
//! Every answer looks at the file again, so the whole is shown when it is whole, but half of it is shown before. Where
//! that matters, copy under a hidden name and rename.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FileType, Stat, lstat};

use super::bookmark::Bookmark;
use super::events::{Events, FolderEvent, NotWatched};
use super::folder::FolderIdentity;
use super::glance::{Glance, Still};
use super::local::{Settings, walks};
use super::times::FolderTimes;
use super::unfinished::Unfinished;
use super::walk::Walk;
use super::{Changes, Root, StoreKey};

/// The watch over all roots of a store.
pub(super) struct Watch {
    roots: Vec<WatchedRoot>,
    events: Option<Events>,
    unfinished: Arc<Unfinished>,
    /// What was learned by the way and is still to be told.
    untold: Collected,
    glance: Arc<Glance>,
}

struct WatchedRoot {
    root: Root,
    path: PathBuf,
    /// The state folder, which is passed over.
    state: Option<FolderIdentity>,
    /// What the path led to when the watch on it began; `None` when it led nowhere, or the watch failed.
    identity: Option<FolderIdentity>,
    means: Means,
}

/// How a root is watched.
enum Means {
    Events,
    Times(FolderTimes),
}

impl WatchedRoot {
    fn walk(&self) -> Walk<'_> {
        Walk {
            root: self.root,
            path: &self.path,
            state: self.state,
        }
    }
}

impl Watch {
    /// Begins to watch. Never fails: what can't be watched by events is watched by times.
    ///
    /// Tells whether the folders stand where `bookmark` says; then they were not read, and nothing is told of them.
    pub(super) fn begin(settings: &Settings, bookmark: Option<&Bookmark>) -> (Self, bool) {
        let events = settings.watch.then(Events::begin).and_then(or_times);
        let watched = |walk: Walk<'_>| WatchedRoot {
            root: walk.root,
            path: walk.path.to_owned(),
            state: walk.state,
            identity: None,
            means: match events {
                Some(_) => Means::Events,
                None => Means::Times(FolderTimes::default()),
            },
        };
        let roots = walks(settings).map(watched).collect();
        let mut watch = Self {
            roots,
            events,
            unfinished: Arc::new(Unfinished::new(settings.quiet_for)),
            untold: Collected::default(),
            glance: Arc::default(),
        };
        let goes_on = bookmark.is_some_and(|bookmark| watch.go_on_from(bookmark));
        if !goes_on {
            watch.attach_where_needed();
        }
        (watch, goes_on)
    }

    /// Watches the folders of a bookmark; tells whether they are all there are, and as it says. Where they are not,
    /// whatever was begun is forgotten when the roots are attached.
    fn go_on_from(&mut self, bookmark: &Bookmark) -> bool {
        let Some(folders) = bookmark.folders() else {
            return false;
        };
        for root in &mut self.roots {
            root.identity = FolderIdentity::at(&root.path);
        }
        let (Some(events), roots) = (&mut self.events, &self.roots) else {
            return false;
        };
        let watched = folders.iter().all(|(root, below_root)| {
            let root = roots.iter().find(|watched| watched.root == *root);
            root.is_some_and(|root| events.attach_one(&root.walk(), below_root).is_ok())
        });
        let has_roots = roots.iter().all(|root| folders.contains(&(root.root, "")));
        // Compared when they are watched: no change can slip in between.
        let is_right = watched && has_roots && self.bookmark().as_ref() == Some(bookmark);
        if !is_right {
            self.roots.iter_mut().for_each(|root| root.identity = None);
        }
        is_right
    }

    /// Where the folders stand now, if a later change will show. Blocks.
    pub(super) fn bookmark(&self) -> Option<Bookmark> {
        let is_known = |root: &WatchedRoot| matches!(root.means, Means::Events) && root.identity.is_some();
        let events = self.events.as_ref().filter(|_| self.roots.iter().all(is_known))?;
        let path_of = |root| -> Option<&Path> {
            let root = self.roots.iter().find(|watched| watched.root == root)?;
            Some(&root.path)
        };
        Bookmark::make(events.folders(), path_of)
    }

    /// Whether a change inside a file is noticed in every root.
    pub(super) fn sees_content_changes(&self) -> bool {
        self.roots.iter().all(|root| matches!(root.means, Means::Events))
    }

    /// Watches a file that has other names as well, so that [`Watch::take`] tells what happens under those, too.
    pub(super) fn watch_file(&mut self, key: &StoreKey, path: &Path) -> FileWatch {
        if !self.sees_content_changes() {
            return FileWatch::Failed;
        }
        // Whatever came before is about another file, or about this one's name when it was new.
        self.look();
        let events = self.events.as_mut();
        events.map_or(FileWatch::Failed, |events| events.watch_file(key, path))
    }

    /// Ends the watch on a file that has no other name any more.
    pub(super) fn leave_file(&mut self, key: &StoreKey) {
        if let Some(events) = &mut self.events {
            events.leave_file(key);
        }
    }

    /// The files that are being written, as far as was learned by [`Watch::take`] and [`Watch::look`].
    pub(super) fn unfinished(&self) -> Arc<Unfinished> {
        Arc::clone(&self.unfinished)
    }

    /// Tells, without the lock on this watch, whether there is nothing to take.
    pub(super) fn glance(&self) -> Arc<Glance> {
        Arc::clone(&self.glance)
    }

    /// Learns which files are being written; the changes that it meets are told by the next [`Watch::take`].
    pub(super) fn look(&mut self) {
        self.glance.withdraw();
        let mut collected = std::mem::take(&mut self.untold);
        self.take_events(&mut collected);
        self.untold = collected;
        self.allow_glances();
    }

    /// What changed since the last call. Blocks only when folders came, went or have to be compared by their times.
    pub(super) fn take(&mut self) -> Changes {
        self.glance.withdraw();
        let mut collected = std::mem::take(&mut self.untold);
        self.take_events(&mut collected);
        if self.attach_where_needed() {
            collected.everything();
        }
        self.take_times(&mut collected);
        self.allow_glances();
        collected.into_changes()
    }

    /// Lets others see for themselves whether something has changed, where a change can be seen in the queue and the
    /// roots alone: a file that is being written also counts as finished when time has passed.
    fn allow_glances(&self) {
        let Some(events) = &self.events else { return };
        if !self.untold.is_empty() || !self.unfinished.is_empty() || !self.sees_content_changes() {
            return;
        }
        let standing = |root: &WatchedRoot| Some((root.path.clone(), root.identity?));
        if let Some(roots) = self.roots.iter().map(standing).collect() {
            let queue = events.queue();
            self.glance.offer(Still { queue, roots });
        }
    }

    fn take_events(&mut self, collected: &mut Collected) {
        self.read_events(collected);
        while self.sort_out_created(collected) {
            self.read_events(collected);
            let linked = collected.phases.extract_if(|_, phase| *phase == Phase::Linked);
            for (key, _) in linked.collect::<Vec<_>>() {
                self.unfinished.finished(&key);
                collected.key(key);
            }
        }
        for (key, phase) in std::mem::take(&mut collected.phases) {
            let is_news = match phase {
                Phase::Written | Phase::Created if !self.was_only_dated(&key) => {
                    self.unfinished.written(&key)
                }
                Phase::Suspected => self.unfinished.suspected(&key),
                _ => {
                    self.unfinished.finished(&key);
                    true
                }
            };
            if is_news {
                collected.key(key);
            }
        }
        for key in self.unfinished.take_quiet() {
            collected.key(key);
        }
    }

    /// Tells new names of files that were there before from files that are only now being written: the former have
    /// bytes that no event has told of. An event may still be on its way for those; tells whether there are some.
    fn sort_out_created(&self, collected: &mut Collected) -> bool {
        let mut may_be_linked = false;
        for (key, phase) in &mut collected.phases {
            if *phase != Phase::Created {
                continue;
            }
            *phase = match self.status(key) {
                Some(status) if FileType::from_raw_mode(status.st_mode).is_file() && status.st_size == 0 => {
                    Phase::Written
                }
                Some(status) if may_be_written_now(&status) && !self.unfinished.is_ours(key) => {
                    Phase::Suspected
                }
                // What is no plain file, or went again, is written by nobody.
                _ => Phase::Linked,
            };
            may_be_linked |= matches!(phase, Phase::Linked | Phase::Suspected);
        }
        may_be_linked
    }

    /// Whether the file's time was set, which has the same event as a write but no closing after it. A write sets the
    /// times of content and status to one value.
    fn was_only_dated(&self, key: &StoreKey) -> bool {
        self.status(key).is_some_and(|status| {
            (status.st_mtime, status.st_mtime_nsec) != (status.st_ctime, status.st_ctime_nsec)
        })
    }

    fn status(&self, key: &StoreKey) -> Option<Stat> {
        let root = self.roots.iter().find(|watched| watched.root == key.root())?;
        lstat(key.below(&root.path)).ok()
    }

    fn read_events(&mut self, collected: &mut Collected) {
        let folder_events = match &mut self.events {
            Some(events) => events.take(collected),
            None => return,
        };
        let Ok(folder_events) = folder_events else {
            self.begin_again();
            collected.everything();
            return;
        };
        for event in folder_events {
            match event {
                FolderEvent::Appeared { root, below_root } => {
                    self.folder_appeared(root, &below_root, collected)
                }
                FolderEvent::Vanished { root, below_root } => {
                    if let Some(events) = &mut self.events {
                        events.forget(root, &below_root);
                    }
                    collected.everything();
                }
            }
        }
    }

    /// A folder came, with all that is in it.
    fn folder_appeared(&mut self, root: Root, below_root: &str, collected: &mut Collected) {
        let Some(root) = self.roots.iter_mut().find(|watched| watched.root == root) else {
            return;
        };
        if let (Some(events), Means::Events) = (&mut self.events, &root.means)
            && let Err(error) = events.attach(&root.walk(), below_root, collected)
        {
            tracing::debug!(folder = %root.path.display(), error = ?error, "the watch on a new folder failed");
            // The root as a whole is attached anew, or by other means.
            root.identity = None;
            collected.everything();
        }
    }

    /// Events were lost, and with them the knowledge of which folders there are.
    fn begin_again(&mut self) {
        self.events = or_times(Events::begin());
        for root in &mut self.roots {
            if let (Means::Events, None) = (&root.means, &self.events) {
                root.means = Means::Times(FolderTimes::default());
            }
            root.identity = None;
        }
    }

    fn take_times(&mut self, collected: &mut Collected) {
        for root in &mut self.roots {
            let walk = Walk {
                root: root.root,
                path: &root.path,
                state: root.state,
            };
            let (Means::Times(times), Some(_)) = (&mut root.means, root.identity) else {
                continue;
            };
            match times.take(&walk) {
                Ok(false) => {}
                Ok(true) => collected.everything(),
                Err(error) => {
                    tracing::debug!(%error, "can't look for changes");
                    root.identity = None;
                    collected.everything();
                }
            }
        }
    }

    /// (Re)starts the watch on each root whose path leads to another folder than before: a link that was moved on,
    /// a folder that was renamed, made anew or mounted over. Tells whether there was one.
    fn attach_where_needed(&mut self) -> bool {
        let mut is_changed = false;
        for root in &mut self.roots {
            let now = FolderIdentity::at(&root.path);
            if now != root.identity {
                is_changed = true;
                root.identity = now.filter(|_| root.attach(self.events.as_mut()));
            }
        }
        is_changed
    }
}

impl WatchedRoot {
    /// Begins to watch the folder that the path leads to now. Tells whether the watch is complete.
    fn attach(&mut self, events: Option<&mut Events>) -> bool {
        if let (Means::Events, Some(events)) = (&self.means, events) {
            events.forget(self.root, "");
            let mut untold = Collected::default();
            untold.everything();
            match events.attach(&self.walk(), "", &mut untold) {
                Ok(()) => return true,
                Err(NotWatched::Failed(error)) => {
                    tracing::debug!(folder = %self.path.display(), %error, "the watch failed");
                    return false;
                }
                Err(NotWatched::NoEvents(reason)) => {
                    tracing::warn!(folder = %self.path.display(), reason,
                        "no change events; folders are compared by their times");
                    events.forget(self.root, "");
                }
            }
        }
        let times = FolderTimes::survey(&self.walk());
        let is_complete = times.is_ok();
        self.means = Means::Times(times.unwrap_or_default());
        is_complete
    }
}

/// Whether the bytes of a file whose name has just come may be the first ones of a writer. A link has left the file with
/// a second name, or with a change of its state after that of its bytes.
fn may_be_written_now(status: &Stat) -> bool {
    let is_file = FileType::from_raw_mode(status.st_mode).is_file();
    let last_change_was_a_write =
        (status.st_mtime, status.st_mtime_nsec) == (status.st_ctime, status.st_ctime_nsec);
    is_file && status.st_nlink == 1 && last_change_was_a_write
}

/// What became of the wish to have a file watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileWatch {
    /// It has been watched before.
    IsThere,
    /// It is watched from now on.
    IsNew,
    /// It can't be.
    Failed,
}

fn or_times(begun: std::io::Result<Events>) -> Option<Events> {
    begun
        .inspect_err(|error| tracing::warn!(%error, "no change events; folders are compared by their times"))
        .ok()
}

/// Changes as they are collected.
#[derive(Default)]
pub(super) struct Collected {
    keys: BTreeSet<StoreKey>,
    is_everything: bool,
    /// How far the writing of files has come that had events.
    phases: HashMap<StoreKey, Phase>,
}

/// How far the writing of a file has come, by its last event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its name came: it is about to be written, or it is another name of a file that was written before.
    Created,
    /// It is another name of a file that was written before, unless there is an event to come.
    Linked,
    /// It came with bytes that no event has told of, and nothing tells whether they were written before.
    Suspected,
    /// Bytes of it were changed.
    Written,
    /// It was closed, came by renaming, or went.
    Finished,
}

impl Collected {
    /// Above this a listing costs less than looking at each.
    const MANY_KEYS: usize = 20_000;

    /// There was an event for this key; its phase is `None` when the event had nothing to do with writing.
    pub(super) fn event(&mut self, key: StoreKey, phase: Option<Phase>) {
        match phase {
            Some(phase) => drop(self.phases.insert(key, phase)),
            None => self.key(key),
        }
    }

    /// Something happened to this key.
    pub(super) fn key(&mut self, key: StoreKey) {
        if !self.is_everything {
            self.keys.insert(key);
            self.is_everything = self.keys.len() > Self::MANY_KEYS;
        }
    }

    /// Anything may have happened.
    pub(super) fn everything(&mut self) {
        self.is_everything = true;
    }

    fn is_empty(&self) -> bool {
        !self.is_everything && self.keys.is_empty() && self.phases.is_empty()
    }

    fn into_changes(self) -> Changes {
        if self.is_everything {
            Changes::Everything
        } else if self.keys.is_empty() {
            Changes::None
        } else {
            Changes::Keys(self.keys.into_iter().collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_linked_is_told_from_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let [written, linked, temporary] =
            ["written", "linked", "temporary"].map(|name| folder.path().join(name));
        let may_be_written_now = |path: &Path| may_be_written_now(&lstat(path).unwrap());
        fs::write(&written, "the first bytes").unwrap();
        assert!(may_be_written_now(&written));
        fs::hard_link(&written, &linked).unwrap();
        assert!(!may_be_written_now(&linked), "it has two names");

        fs::write(&temporary, "whole").unwrap();
        // Longer than a tick of the file system's clock.
        std::thread::sleep(Duration::from_millis(30));
        fs::remove_file(&linked).unwrap();
        fs::hard_link(&temporary, &linked).unwrap();
        fs::remove_file(&temporary).unwrap();
        assert!(
            !may_be_written_now(&linked),
            "its state was changed after its bytes"
        );
        assert!(!may_be_written_now(folder.path()), "a folder");
    }
}
