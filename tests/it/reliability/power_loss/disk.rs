//! A disk that has forgotten what nobody asked it to keep.
//!
//! The rules are those of POSIX at their hardest: `fsync` of a file keeps its bytes and not its name, `fsync` of a folder
//! keeps the names in it, and of everything else any part may survive and any other part be lost, in any order.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use super::super::client::Dice;
use super::trace::Call;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Node {
    File(usize),
    Folder,
}

/// A change that the disk was not asked to keep yet. All are numbered in the order in which they were made.
#[derive(Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Clone, Default)]
struct File {
    kept: Vec<u8>,
    waiting: Vec<(usize, Change)>,
}

#[derive(Clone)]
struct NameChange {
    number: usize,
    folder: PathBuf,
    name: String,
    node: Option<Node>,
    /// Survives exactly when the change before it does.
    is_half: bool,
}

struct Open {
    path: PathBuf,
    node: Node,
    position: usize,
}

/// What survives of all that waits.
pub(super) enum Luck {
    Nothing,
    Everything,
    Some(Dice),
}

impl Luck {
    fn keeps(&mut self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Some(dice) => dice.below(2) == 0,
        }
    }
}

/// The folders of a program, as the disk has them and as the program sees them.
pub(super) struct Disk {
    bases: Vec<PathBuf>,
    files: Vec<File>,
    kept: BTreeMap<PathBuf, Node>,
    seen: BTreeMap<PathBuf, Node>,
    waiting: Vec<NameChange>,
    open: HashMap<i64, Open>,
    calls: usize,
}

impl Disk {
    /// Empty folders, which are there for good.
    pub(super) fn with(bases: &[PathBuf]) -> Self {
        let folders: BTreeMap<_, _> = bases.iter().map(|base| (base.clone(), Node::Folder)).collect();
        Self {
            bases: bases.to_owned(),
            files: Vec::new(),
            kept: folders.clone(),
            seen: folders,
            waiting: Vec::new(),
            open: HashMap::new(),
            calls: 0,
        }
    }

    /// Does what the program did; tells whether a file or a folder has changed.
    pub(super) fn apply(&mut self, call: &Call) -> bool {
        self.calls += 1;
        match call.name.as_str() {
            "openat" => self.open(call),
            "close" => {
                self.open.remove(&call.number(0));
                false
            }
            "lseek" => {
                if let Some(open) = self.open.get_mut(&call.number(0)) {
                    open.position = usize::try_from(call.result).unwrap();
                }
                false
            }
            "write" | "pwrite64" => self.write(call),
            "ftruncate" => self.change(
                call.number(0),
                Change::Length(usize::try_from(call.number(1)).unwrap()),
            ),
            "copy_file_range" => self.copy(call, call.number(2), call.number(0)),
            "sendfile" => self.copy(call, call.number(0), call.number(1)),
            "fsync" | "fdatasync" => {
                self.sync(call);
                false
            }
            "mkdir" => self.name(call.path(0), Some(Node::Folder)),
            "unlink" | "rmdir" => self.name(call.path(0), None),
            "unlinkat" => self.name(self.below(call, 0), None),
            "link" => self.rename(&call.path(0), call.path(1), true),
            "rename" => self.rename(&call.path(0), call.path(1), false),
            "linkat" => self.rename(&self.below(call, 0), self.below(call, 2), true),
            "renameat" | "renameat2" => self.rename(&self.below(call, 0), self.below(call, 2), false),
            other => {
                let concerns_us = call
                    .arguments
                    .first()
                    .and_then(|first| first.parse().ok())
                    .is_some_and(|number: i64| self.open.contains_key(&number));
                assert!(!concerns_us, "no idea what {other} does: {:?}", call.arguments);
                false
            }
        }
    }

    fn concerns_us(&self, path: &Path) -> bool {
        self.bases.iter().any(|base| path.starts_with(base))
    }

    /// The path that a folder's descriptor and a name stand for.
    fn below(&self, call: &Call, index: usize) -> PathBuf {
        let path = call.path(index + 1);
        match call.arguments[index].parse() {
            Ok(number) => match self.open.get(&number) {
                Some(folder) => folder.path.join(path),
                None => PathBuf::from("/elsewhere").join(path),
            },
            Err(_) => path,
        }
    }

    fn open(&mut self, call: &Call) -> bool {
        let path = self.below(call, 0);
        self.open.remove(&call.result);
        if !self.concerns_us(&path) {
            return false;
        }
        let flags = &call.arguments[2];
        let mut changed = false;
        if !self.seen.contains_key(&path) {
            assert!(flags.contains("O_CREAT"), "{} was never made", path.display());
            self.files.push(File::default());
            changed = self.name(path.clone(), Some(Node::File(self.files.len() - 1)));
        }
        let node = self.seen[&path];
        let position = 0;
        self.open.insert(call.result, Open { path, node, position });
        if flags.contains("O_TRUNC") {
            changed |= self.change(call.result, Change::Length(0));
        }
        changed
    }

    fn write(&mut self, call: &Call) -> bool {
        let Some(open) = self.open.get_mut(&call.number(0)) else {
            return false;
        };
        let mut bytes = call.bytes(1);
        bytes.truncate(usize::try_from(call.result).unwrap());
        let offset = match call.name.as_str() {
            "pwrite64" => usize::try_from(call.number(3)).unwrap(),
            _ => {
                open.position += bytes.len();
                open.position - bytes.len()
            }
        };
        self.change(call.number(0), Change::Write { offset, bytes })
    }

    fn copy(&mut self, call: &Call, target: i64, source: i64) -> bool {
        let length = usize::try_from(call.result).unwrap();
        if !self.open.contains_key(&target) {
            return false;
        }
        let Some(from) = self.open.get_mut(&source) else {
            return false;
        };
        let (node, start) = (from.node, from.position);
        from.position += length;
        let Node::File(file) = node else {
            panic!("a folder is copied")
        };
        let bytes = self.files[file].seen()[start..start + length].to_vec();
        let to = self.open.get_mut(&target).unwrap();
        to.position += length;
        let offset = to.position - length;
        self.change(target, Change::Write { offset, bytes })
    }

    fn change(&mut self, descriptor: i64, change: Change) -> bool {
        let Some(Open {
            node: Node::File(file),
            ..
        }) = self.open.get(&descriptor)
        else {
            return false;
        };
        self.files[*file].waiting.push((self.calls, change));
        true
    }

    fn name(&mut self, path: PathBuf, node: Option<Node>) -> bool {
        if !self.concerns_us(&path) {
            return false;
        }
        let folder = path.parent().unwrap().to_owned();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        match node {
            Some(node) => drop(self.seen.insert(path, node)),
            None => drop(self.seen.remove(&path)),
        }
        self.waiting.push(NameChange {
            number: self.calls,
            folder,
            name,
            node,
            is_half: false,
        });
        true
    }

    fn rename(&mut self, from: &Path, to: PathBuf, keeps_old: bool) -> bool {
        if !self.concerns_us(from) && !self.concerns_us(&to) {
            return false;
        }
        let node = self.seen[from];
        let file_is_renamed_to_itself = self.seen.get(&to) == Some(&node);
        if file_is_renamed_to_itself {
            return false;
        }
        // Within one folder that is one step; between two it need not be.
        self.name(to.clone(), Some(node));
        if !keeps_old {
            self.name(from.to_owned(), None);
        }
        let is_one_step = from.parent() == to.parent();
        if let [.., set, removed] = &mut self.waiting[..]
            && !keeps_old
        {
            (set.is_half, removed.is_half) = (false, is_one_step);
        }
        true
    }

    /// Keeps what was there when the call began.
    fn sync(&mut self, call: &Call) {
        let before = call.begun_after;
        match self
            .open
            .get(&call.number(0))
            .map(|open| (open.node, open.path.clone()))
        {
            Some((Node::File(file), _)) => self.files[file].keep(before),
            Some((Node::Folder, path)) => {
                let kept = &mut self.kept;
                self.waiting.retain(|change| {
                    let is_kept = change.folder == path && change.number <= before;
                    if is_kept {
                        change.apply(kept);
                    }
                    !is_kept
                });
            }
            None => {}
        }
    }

    /// Lays out what a power loss now would leave, in the folders' own places.
    pub(super) fn lay_out(&self, mut luck: Luck) {
        let mut names = self.kept.clone();
        let mut is_kept = false;
        for change in &self.waiting {
            if !change.is_half {
                is_kept = luck.keeps();
            }
            if is_kept {
                change.apply(&mut names);
            }
        }
        for base in &self.bases {
            let _ = fs::remove_dir_all(base);
            fs::create_dir_all(base).unwrap();
        }
        let mut contents: HashMap<usize, PathBuf> = HashMap::new();
        // In order: a folder comes before what is in it. What is in a folder whose own name was lost is lost with it.
        for (path, node) in &names {
            if !path.parent().is_some_and(Path::is_dir) {
                continue;
            }
            match node {
                Node::Folder => fs::create_dir_all(path).unwrap(),
                Node::File(file) => {
                    if let Some(first) = contents.get(file) {
                        fs::hard_link(first, path).unwrap();
                        continue;
                    }
                    fs::write(path, self.files[*file].after(&mut luck)).unwrap();
                    contents.insert(*file, path.clone());
                }
            }
        }
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, Node>) {
        let path = self.folder.join(&self.name);
        match self.node {
            Some(node) => drop(names.insert(path, node)),
            None => drop(names.remove(&path)),
        }
    }
}

impl File {
    fn keep(&mut self, before: usize) {
        let (kept, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(number, _)| *number <= before);
        self.waiting = waiting;
        for (_, change) in kept {
            change.apply(&mut self.kept);
        }
    }

    fn seen(&self) -> Vec<u8> {
        self.after(&mut Luck::Everything)
    }

    fn after(&self, luck: &mut Luck) -> Vec<u8> {
        let mut bytes = self.kept.clone();
        for (_, change) in &self.waiting {
            if luck.keeps() {
                change.apply(&mut bytes);
            }
        }
        bytes
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Length(length) => content.resize(*length, 0),
            Self::Write { offset, bytes } => {
                if content.len() < offset + bytes.len() {
                    content.resize(offset + bytes.len(), 0);
                }
                content[*offset..offset + bytes.len()].copy_from_slice(bytes);
            }
        }
    }
}
