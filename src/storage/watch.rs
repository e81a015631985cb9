//! What changed in the roots since it was last asked.
//!
//! Each root is watched in one of two ways. On Linux the system queues an event for every change before the call
//! that made the change returns; reading that queue is all it takes to know everything. Where there are no such
//! events (other systems, network file systems, more folders than may be watched) the times of folders are
//! compared, which tells everything but changes made inside a file that stays.
//!
//! # What events don't tell
//! Writing through a memory map, or through another name of the file outside the roots (a hard link); changes of
//! what a symlink leads to; a file system that is mounted over a folder below a root. The state of a file that is
//! opened is always looked at afresh.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::events::{Events, FolderEvent, NotWatched};
use super::folder::FolderIdentity;
use super::local::{Settings, walks};
use super::times::FolderTimes;
use super::walk::Walk;
use super::{Changes, Root, StoreKey};

/// The watch over all roots of a store.
pub(super) struct Watch {
    roots: Vec<WatchedRoot>,
    events: Option<Events>,
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
    pub(super) fn begin(settings: &Settings) -> Self {
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
        let mut watch = Self { roots, events };
        watch.attach_where_needed();
        watch
    }

    /// Whether a change inside a file is noticed in every root.
    pub(super) fn sees_content_changes(&self) -> bool {
        self.roots.iter().all(|root| matches!(root.means, Means::Events))
    }

    /// What changed since the last call. Blocks only when folders came, went or have to be compared by their times.
    pub(super) fn take(&mut self) -> Changes {
        let mut collected = Collected::default();
        self.take_events(&mut collected);
        if self.attach_where_needed() {
            collected.everything();
        }
        self.take_times(&mut collected);
        collected.into_changes()
    }

    fn take_events(&mut self, collected: &mut Collected) {
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
}

impl Collected {
    /// Above this a listing costs less than looking at each.
    const MANY_KEYS: usize = 20_000;

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
